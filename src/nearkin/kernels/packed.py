"""Rows of 4-bit symbols packed for the processor's registers, and their products with a query of small integers.

A packed row is `width` bytes, a multiple of 64, and best starts at a multiple of 64 in memory: first width - 8 bytes of two symbols
each, byte i those of dims i (low half) and width - 8 + i (high half); then two float32, the row's scale and offset. A query is spread
to match: for every 32 bytes of a row, 32 integers for the low halves and 32 for the high ones, and nothing under scale and offset.
With AVX2 a product takes one multiply-and-add an instruction and 32 symbols; elsewhere the compiler makes what the processor has.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import binding, ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

LINE = 64  # bytes the processor moves at once
FACTORS = 8  # bytes of scale and offset
_CHUNK = 32  # bytes multiplied at once
_AVX2 = bool(binding.get_host_cpu_features().get("avx2"))
_BYTE, _SHORT, _INT, _LONG = (ir.IntType(bits) for bits in (8, 16, 32, 64))


def pack_width(dim: int) -> int:
    """Bytes of a packed row of so many dims."""
    return -(-(-(-dim // 2) + FACTORS) // LINE) * LINE


def room_of(width: int) -> int:
    """Dims that a packed row of so many bytes has room for."""
    return 2 * (width - FACTORS)


def aligned(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """An array of zeros that starts at a multiple of 64 in memory."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.zeros(size + LINE, np.uint8)
    start = -raw.ctypes.data % LINE
    return raw[start : start + size].view(dtype).reshape(shape)


def unpacked(packed: np.ndarray, dim: int) -> np.ndarray:
    """The symbols of packed rows: uint8 [n, dim]."""
    bytes_ = packed[:, : packed.shape[1] - FACTORS]
    return np.concatenate([bytes_ & 15, bytes_ >> 4], axis=1)[:, :dim]


