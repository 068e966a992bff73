"""How many documents a second does the encoding of bags of vectors take, and from which size on does it pay to search by encodings?

`python benches/multi_vector.py`, with ir-scifact and ir-vaswani in NEARKIN_DATA (token vectors of MiniLM, kept once encoded). Rival in
encoding: fastembed's Muvera, given the same planes and projections, so that both give the same numbers: all of a query's, and all of a
document's but the empty cells that two vectors fill equally well (fastembed takes the one of the lowest cell, we the first, as the
paper's code does). Beside it our calibrated encodings, one number more. Rival in searching: exact Chamfer. Processor time of one thread,
methods taking turns, medians of five; recall@10 against exact Chamfer.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from fastembed.postprocess import Muvera

from nearkin import data
from nearkin.indexes import multi_vector_index
from nearkin.indexes.chamfer_index import ChamferIndex
from nearkin.indexes.multi_vector_index import MultiVectorIndex
from nearkin.projections.calibrated_fde import CalibratedFde
from nearkin.projections.fde import Fde
from nearkin.recipes.muvera import Settings, token_encoder
from nearkin.tables import RaggedVectors

DOCUMENTS, ASKED, REPEATS, SIZES = 200, 8, 5, (100, 300, 1000, 3000, 5183, 11_429)


def timed(work: Callable[[], Any]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def in_turn(works: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Median seconds of each, after one run that does not count."""
    for work in works.values():
        work()
    found: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(REPEATS):
        for name, work in works.items():
            found[name].append(timed(work))
    return {name: float(np.median(times)) for name, times in found.items()}


def like(rival: Muvera) -> Fde:
    """Our encoding with fastembed's draws."""
    ours = Fde(repetitions=rival.r_reps, k_sim=rival.k_sim, d_proj=rival.dim_proj)
    ours.fit(RaggedVectors(np.zeros((0, rival.dim), np.float32), np.zeros(1, np.int64)))
    planes = np.concatenate([each.simhash_vectors.T for each in rival.simhash_projections])
    ours.planes_[: len(planes)] = planes
    ours.maps_[:, : rival.dim_proj] = rival.dim_reduction_projections.transpose(0, 2, 1) / np.sqrt(rival.dim_proj)
    return ours


def theirs_in_our_order(rows: np.ndarray, rival: Muvera) -> np.ndarray:
    """fastembed's cells, [n, repetitions, cells, d_proj], in Gray-code order with the first plane's sign most significant."""
    cells = np.arange(2**rival.k_sim)
    reverse = [int(f"{cell ^ (cell >> 1):0{rival.k_sim}b}"[::-1], 2) for cell in cells]
    return rows.reshape(len(rows), rival.r_reps, len(cells), rival.dim_proj)[:, :, reverse]


def encoding(items: RaggedVectors, queries: RaggedVectors) -> dict[str, Any]:
    rival = Muvera(items.dim)
    ours, documents = like(rival), [items.of(row).astype(np.float32) for row in range(len(items))]
    calibrated = CalibratedFde().fit(items)
    works: dict[str, Callable[[], Any]] = {"nearkin": lambda: ours(items), "nearkin, calibrated": lambda: calibrated(items)}
    seconds = in_turn(works | {"fastembed": lambda: [rival.process_document(each) for each in documents]})
    asked = [queries.of(row).astype(np.float32) for row in range(len(queries))]
    theirs = np.stack([rival.process_document(each) for each in documents]), np.stack([rival.process_query(each) for each in asked])
    own = ours(items).rows, ours.asking()(queries).rows
    exact = ChamferIndex().fit(items).score(queries, np.broadcast_to(np.arange(len(items)), (len(queries), len(items))))
    sides = {"nearkin": own, "nearkin, calibrated": (calibrated(items).rows, calibrated.asking()(queries).rows), "fastembed": theirs}
    found: dict[str, Any] = {name: statistics(*rows, exact) for name, rows in sides.items()}
    for name, count in seconds.items():
        found[name]["documents_a_s"] = round(len(items) / count)
    equal = [
        np.isclose(a.reshape(b.shape), b, atol=1e-4).all(-1) for a, b in zip(own, (theirs_in_our_order(each, rival) for each in theirs))
    ]
    found |= {"cells equal, documents and queries": [round(float(each.mean()), 5) for each in equal]}
    return found | {"times as fast": round(seconds["fastembed"] / seconds["nearkin"], 1)}


def statistics(documents: np.ndarray, queries: np.ndarray, exact: np.ndarray) -> dict[str, float]:
    """Mean norm, mean |product / repetitions - Chamfer|, their correlation, and recall@10."""
    products = queries.astype(np.float64) @ documents.T / 20
    best = [np.argsort(-each, axis=1, kind="stable")[:, :10] for each in (products, exact)]
    recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(*best)])
    error, alike = np.abs(products - exact).mean(), np.corrcoef(products.ravel(), exact.ravel())[0, 1]
    norm = np.linalg.norm(documents, axis=1).mean()
    return {name: round(float(each), 4) for name, each in zip(("norm", "error", "correlation", "recall@10"), (norm, error, alike, recall))}


def searching(items: RaggedVectors, queries: RaggedVectors) -> list[dict[str, Any]]:
    """Queries a second, one at a time, by the number of documents."""
    rows, one, free = [], [queries.take([row]) for row in range(len(queries))], multi_vector_index.SET_OUT
    for size in (each for each in SIZES if each <= len(items)):
        index = MultiVectorIndex(encoding=CalibratedFde()).fit(items.take(np.arange(size)))

        def by_encodings(index: MultiVectorIndex = index) -> None:
            multi_vector_index.SET_OUT = -(10**12)  # never exactly
            for each in one:
                index(each)
            multi_vector_index.SET_OUT = free

        exact, works = index.exact_, {"by encodings": by_encodings}
        works |= {
            "exact": lambda exact=exact: [exact(each) for each in one],
            "as chosen": lambda index=index: [index(each) for each in one],
        }
        row: dict[str, Any] = {"documents": size, "vectors": len(exact.items_.rows)}
        row |= {f"{name}, queries_a_s": round(len(one) / count, 1) for name, count in in_turn(works).items()}
        hits = zip(index(queries).rows.tolist(), exact(queries).rows.tolist())
        rows.append(row | {"recall@10": round(float(np.mean([len(set(a) & set(b)) / 10 for a, b in hits])), 4)})
        print(*rows[-1].values(), sep="\t", flush=True)
    return rows


def main() -> None:
    kept: dict[str, Any] = {"question": __doc__.splitlines()[0]}
    encoder = token_encoder(Settings())
    for name in ("ir-scifact", "ir-vaswani"):
        given = data.load(name)
        items, queries = encoder(given.items), encoder(given.queries.take(np.arange(ASKED)))
        kept[name] = {"encoding": encoding(items.take(np.arange(DOCUMENTS)), queries)}
        print(name, json.dumps(kept[name]["encoding"]), flush=True)
        kept[name]["searching"] = searching(items, queries)
    kept["versions"] = {each: version(each) for each in ("nearkin", "numpy", "numba", "fastembed")}
    kept["machine"] = {"processor": platform.processor() or platform.machine(), "python": platform.python_version(), "threads": 1}
    (Path(__file__).parent / "results" / "multi-vector.json").write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
