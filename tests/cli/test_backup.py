"""nearkin backup and restore: one version, taken while others write, and nothing but that comes back."""

import gzip
import io
import json
import sqlite3
import tarfile
import threading
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from nearkin.collection import Collection, archive, restoring
from nearkin.collection import backup as backups
from nearkin.collection.lock import writing
from nearkin.errors import BadInput, Busy
from nearkin.service.keys import Keys
from nearkin.service.state import State
from nearkin.service.state_copy import copy_state
from nearkin.tables import Catalog


def told(collection):
    """All that a collection answers here: its things, and hits with scores."""
    hits = [(one.query, one.item, round(one.score, 6)) for one in collection.search(["red running shoe", "warm"], k=20)]
    return sorted(map(str, collection.export())), hits, collection.recommend([["a1"]], k=2).ids()


@pytest.fixture
def kept(run, shop, tmp_path):
    file = tmp_path / "shop.tar.zst"
    done = run("backup", shop, file)
    assert done.exit_code == 0, done.stderr
    return SimpleNamespace(file=file, place=shop, said=done.stderr)


def members(file):
    """Names and contents, in order."""
    with archive.opened(file) as tar:
        return [(member.name, tar.extractfile(member).read()) for member in tar]


def packed(file, parts):
    """A backup made by hand of (name or header, contents)."""
    with gzip.open(file, "wb") as raw, tarfile.open(fileobj=raw, mode="w") as tar:
        for name, data in parts:
            member = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            member.size = len(data) if member.isreg() else 0
            tar.addfile(member, io.BytesIO(data) if member.isreg() else None)
    return file


@pytest.mark.parametrize("name", ["shop.tar.zst", "shop.tar.gz"])
def test_what_comes_back_is_what_was_there(run, shop, tmp_path, name):
    with Collection.open(shop) as collection:
        collection.add(Catalog.of(["a9"], title=["green umbrella"]))
        collection.remove(["a3"])
        collection.lay_out()
        before = told(collection)
    assert run("backup", shop, tmp_path / name).exit_code == 0
    done = run("restore", tmp_path / name, tmp_path / "again")
    assert done.exit_code == 0, done.stderr
    with Collection.open(tmp_path / "again") as again:
        assert told(again) == before
        assert again.version == Collection.open(shop).version
        assert again.layout is not None
        again.add(Catalog.of(["b1"], title=["brass lamp"]))
        again.compact()
        assert again.search("lamp", k=1).ids() == [["b1"]]
    assert run("doctor", tmp_path / "again").exit_code == 0
    assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "again", "shop"])


def test_what_was_removed_is_not_in_it(run, shop, tmp_path):
    with Collection.open(shop) as collection:
        collection.add(Catalog.of(["x1"], title=["unutterable zyzzyva"]))
        collection.remove(["x1"])
        collection.compact(keep_history=True)
    run("backup", shop, tmp_path / "b.tar.gz")
    assert not any(b"zyzzyva" in data for _, data in members(tmp_path / "b.tar.gz"))


def test_a_backup_while_others_write_is_one_version(shop, tmp_path):
    """A thread writes all the time; each backup must answer as the version that it says, which is opened beside it."""
    stop, failed = threading.Event(), []

    def write():
        number = 0
        with Collection.open(shop) as collection:
            while not stop.is_set():
                number += 1
                try:
                    collection.add(Catalog.of([f"n{number % 7}", f"m{number}"], title=[f"warm thing {number}", "red running sock"]))
                    collection.remove([f"m{number}"])
                except Busy:
                    continue
                except Exception as error:
                    failed.append(error)
                    return

    writer = threading.Thread(target=write)
    writer.start()
    try:
        found = [backups.backup(shop, tmp_path / f"{number}.tar.zst", copy_state) for number in range(4)]
    finally:
        stop.set()
        writer.join(60)
    assert not failed
    assert len({each.version for each in found}) > 1
    for number, each in enumerate(found):
        assert restoring.restore(tmp_path / f"{number}.tar.zst", tmp_path / str(number)) == each
        with Collection.open(tmp_path / str(number)) as again, Collection.open(shop, version=each.version) as then:
            assert told(again) == told(then)


def test_a_compaction_after_the_links_were_made_takes_nothing_away(shop, tmp_path, monkeypatch):
    with Collection.open(shop) as collection:
        collection.remove(["a3"])
        before = told(collection)
    packed_before = backups._packed

    def compacted_first(*given):
        with Collection.open(shop) as collection:
            collection.add(Catalog.of(["a1"], title=["something else"]))
            collection.compact()
        return packed_before(*given)

    monkeypatch.setattr(backups, "_packed", compacted_first)
    backups.backup(shop, tmp_path / "b.tar.zst")
    restoring.restore(tmp_path / "b.tar.zst", tmp_path / "again")
    assert told(Collection.open(tmp_path / "again")) == before


def test_a_disk_without_links_is_copied(shop, tmp_path, monkeypatch):
    real = backups.os.link

    def without(source, goal):
        if ".lance" in str(source) or "stages" in str(source):
            raise OSError(1, "no links here")
        real(source, goal)

    monkeypatch.setattr(backups.os, "link", without)
    backups.backup(shop, tmp_path / "b.tar.zst")
    restoring.restore(tmp_path / "b.tar.zst", tmp_path / "again")
    assert told(Collection.open(tmp_path / "again")) == told(Collection.open(shop))


