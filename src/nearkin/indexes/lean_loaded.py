"""What a LeanIndex makes of the arrays that come from its folder, so that searches are as fast as before it was saved."""

from __future__ import annotations

from ctypes import c_uint8
from typing import Any

import numpy as np

from nearkin.indexes.lean_graph import Graph
from nearkin.kernels.packed import aligned


def near(graph: Graph) -> Graph:
    """The graph with what walks read at random copied from its memory map: in the small pages of a file they take half as long again."""
    packed = aligned(graph.packed.shape, np.uint8)
    packed[:] = graph.packed
    graph.packed, graph.links = packed, graph.links.copy()
    return graph


def plain(value: Any) -> Any:
    """Memory maps as plain arrays over the same memory that say they may be written, which nothing does.

    A compiled loop takes 30 us longer to accept each array of another type, and is compiled anew for arrays that may not be written.
    """
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if not isinstance(value, np.ndarray) or not value.nbytes:
        return value
    memory = (c_uint8 * value.nbytes).from_address(value.ctypes.data)
    memory.holds = value  # type: ignore[attr-defined]
    return np.frombuffer(memory, value.dtype).reshape(value.shape)
