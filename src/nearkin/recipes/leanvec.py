"""Fewer numbers, then fewer bits, then a second look; from "LeanVec: searching vectors faster by making them fit" (Tepper, Bhati,
Aguerrebere, Hildebrand and Willke, 2024).

Items are projected to a quarter of their numbers and coded by LVQ (the primaries); all are scored by those, and the best are scored again
by a secondary copy. Measured is the share of the exact ten nearest that come out, for queries that are like the items and queries that
are not, by an exhaustive scan, so that nothing but projection and code plays a part; `build` gives the graph index (`LeanIndex`) that
holds the same, and benches/ann.py its queries a second.
Rivals with the same bytes of primaries: the projection that knows the items alone (LeanVec-ID), PCA with its mean, random signs, product
quantisation; with more bytes, LVQ of all numbers. The two solvers of the paper and the sphering of its successor stand side by side.
Differs from the paper: text in place of images, exact line search in Frank-Wolfe, a prior for small samples of queries (see
`LeanVecOod`), factors of LVQ in 32 bits. Where an encoder makes the two sides alike there is nothing to gain: so for Portuguese asked of
English by a multilingual encoder (`nearkin reproduce leanvec --data catalog-debian`). Left out: nothing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from nearkin.codecs.lvq import Lvq
from nearkin.codecs.product_quantiser import ProductQuantiser
from nearkin.indexes.lean_index import LeanIndex
from nearkin.projections.lean_vec import LeanVec
from nearkin.projections.lean_vec_ood import LeanVecOod
from nearkin.projections.moments import Moments
from nearkin.projections.pca import Pca
from nearkin.projections.random_projection import RandomProjection
from nearkin.recipes.card import Card
from nearkin.recipes.contract import OURS, Curve, Measured, Measures
from nearkin.recipes.leanvec_scan import BLOCK, Scorer, coded, nearest, projected, recall
from nearkin.recipes.leanvec_sets import Queries, Sets, sets_of, two_maps
from nearkin.stage import Projection, Stage
from nearkin.tables import Catalog, Data, Vectors

MORE = 5  # points of recall that the claim asks for

CARD = Card(
    paper=70,
    title="LeanVec: fewer dimensions, then fewer bits, then a second look",
    claim="at a quarter of the dims, learning from queries too finds 5 points more for queries unlike the items, and no less for others",
    task="own",
    data=("dict-wordnet31",),
    metrics=("recall@10",),
    beats=("LeanVec-ID",),
    seeds=(0, 1, 2),
    tiny_s=2.0,
)
ID = "LeanVec-ID"


@dataclass(frozen=True, kw_only=True)
class Settings:
    part: int = 4  # ours; D / part numbers are kept
    parts: tuple[int, ...] = (8, 4, 2)  # ours; of the curve
    bits: int = 8  # of a number in the primaries
    reranks: tuple[int, ...] = (10, 20, 50)  # ours; items scored again; 10 is none, as ten are asked for
    asked: int = 1000  # ours; test queries of a kind
    learned: tuple[int, ...] = (50, 200, 1000, 4000, 12_000)  # ours; training queries of the curve
    k: int = 10
    seed: int = 0  # of rotations, random signs, codebooks, and which training queries are used

    @classmethod
    def tiny(cls) -> Self:
        return cls(parts=(4,), asked=200, learned=(50, 400), reranks=(10, 20))


def build(data: Data, settings: Settings = Settings()) -> Stage:
    """The index over the items' vectors, projected for the first kind of queries that is unlike them: Vectors -> Hits."""
    sets = sets_of(data)
    asked = next(kind for kind in sets.queries.values() if not kind.alike)
    return _index(sets, LeanVecOod(dim=_kept(sets, settings)).fit(Vectors(sets.items), Vectors(asked.learn)), settings)


def rivals(data: Data, settings: Settings = Settings()) -> dict[str, Stage]:
    """The same index by the projection that knows the items alone."""
    sets = sets_of(data)
    return {ID: _index(sets, LeanVec(dim=_kept(sets, settings)).fit(Vectors(sets.items)), settings)}


def _index(sets: Sets, projection: Projection, settings: Settings) -> LeanIndex:
    return LeanIndex(k=settings.k, dim=projection.dim, projection=projection, seed=settings.seed).fit(Vectors(sets.items))


