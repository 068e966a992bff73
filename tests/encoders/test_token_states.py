"""Vectors of tokens: what a text's are, whatever it is encoded along with, and how they are kept."""

from __future__ import annotations

import numpy as np
import pytest

from nearkin.encoders.cached import Cached
from nearkin.encoders.sentence_model import SentenceModel
from nearkin.encoders.token_states import TokenStates
from nearkin.tables import Catalog, RaggedVectors

TEXTS = ["red shoe", "", "guitar blue hats red shoe", None, "hat"]


@pytest.fixture(scope="module")
def states(tmp_path_factory):
    transformers = pytest.importorskip("transformers", reason="needs the extra torch")
    import torch

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "vocab.txt").write_text(
        "\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "red", "shoe", "blue", "hat", "guitar", "##s"])
    )
    transformers.BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    transformers.BertModel(transformers.BertConfig(vocab_size=11, **sizes)).save_pretrained(folder)
    return TokenStates(model=SentenceModel(model=str(folder), max_tokens=7))


def test_one_vector_a_token_without_the_marks_around_the_text(states):
    found = states(Catalog.of(text=TEXTS))
    assert np.diff(found.offsets).tolist() == [2, 0, 5, 0, 1]  # the third is cut to seven with its marks
    assert found.rows.dtype == np.float16
    np.testing.assert_allclose(np.linalg.norm(found.rows.astype(np.float32), axis=1), 1, atol=1e-3)


def test_the_vectors_are_the_model_s_last_states(states):
    import torch

    ids = states.model._running.tokens(["red shoe"])[0]
    with torch.inference_mode():
        own = states.model._running._model(input_ids=torch.tensor([ids])).last_hidden_state[0, 1:-1].numpy()
    found = states(Catalog.of(text=TEXTS)).of(0)
    np.testing.assert_allclose(found, own / np.linalg.norm(own, axis=1, keepdims=True), atol=2e-3)


def test_kept_vectors_are_those_encoded(states, tmp_path, monkeypatch):
    monkeypatch.setenv("NEARKIN_CACHE", str(tmp_path))
    things = Catalog.of(text=TEXTS)
    kept = Cached(encoder=states)
    for _ in range(2):
        found = kept(things)
        assert isinstance(found, RaggedVectors)
        assert found.things is things
        np.testing.assert_array_equal(found.rows, states(things).rows)
        np.testing.assert_array_equal(found.offsets, states(things).offsets)
    assert len(kept(things.take([]))) == 0
