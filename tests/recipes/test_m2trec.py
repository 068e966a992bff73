"""M2TRec in miniature: kinds of things that words tell, most of them rare; and what it promises of items without ids."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

pytest.importorskip("torch")

from nearkin.encoders.static_words import StaticWords
from nearkin.errors import BadInput
from nearkin.indexes.flat_index import FlatIndex
from nearkin.indexes.m2trec import M2TRec, ridge
from nearkin.indexes.session_log import Beginnings
from nearkin.layers.field_values import FieldValues
from nearkin.recipes import m2trec
from nearkin.recipes.contract import contract_faults
from nearkin.recipes.levels import drawn_people, with_levels
from nearkin.stage import Stage
from nearkin.tables import Catalog
from tests.recipes.miniature import miniature

WORLD = m2trec.world()
LINKS = WORLD.interactions
SMALL = {"dim": 8, "epochs": 2, "lr": 0.01, "size": 40}


@pytest.fixture(scope="module")
def model() -> M2TRec:
    return M2TRec(heads=("categories",), **SMALL).fit(LINKS)


def test_the_recipe_keeps_the_contract_and_its_claim_in_miniature():
    assert not contract_faults(m2trec)
    proof = miniature("m2trec").proof
    lines = {(line.metric, line.rival): line for line in proof.lines}
    rare = lines["Recall@20 of targets with 0-5 events", "model with ids"]
    assert rare.ours > rare.rival_value
    assert lines["Recall@20 of targets with 0 events", "model with ids"].rival_value == 0
    assert next(line for line in proof.lines if line.rival == "nothing").low > 0
    assert len(proof.figures["validation by epoch"][0]["ours"]) == m2trec.Settings.tiny().epochs
    rivals = {rival for _, rival in lines} - {"1.5 times ids", "0.9 times ids", "nothing"}
    assert rivals == {"single task", "model with ids", "popularity", "cosine", "directed kNN"}


def test_build_and_rivals_are_of_one_width():
    tiny = m2trec.Settings.tiny()
    tiny = replace(tiny, epochs=1)
    own, others = m2trec.build(WORLD, tiny), m2trec.rivals(WORLD, tiny)
    assert own.heads
    assert others["single task"].heads == ()
    assert own.table_.shape[1] == others["model with ids"].table_.shape[1]


def test_an_item_under_a_new_id_is_the_same_item(model):
    renamed = LINKS.right.table.set_column(0, LINKS.right.table.schema.field(0), pa.array([f"new{row}" for row in range(len(LINKS.right))]))
    moved = model.for_items(Catalog(renamed, LINKS.right.roles))
    np.testing.assert_allclose(moved.item_vectors().rows, model.item_vectors().rows, atol=1e-6)
    hits, again = model(Catalog.histories([["i3", "i20"]])), moved(Catalog.histories([["new3", "new20"]]))
    np.testing.assert_array_equal(hits.rows, again.rows)


def test_an_item_that_comes_later_is_found_at_once(model):
    fresh = Catalog.of(["fresh"], title=["<i>mark0</i> step1 &amp; more"], categories=[["mark0", "mark0 step1"]])
    grown = model.for_items(LINKS.right.followed_by(fresh))
    like = grown.item_vectors().rows
    likeness = like[:-1] @ like[-1]
    assert likeness[36:72].min() > np.delete(likeness, np.s_[36:72]).mean()  # things of the same mark and step
    assert (grown(Catalog.histories([["fresh"]])).rows >= 0).all()


def test_an_item_of_no_known_value_is_no_hit(model):
    odd = LINKS.right.followed_by(Catalog.of(["odd"], title=["never seen"], categories=[[]]))
    grown = model.for_items(odd)
    assert not grown.known_[-1]
    assert len(odd) - 1 not in grown.deeper(300)(Catalog.histories([["i3"]])).rows


def test_the_table_is_that_of_the_layer_it_was_learned_with():
    words = StaticWords(fields=("title",))
    model = M2TRec(content=words, **SMALL).fit(LINKS)
    bags, text = FieldValues(model.names_)(LINKS.right), words(LINKS.right).rows
    for row in (0, 17, 100):
        want = (text[row] - model.centre_) @ model.map_
        for field in range(bags.fields):
            place = row * bags.fields + field
            want = want + model.values_[bags.codes[bags.offsets[place] : bags.offsets[place + 1]]].mean(0)
        np.testing.assert_allclose(model.table_[row], want, rtol=1e-4, atol=1e-5)


def test_it_is_saved_with_its_values_and_searched_through_an_index(model, tmp_path):
    model.save(tmp_path / "model")
    people = LINKS.histories()
    np.testing.assert_array_equal(Stage.load(tmp_path / "model")(people).rows, model(people).rows)
    found = FlatIndex(k=20).fit(model.item_vectors())(model.encode(people))
    assert all(set(one) & set(other) for one, other in zip(found.rows, model(people).rows))


def test_heads_that_are_no_fields_are_refused():
    with pytest.raises(BadInput, match="colour"):
        M2TRec(heads=("colour",), **SMALL).fit(LINKS)


def test_every_item_but_the_first_is_foretold_from_those_before():
    offsets, rows = np.array([0, 3, 4, 8]), np.array([5, 1, 2, 7, 0, 1, 2, 3])
    bags = FieldValues.of(LINKS.right, ("title", "categories"))(LINKS.right)
    batches = Beginnings.of(offsets, rows, bags, (1,), length=2, size=2, seed=0)
    seen = []
    for part in batches.cut(0):
        made = batches.make(part, np.random.default_rng(0))
        ends = np.cumsum(made.lengths.numpy())
        for place, stop in enumerate(ends):
            values, owner = made.values[0]
            one = int(made.targets[place])
            wanted = bags.codes[bags.offsets[2 * one + 1] : bags.offsets[2 * one + 2]] - bags.nothing[1] - 2
            assert values[owner == place].tolist() == wanted.tolist()
            seen.append((made.items[stop - made.lengths[place] : stop].tolist(), one))
    wanted = [([5], 1), ([5, 1], 2), ([0], 1), ([0, 1], 2), ([1, 2], 3)]
    assert sorted(seen) == sorted(wanted)


def test_start_vectors_of_values_solve_the_ridge_regression():
    values = FieldValues.of(LINKS.right)
    bags, random = values(LINKS.right), np.random.default_rng(0)
    wanted, counts = random.normal(size=(len(bags), 3)).astype(np.float32), random.integers(1, 5, len(bags))
    plain = np.zeros((len(bags), sum(values.sizes)))
    for code, owner in zip(bags.codes, bags.owners):
        plain[owner // bags.fields, code] += 1 / np.diff(bags.offsets)[owner]
    left = plain.T @ (counts[:, None] * plain) + np.eye(plain.shape[1])
    best = np.linalg.solve(left, plain.T @ (counts[:, None] * wanted))
    np.testing.assert_allclose(plain @ ridge(bags, plain.shape[1], wanted, counts), plain @ best, atol=0.02)


def test_levels_are_the_places_of_a_path():
    items = with_levels(Catalog.of(categories=[["a", "b"], [], None, ["c"]]), most=2)
    assert items["level 1"] == ["a", None, None, "c"]
    assert items["level 2"] == ["b", None, None, None]
    assert with_levels(Catalog.of(title=["x"])).roles == {"id": "id", "title": "text"}


def test_people_are_drawn_whole():
    drawn = drawn_people(WORLD, 30)
    assert len(drawn.left) == 30
    for person in ("u0", "u1", "u2"):
        if person in drawn.left.id_list:
            assert (
                drawn.histories().take(drawn.left.rows_of([person]))["history"]
                == LINKS.histories().take(LINKS.left.rows_of([person]))["history"]
            )
    assert len(drawn_people(WORLD, 0)) == len(LINKS)
