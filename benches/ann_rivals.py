"""The methods that `benches/ann.py` compares, each behind the same functions; one thread each, inner product, ten hits.

A method knows: build(base), sweeps() (lists of settings, each list rising in cost), search(setting) (a function of queries float32 [q, d]
to rows [q, 10]), size_bytes(), and save(path) and load(path, base) where its index may be kept between runs.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

K = 10
EF = (10, 12, 14, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256, 384)
PROBES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
Search = Callable[[np.ndarray], np.ndarray]


class Faiss:
    """An index of faiss by its factory string; `parameter` is swept over `values`, for each refine factor."""

    def __init__(self, factory: str, parameter: str = "", values: Sequence[int] = (0,), refine: Sequence[int] = (0,)) -> None:
        self.factory, self.parameter, self.values, self.refine = factory, parameter, values, refine

    def build(self, base: np.ndarray) -> None:
        import faiss

        lists = 2 ** round(np.log2(2 * np.sqrt(len(base))))
        self.index = faiss.index_factory(base.shape[1], self.factory.format(lists=lists), faiss.METRIC_INNER_PRODUCT)
        if "HNSW" in self.factory:
            self._graph().hnsw.efConstruction = 200
        self.index.train(base)
        self.index.add(base)

    def _graph(self) -> Any:
        import faiss

        inner = faiss.downcast_index(self.index)
        while not hasattr(inner, "hnsw"):
            inner = faiss.downcast_index(inner.base_index if hasattr(inner, "base_index") else inner.index)
        return inner

    def sweeps(self) -> list[list[Any]]:
        return [[(refine, value) for value in self.values] for refine in self.refine]

    def search(self, setting: Any) -> Search:
        import faiss

        refine, value = setting
        if refine:
            faiss.downcast_index(self.index).k_factor = refine
        if self.parameter:
            faiss.ParameterSpace().set_index_parameter(self.index, self.parameter, value)
        return lambda queries: self.index.search(queries, K)[1]

    def size_bytes(self) -> int:
        import faiss

        return len(faiss.serialize_index(self.index))

    def save(self, path: Path) -> None:
        import faiss

        faiss.write_index(self.index, str(path))

    def load(self, path: Path, _base: np.ndarray) -> None:
        import faiss

        self.index = faiss.read_index(str(path))


class Usearch:
    def __init__(self, kind: str) -> None:
        self.kind = kind

    def _empty(self, dim: int) -> Any:
        from usearch.index import Index

        return Index(ndim=dim, metric="cos" if self.kind == "i8" else "ip", dtype=self.kind, connectivity=16, expansion_add=200)

    def build(self, base: np.ndarray) -> None:
        self.index = self._empty(base.shape[1])
        self.index.add(np.arange(len(base)), base, threads=1)

    def sweeps(self) -> list[list[Any]]:
        return [list(EF)]

    def search(self, setting: Any) -> Search:
        self.index.expansion_search = setting
        return lambda queries: np.asarray(self.index.search(queries, K, threads=1).keys).reshape(len(queries), -1)

    def size_bytes(self) -> int:
        return int(self.index.serialized_length)

    def save(self, path: Path) -> None:
        self.index.save(str(path))

    def load(self, path: Path, base: np.ndarray) -> None:
        self.index = self._empty(base.shape[1])
        self.index.load(str(path))


class Hnswlib:
    def build(self, base: np.ndarray) -> None:
        import hnswlib

        self.index = hnswlib.Index(space="ip", dim=base.shape[1])
        self.index.init_index(max_elements=len(base), ef_construction=200, M=16)
        self.index.set_num_threads(1)
        self.index.add_items(base, num_threads=1)

    def sweeps(self) -> list[list[Any]]:
        return [list(EF)]

    def search(self, setting: Any) -> Search:
        self.index.set_ef(setting)
        return lambda queries: self.index.knn_query(queries, k=K, num_threads=1)[0]

    def size_bytes(self) -> int:
        return _written(self.save)

    def save(self, path: Path) -> None:
        self.index.save_index(str(path))

    def load(self, path: Path, base: np.ndarray) -> None:
        import hnswlib

        self.index = hnswlib.Index(space="ip", dim=base.shape[1])
        self.index.load_index(str(path))
        self.index.set_num_threads(1)


class Svs:
    """Vamana of scalable-vs without compression, which is closed and ends the process on other vendors' processors."""

    def __init__(self, kind: type) -> None:
        self.kind = kind

    def build(self, base: np.ndarray) -> None:
        import svs

        how = svs.VamanaBuildParameters(graph_max_degree=64, window_size=200, alpha=0.95, prune_to=60)
        self.index = svs.Vamana.build(how, base.astype(self.kind), svs.DistanceType.MIP, 1)

    def sweeps(self) -> list[list[Any]]:
        return [[10, 12, 14, 17, 20, 24, 28, 34, 40, 48, 56, 68, 80, 112, 160, 240, 320]]

    def search(self, setting: Any) -> Search:
        import svs

        how = self.index.search_parameters
        how.buffer_config = svs.SearchBufferConfig(setting, setting)
        self.index.search_parameters = how
        return lambda queries: self.index.search(queries, K)[0]

    def size_bytes(self) -> int:
        return _written(self.save)

    def save(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self.index.save(*(str(path / part) for part in ("config", "graph", "data")))

    def load(self, path: Path, _base: np.ndarray) -> None:
        import svs

        kind = svs.DataType.float16 if self.kind is np.float16 else svs.DataType.float32
        data = svs.VectorDataLoader(str(path / "data"), kind)
        self.index = svs.Vamana(str(path / "config"), svs.GraphLoader(str(path / "graph")), data, svs.DistanceType.MIP, num_threads=1)


class Scann:
    def build(self, base: np.ndarray) -> None:
        import scann

        lists = int(2 * np.sqrt(len(base)))
        begun = scann.scann_ops_pybind.builder(base, K, "dot_product").set_n_training_threads(1)
        begun = begun.tree(num_leaves=lists, num_leaves_to_search=10, training_sample_size=len(base))
        self.index = begun.score_ah(2, anisotropic_quantization_threshold=0.2).reorder(100).build()

    def sweeps(self) -> list[list[Any]]:
        return [[(again, leaves) for leaves in PROBES] for again in (30, 100)]

    def search(self, setting: Any) -> Search:
        again, leaves = setting
        how = {"final_num_neighbors": K, "pre_reorder_num_neighbors": again, "leaves_to_search": leaves}
        return lambda queries: self.index.search_batched(queries, **how)[0]

    def size_bytes(self) -> int:
        return _written(self.save)

    def save(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self.index.serialize(str(path))

    def load(self, path: Path, _base: np.ndarray) -> None:
        import scann

        self.index = scann.scann_ops_pybind.load_searcher(str(path))


class Lean:
    """Ours. Never kept between runs: it is built anew each time."""

    def __init__(self, **how: Any) -> None:
        self.how = how

    def build(self, base: np.ndarray) -> None:
        from nearkin.indexes.lean_index import LeanIndex
        from nearkin.tables import Vectors

        self.index = LeanIndex(k=K, window=40, rerank=20, **self.how).fit(Vectors(base))

    def sweeps(self) -> list[list[Any]]:
        windows = (10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 128, 160, 192, 256)
        shares = (lambda w: 14, lambda w: 20, lambda w: w)
        return [[(window, min(window, max(share(window), K))) for window in windows] for share in shares]

    def search(self, setting: Any) -> Search:
        from nearkin.tables import Vectors

        self.index.settings_ = (*setting, K)
        return lambda queries: self.index(Vectors(queries)).rows

    def size_bytes(self) -> int:
        return int(self.index.size_bytes)


def _written(save: Callable[[Path], None]) -> int:
    """Bytes on disk of what `save` writes."""
    with tempfile.TemporaryDirectory() as folder:
        save(Path(folder) / "index")
        return sum(os.path.getsize(path) for path in Path(folder).rglob("*") if path.is_file())


METHODS: dict[str, Callable[[], Any]] = {
    "nearkin LeanIndex": Lean,
    "faiss flat": lambda: Faiss("Flat"),
    "faiss IVF PQ96x4fs refine": lambda: Faiss("IVF{lists},PQ96x4fs,RFlat", "nprobe", PROBES, (4, 10)),
    "faiss IVF RaBitQfs refine": lambda: Faiss("IVF{lists},RaBitQfs,RFlat", "nprobe", PROBES, (4, 10)),
    "faiss PCA160 HNSW32 SQ8 refine": lambda: Faiss("PCA160,HNSW32,SQ8,RFlat", "efSearch", EF, (2, 4)),
    "faiss HNSW32 SQ8": lambda: Faiss("HNSW32,SQ8", "efSearch", EF),
    "faiss HNSW32": lambda: Faiss("HNSW32,Flat", "efSearch", EF),
    "scann": Scann,
    "hnswlib": Hnswlib,
    "usearch f32": lambda: Usearch("f32"),
    "usearch bf16": lambda: Usearch("bf16"),
    "usearch i8": lambda: Usearch("i8"),
    "svs Vamana float16": lambda: Svs(np.float16),
    "svs Vamana float32": lambda: Svs(np.float32),
}
LARGE = ("nearkin LeanIndex", "faiss IVF PQ96x4fs refine", "scann")  # the two fastest rivals in batches; graphs take an hour to build
