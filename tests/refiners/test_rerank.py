"""Reranking with a tiny cross-encoder, made here with random weights."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from nearkin.errors import BadInput, Missing
from nearkin.refiners.rerank import Rerank
from nearkin.tables import Catalog, best

WORDS = ["red", "blue", "green", "shoe", "hat", "coat", "warm", "light"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    pytest.importorskip("sentence_transformers")
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    place = tmp_path_factory.mktemp("model")
    (place / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]))
    BertTokenizer(vocab=str(place / "vocab.txt")).save_pretrained(place)
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    config = BertConfig(vocab_size=5 + len(WORDS), **shape, num_labels=1)
    BertForSequenceClassification(config).save_pretrained(place)
    return place


ITEMS = Catalog.of([f"i{row}" for row in range(8)], title=[f"{WORDS[row]} {WORDS[(row * 3 + 1) % 8]}" for row in range(8)])
QUERIES = Catalog.of(["a", "b"], title=["warm red coat", "light hat"])


def test_the_order_is_that_of_the_model(folder):
    from sentence_transformers import CrossEncoder

    hits = best(np.random.default_rng(0).random((2, 8)), 6, queries=QUERIES, items=ITEMS)
    ranked = Rerank(model=str(folder), depth=5)(hits)
    model = CrossEncoder(str(folder), max_length=256, device="cpu")
    assert ranked.k == 5
    for query, text in enumerate(QUERIES["title"]):
        rows = hits.rows[query, :5]
        scores = model.predict([(text, ITEMS["title"][row]) for row in rows], show_progress_bar=False)
        assert set(ranked.rows[query]) == set(rows)
        np.testing.assert_allclose(ranked.scores[query], np.sort(scores)[::-1], rtol=1e-4, atol=1e-5)


def test_pads_stay_pads_and_nothing_is_read_for_them(folder):
    scores = np.full((2, 8), -np.inf)
    scores[0, 3] = 1
    ranked = Rerank(model=str(folder))(best(scores, 4, queries=QUERIES, items=ITEMS))
    assert (ranked.rows >= 0).sum() == 1


def test_hits_without_catalogues_are_refused():
    with pytest.raises(BadInput, match="search with catalogues"):
        Rerank(model="none")(best(np.ones((1, 3)), 2, queries=None, items=None))


def test_a_missing_package_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(Missing, match=r"nearkin\[torch\]"):
        Rerank(model="none")(best(np.ones((2, 8)), 2, queries=QUERIES, items=ITEMS))
