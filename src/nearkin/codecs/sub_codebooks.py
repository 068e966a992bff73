"""Vectors cut into equal parts, each part named by its nearest centre: the arithmetic that the product quantisers share.

rotation: float32 [d, d] with rows of length 1 at right angles, or None for no turn; centres: float32 [levels, codebook_size, d / levels].
Turning and choosing run in float64, so that the choice depends neither on the batch a row comes in nor on who computes it.
"""

from __future__ import annotations

import numpy as np

from nearkin.errors import BadInput, ShapeError
from nearkin.kernels.pq import table_scores

BLOCK = 4096  # rows compared with the centres at once


def check_parts(dim: int, levels: int, codebook_size: int) -> None:
    """Refuse settings under which a vector of `dim` numbers cannot be cut into parts, or a symbol does not fit into a byte."""
    if levels < 1 or dim % levels:
        fitting = [each for each in range(1, dim + 1) if dim % each == 0]
        raise BadInput(f"{levels} levels do not divide vectors of dim {dim} into equal parts; choose one of {fitting}")
    if not 2 <= codebook_size <= 256 or codebook_size & (codebook_size - 1):
        raise BadInput(f"codebook_size is a power of two from 2 to 256, got {codebook_size}")


def check_rows(count: int, codebook_size: int) -> None:
    """Refuse to learn more centres than there are rows."""
    if count < codebook_size:
        raise BadInput(f"{count} rows cannot give {codebook_size} centres; give at least {codebook_size} rows or a smaller codebook_size")


def check_dim(part: object, rows: np.ndarray, centres: np.ndarray) -> None:
    """Refuse vectors of another dim than the centres were learned from."""
    dim = centres.shape[0] * centres.shape[2]
    if rows.shape[1] != dim:
        raise ShapeError(f"{type(part).__name__} was fitted on dim {dim}, got {rows.shape[1]}; use one encoder for both")


def turned(rows: np.ndarray, rotation: np.ndarray | None, levels: int) -> np.ndarray:
    """Rows [n, d] after the rotation, cut into parts: float64 [n, levels, d / levels]."""
    wide = rows.astype(np.float64)
    return (wide if rotation is None else wide @ rotation.T.astype(np.float64)).reshape(len(rows), levels, rows.shape[1] // levels)


def nearest(rows: np.ndarray, rotation: np.ndarray | None, centres: np.ndarray) -> np.ndarray:
    """The number of the nearest centre of each part, the lowest of equals: uint8 [n, levels]. Cost: n * codebook_size * d."""
    wide = centres.astype(np.float64)
    lengths = np.einsum("lkd,lkd->lk", wide, wide)
    symbols = np.empty((len(rows), len(centres)), np.uint8)
    for start in range(0, len(rows), BLOCK):
        parts = turned(rows[start : start + BLOCK], rotation, len(centres))
        for level, (centre, length) in enumerate(zip(wide, lengths)):
            symbols[start : start + BLOCK, level] = (length - 2 * (parts[:, level] @ centre.T)).argmin(1)
    return symbols


def decoded(symbols: np.ndarray, rotation: np.ndarray | None, centres: np.ndarray) -> np.ndarray:
    """The chosen centres side by side, turned back: float32 [n, d]."""
    rows = centres[np.arange(len(centres)), symbols].reshape(len(symbols), centres.shape[0] * centres.shape[2])
    return rows if rotation is None else rows @ rotation


def tables(queries: np.ndarray, rotation: np.ndarray | None, centres: np.ndarray) -> np.ndarray:
    """Inner products of each query's parts with all centres: float32 [q, levels, codebook_size]."""
    parts = turned(queries, rotation, len(centres)).transpose(1, 0, 2)
    return np.ascontiguousarray((parts @ centres.astype(np.float64).transpose(0, 2, 1)).transpose(1, 0, 2), np.float32)


def scored(given: np.ndarray, symbols: np.ndarray) -> np.ndarray:
    """Tables [q, levels, codebook_size] and symbols [n, levels] -> inner products float32 [q, n]."""
    scores = np.empty((len(given), len(symbols)), np.float32)
    table_scores(np.ascontiguousarray(symbols), given, scores)
    return scores
