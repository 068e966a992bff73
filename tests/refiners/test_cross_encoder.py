"""A cross-encoder of random weights that learns to tell matched words; scores kept on disk; edit likeness by its formula."""

from __future__ import annotations

import numpy as np
import pytest

from nearkin.errors import BadInput, NotFitted
from nearkin.refiners.cached_scores import CachedScores
from nearkin.refiners.cross_encoder import CrossEncoder
from nearkin.refiners.edit_likeness import EditLikeness
from nearkin.stage import Refiner, Stage
from nearkin.stage.pair_scores import pair_scores
from nearkin.tables import Catalog, Hits, Links

WORDS = ["red", "blue", "green", "shoe", "hat", "coat", "warm", "light", "old", "new"]
RANDOM = np.random.default_rng(0)
ITEMS = Catalog.of([f"i{row}" for row in range(10)], title=[f"{word} {WORDS[row - 1]}" for row, word in enumerate(WORDS)])
QUERIES = Catalog.of([f"q{row}" for row in range(10)], title=[f"{word} {word}" for word in WORDS])
TRUTH = Links.of_ids(QUERIES, ITEMS, [(f"q{row}", f"i{row}") for row in range(10)])
EVERY = Hits(np.tile(np.arange(10), (10, 1)), np.zeros((10, 10)), QUERIES, ITEMS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    pytest.importorskip("torch")
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel

    place = tmp_path_factory.mktemp("model")
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS]
    tokenizer = Tokenizer(models.WordLevel({name: row for row, name in enumerate(names)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    tokenizer.save(str(place / "tokenizer.json"))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
        BertModel(BertConfig(vocab_size=len(names), max_position_embeddings=16, **shape)).save_pretrained(place)
    return str(place)


def made(folder, **more):
    return CrossEncoder(model=folder, **({"max_tokens": 8, "epochs": 30, "negatives": 4, "together": 5, "rate": 3e-3} | more))


@pytest.fixture(scope="module")
def trained(folder):
    return made(folder).fit(EVERY, TRUTH)


@pytest.mark.parametrize(("head", "epochs"), [("cls", 150), ("pooled", 30)])
def test_it_learns_which_pairs_match(folder, head, epochs):
    stage = made(folder, head=head, epochs=epochs)
    assert stage.fit(EVERY, TRUTH) is stage
    scores = pair_scores(stage, QUERIES, ITEMS, EVERY.rows)
    matched = np.eye(10, dtype=bool)
    assert scores[matched].mean() > scores[~matched].mean() + scores[~matched].std()
    assert (stage(EVERY).rows[:, 0] == np.arange(10)).mean() >= (0.9 if head == "pooled" else 0.3)
    assert np.abs(scores).max() > 1  # a logit, no probability


def test_the_same_seed_gives_the_same_weights(folder, trained):
    again = made(folder).fit(EVERY, TRUTH)
    for name, value in trained.weights_.items():
        np.testing.assert_array_equal(again.weights_[name], value)


def test_a_score_does_not_depend_on_its_company(trained):
    full = pair_scores(trained, QUERIES, ITEMS, EVERY.rows)
    some = pair_scores(trained, QUERIES.take([4]), ITEMS, np.array([[7, -1, 2]]))
    np.testing.assert_allclose(some[0, [0, 2]], full[4, [7, 2]], rtol=1e-5, atol=1e-5)
    assert some[0, 1] == -np.inf


def test_saved_equals_loaded_and_the_folder_holds_no_pickle(trained, tmp_path):
    trained.save(tmp_path / "stage")
    np.testing.assert_array_equal(Stage.load(tmp_path / "stage")(EVERY).scores, trained(EVERY).scores)
    assert {path.suffix for path in (tmp_path / "stage").iterdir()} == {".json", ".safetensors"}


def test_wrong_use_is_refused(folder, trained):
    with pytest.raises(NotFitted):
        made(folder)(EVERY)
    with pytest.raises(BadInput, match="know their queries"):
        trained(Hits(EVERY.rows, EVERY.scores, None, None))
    with pytest.raises(BadInput, match="give more candidates"):
        made(folder).fit(EVERY, TRUTH.take(np.empty(0, int)))
    with pytest.raises(BadInput, match="head"):
        made(folder, head="mean")
    with pytest.raises(BadInput, match="joint layers"):
        made(folder, joint=3).fit(EVERY, TRUTH)
    with pytest.raises(BadInput, match=r"model\.safetensors"):
        made("nowhere").fit(EVERY, TRUTH)


class Counting(Refiner):
    """Edit likeness that counts what it is asked."""

    calls = 0

    def __call__(self, hits):
        self.calls += int((hits.rows >= 0).sum())
        return EditLikeness()(hits)

    def __repr__(self):
        return "Counting()"

    def state(self):
        return {}


def test_a_pair_is_scored_once_ever(tmp_path, monkeypatch):
    monkeypatch.setenv("NEARKIN_CACHE", str(tmp_path))
    counting = Counting()
    first = CachedScores(scorer=counting)(EVERY.take([0, 1]))
    assert counting.calls == 20
    again = CachedScores(scorer=counting)(EVERY)
    assert counting.calls == 100
    np.testing.assert_array_equal(again.scores, EditLikeness()(EVERY).scores)
    np.testing.assert_array_equal(again.rows[:2], first.rows)
    other = Catalog.of(["new"], title=["red hat"])
    CachedScores(scorer=counting)(Hits(np.array([[3, 5, -1]]), np.zeros((1, 3)), other, ITEMS))
    assert counting.calls == 102
    assert CachedScores(scorer=counting).paths(other, ITEMS) != CachedScores(scorer=EditLikeness()).paths(other, ITEMS)


def test_other_weights_are_other_scores(trained, folder):
    fewer = made(folder, epochs=1).fit(EVERY, TRUTH)
    fewer.epochs = trained.epochs
    assert repr(fewer) == repr(trained)
    assert CachedScores(scorer=fewer).paths(QUERIES, ITEMS) != CachedScores(scorer=trained).paths(QUERIES, ITEMS)


def test_edit_likeness_is_its_formula_and_blind_to_the_order_of_words():
    pytest.importorskip("rapidfuzz")
    left, right = Catalog.of(["q"], title=["red HAT"]), Catalog.of(["a", "b", "c"], title=["hat red", "hats red", ""])
    scores = pair_scores(EditLikeness(), left, right, np.array([[0, 1, 2]]))
    np.testing.assert_allclose(scores, [[1, 1 - 1 / 15, 0]], rtol=1e-6)
    with pytest.raises(BadInput, match="know their queries"):
        EditLikeness()(Hits(EVERY.rows, EVERY.scores, None, None))
