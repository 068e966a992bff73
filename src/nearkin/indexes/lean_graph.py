"""How the rows of a LeanIndex are put into lists, coded, and linked to a graph; in blocks, so that memory stays bounded."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from nearkin.indexes.lean_maps import Maps
from nearkin.kernels.falling import best_columns
from nearkin.kernels.graph_build import connected, gathered, incoming, measured, near_in_lists, prune
from nearkin.kernels.graph_walk import walk
from nearkin.kernels.lean_search import LANES
from nearkin.kernels.packed import aligned, spread_rows
from nearkin.kernels.threads import in_threads
from nearkin.kernels.two_levels import encode, second_width

BLOCK = 8_192  # rows worked on at once
LIST = 128  # rows a list
PROBES = 16  # lists in which a row's neighbours are looked for
CANDIDATES = 64  # neighbours found before pruning
JOINED = 96  # neighbours when links the other way are added
ALPHA = 1.2  # of RobustPrune, on squared distances
ENTRIES = 256  # rows at most that are compared with a query to find where to begin
INSERTED = 2_048  # rows added to the graph at once

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class Graph:
    """Rows in the order of their lists, their codes at two levels, the links among them and the rows to begin at.

    packed uint8 [n, width], second uint8 [n, second_width], links int32 [n, degree] (-1 pads), order int32 [n]: the item of each row,
    entries int32 [e]; gates uint8 [e, width]: their packed rows once more, side by side.
    """

    packed: np.ndarray
    second: np.ndarray
    links: np.ndarray
    order: np.ndarray
    entries: np.ndarray
    gates: np.ndarray


def built(rows: Any, maps: Maps, degree: int, seed: int) -> Graph:
    """The graph of these rows (float [n, D], perhaps a memory map). Cost: about n * (n / LIST + LIST * PROBES) * dim multiplications."""
    lists, probes, distances = _in_lists(rows, maps, seed)
    order = np.argsort(probes[:, 0], kind="stable").astype(np.int32)
    starts = np.concatenate([[0], np.cumsum(np.bincount(probes[:, 0], minlength=lists))]).astype(np.int64)
    packed, second = _coded(rows, maps, order)
    logger.info("coded %d rows", len(order))
    measures = _measures(packed, maps.dim)
    probes = probes[order]
    middles = _middles(probes[:, 0], distances[order], lists)
    entries = np.ascontiguousarray(np.unique(middles)[:: -(-lists // ENTRIES)])
    links = _linked(packed, measures, maps.dim, probes, starts, middles, entries, degree)
    logger.info("linked %d rows", len(order))
    return Graph(packed, second, links, order, entries, _followed(packed[:0], [packed[entries]]))


def _blocks(size: int, block: int = BLOCK) -> Iterator[slice]:
    return (slice(start, min(start + block, size)) for start in range(0, size, block))


def _in_lists(rows: Any, maps: Maps, seed: int) -> tuple[int, np.ndarray, np.ndarray]:
    """How many lists, the PROBES nearest of each row (int32 [n, p], nearest first) and the squared distance to the first."""
    count = max(len(rows) // LIST, 1)
    sample = np.random.default_rng(seed).choice(len(rows), min(len(rows), 16 * count), replace=False)
    centres = _centres(maps.coded(rows[np.sort(sample)])[:, : maps.dim], count, seed)
    halves, width = 0.5 * (centres**2).sum(1), min(PROBES, count)
    probes, distances = np.empty((len(rows), width), np.int32), np.empty(len(rows), np.float32)

    def assign(block: slice) -> None:
        leading = maps.coded(rows[block])[:, : maps.dim]
        nearness = leading @ centres.T - halves
        best_columns(nearness, probes[block])
        own = np.take_along_axis(nearness, probes[block, :1], 1)[:, 0]
        distances[block] = (leading**2).sum(1) - 2 * own

    in_threads(assign, _blocks(len(rows), BLOCK // 4))
    return count, probes, distances


def _centres(rows: np.ndarray, count: int, seed: int) -> np.ndarray:
    """k-means, four rounds: enough to put neighbours into neighbouring lists."""
    centres = rows[np.random.default_rng(seed).permutation(len(rows))[:count]].copy()
    nearest = np.empty(len(rows), np.int64)
    for _ in range(4):
        halves = 0.5 * (centres**2).sum(1)
        for block in _blocks(len(rows)):
            nearest[block] = (rows[block] @ centres.T - halves).argmax(1)
        order = np.argsort(nearest, kind="stable")
        held, firsts = np.unique(nearest[order], return_index=True)
        sums = np.add.reduceat(rows[order], firsts, axis=0)
        centres[held] = sums / np.diff(np.append(firsts, len(rows)))[:, None]
    return centres


def _coded(rows: Any, maps: Maps, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both levels of all rows, each at its place in the order."""
    width, places = maps.width, np.empty(len(order), np.int64)
    places[order] = np.arange(len(order))
    packed = aligned((len(rows), width), np.uint8)
    second = aligned((len(rows), second_width(len(maps.code), maps.dim, width)), np.uint8)

    def code(block: slice) -> None:
        packed[places[block]], second[places[block]] = coded(rows[block], maps)

    in_threads(code, _blocks(len(rows)))
    return packed, second


