"""What commands answer: one line a hit, tabs for people and JSON for programs."""

import json

from tests.cli.conftest import objects


def test_search_prints_a_line_a_hit(built, run):
    first, *rest = objects(run("search", built, "wool hat", "boot", "-k", 2, "--json"))
    assert {name: first[name] for name in ("query", "item", "rank")} == {"query": "wool hat", "item": "a3", "rank": 1}
    assert [(line["query"], line["rank"]) for line in rest] == [("wool hat", 2), ("boot", 1), ("boot", 2)]
    query, item, rank, score, title = run("search", built, "wool hat", "-k", 1).stdout.rstrip("\n").split("\t")
    assert (query, item, rank, title) == ("wool hat", "a3", "1", "wool winter hat")
    assert float(score) > 0


def test_queries_come_from_files_and_from_stdin(built, run, tmp_path):
    (tmp_path / "queries.jsonl").write_text('{"_id": "q7", "text": "gloves"}\n')
    assert objects(run("search", built, "--queries", tmp_path / "queries.jsonl", "-k", 1, "--json"))[0]["query"] == "q7"
    assert run("search", built, "-k", 1, input="gloves\n\nboot\n").stdout.split("\t")[1] == "a4"


def test_where_and_stage_and_explain(built, run):
    found = objects(run("search", built, "shoe", "--where", "price < 50 AND brand = 'Acme'", "--json"))
    assert [line["item"] for line in found] == ["a2"]
    found = objects(run("search", built, "shoe", "--stage", "words", "--explain", "-k", 1, "--json"))
    assert "shoe" in found[0]["why"]["words"]
    assert "words: shoe" in run("search", built, "shoe", "--explain", "-k", 1).stdout


def test_similar_leaves_the_thing_itself_out(built, run):
    found = objects(run("similar", built, "a1", "a3", "-k", 1, "--json"))
    assert [(line["query"], line["item"]) for line in found] == [("a1", "a2"), ("a3", "a4")]


def test_recommend_after_ids_and_after_histories(built, run, tmp_path):
    assert objects(run("recommend", built, "--after", "a3,a4", "-k", 1, "--json"))[0]["item"] == "a1"
    (tmp_path / "h.jsonl").write_text('{"id": "u", "history": ["a1", "zz"]}\n{"id": "v", "history": ["a3"]}\n')
    done = run("recommend", built, "--histories", tmp_path / "h.jsonl", "-k", 1)
    assert [line.split("\t")[:2] + line.split("\t")[4:] for line in done.stdout.splitlines()] == [
        ["u", "a2", "blue running shoe"],
        ["v", "a4", "warm winter gloves"],
    ]
    assert "1 ids are not in" in done.stderr


def test_match_finds_the_same_things(run, tmp_path):
    names = [
        f"{colour} {thing} number {size}" for colour in ("red", "blue", "green") for thing in ("shoe", "hat", "boot") for size in range(5)
    ]
    (tmp_path / "left.jsonl").write_text("".join(json.dumps({"id": f"l{n}", "name": name}) + "\n" for n, name in enumerate(names)))
    (tmp_path / "right.tsv").write_text("id\ttitle\n" + "".join(f"r{n}\t{name.upper()}\n" for n, name in enumerate(names)))
    found = objects(run("match", tmp_path / "left.jsonl", tmp_path / "right.tsv", "--json"))
    right = sum(line["left"][1:] == line["right"][1:] for line in found)
    assert right >= 40
    assert found == sorted(found, key=lambda line: -line["score"])


def test_a_table_is_matched_with_itself_and_kept_in_a_collection(run, tmp_path):
    names = [f"{colour} {thing} of {size} pieces" for colour in ("red", "blue") for thing in ("shoe", "hat", "boot") for size in range(5)]
    rows = [("a", name) for name in names] + [("b", name.upper()) for name in names[:10]]
    items = tmp_path / "items.jsonl"
    items.write_text("".join(json.dumps({"id": f"{mark}{names.index(name.lower())}", "name": name}) + "\n" for mark, name in rows))
    found = objects(run("match", items, "--json"))
    right = sum(line["left"][1:] == line["right"][1:] for line in found)
    assert right >= 9
    assert len({frozenset((line["left"], line["right"])) for line in found}) == len(found)
    assert run("build", tmp_path / "shop", items).exit_code == 0
    kept = run("match", tmp_path / "shop", "--keep")
    assert kept.exit_code == 0, kept.stderr
    assert "sure " in kept.stderr
    assert run("match", items, tmp_path / "shop", "--keep").exit_code == 0
    assert len(list((tmp_path / "shop" / ".service" / "matches").glob("*.arrow"))) == 2
    assert run("match", items, "--keep").exit_code == 2
    (tmp_path / "pairs.tsv").write_text("a0\tb0\na0\ta7\n")
    told = objects(run("match", tmp_path / "shop", "--pairs", tmp_path / "pairs.tsv", "--json"))
    assert [(line["left"], line["right"]) for line in told] == [("a0", "b0"), ("a0", "a7")]
    assert told[0]["score"] > told[1]["score"]
    (tmp_path / "pairs.tsv").write_text("a0 b0\n")
    assert run("match", tmp_path / "shop", "--pairs", tmp_path / "pairs.tsv").exit_code == 2


def test_evaluate_compares_the_stages(built, run, tmp_path):
    (tmp_path / "queries.jsonl").write_text('{"_id": "1", "text": "winter hat"}\n{"_id": "2", "text": "running shoe"}\n')
    (tmp_path / "test.tsv").write_text("query-id\tcorpus-id\tscore\n1\ta3\t1\n2\ta1\t1\n2\ta2\t1\n")
    done = run(
        "evaluate", built, "--queries", tmp_path / "queries.jsonl", "--judgements", tmp_path / "test.tsv", "--metrics", "nDCG@10", "--json"
    )
    rows = objects(done)
    assert [row["system"] for row in rows] == ["words", "meaning", "all"]
    assert rows[0]["mean"] == 1


def test_papers_are_listed_without_heavy_imports(process):
    done = process("papers", "--json")
    assert done.returncode == 0, done.stderr
    papers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(papers) == 71
    assert {"number", "name", "built", "title", "claim"} == papers[0].keys()
