"""The inner loops of recommending from histories, compiled by numba: one pass over the items for each person."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def spread(
    owners: np.ndarray,
    rows: np.ndarray,
    weights: np.ndarray,
    offsets: np.ndarray,
    columns: np.ndarray,
    values: np.ndarray,
    out: np.ndarray,
) -> None:
    """out[owners[j]] += weights[j] * matrix[rows[j]], the matrix being compressed sparse rows (offsets, columns, values)."""
    for place in range(len(rows)):
        owner, row, weight = owners[place], rows[place], weights[place]
        for entry in range(offsets[row], offsets[row + 1]):
            out[owner, columns[entry]] += weight * values[entry]


@numba.njit(cache=True, nogil=True)
def open_rows(scores: np.ndarray, floor: float, offsets: np.ndarray, had: np.ndarray, closed: np.ndarray, k: int) -> np.ndarray:
    """Columns of the k highest scores above the floor, ties by rising column; -1 where there are fewer. float32 [b, n] -> int32 [b, k].

    closed: bool [n], columns that are left out for all; had[offsets[i] : offsets[i + 1]]: columns that are left out for row i.
    """
    found = np.full((len(scores), k), -1, np.int32)
    held, barred = np.empty(k, np.float32), closed.copy()
    for query in range(len(scores)):
        mine = had[offsets[query] : offsets[query + 1]]
        for column in mine:
            barred[column] = True
        held[:] = floor
        for column in range(scores.shape[1]):
            score = scores[query, column]
            if score > held[k - 1] and not barred[column]:
                place = k - 1
                while place > 0 and held[place - 1] < score:
                    held[place] = held[place - 1]
                    found[query, place] = found[query, place - 1]
                    place -= 1
                held[place] = score
                found[query, place] = column
        for column in mine:
            barred[column] = closed[column]
    return found


@numba.njit(cache=True, nogil=True)
def count_pairs(offsets: np.ndarray, window: int) -> int:
    """How many ordered pairs of places at most `window` apart the histories have."""
    total = 0
    for person in range(len(offsets) - 1):
        length = offsets[person + 1] - offsets[person]
        reach = min(window, length - 1)
        total += reach * length - reach * (reach + 1) // 2
    return total


@numba.njit(cache=True, nogil=True)
def near_pairs(offsets: np.ndarray, rows: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(earlier row, later row, 1 / distance) of all pairs of one history at most `window` places apart; an item with itself left out."""
    size = count_pairs(offsets, window)
    earlier, later, weight = np.empty(size, np.int32), np.empty(size, np.int32), np.zeros(size, np.float32)
    place = 0
    for person in range(len(offsets) - 1):
        for first in range(offsets[person], offsets[person + 1]):
            for second in range(first + 1, min(first + window + 1, offsets[person + 1])):
                earlier[place], later[place] = rows[first], rows[second]
                if rows[first] != rows[second]:
                    weight[place] = np.float32(1.0) / np.float32(second - first)
                place += 1
    return earlier, later, weight
