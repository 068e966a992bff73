"""Which of many sums may be among the k largest, and the keys that are held for a query while it goes through the ranges.

Sums are float32 and 0 or more, so their bits, taken as int32, order alike; everything here compares those.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from nearkin.kernels.ranked import BINS, key_of, push, row_of

STRIDE = 16  # items a block; block b of nb is {b, b + nb, b + 2 nb, ...}, so that all maxima are taken by whole-vector operations
SMALL = 16  # up to this k the k largest of a stream are kept in order, beyond it a histogram finds where they begin
FLOAT32, UINT32 = np.float32, np.uint32


@njit(cache=True, nogil=True)
def from_sums(ints, width, k, least, work):  # type: ignore[no-untyped-def]
    """Sums that may be among the k largest and reach `least`, found by looking at all; they are put back to 0.

    At least k items reach the k-th largest maximum of blocks, so only blocks that reach it, and in them only sums that do, are taken.
    """
    blocks, supers, bins, found = work
    nb = (width + STRIDE - 1) // STRIDE
    number, ns = 0, (nb + STRIDE - 1) // STRIDE
    if 2 * k > nb:
        for local in range(width):
            found[number] = key_of(UINT32(ints[local]), local)
            number += ints[local] >= least
        ints[:width] = 0
        return number
    _maxima(ints, nb, blocks[:nb])
    blocks[nb : nb + STRIDE] = 0
    _maxima(blocks, ns, supers[:ns])
    if k <= SMALL:
        some = supers[:ns] if ns >= 8 * k else blocks[:nb]
        least = max(least, _kth(some, k, least))
    else:
        least = max(least, _kth_by_bins(blocks[:nb], k, least, bins))
    number = _scan(ints, blocks, supers[:ns], nb, least, found)
    ints[: nb * STRIDE] = 0
    return number


@njit(cache=True, nogil=True)
def _maxima(ints, number, tops):  # type: ignore[no-untyped-def]
    """The maximum of each block; as integers, which for floats >= 0 order alike, because only those become vector operations (5x)."""
    for stride in range(0, STRIDE, 4):
        a, b = ints[stride * number : (stride + 1) * number], ints[(stride + 1) * number : (stride + 2) * number]
        c, d = ints[(stride + 2) * number : (stride + 3) * number], ints[(stride + 3) * number : (stride + 4) * number]
        if stride == 0:
            for block in range(len(tops)):
                tops[block] = max(max(a[block], b[block]), max(c[block], d[block]))
        else:
            for block in range(len(tops)):
                tops[block] = max(tops[block], max(max(a[block], b[block]), max(c[block], d[block])))


@njit(cache=True, nogil=True)
def _kth(values, k, least):  # type: ignore[no-untyped-def]
    """The k-th largest of the values, for small k; `least` where fewer are above it."""
    best = np.full(SMALL, least, np.int32)
    for value in values:
        if value > best[k - 1]:
            gap = k - 1
            while gap > 0 and best[gap - 1] < value:
                best[gap] = best[gap - 1]
                gap -= 1
            best[gap] = value
    return best[k - 1]


@njit(cache=True, nogil=True)
def _kth_by_bins(values, k, least, bins):  # type: ignore[no-untyped-def]
    """A number near the k-th largest of the values and not above it; `least` where fewer reach that."""
    most, floats = np.int32(0), values.view(np.float32)
    for value in values:
        most = max(most, value)
    if most < max(least, 1 << 23):  # nothing, or only numbers too small for a scale
        return least
    bins[:], scale = 0, FLOAT32(BINS - 1) / float_of(most)
    for place in range(len(values)):
        if values[place] >= least:
            bins[UINT32(floats[place] * scale)] += 1
    own, total = BINS - 1, bins[BINS - 1]
    while own > 0 and total < k:
        own -= 1
        total += bins[own]
    edge = np.int32(bits_of(FLOAT32(own) / scale * FLOAT32(0.999999)))  # a little less, for the product above was rounded
    return least if total < k else max(least, edge)


@njit(cache=True, nogil=True)
def _scan(ints, blocks, supers, nb, least, found):  # type: ignore[no-untyped-def]
    """The sums that reach `least`, by way of the maxima of blocks, and of blocks of blocks."""
    number = 0
    for top in range(len(supers)):
        if supers[top] >= least:
            for block in range(top, nb, len(supers)):
                if blocks[block] >= least:
                    for local in range(block, STRIDE * nb, nb):
                        found[number] = key_of(UINT32(ints[local]), local)
                        number += ints[local] >= least
    return number


@njit(cache=True, nogil=True)
def kept(found, number, keep):  # type: ignore[no-untyped-def]
    """Only those that the filter leaves."""
    stays = 0
    for place in range(number):
        found[stays] = found[place]
        stays += keep[row_of(found[place])]
    return stays


@njit(cache=True, nogil=True)
def take(found, number, base, shift, keys, count, edge, k):  # type: ignore[no-untyped-def]
    """Put sums and their places as scores and rows among the keys held for a query; where room is short, only those above the edge."""
    if shift == 0 and count + number < len(keys):  # one place stays free, which `push` writes to before it cuts
        for place in range(number):
            keys[count + place] = found[place] - np.uint64(base)
        return count + number, edge
    for place in range(number):
        key = found[place]
        if shift > 0:
            key = key_of(bits_of(float_of(key >> np.uint64(32)) + shift), row_of(key))
        key -= np.uint64(base)
        if key > edge:
            count, edge = push(keys, count, edge, key, k)
    return count, edge


@njit(cache=True, nogil=True)
def least_sum(edge, shift):  # type: ignore[no-untyped-def]
    """The bits of the least sum, 1 or more, that with the shift reaches the score of the edge."""
    score = float_of(edge >> np.uint64(32))
    if score <= shift:
        return np.int32(1)
    least = np.int32(bits_of(score - shift))
    while least > 1 and float_of(least - 1) + shift >= score:
        least -= np.int32(1)
    while float_of(least) + shift < score:
        least += np.int32(1)
    return max(least, np.int32(1))


@njit(cache=True, nogil=True)
def bits_of(value):  # type: ignore[no-untyped-def]
    """The bits of a float32."""
    return np.float32(value).view(np.uint32)


@njit(cache=True, nogil=True)
def float_of(bits):  # type: ignore[no-untyped-def]
    """The float32 with these bits."""
    return np.uint32(bits).view(np.float32)
