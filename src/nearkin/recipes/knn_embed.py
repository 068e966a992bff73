"""Answer a person by several queries, one a cluster of items, smoothed by people alike; from "kNN-Embed: Locally Smoothed Embedding
Mixtures for Multi-interest Candidate Retrieval" (El-Kishky, Markovich, Leung, Portman, Haghighi, Xiao, 2022).

Items get vectors from the graph of who had what; spherical k-means clusters them; a person's share of each cluster, smoothed by the
nearest people, says how many of the k places it gets, and a query made of their items in it finds them. Compared, on the same vectors:
one query a person (the paper's unimodal baseline), the mixture without smoothing, and what is popular.
Vectors are a truncated SVD, as the paper takes any embedding as given. Left out: nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Self

import numpy as np

from nearkin import worlds
from nearkin.codecs.k_means import SphericalKMeans
from nearkin.indexes.flat_index import FlatIndex
from nearkin.indexes.mixture import Mixture
from nearkin.indexes.popularity import Popularity
from nearkin.metrics.diversity import intra_list_distance
from nearkin.recipes.card import Card
from nearkin.recipes.contract import Curve, Measured, Measures
from nearkin.stage import Stage, with_k
from nearkin.tables import Catalog, Data, Links, Split, Vectors, unit

CARD = Card(
    paper=11,
    title="kNN-Embed: users as mixtures over item clusters",
    claim="several queries a person, smoothed by people alike, find more of what they had and show more different things than one query",
    kind="system",
    task="own",
    data=("amazon-beauty",),
    metrics=("Recall@50", "diversity@50"),
    beats=("single query",),
    seeds=(0, 1, 2),
    tiny_s=1.0,
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The paper gives no values in its text, so all are ours; those with several values are chosen on validation edges."""

    dim: int = 32  # ours
    clusters: tuple[int, ...] = (20, 50, 150)  # ours
    neighbours: tuple[int, ...] = (20, 50)  # ours
    own: tuple[float, ...] = (0.5, 0.8)  # ours; lambda
    k: int = 50
    people: int = 5000  # ours; test people, drawn at random; a third of that validates
    seed: int = 0  # of the vectors and the clusters; the split is the same for all seeds

    @classmethod
    def tiny(cls) -> Self:
        return cls(dim=8, clusters=(4, 8), neighbours=(5,), own=(0.8,), k=10, people=100)


def build(data: Data, settings: Settings = Settings()) -> Stage:
    """The mixture with smoothing, with the first of each list of settings."""
    return retrievers(data.need("interactions").interactions, settings)["ours"]


def rivals(data: Data, settings: Settings = Settings()) -> dict[str, Stage]:
    """One query, the mixture without smoothing, and popularity; the first two on the vectors of `build`."""
    stages = retrievers(data.need("interactions").interactions, settings)
    return {name: stage for name, stage in stages.items() if name != "ours"}


def retrievers(links: Links, settings: Settings, choice: tuple[int, int, float] | None = None) -> dict[str, Any]:
    """All systems over the same vectors; `choice`: clusters, neighbours and lambda."""
    clusters, neighbours, own = choice or (settings.clusters[0], settings.neighbours[0], settings.own[0])
    vectors = item_vectors(links, settings.dim, settings.seed)
    ours = mixture(links, vectors, clusters, settings)
    return {
        "ours": replaced(ours, own=own, neighbours=neighbours),
        "single query": mixture(links, vectors, 1, settings),
        "mixture without smoothing": replaced(ours, own=1.0),
        "popularity": Popularity(k=settings.k).fit(links),
    }


def item_vectors(links: Links, dim: int, seed: int) -> Vectors:
    """Step 0: the first singular vectors of the user-item graph, each edge over the root of both degrees; rows of length 1."""
    from scipy.sparse import csr_array, diags_array
    from scipy.sparse.linalg import svds

    shape = (len(links.left), len(links.right))
    graph = csr_array((np.ones(len(links)), (links.left_rows, links.right_rows)), shape=shape)
    users, items = (1 / np.sqrt(np.maximum(np.asarray(graph.sum(axis=axis)).ravel(), 1)) for axis in (1, 0))
    start = np.random.default_rng(seed).normal(size=min(shape))
    *_, sizes, right = svds(diags_array(users) @ graph @ diags_array(items), k=min(dim, min(shape) - 1), v0=start)
    return Vectors(unit(right.T * sizes), links.right)


def mixture(links: Links, vectors: Vectors, clusters: int, settings: Settings) -> Mixture:
    """Steps 1 and 2: cluster the items and hold each person's shares; not smoothed yet."""
    codes = SphericalKMeans(codebook_size=clusters, seed=settings.seed).fit(vectors)(vectors)
    most = max(settings.neighbours)
    return Mixture(vectors=vectors, clusters=codes, index=FlatIndex(), k=settings.k, own=1.0, neighbours=most).fit(links)


def replaced(model: Mixture, **settings: Any) -> Mixture:
    """The same fitted model with other settings of the search."""
    from copy import copy

    other = copy(model)
    for name, value in settings.items():
        setattr(other, name, value)
    return with_k(other, other.k)