def coded(rows: Any, maps: Maps) -> tuple[np.ndarray, np.ndarray]:
    """Both levels of these rows: uint8 [b, width] and [b, second_width]."""
    width = maps.width
    packed = aligned((len(rows), width), np.uint8)
    second = aligned((len(rows), second_width(len(maps.code), maps.dim, width)), np.uint8)
    encode(maps.coded(rows), maps.dim, packed, second)
    return packed, second


def _measures(packed: np.ndarray, dim: int) -> tuple[np.ndarray, np.ndarray]:
    sums, norms = np.empty(len(packed), np.int32), np.empty(len(packed), np.float32)
    measured(packed, dim, sums, norms)
    return sums, norms


def _linked(
    packed: np.ndarray,
    measures: Any,
    dim: int,
    probes: np.ndarray,
    starts: np.ndarray,
    middles: np.ndarray,
    entries: np.ndarray,
    degree: int,
) -> np.ndarray:
    """Neighbours from lists, pruned; joined with those that link to them and the middles of lists near by, pruned again.

    The middles give links that lead out of a cluster, which the nearest neighbours alone do not.
    """
    links, nearest = np.full((len(packed), degree), -1, np.int32), np.full((len(packed), 8), -1, np.int32)

    def find(block: slice) -> None:
        ids, keys, sizes = _room(block, CANDIDATES)
        points, lists, bounds = _probing(probes[block])
        near_in_lists(packed, *measures, dim, starts, points, lists, bounds, block.start, ids, keys, sizes)
        prune(packed, *measures, dim, np.arange(block.start, block.stop), ids, keys, sizes, ALPHA, links[block])
        nearest[block] = ids[:, :8]

    in_threads(find, _blocks(len(packed)))
    links = _rejoined(packed, measures, dim, links, lambda rows: middles[probes[rows, 1:]])
    connected(links, entries, nearest)
    return links