def spread(queries: np.ndarray, width: int) -> np.ndarray:
    """Integers int8 [q, dim] laid out for products with packed rows: int8 [q, 2 width], aligned."""
    half = width - FACTORS
    halves = np.zeros((len(queries), 2, width), np.int8)
    halves[:, 0, : min(half, queries.shape[1])] = queries[:, :half]
    halves[:, 1, : max(queries.shape[1] - half, 0)] = queries[:, half:]
    laid = aligned((len(queries), 2 * width), np.int8)
    laid[:] = halves.reshape(len(queries), 2, width // _CHUNK, _CHUNK).transpose(0, 2, 1, 3).reshape(len(queries), -1)
    return laid


def spread_rows(packed: np.ndarray, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """Packed rows as queries for rows like themselves: spread int8 [n, 2 width], and float32 [n] sums of their integers."""
    factors = packed.view(np.float32)
    rows = unpacked(packed, dim) * factors[:, -2:-1] + factors[:, -1:]
    integers = np.rint(rows * (127 / np.maximum(np.abs(rows).max(1, keepdims=True), 1e-30))).astype(np.int8)
    return spread(integers, packed.shape[1]), integers.sum(1, dtype=np.int64).astype(np.float32)


@intrinsic
def dot(typing: Any, row: Any, query: Any, lines: Any) -> Any:
    """The product of a packed row with a spread query, from their addresses: int32, exact."""
    return types.int32(types.uintp, types.uintp, types.intp), _dot


def _dot(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
    row, query, lines = arguments
    total = cgutils.alloca_once_value(builder, ir.Constant(ir.VectorType(_INT, 8), [0] * 8))
    with cgutils.for_range(builder, lines) as loop:
        codes = builder.add(row, builder.mul(loop.index, _LONG(LINE)))
        asked = builder.add(query, builder.mul(loop.index, _LONG(2 * LINE)))
        builder.store(builder.add(builder.load(total), _line(builder, codes, asked)), total)
    return _call(builder, "llvm.vector.reduce.add.v8i32", _INT, builder.load(total))


def _line(builder: Any, row: Any, query: Any) -> Any:
    """Products of 64 bytes of a row with 128 integers of a query, summed to eight."""
    pairs = None
    for chunk in range(LINE // _CHUNK):
        codes = _load(builder, row, _CHUNK * chunk)
        high = builder.bitcast(builder.lshr(builder.bitcast(codes, _shorts()), _splat(_SHORT, 16, 4)), codes.type)
        for half, part in enumerate((codes, high)):
            asked = _load(builder, query, _CHUNK * (2 * chunk + half))
            products = _products(builder, builder.and_(part, _splat(_BYTE, 32, 15)), asked)
            pairs = products if pairs is None else builder.add(pairs, products)
    return _widened(builder, pairs)  # four products of two bytes each stay below 15 * 128 * 2 * 4 < 2^15


def _products(builder: Any, codes: Any, asked: Any) -> Any:
    """Sums of two neighbouring products: 32 unsigned bytes by 32 signed ones to 16 numbers of 16 bits."""
    if _AVX2:
        return _call(builder, "llvm.x86.avx2.pmadd.ub.sw", _shorts(), codes, asked)
    wide = ir.VectorType(_SHORT, 32)
    each = builder.mul(builder.zext(codes, wide), builder.sext(asked, wide))
    return builder.add(*_even_and_odd(builder, each, 16))


def _widened(builder: Any, pairs: Any) -> Any:
    """Sums of two neighbours: 16 numbers of 16 bits to 8 of 32."""
    if _AVX2:
        return _call(builder, "llvm.x86.avx2.pmadd.wd", ir.VectorType(_INT, 8), pairs, _splat(_SHORT, 16, 1))
    return builder.add(*_even_and_odd(builder, builder.sext(pairs, ir.VectorType(_INT, 16)), 8))


def _even_and_odd(builder: Any, vector: Any, count: int) -> tuple[Any, Any]:
    masks = (ir.Constant(ir.VectorType(_INT, count), list(range(first, 2 * count, 2))) for first in (0, 1))
    even, odd = (builder.shuffle_vector(vector, ir.Constant(vector.type, ir.Undefined), mask) for mask in masks)
    return even, odd


def _shorts() -> Any:
    return ir.VectorType(_SHORT, 16)


def _splat(kind: Any, count: int, value: int) -> Any:
    return ir.Constant(ir.VectorType(kind, count), [value] * count)


def _load(builder: Any, address: Any, offset: int) -> Any:
    place = builder.inttoptr(builder.add(address, _LONG(offset)), ir.VectorType(_BYTE, _CHUNK).as_pointer())
    return builder.load(place, align=1)  # a memory map may start anywhere


def _call(builder: Any, name: str, gives: Any, *arguments: Any) -> Any:
    kind = ir.FunctionType(gives, [each.type for each in arguments])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)


@intrinsic
def prefetch(typing: Any, address: Any) -> Any:
    """Ask for the 64 bytes at this address, to be there when they are read."""
    return types.void(types.uintp), _prefetch


def _prefetch(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
    place = builder.inttoptr(arguments[0], _BYTE.as_pointer())
    _call(builder, "llvm.prefetch.p0", ir.VoidType(), place, _INT(0), _INT(3), _INT(1))
    return context.get_dummy_value()


@njit(cache=True, nogil=True)
def dots(packed, query, out):  # type: ignore[no-untyped-def]
    """Products of packed rows uint8 [n, width], one after the other, with a spread query, to out int32 [n]."""
    first, asked, lines = packed.ctypes.data, query.ctypes.data, packed.shape[1] // LINE
    for row in range(len(packed)):
        out[row] = dot(first + np.uintp(row * packed.shape[1]), asked, lines)


@njit(cache=True, nogil=True)
def spread_row(packed, query):  # type: ignore[no-untyped-def]
    """A packed row's own symbols as a spread query int8 [2 width]."""
    for byte in range(0, len(packed) - FACTORS, _CHUNK):  # whole chunks, so that the compiler moves many bytes at once
        last = min(byte + _CHUNK, len(packed) - FACTORS)
        for place in range(byte, last):
            query[byte + place] = packed[place] & 15
            query[byte + place + _CHUNK] = packed[place] >> 4


@njit(cache=True, nogil=True)
def aligned_room(size):  # type: ignore[no-untyped-def]
    """int8 [size] zeros that start at a multiple of 64 in memory, for use inside loops."""
    raw = np.zeros(size + LINE, np.int8)
    start = -raw.ctypes.data % LINE
    return raw[start : start + size]