def report(data: Data, settings: Settings = Settings()) -> Measures:
    """Recall of held-out edges and diversity of the lists; clusters, neighbours and lambda chosen on validation edges."""
    split = data.need("interactions").interactions.split("random", valid=0.1, test=0.2, seed=0)
    choice, sweep = tuned(split, settings)
    known = joined(split)
    stages = retrievers(known, settings, choice)
    people, truth = asked(known, split.test, settings.people)
    edges = np.diff(known.by_left()[0])[known.left.rows_of(people.ids)]
    clusters = stages["ours"].clusters.symbols[:, 0]
    found = {name: measured(stage, people, truth, settings.k, stages["ours"].vectors.rows, clusters) for name, stage in stages.items()}
    names = (f"Recall@{settings.k}", f"diversity@{settings.k}", *[name for name in found["ours"] if name not in _DECIDE])
    order = ("recall", "diversity", *names[2:])
    lines = [
        Measured(metric=said, values={one: found[one][key] for one in found}, decides=key in _DECIDE) for said, key in zip(names, order)
    ]
    figures = {"chosen (clusters, neighbours, lambda)": list(choice), "sweep on validation": sweep, "people": len(people)}
    figures |= {"single query, then ours, by edges of the person": by_edges(found, edges)}
    return Measures(measured=lines, figures=figures, curves=[curve(sweep, settings)])


_DECIDE = ("recall", "diversity")


def tuned(split: Split, settings: Settings) -> tuple[tuple[int, int, float], list[dict[str, float]]]:
    """The clusters, neighbours and lambda with the best recall of validation edges, and all that were tried."""
    vectors = item_vectors(split.train, settings.dim, settings.seed)
    people, truth = asked(split.train, split.valid, settings.people // 3)
    sweep = []
    for count in settings.clusters:
        model = mixture(split.train, vectors, count, settings)
        for neighbours, own in product(settings.neighbours, settings.own):
            rows = replaced(model, neighbours=neighbours, own=own)(people).rows
            figures = {"recall": float(recalls(rows, truth).mean()), "diversity": float(intra_list_distance(rows, vectors.rows).mean())}
            sweep.append({"clusters": count, "neighbours": neighbours, "lambda": own} | figures)
    top = max(sweep, key=lambda line: line["recall"])
    return (int(top["clusters"]), int(top["neighbours"]), top["lambda"]), sweep


def joined(split: Split) -> Links:
    """Training and validation edges together."""
    rows = [np.concatenate([getattr(split.train, side), getattr(split.valid, side)]) for side in ("left_rows", "right_rows")]
    return Links(split.train.left, split.train.right, *rows)


def asked(known: Links, held: Links, count: int) -> tuple[Catalog, list[np.ndarray]]:
    """Random people with edges on both sides, with their histories, and the new items each of them had among the held-out edges."""
    offsets, before = known.by_left()
    ends, after = held.by_left()
    new = [np.setdiff1d(after[ends[p] : ends[p + 1]], before[offsets[p] : offsets[p + 1]]) for p in range(len(known.left))]
    able = np.flatnonzero((np.diff(offsets) > 0) & (np.array([len(rows) for rows in new]) > 0))
    drawn = np.sort(np.random.default_rng(0).permutation(able)[:count])
    return known.histories().take(drawn), [new[person] for person in drawn]


def recalls(rows: np.ndarray, truth: list[np.ndarray]) -> np.ndarray:
    """The share of each person's held-out items that is among the hits."""
    return np.array([np.isin(wanted, line).mean() for line, wanted in zip(rows, truth)])


def measured(
    stage: Any, people: Catalog, truth: list[np.ndarray], k: int, vectors: np.ndarray, clusters: np.ndarray
) -> dict[str, np.ndarray]:
    """Per person: recall at k and, with fewer places allotted, at 10 and 20; distance within the list; clusters it touches."""
    rows = stage(people).rows
    shorter = {f"Recall@{at}": recalls(with_k(stage, at)(people).rows, truth) for at in (10, 20) if at < k}
    covered = np.array([len(np.unique(clusters[line[line >= 0]])) for line in rows], float)
    figures = {"recall": recalls(rows, truth), "diversity": intra_list_distance(rows, vectors), "clusters covered": covered}
    return figures | shorter


def by_edges(found: Mapping[str, Mapping[str, np.ndarray]], edges: np.ndarray) -> dict[str, list[float]]:
    """Recall of people with few and with many known edges: how many people, the single query, ours."""
    groups = {"1-3": (1, 3), "4-9": (4, 9), "10 and more": (10, 10**9)}
    held = {name: (edges >= low) & (edges <= high) for name, (low, high) in groups.items()}
    return {
        name: [int(mask.sum()), *(float(found[one]["recall"][mask].mean()) for one in ("single query", "ours"))]
        for name, mask in held.items()
        if mask.any()
    }


def curve(sweep: list[dict[str, float]], settings: Settings) -> Curve:
    """Recall against diversity as the number of clusters grows, a line for each lambda, at the most neighbours."""
    lines = {}
    for own in settings.own:
        points = [line for line in sweep if line["lambda"] == own and line["neighbours"] == settings.neighbours[-1]]
        lines[f"lambda {own}"] = ([point["diversity"] for point in points], [point["recall"] for point in points])
    return Curve(title=f"validation, clusters {list(settings.clusters)}", x="diversity", y=f"Recall@{settings.k}", lines=lines)


def world() -> Data:
    """People who each walk around two circles of items: two interests that one mean vector confuses."""
    single = worlds.cycles(users=240, circles=8, length=12, steps=7, seed=0)
    links = single.interactions
    people = Catalog.of([f"p{row}" for row in range(120)])
    return replace(single, name="two-interests", interactions=Links(people, single.items, links.left_rows // 2, links.right_rows))