def _rejoined(packed: np.ndarray, measures: Any, dim: int, links: np.ndarray, more: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Links chosen anew among the old ones, those the other way round and more: rows int32 [b] -> candidates int32 [b, e]."""
    joined, offsets = np.full_like(links, -1), np.empty(len(packed) + 1, np.int64)
    sources = incoming(links, offsets)

    def join(block: slice) -> None:
        rows = np.arange(block.start, block.stop, dtype=np.int32)
        joined[block] = _joined(packed, measures, dim, rows, links, sources, offsets, np.ascontiguousarray(more(rows)))

    in_threads(join, _blocks(len(packed)))
    return joined


def _room(block: slice, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    size = block.stop - block.start
    return np.full((size, width), -1, np.int32), np.empty((size, width), np.float32), np.zeros(size, np.int64)


def _probing(probes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The points that probe each list: points sorted by list, the lists, and where each one's points begin and end."""
    order = np.argsort(probes.ravel(), kind="stable")
    lists, firsts = np.unique(probes.ravel()[order], return_index=True)
    return (order // probes.shape[1]).astype(np.int32), lists.astype(np.int64), np.append(firsts, len(order)).astype(np.int64)


def _joined(packed: np.ndarray, measures: Any, dim: int, rows: np.ndarray, links: np.ndarray, *others: np.ndarray) -> np.ndarray:
    """New links of these rows from their old ones, those that link to them (sources, offsets) and further candidates."""
    ids, keys, sizes = _room(slice(0, len(rows)), JOINED)
    gathered(packed, *measures, dim, rows, links, *others, ids, keys, sizes)
    chosen = np.full((len(rows), links.shape[1]), -1, np.int32)
    prune(packed, *measures, dim, rows, ids, keys, sizes, ALPHA, chosen)
    return chosen


def _middles(lists: np.ndarray, distances: np.ndarray, count: int) -> np.ndarray:
    """The row nearest to the centre of each list, int32 [lists]; of an empty list some other list's."""
    order = np.lexsort([distances, lists])
    held, firsts = np.unique(lists[order], return_index=True)
    middles = np.full(count, order[firsts[0]], np.int32)
    middles[held] = order[firsts]
    return middles


def extended(graph: Graph, rows: Any, maps: Maps, items: int) -> Graph:
    """The graph with these rows too, as items `items`, `items` + 1, ...; the arrays given stay as they are.

    Each new row is linked to what a walk finds for it among the old rows and to its neighbours among the new ones, and they to it.
    """
    size, count = len(graph.packed), len(rows)
    more = [coded(rows[block], maps) for block in _blocks(count)]
    packed = _followed(graph.packed, [each for each, _ in more])
    second = _followed(graph.second, [each for _, each in more])
    links = np.concatenate([graph.links, np.full((count, graph.links.shape[1]), -1, np.int32)])
    measures = _measures(packed, maps.dim)
    for block in _blocks(count, INSERTED):
        _insert(packed, measures, maps.dim, links, graph.entries, slice(size + block.start, size + block.stop))
    order = np.concatenate([graph.order, np.arange(items, items + count, dtype=np.int32)])
    return Graph(packed, second, links, order, graph.entries, graph.gates)


def _followed(old: np.ndarray, new: list[np.ndarray]) -> np.ndarray:
    joined = aligned((len(old) + sum(map(len, new)), old.shape[1]), old.dtype)
    np.concatenate([old, *new], out=joined)
    return joined


def _insert(packed: np.ndarray, measures: Any, dim: int, links: np.ndarray, entries: np.ndarray, block: slice) -> None:
    rows, (ids, keys, sizes) = np.arange(block.start, block.stop), _room(block, CANDIDATES)
    single = np.arange(len(rows), dtype=np.int32)
    bounds, starts = np.array([0, len(rows)]), np.array([block.start, block.stop])
    near_in_lists(packed, *measures, dim, starts, single, np.array([0]), bounds, block.start, ids, keys, sizes)
    some = entries[:: max(1, len(entries) // 32)]
    begin = np.ascontiguousarray(np.broadcast_to(some, (len(rows), len(some))))
    found = np.concatenate([_walked(packed, dim, links, begin, rows, CANDIDATES), ids], axis=1)
    offsets = np.zeros(len(packed) + 1, np.int64)
    nothing = np.empty(0, np.int32)
    links[rows] = _joined(packed, measures, dim, rows, links, nothing, offsets, np.sort(found, axis=1)[:, ::-1].copy())
    fresh = np.full_like(links, -1)
    fresh[rows] = links[rows]
    sources = incoming(fresh, offsets)
    touched = np.flatnonzero(np.diff(offsets))
    links[touched] = _joined(packed, measures, dim, touched, links, sources, offsets, np.empty((len(touched), 0), np.int32))


def _walked(packed: np.ndarray, dim: int, links: np.ndarray, begin: np.ndarray, rows: np.ndarray, window: int) -> np.ndarray:
    """What walks for these rows' own codes find, begun at rows int32 [b, e]: int32 [b, window], -1 pads."""
    ids, keys = np.empty((len(rows), window), np.int32), np.empty((len(rows), window), np.float32)
    queries, sums = spread_rows(packed[rows], dim)
    walk(packed, links, queries, sums, begin, LANES, ids, keys, np.zeros(2, np.int64))
    return ids
