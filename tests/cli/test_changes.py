"""Building, adding, removing, exporting: what a collection goes through."""

import json

import pyarrow.parquet as pq

from tests.cli.conftest import objects


def test_build_tells_roles_on_stderr_and_nothing_on_stdout(files, run, tmp_path):
    done = run("build", tmp_path / "shop", files / "items.csv", "--role", "title=category", "--id", "sku")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "title: category (as you said)" in done.stderr
    assert "price: number (numbers)" in done.stderr


def test_a_beir_corpus_is_taken_as_it_is(run, tmp_path):
    import gzip

    lines = [json.dumps({"_id": f"d{n}", "title": f"title {n}", "text": "some words", "metadata": {"n": n}}) for n in range(3)]
    (tmp_path / "corpus.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    assert run("build", tmp_path / "docs", tmp_path / "corpus.jsonl.gz").exit_code == 0
    assert [thing["_id"] for thing in objects(run("export", tmp_path / "docs", "--json"))] == ["d0", "d1", "d2"]


def test_things_between_each_other_are_edges(files, run, tmp_path):
    (tmp_path / "edges.tsv").write_text("source\ttarget\na1\ta2\na2\ta1\na3\ta4\n")
    done = run("build", tmp_path / "shop", files / "items.csv", "--links", tmp_path / "edges.tsv")
    assert done.exit_code == 0, done.stderr
    assert "3 links between the things" in done.stderr


def test_add_and_remove_are_seen_at_once(shop, run, tmp_path):
    (tmp_path / "more.csv").write_text("sku,title,brand,price\na6,green hat,Zed,5\na1,red sandal,Acme,60\n")
    assert "1 things added, 1 replaced; 6 in all" in run("add", shop, tmp_path / "more.csv").stderr
    assert objects(run("search", shop, "sandal", "-k", 1, "--json"))[0]["item"] == "a1"
    assert run("remove", shop, "a6").exit_code == 0
    assert "a6" not in run("search", shop, "green hat", "--json").stdout
    assert [thing["sku"] for thing in objects(run("export", shop, "--json"))] == ["a2", "a3", "a4", "a5", "a1"]
    assert run("compact", shop).exit_code == 0
    assert objects(run("info", shop, "--json"))[0]["things"] == 5


def test_export_is_what_build_read(built, run, tmp_path):
    things = objects(run("export", built, "--json"))
    assert things[0] == {"sku": "a1", "title": "red running shoe", "brand": "Acme", "price": 59.5}
    assert run("export", built).stdout.splitlines()[:2] == ["sku\ttitle\tbrand\tprice", "a1\tred running shoe\tAcme\t59.5"]
    assert run("export", built, "--to", tmp_path / "all.parquet").exit_code == 0
    assert pq.read_table(tmp_path / "all.parquet").to_pylist() == things


def test_info_tells_the_roles(built, run):
    told = dict(line.split("\t") for line in run("info", built).stdout.splitlines())
    assert told["roles"] == "sku: id, title: text, brand: category, price: number"
    assert told["things"] == "5"
