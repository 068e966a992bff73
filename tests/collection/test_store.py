"""The datasets behind a collection: every write is one version, whatever is known of the files beforehand."""

import numpy as np

from nearkin.collection import Collection
from nearkin.collection.numbering import version_of
from nearkin.collection.store import Store
from nearkin.tables import Catalog


def goods(*names: str) -> Catalog:
    return Catalog.of(names, title=[f"title of {name}" for name in names])


def test_a_write_replaces_and_removes_in_one_version(tmp_path):
    shop = Collection.build(tmp_path / "shop", goods("a", "b", "c", "d"))
    store = Store(shop.place, shop.manifest.roles)  # which has not read anything yet
    before = store.version
    seqs = Collection.open(shop.place)._snapshot.seqs
    new = store.write(goods("b", "e"), seqs[[1, 3]])
    assert store.version == before + 1
    assert [version_of(int(seq)) for seq in new] == [before + 1] * 2
    catalog, numbers = store.read()
    assert catalog.id_list == ["a", "c", "b", "e"]
    assert (np.diff(numbers) > 0).all()
    past, _ = Store(shop.place, shop.manifest.roles, before).read()
    assert past.id_list == ["a", "b", "c", "d"]


def test_files_that_lose_all_their_rows_go(tmp_path):
    shop = Collection.build(tmp_path / "shop", goods("a", "b"))
    shop.add(goods("c"))
    shop.add(goods("c"))
    shop.remove(["a", "b"])
    assert len(shop._store.dataset.get_fragments()) == 1
    assert Collection.open(shop.place).catalog.id_list == ["c"]


def test_catching_up_tells_what_is_gone_and_what_is_new(tmp_path):
    shop = Collection.build(tmp_path / "shop", goods("a", "b", "c"))
    seqs = shop._snapshot.seqs
    reader = Store(shop.place, shop.manifest.roles)
    assert reader.catch_up(seqs) is None  # it must read first
    reader.read()
    shop.add(goods("b", "d"))
    shop.remove(["a"])
    gone, more, new = reader.catch_up(seqs)
    assert gone.tolist() == seqs[:2].tolist()
    assert more.id_list == ["b", "d"]
    assert new.tolist() == shop._snapshot.seqs[1:].tolist()
    assert reader.version == shop.version
    shop.compact()
    held = shop._snapshot.seqs
    gone, more, new = reader.catch_up(held)
    assert (len(gone), len(more), len(new)) == (0, 0, 0)
