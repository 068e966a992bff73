"""Paragraph vectors: texts about the same thing lie together, bits are balanced and compare as bits, new texts land where old ones are."""

from __future__ import annotations

import numpy as np
import pytest

from nearkin.codecs.half_spaces import HalfSpaces
from nearkin.codecs.sign_hash import SignHash
from nearkin.errors import BadInput, NotFitted
from nearkin.tables import Catalog, Vectors, unit

torch = pytest.importorskip("torch", reason="needs the extra torch")
from nearkin.encoders.paragraph_vectors import MOST_TERMS, ParagraphVectors  # noqa: E402
from nearkin.layers.paragraph_net import ParagraphNet, straight_through  # noqa: E402

TOPICS, EACH = 6, 40


def texts(seed: int = 0) -> tuple[Catalog, np.ndarray]:
    """Short texts of one of six topics, each with fifteen words of its own and ten that all share."""
    random = np.random.default_rng(seed)
    topic = np.arange(TOPICS * EACH) % TOPICS
    lines = []
    for own in topic:
        words = [f"t{own}w{word}" for word in random.integers(0, 15, 7)] + [f"shared{word}" for word in random.integers(0, 10, 3)]
        lines.append(" ".join(random.permutation(words)))
    return Catalog.of(text=lines), topic


CATALOG, TOPIC = texts()
NEW, NEW_TOPIC = texts(1)
MODELS = {
    "real": ParagraphVectors(dim=16, epochs=20, batch=60, rate=0.05),
    "binary": ParagraphVectors(dim=32, bits=32, epochs=20, batch=60, rate=0.05),
    "two levels": ParagraphVectors(dim=24, bits=12, epochs=20, batch=60, rate=0.05),
    "memory": ParagraphVectors(dim=32, bits=32, window=2, epochs=20, batch=60, rate=0.05),
}


@pytest.fixture(scope="module")
def fitted():
    return {name: model.fit(CATALOG) for name, model in MODELS.items()}


def codes(model: ParagraphVectors, rows: np.ndarray) -> np.ndarray:
    """Signed bits, or directions where there are none."""
    if model.bits is None:
        return unit(rows)
    codec = HalfSpaces.signs(model.dim) if model.planes_ is None else HalfSpaces.of(model.planes_)
    return codec(Vectors(rows)).symbols * 2.0 - 1


@pytest.mark.parametrize("name", sorted(MODELS))
def test_new_texts_lie_with_texts_of_their_topic(fitted, name):
    model = fitted[name]
    likeness = codes(model, model(NEW).rows) @ codes(model, model.documents_).T
    near = np.argsort(-likeness, 1)[:, :10]
    share = (TOPIC[near] == NEW_TOPIC[:, None]).mean()
    assert share > (0.7 if name != "memory" else 2 / TOPICS)  # with the words around given, little is left for the text to tell


@pytest.mark.parametrize("name", ["binary", "two levels", "memory"])
def test_bits_are_balanced(fitted, name):
    share = (codes(fitted[name], fitted[name].documents_) > 0).mean(0)
    assert ((share > 0.2) & (share < 0.8)).mean() > 0.7


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_text_of_fit_lands_nearer_to_its_own_code_than_to_others(fitted, name):
    model = fitted[name]
    likeness = codes(model, model(CATALOG).rows) @ codes(model, model.documents_).T
    own = likeness.diagonal()[:, None]
    assert (own > likeness).mean() + 0.5 * (own == likeness).mean() > 0.8


def test_the_same_seed_gives_the_same_and_inference_minds_no_batch(fitted):
    again = ParagraphVectors(dim=32, bits=32, epochs=20, batch=60, rate=0.05).fit(CATALOG)
    np.testing.assert_array_equal(again.documents_, fitted["binary"].documents_)
    together = again(NEW).rows
    alone = np.concatenate([again(NEW.take([row])).rows for row in range(5)])
    np.testing.assert_allclose(together[:5], alone, atol=1e-5)


def test_texts_without_a_known_word_are_zero_and_long_ones_are_read(fitted):
    strange = Catalog.of(text=["", "nothing known here", "t0w1", "t0w1 " * 5000])
    rows = fitted["real"](strange).rows
    assert not rows[:2].any()
    assert rows[2].any()
    assert rows[3].any()
    assert max(map(len, fitted["real"]._terms(strange))) == MOST_TERMS


def test_pairs_of_words_are_terms_but_not_with_a_window():
    two = Catalog.of(text=["golden gate bridge", "golden gate bridge", "golden gate bridge"])
    assert "golden gate" in ParagraphVectors(dim=4, epochs=1).fit(two).terms_
    assert "golden gate" not in ParagraphVectors(dim=4, epochs=1, window=1).fit(two).terms_


def test_rounding_passes_the_slope_of_the_sigmoid():
    values = torch.tensor([[-1.0, 0.5]], requires_grad=True)
    bits = straight_through(values)
    assert bits.tolist() == [[0.0, 1.0]]
    bits.sum().backward()
    soft = torch.sigmoid(values.detach())
    torch.testing.assert_close(values.grad, soft * (1 - soft))


def test_the_words_around_are_those_of_the_same_text():
    net = ParagraphNet(6, 4, None, words_around=True)
    words, owner = torch.tensor([0, 1, 2, 3, 4, 5]), torch.tensor([0, 0, 0, 1, 1, 2])
    found = net._surroundings(words, owner, 2)
    around = {0: [1, 2], 1: [0, 2], 2: [0, 1], 3: [4], 4: [3], 5: []}
    for place, others in around.items():
        wanted = net.around[others].mean(0) if others else torch.zeros(4)
        torch.testing.assert_close(found[place], wanted)


def test_turned_planes_lose_less_than_random_ones():
    random = np.random.default_rng(0)
    rows = Vectors((random.normal(size=(400, 16)) * np.linspace(3, 0.3, 16)).astype(np.float32))
    likeness = unit(rows.rows) @ unit(rows.rows).T
    agreement = {}
    for name, codec in {"turned": HalfSpaces(bits=8), "random": SignHash(bits=8)}.items():
        signs = codec.fit(rows)(rows).symbols * 2.0 - 1
        agreement[name] = np.corrcoef((signs @ signs.T).ravel(), likeness.ravel())[0, 1]
    assert agreement["turned"] > agreement["random"]


def test_bad_input_is_refused():
    with pytest.raises(BadInput, match="bits of 1"):
        ParagraphVectors(bits=0)
    with pytest.raises(BadInput, match="no term"):
        ParagraphVectors().fit(Catalog.of(text=["one two", "three four"]))
    with pytest.raises(NotFitted):
        ParagraphVectors()(CATALOG)
    with pytest.raises(BadInput, match="bits"):
        HalfSpaces(bits=9).fit(Vectors(np.zeros((20, 4), np.float32)))
