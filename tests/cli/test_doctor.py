"""nearkin doctor: each part of a collection damaged for real, found, told and repaired."""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from nearkin.collection import Collection
from nearkin.collection.lock import writing
from nearkin.collection.manifest import Manifest
from nearkin.service.keys import Keys
from nearkin.service.state import State
from nearkin.tables import Catalog
from tests import stores


@pytest.fixture
def looked(run, shop):
    """What the command finds, by kind; its exit status must say the same."""

    def look(*options):
        done = run("doctor", shop, "--json", *options)
        found = [json.loads(line) for line in done.stdout.splitlines()]
        if not options:
            assert done.exit_code == (1 if found else 0), done.stderr
        assert all(set(each) == {"what", "where", "means", "repair"} and all(each.values()) for each in found)
        return [each["what"] for each in found], found, done

    return look


def mended(looked, shop, *kinds):
    """The kinds are found, repaired, and gone; the collection then answers."""
    assert looked()[0] == list(kinds)
    names, _, done = looked("--repair")
    assert names == list(kinds)
    assert done.exit_code == 0, done.stderr
    assert looked()[0] == []
    return Collection.open(shop)


def stage_folder(shop, name):
    return shop / "stages" / Manifest.read(shop).stages[name]


def flipped(path: Path, place: float = 0.5) -> None:
    """One bit of the file, so far into it, turned."""
    data = bytearray(path.read_bytes())
    data[int(len(data) * place)] ^= 1
    path.write_bytes(data)


def test_a_sound_collection_is_clean(looked, shop):
    found, _, done = looked()
    assert found == []
    assert "0 findings" in done.stderr


def test_a_plain_line_tells_all_four(run, shop):
    (shop / "stages" / "words-9-abcdef").mkdir()
    done = run("doctor", shop)
    what, where, means, repair = done.stdout.strip().split("\t")
    assert (what, Path(where).name, repair) == ("orphan stage", "words-9-abcdef", "removes it")
    assert "no manifest" in means


def test_orphans_and_drafts_are_removed(looked, shop):
    (shop / "stages" / "words-9-abcdef").mkdir()
    (shop / "stages" / ".meaning-9-abcdef.12345678").mkdir()
    (shop / ".kin.toml.4711").write_text("half a mani")
    old = shop.parent / f".{shop.name}.0123abcd"
    old.mkdir()
    os.utime(old, (0, 0))
    young = shop.parent / f".{shop.name}.0123abce"
    young.mkdir()
    mended(looked, shop, "left-over draft", "orphan stage", "left-over draft", "left-over draft")
    assert not old.exists()
    assert young.exists()  # a build may be at it


def test_one_turned_bit_of_a_stage_is_seen_and_the_stages_fitted_anew(looked, shop):
    before = Collection.open(shop).search("running shoe", k=3).ids()
    for name in ("words", "meaning"):
        flipped(stage_folder(shop, name) / "arrays.safetensors", 0.9)
    assert mended(looked, shop, "damaged stage", "damaged stage").search("running shoe", k=3).ids() == before


@pytest.mark.parametrize("file", ["stage.json", "arrays.safetensors"])
def test_a_stage_cut_short_is_made_anew_from_how_it_was_made(looked, shop, file):
    before = Collection.open(shop).search("running shoe", k=3).ids()
    path = stage_folder(shop, "meaning") / file
    path.write_bytes(path.read_bytes()[:20])
    assert mended(looked, shop, "damaged stage").search("running shoe", k=3).ids() == before


def test_a_table_that_is_gone_from_its_store_is_filled_anew(looked, shop):
    from nearkin.encoders.static_words import StaticWords
    from nearkin.indexes.pgvector import PgVectorIndex

    things = Collection.open(shop).catalog
    shutil.rmtree(shop)
    branches = {"meaning": (StaticWords(), PgVectorIndex(address=stores.postgres(), table="doctor"))}
    with Collection.build(shop, things, branches=branches) as collection:
        before = collection.search("running shoe", k=3).ids()
        collection._snapshot.branches["meaning"].index.drop()
    assert mended(looked, shop, "damaged stage").search("running shoe", k=3).ids() == before


