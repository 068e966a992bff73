"""What every projection promises, whichever it is."""

import importlib
import inspect
import pkgutil

import numpy as np
import pytest

import nearkin.projections
from nearkin.errors import BadInput, NotFitted
from nearkin.projections.calibrated_fde import CalibratedFde
from nearkin.projections.count_sketch import CountSketch
from nearkin.projections.fde import Fde
from nearkin.projections.lean_vec import LeanVec
from nearkin.projections.lean_vec_ood import LeanVecOod
from nearkin.projections.linear import Linear
from nearkin.projections.pca import Pca
from nearkin.projections.random_projection import RandomProjection
from nearkin.projections.turned import Turned
from nearkin.projections.whitening import Whitening
from nearkin.stage import Projection, Stage
from nearkin.tables import Catalog, RaggedVectors, Vectors

N, DIM, KEPT = 60, 12, 5

EXAMPLES = {
    "CalibratedFde": lambda: CalibratedFde(encoding=Fde(repetitions=2, k_sim=2, d_proj=4, seed=3), probes=20),
    "CountSketch": lambda: CountSketch(dim=KEPT, seed=3),
    "Fde": lambda: Fde(repetitions=2, k_sim=2, d_proj=4, seed=3),
    "LeanVec": lambda: LeanVec(dim=KEPT),
    "LeanVecOod": lambda: LeanVecOod(dim=KEPT),
    "LeanVecOod, sphering": lambda: LeanVecOod(dim=KEPT, solver="sphering"),
    "Linear": lambda: Linear(matrix=np.random.default_rng(4).normal(size=(KEPT, DIM)).astype(np.float32)),
    "Pca": lambda: Pca(dim=KEPT),
    "RandomProjection": lambda: RandomProjection(dim=KEPT, seed=3),
    "Turned": lambda: Turned(projection=LeanVec(dim=KEPT), seed=3),
    "Whitening": lambda: Whitening(dim=KEPT),
}
LINEAR = ("CountSketch", "LeanVec", "LeanVecOod", "LeanVecOod, sphering", "Linear", "RandomProjection", "Turned")
WITH_QUERIES = ("LeanVecOod", "LeanVecOod, sphering")


def table(part, count=N, seed=0, kind=np.float32):
    """Random vectors of the kind that the projection takes."""
    random = np.random.default_rng(seed)
    things = Catalog.of([f"v{row}" for row in range(count)])
    if part.takes is RaggedVectors:
        offsets = np.concatenate([[0], np.cumsum(random.integers(1, 5, count))]).astype(np.int64)
        return RaggedVectors(random.normal(size=(offsets[-1], DIM)).astype(kind), offsets, things)
    return Vectors((random.normal(size=(count, DIM)) * np.linspace(2, 0.5, DIM) + 0.3).astype(kind), things)


def fitted(name, items=None):
    part = EXAMPLES[name]()
    items = items or table(part)
    if not hasattr(part, "fit"):
        return part
    return part.fit(items, table(part, seed=1)) if name in WITH_QUERIES else part.fit(items)


@pytest.fixture(params=sorted(EXAMPLES))
def name(request):
    return request.param


def test_every_projection_is_here():
    places = [place.name for place in pkgutil.iter_modules(nearkin.projections.__path__, "nearkin.projections.")]
    kinds = [kind for place in places for kind in vars(importlib.import_module(place)).values() if inspect.isclass(kind)]
    found = {kind.__name__ for kind in kinds if issubclass(kind, Projection) and kind.__module__ in places}
    assert found == {name.split(",")[0] for name in EXAMPLES}


def test_a_row_a_thing_of_float32_and_the_things_known(name):
    part = fitted(name)
    given = part(table(part))
    assert isinstance(given, Vectors)
    assert given.rows.dtype == np.float32
    assert given.things.ids.equals(table(part).things.ids)
    half = part(table(part, kind=np.float16))
    assert half.rows.dtype == np.float32
    np.testing.assert_allclose(half.rows, given.rows, atol=0.05)


def test_fit_gives_itself_and_the_same_each_time(name):
    part = fitted(name)
    if hasattr(part, "fit"):
        again = part.fit(table(part), table(part, seed=1)) if name in WITH_QUERIES else part.fit(table(part))
        assert again is part
    np.testing.assert_array_equal(part(table(part)).rows, fitted(name)(table(part)).rows)


def test_one_at_a_time_equals_all_and_none_gives_none(name):
    part = fitted(name)
    items = table(part)
    alone = np.concatenate([part(items.take([row])).rows for row in range(N)])
    np.testing.assert_allclose(part(items).rows, alone, atol=1e-5)
    assert part(items.take([])).rows.shape == (0, alone.shape[1])


def test_queries_get_as_many_dimensions_and_the_same_refusals(name):
    part = fitted(name)
    asked = part.asking()(table(part, seed=1))
    assert asked.dim == part(table(part)).dim
    assert asked.things.ids.equals(table(part, seed=1).things.ids)


@pytest.mark.parametrize("linear", LINEAR)
def test_linear_maps_are_the_matrix_of_their_images_of_the_identity(linear):
    part = fitted(linear)
    items, unit = table(part), Vectors(np.eye(DIM, dtype=np.float32))
    for side in (part, part.asking()):
        assert not side(Vectors(np.zeros((3, DIM), np.float32))).rows.any()
        np.testing.assert_allclose(side(items).rows, items.rows @ side(unit).rows, atol=1e-5)


def test_saved_equals_loaded(name, tmp_path):
    part = fitted(name)
    part.save(tmp_path / "stage")
    read = Stage.load(tmp_path / "stage")
    np.testing.assert_array_equal(read(table(part)).rows, part(table(part)).rows)
    np.testing.assert_array_equal(read.asking()(table(part)).rows, part.asking()(table(part)).rows)


def test_a_memory_map_is_read_by_blocks_and_not_changed(name, tmp_path):
    part = fitted(name)
    if part.takes is not Vectors:
        pytest.skip(f"{name} reads bags")
    np.save(tmp_path / "rows.npy", table(part).rows)
    held = Vectors(np.load(tmp_path / "rows.npy", mmap_mode="r"))
    np.testing.assert_array_equal(fitted(name, held)(held).rows, part(table(part)).rows)


def test_before_fit_it_says_so(name):
    part = EXAMPLES[name]()
    if not hasattr(part, "fit"):
        pytest.skip(f"{name} learns nothing")
    with pytest.raises(NotFitted):
        part(table(part))


def test_another_dim_and_too_many_dimensions_are_refused(name):
    part = fitted(name)
    wrong = Vectors(np.zeros((2, DIM + 1), np.float32))
    with pytest.raises(BadInput):
        part(wrong if part.takes is Vectors else RaggedVectors(wrong.rows, np.array([0, 2])))
    if hasattr(part, "dim") and isinstance(vars(part).get("dim"), int):
        for dim in (0, DIM + 1):
            part.dim = dim
            with pytest.raises(BadInput, match="dimensions"):
                part.fit(table(part), table(part, seed=1)) if name in WITH_QUERIES else part.fit(table(part))
