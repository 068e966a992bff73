"""Arrays by their address, so that one compiled call can walk any number of arrays, of several types, that lie anywhere.

A tuple of arrays would be compiled anew for each length, and a list of arrays costs a conversion at each call. The caller holds
the arrays alive while the addresses are in use; memory maps are arrays like others.
"""

from __future__ import annotations

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


@intrinsic
def pointer(_context, address):  # type: ignore[no-untyped-def]
    """An int64 address as a pointer, which `numba.carray(pointer(address), size, dtype)` makes an array of."""

    def code(_, builder, _signature, arguments):  # type: ignore[no-untyped-def]
        return builder.inttoptr(arguments[0], cgutils.voidptr_t)

    return types.voidptr(address), code


def address_of(array: np.ndarray) -> int:
    """Where the first number of a contiguous, aligned array lies."""
    if not (array.flags.c_contiguous and array.flags.aligned):
        raise ValueError("only contiguous and aligned arrays are read by their address")
    return int(array.__array_interface__["data"][0])