def test_a_lost_recommender_is_learned_anew(looked, shop):
    before = Collection.open(shop).recommend([["a1"]], k=2).ids()
    shutil.rmtree(stage_folder(shop, "recommend"))
    assert mended(looked, shop, "damaged stage").recommend([["a1"]], k=2).ids() == before


def test_a_damaged_map_is_drawn_anew(looked, shop):
    with Collection.open(shop) as collection:
        collection.lay_out()
        places = collection.layout.places
    flipped(stage_folder(shop, "layout") / "arrays.safetensors", 0.9)
    np.testing.assert_allclose(mended(looked, shop, "damaged stage").layout.places, places)


def test_stages_of_other_things_than_the_catalogues_are_fitted_anew(looked, shop):
    with Collection.open(shop) as collection:
        collection.add(Catalog.of(["a9"], title=["green umbrella"]))
        collection.remove(["a3"])
    found = looked()[1]
    assert [each["what"] for each in found] == ["stale index"] * 2
    assert "1 rows" in found[0]["means"]
    assert "1 things have no row" in found[0]["means"]
    with mended(looked, shop, "stale index", "stale index") as collection:
        assert collection.search("umbrella", k=1).ids() == [["a9"]]
        assert collection._snapshot.branches["words"].added == 0


def test_the_layout_is_kept_when_stages_are_fitted_anew(looked, shop):
    with Collection.open(shop) as collection:
        collection.lay_out()
        collection.remove(["a3"])
    assert mended(looked, shop, "stale index", "stale index").layout is not None


def fragment_files(shop):
    return sorted((shop / "catalog.lance" / "data").iterdir(), key=lambda path: path.stat().st_mtime)


def test_a_broken_fragment_is_left_out_and_the_loss_is_told(looked, shop):
    with Collection.open(shop) as collection:
        collection.add(Catalog.of(["a8", "a9"], title=["green umbrella", "brown belt"]))
    path = fragment_files(shop)[-1]
    path.write_bytes(path.read_bytes()[:-30])
    found = looked()[1]
    assert found[0]["what"] == "broken fragment"
    assert path.name in found[0]["where"]
    assert "2 rows are lost" in found[0]["repair"]
    looked("--repair")
    assert looked()[0] == []
    with Collection.open(shop) as collection:
        assert len(collection) == 5
        assert collection.search("red running shoe", k=1).ids() == [["a1"]]


def test_a_fragment_that_is_gone_is_found(looked, shop):
    with Collection.open(shop) as collection:
        collection.add(Catalog.of(["a8"], title=["green umbrella"]))
    fragment_files(shop)[-1].unlink()
    assert looked()[0][0] == "broken fragment"


def test_a_damaged_version_gives_way_to_the_one_before(looked, shop):
    with Collection.open(shop) as collection:
        before = collection.version
        collection.add(Catalog.of(["a8"], title=["green umbrella"]))
    newest = min((shop / "catalog.lance" / "_versions").glob("*.manifest"))
    newest.write_bytes(b"nothing")
    assert "damaged version" in looked()[0]
    looked("--repair")
    assert looked()[0] == []
    with Collection.open(shop) as collection:
        assert collection.version == before
        assert len(collection) == 5
        collection.add(Catalog.of(["a8"], title=["green umbrella"]))
        assert collection.search("umbrella", k=1).ids() == [["a8"]]


