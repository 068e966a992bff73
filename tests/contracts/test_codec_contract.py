"""What every codec promises, whichever it is."""

import importlib
import inspect
import pkgutil

import numpy as np
import pytest

import nearkin.codecs
from nearkin.codecs.half_spaces import HalfSpaces
from nearkin.codecs.k_means import SphericalKMeans
from nearkin.codecs.learned_pq import LearnedPq
from nearkin.codecs.lvq import Lvq
from nearkin.codecs.product_quantiser import ProductQuantiser
from nearkin.codecs.rabitq import RaBitQ
from nearkin.codecs.residual_k_means import ResidualKMeans
from nearkin.codecs.residual_signs import ResidualSigns
from nearkin.codecs.sign_hash import SignHash
from nearkin.codecs.stacked_bits import StackedBits
from nearkin.codecs.two_level_lvq import TwoLevelLvq
from nearkin.errors import NotFitted
from nearkin.stage import Stage
from nearkin.tables import Catalog, Codes, Vectors

EXAMPLES = {
    "HalfSpaces": lambda: HalfSpaces(bits=6, seed=3),
    "Lvq": lambda: Lvq(bits=4),
    "TwoLevelLvq": lambda: TwoLevelLvq(second=4),
    "StackedBits": lambda: StackedBits(dim=12, hidden=16, epochs=1, batch=20, seed=3),
    "SignHash": lambda: SignHash(bits=20, seed=3),
    "ResidualKMeans": lambda: ResidualKMeans(levels=3, codebook_size=4, seed=3),
    "ResidualSigns": lambda: ResidualSigns(rounds=3),
    "SphericalKMeans": lambda: SphericalKMeans(codebook_size=4, seed=3),
    "LearnedPq": lambda: LearnedPq(levels=4, codebook_size=16, init="opq", seed=3),
    "RaBitQ": lambda: RaBitQ(seed=3),
    "ProductQuantiser": lambda: ProductQuantiser(levels=4, codebook_size=16, rotate=True, seed=3),
}


def vectors() -> Vectors:
    rows = np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)
    return Vectors(rows, Catalog.of([f"v{row}" for row in range(60)]))


@pytest.fixture(params=sorted(EXAMPLES))
def make(request):
    return EXAMPLES[request.param]


def test_every_codec_is_here():
    places = [place.name for place in pkgutil.iter_modules(nearkin.codecs.__path__, "nearkin.codecs.")]
    kinds = [kind for name in places for kind in vars(importlib.import_module(name)).values() if inspect.isclass(kind)]
    assert {k.__name__ for k in kinds if issubclass(k, Stage) and not inspect.isabstract(k) and k.__module__ in places} == set(EXAMPLES)


def test_fit_gives_itself_and_the_same_for_the_same_seed(make):
    first, second = make(), make()
    assert first.fit(vectors()) is first
    np.testing.assert_array_equal(first(vectors()).symbols, second.fit(vectors())(vectors()).symbols)


def test_codes_are_in_range_one_row_a_thing(make):
    codes = make().fit(vectors())(vectors())
    assert isinstance(codes, Codes)
    assert len(codes) == 60
    assert codes.things.ids.equals(vectors().things.ids)


def test_one_at_a_time_equals_all(make):
    codec = make().fit(vectors())
    alone = np.concatenate([codec(vectors().take([row])).symbols for row in range(60)])
    np.testing.assert_array_equal(codec(vectors()).symbols, alone)


def test_saved_equals_loaded(make, tmp_path):
    codec = make().fit(vectors())
    codec.save(tmp_path / "stage")
    np.testing.assert_array_equal(Stage.load(tmp_path / "stage")(vectors()).symbols, codec(vectors()).symbols)


def test_before_fit_it_says_so(make):
    with pytest.raises(NotFitted):
        make()(vectors())
