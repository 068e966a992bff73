"""Library books in miniature: each step, and the claim on a small made-up library."""

import numpy as np
import pytest

from nearkin.errors import ShapeError
from nearkin.generators.misread import Misread, merged, swapped, turned
from nearkin.matchers.one_to_one import OneToOne
from nearkin.matchers.word_masks import readings, words_in_masks
from nearkin.recipes import library_books
from nearkin.recipes.contract import contract_faults
from nearkin.stage import Stage
from nearkin.tables import Catalog, best

TINY = library_books.Settings.tiny()


@pytest.fixture(scope="module")
def small():
    return library_books.world()


def test_the_recipe_keeps_the_contract():
    assert contract_faults(library_books) == []


def test_the_report_holds_the_claim_in_miniature(small):
    pytest.importorskip("rapidfuzz")
    got = library_books.report(small, TINY)
    figures = {(each.metric, name): values.mean() for each in got.measured for name, values in each.values.items()}
    for catalogue in ("whole catalogue", "entries on the shelf"):
        ours = figures[f"accuracy, {catalogue}", "ours"]
        assert ours > figures[f"accuracy, {catalogue}", "nearest alone"]
        assert ours >= figures[f"accuracy, {catalogue}", "assignment alone"]
        assert figures[f"accuracy, {catalogue}, 40 readings", "ours"] > figures[f"accuracy, {catalogue}, 40 readings", "fuzzy token set"]
    auroc = got.figures["AUROC of rejecting no books and books of elsewhere"]
    assert auroc["ours"] > auroc["nearest alone"]
    sizes, accuracy = got.curves[0].lines["ours"]
    assert list(sizes) == [150, 250, 300]
    assert accuracy[-1] <= accuracy[0]


def test_titles_that_annotators_wrote_are_never_read(small):
    told = small.queries.with_fields({"title": "other"}, title=["the answer"] * len(small.queries))
    stage = library_books.build(small, TINY)
    assert stage(told).pairs() == stage(small.queries).pairs()


def test_saved_equals_loaded(small, tmp_path):
    stage = library_books.build(small, TINY)
    stage.save(tmp_path / "stage")
    assert Stage.load(tmp_path / "stage")(small.queries).pairs() == stage(small.queries).pairs()


def test_a_second_copy_is_linked_only_where_it_pays():
    queries, items = Catalog.of(["a", "b"]), Catalog.of(["x", "y"])
    hits = best(np.array([[5.0, -9.0], [4.0, 1.0]], np.float32), 2, queries=queries, items=items)
    assert dict(OneToOne(copies=2, copy_cost=1.0)(hits).pairs()) == {"a": "x", "b": "x"}
    assert dict(OneToOne(copies=2, copy_cost=3.5)(hits).pairs()) == {"a": "x", "b": "y"}


def test_words_belong_to_the_mask_that_covers_most_of_them():
    masks = np.zeros((2, 10, 20), bool)
    masks[0, :, :8], masks[1, :, 8:16] = True, True
    boxes = np.array([[0, 0, 4, 2], [6, 0, 12, 2], [17, 0, 20, 4], [5, 5, 5, 9], [15, 8, 99, 99]])
    segments = words_in_masks(boxes, masks)
    assert segments.tolist() == [0, 1, -1, -1, -1]
    naive = [[masks[s, t:b, left:r].sum() / max((r - left) * (b - t), 1) for s in range(2)] for left, t, r, b in boxes[:4]]
    assert np.array(naive).argmax(1)[:2].tolist() == [0, 1]
    assert readings(["La", "plaça", "x"], segments[:3], 2) == ["La", "plaça"]
    assert words_in_masks(boxes, masks[:0]).tolist() == [-1] * 5
    with pytest.raises(ShapeError, match=r"boxes \[words, 4\]"):
        words_in_masks(boxes[:, :3], masks)


def test_misreadings_are_seeded_and_as_noisy_as_asked():
    books = Catalog.of(
        title=["La plaça del diamant : novel·la", "Solitud"], author=["Rodoreda, Mercè, 1908-1983", ""], tag=["N Rod", "N Alb"]
    )
    assert Misread(seed=3)(books)["ocr"] == Misread(seed=3)(books)["ocr"]
    clean = Misread(lost=(0, 0, 0), subtitle_lost=1, drop=0, swap=0, merge=0, cut=0, letters=0)(books)["ocr"]
    assert sorted(clean[0].split()) == sorted(["La", "plaça", "del", "diamant", "Mercè", "Rodoreda", "N", "Rod"])
    assert sorted(clean[1].split()) == ["Alb", "N", "Solitud"]
    assert turned("Guindal, Mariano, 1950-") == "Mariano Guindal"
    random = np.random.default_rng(0)
    assert swapped(["a", "b", "c"], 1.0, random) == ["b", "c", "a"]
    assert merged(["a", "b", "c"], 1.0, random) == ["abc"]


def test_auroc_is_the_chance_of_the_right_order():
    assert library_books.auroc(np.array([0.9, 0.5, 0.5, 0.1]), np.array([True, True, False, False])) == 0.875
    assert np.isnan(library_books.auroc(np.ones(2), np.ones(2, bool)))
