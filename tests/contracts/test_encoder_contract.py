"""What every encoder promises, whichever it is."""

import importlib
import inspect
import pkgutil

import numpy as np
import pytest

import nearkin.encoders
from nearkin.encoders.bag_of_words import BagOfWords
from nearkin.encoders.cached import Cached
from nearkin.encoders.char_grams import CharGrams
from nearkin.encoders.fields import Fields
from nearkin.encoders.join import Join
from nearkin.encoders.learned_sparse import LearnedSparse
from nearkin.encoders.multilingual import Multilingual
from nearkin.encoders.numbers import Numbers
from nearkin.encoders.paragraph_vectors import ParagraphVectors
from nearkin.encoders.piece_vectors import PieceVectors
from nearkin.encoders.profile_model import ProfileModel
from nearkin.encoders.sentence_model import SentenceModel
from nearkin.encoders.static_words import StaticWords
from nearkin.encoders.token_states import TokenStates
from nearkin.encoders.token_vectors import TokenVectors
from nearkin.stage import Encoder, Stage
from nearkin.tables import Catalog, RaggedVectors, SparseVectors


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory):
    """A folder with a random BERT of one small layer and a language-model head."""
    transformers = pytest.importorskip("transformers", reason="needs the extra torch")
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("tiny")
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "red", "shoe", "blue", "hat", "guitar", *"abcdefghij", "##s"]
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n")
    transformers.BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    transformers.BertForMaskedLM(transformers.BertConfig(vocab_size=len(pieces), **sizes)).save_pretrained(folder)
    return str(folder)


EXAMPLES = {
    "BagOfWords": lambda _: BagOfWords(),
    "Cached": lambda _: Cached(encoder=StaticWords()),
    "CharGrams": lambda _: CharGrams(),
    "Fields": lambda _: Fields(bins=3),
    "Join": lambda _: Join(parts=(StaticWords(), Fields(bins=3)), weights=(1.0, 0.5)),
    "LearnedSparse": lambda model: LearnedSparse(model=model),
    "Multilingual": lambda _: Multilingual(),
    "Numbers": lambda _: Numbers(),
    "ParagraphVectors": lambda _: ParagraphVectors(dim=6, bits=4, least_count=1, epochs=2),
    "PieceVectors": lambda _: PieceVectors(),
    "ProfileModel": lambda _: ProfileModel(fields=("title",), length=12),
    "SentenceModel": lambda model: SentenceModel(model=model),
    "StaticWords": lambda _: StaticWords(),
    "TokenStates": lambda model: TokenStates(model=SentenceModel(model=model, max_tokens=12)),
    "TokenVectors": lambda model: TokenVectors(states=TokenStates(model=SentenceModel(model=model, max_tokens=12)), dim=8),
}
DIGITS = {"e": 1e-3, "f": 1e-5, "d": 1e-5}  # what a batch may change in a neural model's last digits, by type of number
TOKENS = 12  # no text here has more


def shop() -> Catalog:
    titles = ["red shoe", "", "blue hat hats", "guitar", "Ünïcode ☃ shoe", None, "a b c d e f g h i j"]
    catalog = Catalog.of([f"p{row}" for row in range(7)], title=titles, price=[1, 2, None, 4, 5, 6, 7])
    return catalog.with_fields({"kind": "category"}, kind=[["x"], ["x", "y"], None, ["z"], ["x"], [], ["y"]])


def dense(vectors) -> np.ndarray:
    if isinstance(vectors, RaggedVectors):  # the vectors of a thing side by side
        rows = np.zeros((len(vectors), TOKENS, vectors.dim), vectors.rows.dtype)
        for row, line in enumerate(rows):
            line[: len(vectors.of(row))] = vectors.of(row)
        return rows.reshape(len(vectors), TOKENS * vectors.dim)
    return vectors.to_scipy().toarray() if isinstance(vectors, SparseVectors) else np.asarray(vectors.rows)


def close(found: np.ndarray, wanted: np.ndarray) -> None:
    np.testing.assert_allclose(found, wanted, atol=DIGITS[found.dtype.char])


@pytest.fixture(params=sorted(EXAMPLES))
def encoder(request, tiny_model, tmp_path, monkeypatch):
    """Each encoder, fitted where it learns."""
    monkeypatch.setenv("NEARKIN_CACHE", str(tmp_path / "cache"))
    made = EXAMPLES[request.param](tiny_model)
    return made.fit(shop()) if hasattr(made, "fit") else made


def test_every_encoder_is_here():
    found = set()
    for place in pkgutil.iter_modules(nearkin.encoders.__path__, "nearkin.encoders."):
        module = importlib.import_module(place.name)
        kinds = [kind for kind in vars(module).values() if inspect.isclass(kind) and kind.__module__ == place.name]
        found |= {kind.__name__ for kind in kinds if issubclass(kind, Encoder) and not inspect.isabstract(kind)}
    assert found == set(EXAMPLES)


def test_a_row_a_thing_of_the_promised_kind_and_the_things_known(encoder):
    vectors = encoder(shop())
    assert isinstance(vectors, encoder.gives)
    assert len(vectors) == 7
    assert vectors.things.ids.equals(shop().ids)
    assert vectors.dim == encoder(shop().take([0])).dim


def test_the_same_each_time_and_one_at_a_time(encoder):
    everything = dense(encoder(shop()))
    np.testing.assert_array_equal(everything, dense(encoder(shop())))
    alone = np.concatenate([dense(encoder(shop().take([row]))) for row in range(7)])
    close(everything, alone)


def test_the_order_of_things_does_not_matter(encoder):
    order = [3, 0, 6, 1, 5, 2, 4]
    close(dense(encoder(shop().take(order))), dense(encoder(shop()))[order])


def test_no_things_give_no_rows(encoder):
    assert dense(encoder(shop().take([]))).shape == (0, dense(encoder(shop())).shape[1])


def test_things_are_not_changed(encoder):
    things = shop()
    before = things.fingerprint
    encoder(things)
    encoder.extended(things)
    assert things.fingerprint == before


def test_extending_leaves_earlier_vectors_as_they_are(encoder):
    before = dense(encoder(shop()))
    other = encoder.extended(Catalog.of(["n"], title=["brand new zebra words"]))
    after = dense(other(shop()))
    close(after[:, : before.shape[1]], before)
    assert not after[:, before.shape[1] :].any()


def test_saved_equals_loaded(encoder, tmp_path):
    encoder.save(tmp_path / "stage")
    close(dense(Stage.load(tmp_path / "stage")(shop())), dense(encoder(shop())))


def test_fit_gives_itself_and_the_same_each_time(encoder):
    if not hasattr(encoder, "fit"):
        pytest.skip(f"{type(encoder).__name__} learns nothing")
    before = dense(encoder(shop()))
    assert encoder.fit(shop()) is encoder
    np.testing.assert_array_equal(dense(encoder(shop())), before)
