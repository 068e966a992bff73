"""faiss, loaded when it is first needed, and kept to one thread where more would change its answers or gain nothing."""

from __future__ import annotations

from typing import Any

from nearkin.errors import Missing


def load_faiss() -> Any:
    """The package; refused with its install line where it is not there."""
    try:
        import faiss
    except ImportError as error:
        raise Missing("faiss-cpu", "graph") from error
    return faiss


class OneThread:
    """faiss on one thread while inside: a graph built on several differs each time, and small steps lose where the cores are busy."""

    def __enter__(self) -> None:
        self.threads = load_faiss().omp_get_max_threads()
        load_faiss().omp_set_num_threads(1)

    def __exit__(self, *_: object) -> None:
        load_faiss().omp_set_num_threads(self.threads)


class ByProducts:
    """faiss finding nearest rows by matrix products while inside, however few the queries: nine times as fast for rows of 8 numbers."""

    def __enter__(self) -> None:
        self.fewest = load_faiss().cvar.distance_compute_blas_threshold
        load_faiss().cvar.distance_compute_blas_threshold = 1

    def __exit__(self, *_: object) -> None:
        load_faiss().cvar.distance_compute_blas_threshold = self.fewest
