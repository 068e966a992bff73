"""Learned sparse vectors equal a plain loop over a tiny random model, and the cache gives back what was worked out."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from nearkin.encoders.cached import Cached
from nearkin.encoders.learned_sparse import LearnedSparse, batches
from nearkin.errors import BadInput
from nearkin.indexes.inverted_index import InvertedIndex
from nearkin.indexes.weightings import Impacts
from nearkin.stage import Encoder, Stage
from nearkin.tables import Catalog, SparseVectors, Vectors

TEXTS = ["wing flow heat", "heat", "", "flow flow wing stream pressure heat wing", "pressure of a stream"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A masked language model of two tiny layers with random weights."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    place = tmp_path_factory.mktemp("model")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "wing", "flow", "heat", "stream", "pressure", "of", "a"]
    (place / "vocab.txt").write_text("\n".join(words))
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, max_position_embeddings=32
    )
    model = transformers.BertForMaskedLM(config)
    with torch.no_grad():
        for weights in model.parameters():
            weights.mul_(20)  # far from 0, so that some logits are positive and some are not
    model.save_pretrained(place)
    transformers.BertTokenizerFast(str(place / "vocab.txt")).save_pretrained(place)
    return str(place)


def looped(folder: str) -> np.ndarray:
    """Each text alone: max over tokens of log(1 + relu(logit))."""
    import torch
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    model, tokenizer = AutoModelForMaskedLM.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    found = []
    for text in TEXTS:
        with torch.inference_mode():
            logits = model(**tokenizer(text, return_tensors="pt")).logits[0].numpy()
        found.append([max(np.log1p(max(float(token[word]), 0.0)) for token in logits) for word in range(logits.shape[1])])
    return np.array(found)


def test_equals_a_loop_over_texts_tokens_and_words(folder):
    found = LearnedSparse(model=folder)(Catalog.of(title=TEXTS))
    dense = found.to_scipy().toarray()
    assert 0 < (dense > 0).mean() < 1
    np.testing.assert_allclose(dense, looped(folder), atol=1e-4)


def test_searches_through_an_impact_index_and_survives_saving(folder, tmp_path):
    items = Catalog.of(title=TEXTS)
    encoder = LearnedSparse(model=folder)
    search = encoder >> InvertedIndex(k=5, weighting=Impacts()).fit(encoder(items))
    queries = Catalog.of(title=["wing flow", "heat"])
    weights = encoder(queries).to_scipy().toarray() @ encoder(items).to_scipy().toarray().T
    np.testing.assert_allclose(search(queries).scores[:, 0], weights.max(1), rtol=1e-5)
    search.save(tmp_path / "stage")
    assert np.array_equal(Stage.load(tmp_path / "stage")(queries).rows, search(queries).rows)


def test_no_texts_and_long_texts(folder):
    assert len(LearnedSparse(model=folder)(Catalog.of(title=TEXTS).take([]))) == 0
    cut = LearnedSparse(model=folder, tokens=3)(Catalog.of(title=["wing flow heat", "wing"]))
    assert np.allclose(cut.take([0]).values, cut.take([1]).values, rtol=1e-5)  # the same text twice; a batch may change the last digits


def test_a_folder_without_a_model_is_refused(tmp_path):
    pytest.importorskip("transformers")
    with pytest.raises(BadInput, match="masked language model"):
        LearnedSparse(model=str(tmp_path))(Catalog.of(title=["wing"]))


def test_the_default_weights_find_related_words():
    pytest.importorskip("cognition")
    found = LearnedSparse()(Catalog.of(title=["a laptop computer", "the boundary layer of a wing"]))
    assert found.dim == 30522
    assert 5 < np.diff(found.offsets).max() < 500


def test_batches_are_of_like_length_and_bounded():
    lengths = np.random.default_rng(0).integers(1, 300, 500).tolist()
    groups = batches(lengths)
    assert sorted(row for group in groups for row in group) == list(range(500))
    assert all(len(group) == 1 or len(group) * max(lengths[row] for row in group) <= 4096 for group in groups)
    assert batches([]) == []


@dataclass(frozen=True, kw_only=True)
class Once(Encoder):
    """Counts its calls; dense or sparse."""

    sparse: bool = False
    calls: list[int] = field(default_factory=list, repr=False)

    @property
    def gives(self) -> type:
        return SparseVectors if self.sparse else Vectors

    def __call__(self, catalog: Catalog) -> Vectors | SparseVectors:
        self.calls.append(len(catalog))
        rows = np.random.default_rng(len(catalog)).random((len(catalog), 4)).astype(np.float32)
        if not self.sparse:
            return Vectors(rows, catalog)
        from scipy.sparse import csr_array

        return SparseVectors.from_scipy(csr_array(rows * (rows > 0.5)), catalog)


@pytest.mark.parametrize("sparse", [False, True])
def test_the_cache_works_things_out_once_a_catalogue(sparse, tmp_path, monkeypatch):
    monkeypatch.setenv("NEARKIN_CACHE", str(tmp_path))
    inner, things = Once(sparse=sparse), Catalog.of(title=["a", "b", "c"])
    first, again = Cached(encoder=inner)(things), Cached(encoder=inner)(Catalog.of(title=["a", "b", "c"]))
    assert inner.calls == [3]
    assert np.array_equal(first.values if sparse else first.rows, again.values if sparse else again.rows)
    Cached(encoder=inner)(Catalog.of(title=["a", "b", "other"]))
    assert inner.calls == [3, 3]
