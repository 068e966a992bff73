"""Static word vectors: zero for nothing, one by one as all at once, and near what means the same."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file
from scipy.sparse import csr_array

from nearkin.encoders.ridge_rows import ridge_rows, weighted_bags
from nearkin.encoders.static_words import StaticWords, adapt_to_teacher
from nearkin.encoders.word_table import WordTable, read_table, write_table
from nearkin.encoders.wordpiece import WordPiece
from nearkin.errors import BadInput, ShapeError
from nearkin.stage import Stage
from nearkin.tables import Catalog, Vectors, unit

TEXTS = ["a red running shoe", "", "crimson sneakers for joggers", "corporate tax law", "日本 naïve café", "\u200b", "sneakers!"]


def test_what_means_the_same_is_nearer():
    rows = StaticWords().encode(["a red running shoe", "crimson sneakers", "corporate tax law", "income taxes of companies"])
    near = rows @ rows.T
    assert near[0, 1] > near[0, 2] + 0.2
    assert near[2, 3] > near[1, 3] + 0.2


def test_rows_have_length_one_or_zero():
    vectors = StaticWords()(Catalog.of(text=TEXTS))
    assert vectors.rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors.rows, axis=1), [1, 0, 1, 1, 1, 0, 1], atol=1e-6)
    assert StaticWords()(Catalog.of([], text=[])).rows.shape == (0, vectors.dim)


def test_one_row_at_a_time_equals_all_rows_in_order(monkeypatch):
    encoder, shop = StaticWords(), Catalog.of(text=TEXTS)
    alone = np.concatenate([encoder(shop.take([row])).rows for row in range(len(shop))])
    assert np.array_equal(alone, encoder(shop).rows)
    assert np.array_equal(alone, encoder.encode(TEXTS))
    assert np.array_equal(encoder(shop.take([4, 0])).rows, alone[[4, 0]])
    monkeypatch.setattr("nearkin.encoders.static_words.BLOCK", 3)
    assert [len(block) for block in encoder.blocks(shop)] == [3, 3, 1]
    assert np.array_equal(encoder(shop).rows, alone)


def test_inputs_and_shared_table_are_not_changed():
    encoder, shop = StaticWords(), Catalog.of(text=TEXTS)
    table, before = read_table("static-words-en"), shop.fingerprint
    rows, weights = table.rows.copy(), table.weights.copy()
    encoder.adapt(shop)(shop)
    assert shop.fingerprint == before
    assert np.array_equal(read_table("static-words-en").rows, rows)
    assert np.array_equal(read_table("static-words-en").weights, weights)


def test_fields_are_chosen():
    shop = Catalog.of(title=["shoe", "tax"], colour=["red", "blue"])
    assert np.array_equal(StaticWords(fields=("title",))(shop).rows, StaticWords().encode(["shoe", "tax"]))
    assert np.array_equal(StaticWords()(shop).rows, StaticWords().encode(["shoe red", "tax blue"]))
    with pytest.raises(BadInput, match="no text to read"):
        StaticWords(fields=("name",))(shop)


def test_adapting_weighs_rare_words_more_and_leaves_the_original():
    shop = Catalog.of(text=["shoe red"] * 50 + ["shoe blue"])
    plain, adapted = StaticWords(), StaticWords().adapt(shop)
    common, rare = (adapted.table.weights / plain.table.weights)[adapted.table.pieces.rows("shoe blue")]
    assert rare > 1.5 * common
    assert plain == StaticWords()
    assert plain.weights_ is None
    assert np.array_equal(plain.adapt(shop, power=0).table.weights, plain.table.weights)


@pytest.mark.parametrize("adapted", [False, True])
def test_saved_equals_loaded(adapted, tmp_path):
    shop = Catalog.of(text=TEXTS)
    encoder = StaticWords().adapt(shop) if adapted else StaticWords(fields=("text",))
    encoder.save(tmp_path / "stage")
    assert np.array_equal(Stage.load(tmp_path / "stage")(shop).rows, encoder(shop).rows)


def test_a_written_table_is_read_back_within_half_a_step(tmp_path):
    random = np.random.default_rng(0)
    rows = random.standard_normal((5, 8)).astype(np.float32)
    rows[2] = 0
    write_table(WordTable(WordPiece(list("abcde")), rows, np.arange(5, dtype=np.float32)), tmp_path)
    again = read_table(str(tmp_path))
    assert again.pieces.vocabulary == tuple("abcde")
    assert (np.abs(again.rows - rows) <= np.abs(rows).max(1, keepdims=True) / 254 + 1e-7).all()


def test_a_model_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BadInput, match="static-words-en"):
        StaticWords(model=str(tmp_path / "nothing")).encode(["a"])


def test_model2vec_folder(tmp_path):
    rows = np.array([[1, 0], [0, 2], [3, 3]], np.float16)
    spec = {
        "model": {"type": "WordPiece", "vocab": {"red": 1, "shoe": 0, "##s": 2}},
        "normalizer": {"type": "BertNormalizer", "lowercase": True},
    }
    save_file({"embeddings": rows}, tmp_path / "model.safetensors")
    (tmp_path / "tokenizer.json").write_text(json.dumps(spec))
    encoder = StaticWords.from_model2vec(tmp_path)
    assert np.allclose(encoder.encode(["Red shoes", "shoe"]), unit(np.array([[4, 5], [1, 0]])))
    encoder.save(tmp_path / "stage")
    assert np.array_equal(Stage.load(tmp_path / "stage").encode(["red"]), encoder.encode(["red"]))
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": {"type": "Unigram", "vocab": []}}))
    with pytest.raises(BadInput, match="WordPiece"):
        StaticWords.from_model2vec(tmp_path)


def test_ridge_reaches_the_minimum():
    random = np.random.default_rng(0)
    bags = csr_array(random.random((30, 7)) * (random.random((30, 7)) < 0.5))
    targets, start = random.standard_normal((30, 3)), random.standard_normal((7, 3)).astype(np.float32)
    for strength in (0.1, np.linspace(0.1, 3, 7)):
        pull = np.diag(np.broadcast_to(strength, 7))
        exact = np.linalg.solve(bags.T @ bags + pull, bags.T @ targets + pull @ start)
        assert np.allclose(ridge_rows(bags, targets, start, strength=strength, steps=12), exact, atol=1e-4)
    with pytest.raises(ShapeError):
        ridge_rows(bags, targets[:5], start)


def test_weighted_bags_are_means():
    bags = weighted_bags(np.array([0, 3, 3]), np.array([0, 2, 2], np.int32), np.array([1, 5, 2], np.float32))
    assert np.allclose(bags.toarray(), [[0.2, 0, 0.8], [0, 0, 0]])


class Turned:
    """A teacher of more numbers that knows one thing more: that shoes are sneakers."""

    def __call__(self, catalog: Catalog) -> Vectors:
        texts = [text.replace("sneaker", "shoe") for text in catalog.texts()]
        turn = np.linalg.qr(np.random.default_rng(0).standard_normal((300, 256)))[0].astype(np.float32)
        return Vectors(StaticWords().encode(texts) @ turn.T, catalog)


def test_a_teacher_moves_the_rows_towards_what_it_knows():
    colours = ["red", "green", "blue", "black", "white", "old", "new", "cheap"]
    shop = Catalog.of(text=[f"{colour} {thing}" for colour in colours for thing in ("sneaker", "shoe", "hat")])
    plain = StaticWords()
    taught = adapt_to_teacher(plain, shop, Turned())
    before, after = (each.encode(["red sneaker", "red shoe", "corporate tax"]) for each in (plain, taught))
    assert after[0] @ after[1] > before[0] @ before[1] + 0.1
    assert abs(after[2] @ before[2] - 1) < 1e-3
    with pytest.raises(BadInput, match="two things"):
        adapt_to_teacher(plain, Catalog.of(text=["", ""]), Turned())