@pytest.mark.parametrize("left", ["nothing", "half", "rubbish"])
def test_a_damaged_manifest_is_recovered_from_what_is_on_disk(looked, shop, left):
    before = Manifest.read(shop)
    answers = Collection.open(shop).search("running shoe", k=3).ids()
    path = shop / "kin.toml"
    text = path.read_text()
    if left == "nothing":
        path.unlink()
    else:
        path.write_bytes(text[: len(text) // 2].encode() + b'"\xff' if left == "half" else b"\x00\xff[[[")
    with mended(looked, shop, "damaged manifest") as collection:
        assert collection.search("running shoe", k=3).ids() == answers
        assert collection.recommend([["a1"]], k=1).ids()[0]
    after = Manifest.read(shop)
    assert (after.stages, after.search, after.weights, after.by) == (before.stages, before.search, before.weights, before.by)
    assert (after.recommend, after.edges) == (before.recommend, before.edges)
    assert after.roles["sku"] == "id"
    assert after.roles == before.roles or left != "half"


def test_what_nobody_can_repair_is_told_and_nothing_is_touched(run, shop):
    shutil.rmtree(shop / "catalog.lance")
    (shop / "kin.toml").unlink()
    for options in ([], ["--repair"]):
        done = run("doctor", shop, "--json", *options)
        assert done.exit_code == 1
        assert {json.loads(line)["repair"] for line in done.stdout.splitlines()} == {"none: restore from a backup"}
    assert (shop / "stages").is_dir()


def test_a_damaged_state_is_written_anew_with_what_can_be_read(looked, shop):
    with closing(State(shop)) as state:
        Keys(state).add(["read"], name="ann")
        for number in range(400):
            state.run("INSERT INTO replies (key, digest, made, body) VALUES (?, ?, 0, ?)", f"k{number}", b"d", b"b" * 500)
        state.run("PRAGMA wal_checkpoint(TRUNCATE)")
    path = shop / ".service" / "state.sqlite3"
    data = bytearray(path.read_bytes())
    data[-40_000:-20_000] = b"\x99" * 20_000
    path.write_bytes(data)
    mended(looked, shop, "damaged state")
    with closing(State(shop)) as state:
        assert [row["name"] for row in Keys(state).listed()] == ["ann"]
        assert 0 < state.run("SELECT count(*) AS n FROM replies")[0]["n"] < 400
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_state_that_is_no_database_is_begun_anew(looked, shop):
    State(shop).close()
    (shop / ".service" / "state.sqlite3").write_bytes(b"rubbish" * 1000)
    mended(looked, shop, "damaged state")
    with closing(sqlite3.connect(shop / ".service" / "state.sqlite3")) as base:
        assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_sockets_on_which_nobody_answers_are_removed_and_others_stay(looked, shop, monkeypatch):
    monkeypatch.chdir(shop)  # names of sockets are short
    (shop / ".service").mkdir(exist_ok=True)
    with socket.socket(socket.AF_UNIX) as dead, socket.socket(socket.AF_UNIX) as alive:
        dead.bind(".service/dead")
        alive.bind(".service/alive")
        alive.listen()
        dead.close()
        for name in ("dead", "alive"):
            os.utime(shop / ".service" / name, (0, 0))
        if len(str(shop / ".service" / "alive")) < 100:
            assert looked()[0] == ["stale socket"]
            looked("--repair")
            assert not (shop / ".service" / "dead").exists()
        assert (shop / ".service" / "alive").exists()


def test_nothing_is_repaired_while_another_process_writes(run, shop):
    (shop / "stages" / "words-9-abcdef").mkdir()
    code = "import sys, time\nfrom pathlib import Path\nfrom nearkin.collection.lock import writing\n"
    code += "with writing(Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(60)\n"
    with subprocess.Popen([sys.executable, "-c", code, str(shop)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        assert run("doctor", shop).exit_code == 0  # what may be another's work in progress is no finding
        from nearkin.collection import doctor
        from nearkin.errors import Busy

        with pytest.raises(Busy):
            doctor.repair(shop, wait_s=0.1)
        other.kill()
    assert (shop / "stages" / "words-9-abcdef").exists()
    assert run("doctor", shop, "--repair").exit_code == 0  # the lock of a process that died holds nobody back
    assert not (shop / "stages" / "words-9-abcdef").exists()


def test_a_folder_that_is_no_collection_is_refused(run, tmp_path):
    done = run("doctor", tmp_path)
    assert done.exit_code == 2
    assert "no nearkin collection" in done.stderr


def test_the_lock_is_free_after_a_look(run, shop):
    run("doctor", shop)
    started = time.monotonic()
    with writing(shop, 0.0):
        assert time.monotonic() - started < 5
