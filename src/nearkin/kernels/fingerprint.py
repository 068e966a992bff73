"""A short name for arrays, so that what was made by one model is not taken for another's."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np


def fingerprint(*arrays: np.ndarray) -> str:
    """24 hexadecimal digits of types, shapes and bytes: equal for equal arrays, on any machine."""
    digest = blake2b(digest_size=12)
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
