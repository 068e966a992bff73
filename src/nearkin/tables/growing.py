"""Arrays that more is put behind again and again: the old part is not copied, and who holds it does not see what came after."""

from __future__ import annotations

from threading import Lock

import numpy as np


class Growing:
    """Room for an array that grows at its end; it doubles at times, so that each row is copied about once on the whole."""

    def __init__(self) -> None:
        self._room: np.ndarray | None = None
        self._used = 0
        self._lock = Lock()

    def followed_by(self, held: np.ndarray, more: np.ndarray) -> np.ndarray:
        """The rows held and then more of them, of the same type. Cost: the new rows, where `held` is what was given last."""
        size = len(held) + len(more)
        with self._lock:
            if not self._continues(held, size):
                shape = (max(size + size // 4, 64), *held.shape[1:])
                self._room = np.empty(shape, held.dtype)
                self._room[: len(held)] = held
            assert self._room is not None
            self._room[len(held) : size] = more
            self._used = size
            return self._room[:size]

    def _continues(self, held: np.ndarray, size: int) -> bool:
        """Whether this is all that the room holds so far, and has its type, and it has room for so many rows."""
        room = self._room
        if room is None or len(held) != self._used or size > len(room) or held.dtype != room.dtype:
            return False
        return bool(held.__array_interface__["data"][0] == room.__array_interface__["data"][0])
