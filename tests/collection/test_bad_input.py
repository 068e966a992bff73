"""Whatever is wrong ends in one clear message that names it, with nothing half-written."""

import fcntl
import os
import subprocess
import sys

import pyarrow as pa
import pytest

from nearkin.collection import Collection
from nearkin.errors import BadInput, Busy
from nearkin.tables import Catalog

from .conftest import goods


def test_a_place_that_exists_is_not_overwritten(shop):
    with pytest.raises(BadInput, match="exists already"):
        Collection.build(shop.place, goods())


def test_an_empty_catalogue_makes_no_collection(tmp_path):
    with pytest.raises(BadInput, match="empty"):
        Collection.build(tmp_path / "shop", goods().take([]))
    assert list(tmp_path.iterdir()) == []


def test_a_build_that_fails_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("nearkin.collection.building.fit_stages", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        Collection.build(tmp_path / "shop", goods())
    assert list(tmp_path.iterdir()) == []


def test_no_collection_and_damaged_ones_are_told_apart(tmp_path, shop):
    with pytest.raises(BadInput, match="no nearkin collection"):
        Collection.open(tmp_path / "nowhere")
    (shop.place / "kin.toml").write_text("format = [")
    with pytest.raises(BadInput, match="damaged"):
        Collection.open(shop.place)


def test_a_collection_from_a_newer_version_is_refused(shop):
    told = (shop.place / "kin.toml").read_text()
    (shop.place / "kin.toml").write_text(told.replace("format = 1", "format = 2"))
    with pytest.raises(BadInput, match="newer nearkin"):
        Collection.open(shop.place)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"colour": pa.array(["red"])}, "no field 'colour'"),
        ({"price": pa.array(["cheap"])}, "'price' holds double.*string came"),
    ],
)
def test_unknown_fields_and_other_types_are_refused_and_nothing_is_written(shop, fields, says):
    version = shop.version
    bad = Catalog(pa.table({"id": ["new"], **fields}), {"id": "id"})
    with pytest.raises(BadInput, match=says):
        shop.add(bad)
    assert Collection.open(shop.place).version == version


def test_removing_an_unknown_id_removes_nothing(shop):
    with pytest.raises(BadInput, match="'ghost'"):
        shop.remove(["shoe", "ghost"])
    assert "shoe" in Collection.open(shop.place).catalog.id_list


def test_a_second_writer_gets_a_clear_error(shop):
    handle = os.open(shop.place / ".writer", os.O_RDWR | os.O_CREAT)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        with pytest.raises(Busy, match="another process"):
            shop.add(Catalog.of(["x"], title=["y"]), wait_s=0.1)
    finally:
        os.close(handle)
    shop.add(Catalog.of(["x"], title=["y"]))


@pytest.mark.parametrize("k", [0, -3])
def test_k_must_be_positive(shop, k):
    with pytest.raises(BadInput, match="at least 1"):
        shop.search("x", k=k)


def test_a_query_that_is_no_text_is_refused(shop):
    with pytest.raises(BadInput, match="a query is a text, got int"):
        shop.search([3])


def test_ids_and_texts_with_quotes_and_odd_letters_survive(shop):
    odd = ["it's", 'say "hi"', "na\u00efve \u2603", "a;DROP TABLE", "`x`", " "]
    shop.add(Catalog.of(odd, title=[f"odd {name}" for name in odd]))
    shop.remove(odd[:3])
    left = set(Collection.open(shop.place).catalog.id_list) & set(odd)
    assert left == set(odd[3:])


FULL = """
import resource, signal, sys
from nearkin.collection import Collection
from nearkin.tables import Catalog
shop = Collection.open(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
try:
    shop.add(Catalog.of([f"n{row}" for row in range(3000)], title=[f"{row * 7919} words {row * 104729}" for row in range(3000)]))
except Exception as error:
    print(type(error).__name__, error)
"""


def test_a_disk_that_takes_no_more_is_told_and_loses_nothing(shop):
    """A limit on the size of files stands for a full disk: the write fails in the same place."""
    before = set(shop.catalog.id_list)
    ran = subprocess.run([sys.executable, "-c", FULL, str(shop.place)], capture_output=True, text=True, timeout=120)
    assert ran.stdout.startswith("StorageError"), ran.stdout + ran.stderr
    assert "free space" in ran.stdout
    again = Collection.open(shop.place)
    assert set(again.catalog.id_list) == before
    again.add(Catalog.of(["x"], title=["y"]))
    assert len(again) == len(before) + 1


@pytest.mark.skipif(os.geteuid() == 0 and not os.path.exists("/usr/bin/setpriv"), reason="root may write anywhere, and setpriv is not here")
def test_a_folder_that_may_not_be_written_is_told(shop):
    os.chmod(shop.place.parent, 0o755)
    for folder, _, files in os.walk(shop.place):
        os.chmod(folder, 0o555)
        for name in files:
            os.chmod(os.path.join(folder, name), 0o444)
    code = (
        "import sys; from nearkin.collection import Collection; from nearkin.tables import Catalog\n"
        "shop = Collection.open(sys.argv[1]); print(shop.search('shoe', k=1).ids())\n"
        "try: shop.add(Catalog.of(['x'], title=['y']))\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    command = [sys.executable, "-c", code, str(shop.place)]
    if os.geteuid() == 0:
        # without the rights that let root write anywhere
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all", *command]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120)
    for folder, _, _ in os.walk(shop.place):
        os.chmod(folder, 0o755)
    assert "[['shoe']]" in ran.stdout, ran.stdout + ran.stderr
    assert "cannot be written" in ran.stdout, ran.stdout + ran.stderr