def test_keys_come_back_as_hashes_and_secrets_stay(run, shop, tmp_path):
    with closing(State(shop)) as state:
        key, secret = Keys(state).add(["read"], name="ann"), state.secret()
        state.run("INSERT INTO jobs (id, kind, asked, state, made) VALUES ('j', 'compact', '{}', 'queued', 1)")
        run("backup", shop, tmp_path / "b.tar.zst")  # while the service has the state open
    parts = dict(members(tmp_path / "b.tar.zst"))
    assert ".service/state.sqlite3" in parts
    assert not any(secret in data or key.split("_", 2)[2].encode() in data for data in parts.values())
    run("restore", tmp_path / "b.tar.zst", tmp_path / "again")
    with closing(State(tmp_path / "again")) as state:
        assert Keys(state).who({"authorization": f"Bearer {key}"}, "10.0.0.1").scopes == {"read"}
        assert state.run("SELECT id FROM jobs")[0]["id"] == "j"
        assert state.secret() != secret
    assert (tmp_path / "again" / ".service" / "state.sqlite3").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "again" / ".service").stat().st_mode & 0o777 == 0o700


def test_places_and_files_that_are_taken_are_refused(run, kept, tmp_path):
    for arguments in (["backup", kept.place, kept.file], ["restore", kept.file, kept.place], ["restore", tmp_path / "no", tmp_path / "p"]):
        done = run(*arguments)
        assert done.exit_code == 2, arguments
    (tmp_path / "empty").mkdir()
    assert run("restore", kept.file, tmp_path / "empty").exit_code == 0
    with writing(kept.place), pytest.raises(Busy):
        backups.backup(kept.place, tmp_path / "other", wait_s=0.1)
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_file_cut_short_or_with_a_turned_bit_is_refused(kept, tmp_path, share):
    data = kept.file.read_bytes()
    turned = bytearray(data)
    turned[int(len(data) * share)] ^= 4
    for wrong in (data[: int(len(data) * share)], bytes(turned)):
        (tmp_path / "wrong").write_bytes(wrong)
        with pytest.raises(BadInput):
            restoring.restore(tmp_path / "wrong", tmp_path / "again")
        assert not (tmp_path / "again").exists()
    assert not list(tmp_path.glob(".again*"))


def link_to(name, goal, kind=tarfile.SYMTYPE):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, goal
    return member


@pytest.mark.parametrize(
    "evil",
    [
        "../outside",
        "/nearkin-outside",
        "stages/../../outside",
        "stages/words/../../../outside",
        "catalog.lance/data/../../../outside",
        "stages/a/b\\c",
        "kin.toml/x",
        "elsewhere",
        "",
        link_to("stages/w/link", "/etc/passwd"),
        link_to("stages/w/link", "kin.toml", tarfile.LNKTYPE),
        link_to("stages", "/tmp"),
        link_to(".service/fifo", "", tarfile.FIFOTYPE),
        link_to("stages/w", "", tarfile.DIRTYPE),
    ],
    ids=lambda evil: evil if isinstance(evil, str) else f"{evil.name} of type {evil.type!r}",
)
def test_names_that_lead_elsewhere_and_links_are_refused(kept, tmp_path, evil):
    parts = members(kept.file)
    packed(tmp_path / "evil.gz", [parts[0], (evil, b"owned"), *parts[1:]])
    with pytest.raises(BadInput, match="not a plain file"):
        restoring.restore(tmp_path / "evil.gz", tmp_path / "in" / "again")
    assert not list(tmp_path.rglob("*outside"))
    assert not Path("/nearkin-outside").exists()
    assert list((tmp_path / "in").iterdir()) == []


def test_what_is_no_backup_is_told_so(kept, tmp_path):
    parts = members(kept.file)
    head = json.loads(parts[0][1])
    twice, end = [*parts[:2], parts[1], *parts[2:]], parts[-1]
    newer = [(parts[0][0], json.dumps({**head, "format": 99}).encode()), *parts[1:]]
    lying = [(parts[0][0], json.dumps({**head, "version": 77}).encode()), *parts[1:]]
    for wrong, why in [
        (parts[1:], "does not begin"),
        (parts[:-1], "cut short"),
        ([*parts[:-2], end], "not what was backed up"),
        (twice, "not a plain file"),
        ([*parts, ("kin.toml", b"")], "goes on"),
        (newer, "upgrade"),
        (lying, "says version 77"),
    ]:
        with pytest.raises(BadInput, match=why):
            restoring.restore(packed(tmp_path / "wrong.gz", wrong), tmp_path / "again")
    (tmp_path / "text").write_text("not a tar")
    with pytest.raises(BadInput, match="no backup"):
        restoring.restore(tmp_path / "text", tmp_path / "again")


def test_a_damaged_stage_is_not_kept(run, shop, tmp_path):
    path = next((shop / "stages").glob("words-*")) / "arrays.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    done = run("backup", shop, tmp_path / "b.tar.zst")
    assert done.exit_code == 2
    assert "--repair" in done.stderr
    assert not list(tmp_path.glob("*b.tar.zst*"))


def test_a_damaged_state_says_where_to_look(shop, tmp_path):
    (shop / ".service").mkdir(exist_ok=True)
    (shop / ".service" / "state.sqlite3").write_bytes(b"rubbish" * 1000)
    with pytest.raises(BadInput, match="nearkin doctor"):
        backups.backup(shop, tmp_path / "b.tar.zst", copy_state)
    with pytest.raises(sqlite3.Error), closing(sqlite3.connect(shop / ".service" / "state.sqlite3")) as base:
        base.execute("SELECT 1 FROM keys")
    assert not (tmp_path / "b.tar.zst").exists()
