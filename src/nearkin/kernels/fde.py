"""The inner loop of fixed dimensional encodings: tokens into cells of sign patterns, cells projected, empty cells filled.

Cells are numbered so that neighbours differ in one sign (Gray code): the pattern of cell c is c ^ (c >> 1), the first plane's sign being
its most significant bit, and a sign is 1 where the product is above 0.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from nearkin.kernels.tiles import copied, products

MOST_PLANES = 12
ONES = np.array([bin(pattern).count("1") for pattern in range(1 << MOST_PLANES)], np.uint8)


@njit(cache=True, nogil=True)
def encode(tokens, offsets, planes, k_sim, maps, d_proj, sketch, document, found):  # type: ignore[no-untyped-def]
    """Bags of vectors to fixed dimensional encodings, written to found float32 [n, dim].

    tokens: [t, d] as `tiles.bits_of` gives them; thing i owns tokens[offsets[i]:offsets[i + 1]]. planes: float32 [repetitions * k_sim, d];
    maps: float32 [repetitions, d_proj, d]; the rows of both padded to multiples of four; maps with no rows stand for the identity.
    sketch: (slots int64, signs float32) of the final count-sketch, each of the length of the encoding, or of none where there is no sketch.
    document: means of cells, empty ones filled; else sums, empty ones zero. A thing without tokens is encoded as zeros.
    """
    slots, signs = sketch
    cells, longest = 1 << k_sim, np.diff(offsets).max() if len(found) else 0
    whole, sides = np.empty((longest, tokens.shape[1]), np.float32), np.empty((longest, len(planes)), np.float32)
    rows, projected = np.empty((cells, tokens.shape[1]), np.float32), np.empty((cells, maps.shape[1]), np.float32)
    raw = np.empty((len(maps), cells, d_proj), np.float32)
    row_of, cell_of = np.empty(cells, np.int64), np.empty(longest, np.int64)
    for thing in range(len(found)):
        own = copied(tokens, offsets[thing], offsets[thing + 1], whole)
        target = raw if len(slots) else found[thing].reshape(raw.shape)
        target[:] = 0
        if len(own):
            products(planes, own, sides)
            for repetition in range(len(maps)):
                find_cells(sides[:, repetition * k_sim : (repetition + 1) * k_sim], cell_of[: len(own)])
                used = gather(own, cell_of, document, rows, row_of)
                place(rows[:used], row_of, maps[repetition], projected, target[repetition])
        if len(slots):
            fold(target, slots, signs, found[thing])


@njit(cache=True, nogil=True)
def find_cells(sides, cell_of):  # type: ignore[no-untyped-def]
    """The cell of each token, int64 [t], from its products with the planes, float32 [t, k_sim]."""
    for token in range(len(cell_of)):
        cell = 0
        for side in sides[token]:
            cell = (cell << 1) + (np.int64(side > 0) ^ (cell & 1))
        cell_of[token] = cell


@njit(cache=True, nogil=True)
def gather(own, cell_of, document, rows, row_of):  # type: ignore[no-untyped-def]
    """The different rows float32 [cells, d] that the cells hold, and which of them each cell does (-1: zero); gives how many there are."""
    row_of[:] = -1
    counts, firsts = np.zeros(len(rows), np.int64), np.empty(min(len(rows), len(own)), np.int64)
    used = 0
    for token in range(len(own)):
        row = row_of[cell_of[token]]
        if row < 0:
            row_of[cell_of[token]], firsts[used], row = used, token, used
            rows[row] = own[token]
            used += 1
        else:
            rows[row] += own[token]
        counts[row] += 1
    if document:
        for row in range(used):
            rows[row] *= np.float32(1) / np.float32(counts[row])
        used = _fill(own, cell_of, firsts[:used], rows, row_of)
    return used


@njit(cache=True, nogil=True)
def _fill(own, cell_of, firsts, rows, row_of):  # type: ignore[no-untyped-def]
    """Give each empty cell the vector whose signs differ least from its own, the first of several; gives how many rows there are then.

    Vectors of one cell have the same signs, so only the first of each is looked at.
    """
    used, taken = len(firsts), np.full(len(firsts), -1, np.int64)
    patterns = np.empty(len(firsts), np.int64)
    for number in range(len(firsts)):
        patterns[number] = cell_of[firsts[number]] ^ (cell_of[firsts[number]] >> 1)
    for cell in range(len(row_of)):
        if row_of[cell] >= 0:
            continue
        nearest, least = 0, 255
        for number in range(len(firsts)):
            differing = ONES[patterns[number] ^ cell ^ (cell >> 1)]
            if differing < least:
                nearest, least = number, differing
        if taken[nearest] < 0:
            taken[nearest] = used
            rows[used] = own[firsts[nearest]]
            used += 1
        row_of[cell] = taken[nearest]
    return used


@njit(cache=True, nogil=True)
def place(rows, row_of, maps, projected, block):  # type: ignore[no-untyped-def]
    """Write to each cell of the block float32 [cells, d_proj] its row, projected by maps float32 [d_proj, d] (none: as it is)."""
    if len(maps):
        products(maps, rows, projected)
    source = projected if len(maps) else rows
    for cell in range(len(row_of)):
        if row_of[cell] >= 0:
            block[cell] = source[row_of[cell], : block.shape[1]]


@njit(cache=True, nogil=True)
def fold(raw, slots, signs, found):  # type: ignore[no-untyped-def]
    """Count-sketch: each number goes, with its sign, to its slot of found float32 [dim]."""
    found[:] = 0
    flat = raw.reshape(raw.size)
    for number in range(len(flat)):
        found[slots[number]] += signs[number] * flat[number]