def report(data: Data, settings: Settings = Settings()) -> Measures:
    """Recall of every method for every kind of query, with fewer and more items scored again; then dims, sample sizes, codes, solvers."""
    sets = sets_of(data)
    plain, found, gains = without_queries(sets, settings), [], {}
    for kind, asked in sets.queries.items():
        asked = tested(sets, asked, settings)
        scorers = with_queries(sets, asked.learn, settings) | plain
        recalls = {name: recall(scorer, sets.items, asked, settings.reranks) for name, scorer in scorers.items()}
        found += [line(kind, asked, rerank, recalls, settings) for rerank in settings.reranks]
        gains[kind] = {f"re-rank {rerank}": _points(recalls[OURS][rerank], recalls[ID][rerank]) for rerank in settings.reranks}
    figures: dict[str, Any] = {"points of recall gained on LeanVec-ID": gains}
    figures["bytes of primaries a vector"] = {name: scorer.size for name, scorer in scorers.items()}
    most = f"re-rank {max(settings.reranks)}"
    holds = all(gain[most] >= -1 if sets.queries[kind].alike else gain[most] >= MORE for kind, gain in gains.items())
    if settings.seed:
        return Measures(measured=found, figures=figures, holds=holds)
    more, curves = studies(sets, settings)
    return Measures(measured=found, figures=figures | more, curves=curves, holds=holds)


def line(kind: str, asked: Queries, rerank: int, recalls: dict[str, dict[int, np.ndarray]], settings: Settings) -> Measured:
    """One row of the table; the one with the most re-ranking decides, for queries unlike the items."""
    how = "no re-rank" if rerank == settings.k else f"re-rank {rerank}"
    values = {name: by_rerank[rerank] for name, by_rerank in recalls.items()}
    said = f"recall@{settings.k} {kind}{' (alike)' if asked.alike else ''}, {how}"
    return Measured(metric=said, values=values, decides=rerank == max(settings.reranks) and not asked.alike)


def with_queries(sets: Sets, learn: np.ndarray, settings: Settings) -> dict[str, Scorer]:
    """The projections that learn from queries, the paper's method under "ours"."""
    solvers = {OURS: "frank-wolfe", "eigenvector search": "eigen-search", "sphering": "sphering"}
    return {name: ood(sets, learn, settings, solver=solver) for name, solver in solvers.items()}


def without_queries(sets: Sets, settings: Settings) -> dict[str, Scorer]:
    """What is compared with them and knows the items alone."""
    dim, items = _kept(sets, settings), Vectors(sets.items)
    centres = 256 if len(items) >= 4096 else 16
    made = {ID: LeanVec(dim=dim), "PCA": Pca(dim=dim), "random projection": RandomProjection(dim=dim, seed=settings.seed)}
    scorers = {name: plain(sets, each, settings) for name, each in made.items()}
    scorers["PQ"] = coded(ProductQuantiser(levels=dim, codebook_size=centres, seed=settings.seed), items, dim)
    return scorers | {"LVQ-4 of all numbers": coded(Lvq(bits=4), items, items.dim / 2 + 8)}


def ood(sets: Sets, learn: np.ndarray, settings: Settings, *, dim: int | None = None, bits: int | None = None, **how: Any) -> Scorer:
    """LeanVec-OOD with these queries."""
    part = LeanVecOod(dim=dim or _kept(sets, settings), **how)
    halves = [Moments.of(Vectors(learn[start::2])) for start in (0, 1)]
    return projected(part, Vectors(sets.items), sets.moments, *halves, bits=bits or settings.bits, seed=settings.seed)


def plain(sets: Sets, projection: Projection, settings: Settings) -> Scorer:
    """A projection that knows the items alone."""
    parts = () if isinstance(projection, RandomProjection) else (sets.moments,)
    return projected(projection, Vectors(sets.items), *parts, bits=settings.bits, seed=settings.seed)


