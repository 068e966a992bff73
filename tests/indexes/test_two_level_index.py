"""Codes choose, floats decide, and no other float is read."""

import numpy as np
import pytest

from nearkin.codecs.product_quantiser import ProductQuantiser
from nearkin.codecs.rabitq import RaBitQ
from nearkin.errors import BadInput, NotFitted, ShapeError
from nearkin.indexes.flat_index import FlatIndex
from nearkin.indexes.two_level_index import TwoLevelIndex
from nearkin.stage import Stage
from nearkin.tables import Catalog, Vectors

RANDOM = np.random.default_rng(0)
ITEMS = Vectors(RANDOM.normal(size=(500, 16)).astype(np.float32), Catalog.of([f"i{row}" for row in range(500)]))
QUERIES = Vectors(RANDOM.normal(size=(20, 16)).astype(np.float32))
CODEC = ProductQuantiser(levels=4, codebook_size=16).fit(ITEMS)


def index(**settings):
    return TwoLevelIndex(codec=CODEC, **settings).fit(ITEMS)


def test_final_scores_are_those_written_out_for_the_candidates():
    found = index(k=5, candidates=40, weight=0.3)(QUERIES)
    by_codes = CODEC.scores(QUERIES, CODEC(ITEMS))
    for query, (rows, scores) in enumerate(zip(found.rows, found.scores)):
        chosen = np.argsort(-by_codes[query], kind="stable")[:40]
        final = {int(row): ITEMS.rows[row] @ QUERIES.rows[query] + 0.3 * by_codes[query, row] for row in chosen}
        assert rows.tolist() == sorted(final, key=lambda row: -final[row])[:5]
        np.testing.assert_allclose(scores, [final[row] for row in rows], rtol=1e-5)


def test_floats_are_read_for_candidates_only():
    held = index(k=5, candidates=40)
    assert held.floats_.read == 0
    held(QUERIES)
    assert held.floats_.read == 20 * 40
    held.light_hits(QUERIES, 30)
    assert held.floats_.read == 20 * 40
    held.remove(np.arange(490))(QUERIES)
    assert held.floats_.read == 20 * 40 + 20 * 10


def test_all_candidates_equal_the_exact_scan():
    everything = index(k=10, candidates=500)(QUERIES)
    exact = FlatIndex(k=10).fit(ITEMS)(QUERIES)
    np.testing.assert_array_equal(everything.rows, exact.rows)
    np.testing.assert_array_equal(everything.scores, exact.scores)


def test_floats_lie_on_disk_and_a_memory_map_stays_where_it_is(tmp_path):
    assert isinstance(index().floats_.parts[0], np.memmap)
    np.save(tmp_path / "rows.npy", ITEMS.rows)
    mapped = Vectors(np.load(tmp_path / "rows.npy", mmap_mode="r"))
    held = TwoLevelIndex(codec=CODEC).fit(mapped)
    assert held.floats_.parts[0] is mapped.rows
    held.save(tmp_path / "index")
    loaded = Stage.load(tmp_path / "index")
    assert isinstance(loaded.floats_.parts[0].base, np.memmap | type(None)) or isinstance(loaded.floats_.parts[0], np.memmap)
    np.testing.assert_array_equal(loaded(QUERIES).scores, held(QUERIES).scores)


def test_two_encoders_one_a_level():
    other = Vectors(RANDOM.normal(size=(500, 6)).astype(np.float32))
    asked = Vectors(RANDOM.normal(size=(20, 6)).astype(np.float32))
    both = TwoLevelIndex(codec=CODEC, light_dim=16, k=5, candidates=30).fit(Vectors(np.concatenate([ITEMS.rows, other.rows], 1)))
    found = both(Vectors(np.concatenate([QUERIES.rows, asked.rows], 1)))
    candidates = np.argsort(-CODEC.scores(QUERIES, CODEC(ITEMS)), axis=1, kind="stable")[:, :30]
    for query, rows in enumerate(found.rows):
        scores = other.rows[candidates[query]] @ asked.rows[query]
        assert rows.tolist() == candidates[query][np.argsort(-scores, kind="stable")[:5]].tolist()
    with pytest.raises(BadInput, match="leaves nothing"):
        TwoLevelIndex(codec=CODEC, light_dim=16).fit(ITEMS)


def test_added_items_are_found_among_those_held():
    grown = TwoLevelIndex(codec=CODEC, candidates=40).fit(ITEMS.take(np.arange(300))).add(ITEMS.take(np.arange(300, 500)))
    whole = index(candidates=40)
    np.testing.assert_array_equal(grown(QUERIES).rows, whole(QUERIES).rows)
    assert len(grown.floats_.parts) == 2
    assert grown(QUERIES).items.id_list == ITEMS.things.id_list


def test_any_codec_serves():
    found = TwoLevelIndex(codec=RaBitQ().fit(ITEMS), k=10, candidates=150).fit(ITEMS)(QUERIES)
    exact = FlatIndex(k=10).fit(ITEMS)(QUERIES)
    assert np.mean([len(set(a) & set(b)) for a, b in zip(found.rows, exact.rows)]) > 8


def test_what_cannot_be_held_is_refused():
    with pytest.raises(NotFitted):
        TwoLevelIndex(codec=ProductQuantiser()).fit(ITEMS)
    with pytest.raises(BadInput, match="candidates"):
        TwoLevelIndex(codec=CODEC, candidates=0)
    with pytest.raises(ShapeError):
        index()(Vectors(QUERIES.rows[:, :8]))
