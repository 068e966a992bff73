"""nearkin export --layout: the columns that the command of embedding-atlas takes."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from nearkin.collection import Collection
from nearkin.collection.atlas import NEIGHBOURS, _itself_first
from nearkin.encoders.bag_of_words import BagOfWords
from nearkin.indexes.inverted_index import InvertedIndex
from nearkin.tables import Catalog


def test_the_map_has_places_and_neighbours_as_the_atlas_reads_them(run, shop, tmp_path):
    assert run("layout", shop).exit_code == 0
    done = run("export", shop, "--layout", tmp_path / "map.parquet")
    assert done.exit_code == 0, done.stderr
    assert done.stderr.strip().endswith("--text title --x x --y y --neighbors neighbors")
    table = pq.read_table(tmp_path / "map.parquet")
    assert table.column_names == ["sku", "title", "brand", "price", "x", "y", "neighbors"]
    with Collection.open(shop) as collection:
        np.testing.assert_array_equal(np.column_stack([table["x"], table["y"]]), collection.layout.places)
        assert table["sku"].to_pylist() == collection.catalog.id_list
        nearest = collection.similar(["a1"], k=1, stage="meaning").ids()[0][0]
    near = table["neighbors"].to_pylist()
    ids, distances = np.array([each["ids"] for each in near]), np.array([each["distances"] for each in near])
    assert ids.shape == distances.shape == (5, 5)  # never more than there are things
    assert ids[:, 0].tolist() == list(range(5))
    assert (distances[:, 0] == 0).all()
    assert (np.diff(distances) >= 0).all()
    assert [set(line) for line in ids] == [set(range(5))] * 5
    assert table["sku"][ids[0, 1]].as_py() == nearest


def test_distances_are_one_less_the_cosine_and_names_give_way(run, tmp_path):
    random = np.random.default_rng(0)
    words = ["red", "shoe", "hat", "lamp", "brass", "guitar", "road", "atlas", "warm", "wool"]
    texts = [" ".join(random.choice(words, 4)) + f" {row}" for row in range(60)]
    things = Catalog.of([f"i{row}" for row in range(60)], name=texts, x=list(range(60)), neighbors=["-"] * 60)
    with Collection.build(tmp_path / "shop", things) as collection:
        collection.lay_out()
        rows = collection._snapshot.branches["meaning"].encoder(Catalog.of(text=[f"{text} -" for text in texts])).rows
    done = run("export", tmp_path / "shop", "--layout", tmp_path / "map.parquet")
    assert done.stderr.strip().endswith("--text title --x _x --y y --neighbors _neighbors")
    table = pq.read_table(tmp_path / "map.parquet")
    assert table["title"].to_pylist() == texts
    assert table["x"].to_pylist() == list(range(60))
    for row, near in enumerate(table["_neighbors"].to_pylist()):
        assert len(near["ids"]) == NEIGHBOURS + 1
        np.testing.assert_allclose(near["distances"], 1 - rows[near["ids"]] @ rows[row], atol=1e-5)
        assert near["distances"][-1] <= np.delete(1 - rows @ rows[row], near["ids"]).min() + 1e-5


def test_a_thing_that_does_not_find_itself_takes_the_last_place():
    rows, distances = _itself_first(np.array([[4, 2, 9], [1, 0, 5]]), np.array([[0.0, 0.1, 0.2], [0.0, 0.1, 0.2]]), np.array([7, 0]))
    assert rows.tolist() == [[7, 4, 2], [0, 1, 5]]
    assert distances.tolist() == [[0.0, 0.0, 0.1], [0.0, 0.0, 0.2]]


def test_a_map_that_was_not_drawn_is_asked_for(run, shop, tmp_path):
    done = run("export", shop, "--layout", tmp_path / "map.parquet")
    assert done.exit_code == 2
    assert "nearkin layout" in done.stderr
    assert not (tmp_path / "map.parquet").exists()


def test_neighbours_need_dense_vectors(tmp_path):
    from nearkin.collection.atlas import _dense
    from nearkin.errors import BadInput

    shop = Collection.build(tmp_path / "shop", Catalog.of(["a"], title=["hat"]), branches={"words": (BagOfWords(), InvertedIndex())})
    with pytest.raises(BadInput, match="dense"):
        _dense(shop)