def tested(sets: Sets, asked: Queries, settings: Settings) -> Queries:
    """The test queries that are not items themselves (those hide what is unlike) with their answers; of the others four fifths, drawn."""
    some = asked.test[: settings.asked]
    wanted, scores = nearest(sets.items, some, settings.k)
    new = scores.max(1) < 1 - 1e-5
    drawn = np.random.default_rng(settings.seed).permutation(len(asked.learn))[: len(asked.learn) * 4 // 5]
    return replace(asked, learn=asked.learn[drawn], test=some[new], wanted=wanted[new])


def studies(sets: Sets, settings: Settings) -> tuple[dict[str, Any], list[Curve]]:
    """What changes with the dims, the training queries, the secondary copy and the bits, on the first kind unlike the items."""
    kind = next(kind for kind, asked in sets.queries.items() if not asked.alike)
    asked = tested(sets, sets.queries[kind], settings)
    by_dims, by_sample = dims(sets, asked, settings), samples(sets, asked, settings)
    title = f"{kind}, re-rank {settings.reranks[1]}"
    curves = [
        Curve(title=title, x="dimensions kept", y="recall@10", lines=by_dims, log_x=True),
        Curve(title=f"{title}, D / {settings.part}", x="training queries", y="recall@10", lines=by_sample, log_x=True),
    ]
    more = {"recall by dims kept": by_dims, "recall by training queries": by_sample} | codes(sets, asked, settings)
    return more | {"seconds of a scan, all numbers, then a part": scan_seconds(sets, asked, settings)}, curves


def dims(sets: Sets, asked: Queries, settings: Settings) -> dict[str, tuple[list[float], list[float]]]:
    """Recall with the middle number of items scored again, as more dimensions are kept."""
    lines: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in ("LeanVec-OOD", ID, "random projection")}
    for dim in (sets.items.shape[1] // part for part in settings.parts):
        blind = {ID: LeanVec(dim=dim), "random projection": RandomProjection(dim=dim)}
        scorers = {name: plain(sets, each, settings) for name, each in blind.items()}
        scorers["LeanVec-OOD"] = ood(sets, asked.learn, settings, dim=dim)
        for name, scorer in scorers.items():
            lines[name][0].append(float(dim))
            lines[name][1].append(_mean(scorer, sets, asked, settings))
    return lines


def samples(sets: Sets, asked: Queries, settings: Settings) -> dict[str, tuple[list[float], list[float]]]:
    """The same as more training queries are used."""
    counts = [count for count in settings.learned if count <= len(asked.learn)]
    values = [_mean(ood(sets, asked.learn[:count], settings), sets, asked, settings) for count in counts]
    level = _mean(plain(sets, LeanVec(dim=_kept(sets, settings)), settings), sets, asked, settings)
    across = [float(count) for count in counts]
    return {"LeanVec-OOD": (across, values), ID: (across, [level] * len(counts))}


def codes(sets: Sets, asked: Queries, settings: Settings) -> dict[str, Any]:
    """Recall with the most items scored again, by bits of the primaries and by kind of secondary copy, and bytes of each."""
    lvq, items, most = Lvq(bits=8), Vectors(sets.items), max(settings.reranks)
    eight = lvq.fit(items).decode(lvq(items)).rows
    kinds = {"float32": (None, 4), "float16": (sets.items.astype(np.float16), 2), "LVQ-8": (eight, 1)}
    found = {}
    for bits in (8, 4):
        scorer = ood(sets, asked.learn, settings, bits=bits)
        recalls = {name: recall(scorer, sets.items, asked, (most,), rows)[most] for name, (rows, _) in kinds.items()}
        found[f"recall with {bits}-bit primaries of {scorer.size:.0f} bytes, by secondary copy"] = {
            f"{name}, {kinds[name][1] * items.dim} bytes": float(values.mean()) for name, values in recalls.items()
        }
    return found


def scan_seconds(sets: Sets, asked: Queries, settings: Settings) -> list[float]:
    """Processor time of the products of all test queries with all items, and with as many rows of a part of the numbers."""
    found = []
    for dim in (sets.items.shape[1], _kept(sets, settings)):
        items, queries = (np.ascontiguousarray(rows[:, :dim]) for rows in (sets.items, asked.test))
        begun = time.process_time()
        for start in range(0, len(queries), BLOCK):
            queries[start : start + BLOCK] @ items.T
        found.append(time.process_time() - begun)
    return found


def _mean(scorer: Scorer, sets: Sets, asked: Queries, settings: Settings) -> float:
    return float(recall(scorer, sets.items, asked, settings.reranks[1:2])[settings.reranks[1]].mean())


def _points(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(100 * (ours.mean() - theirs.mean()))


def _kept(sets: Sets, settings: Settings) -> int:
    return int(sets.items.shape[1] // settings.part)


def world() -> Data:
    """Items and queries as two linear maps of one cause; the vectors are made by `leanvec_sets.two_maps`."""
    return Data(name="two-maps", items=Catalog.of([f"i{row}" for row in range(len(two_maps().items))]))
