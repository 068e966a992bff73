"""People who walk around circles of items: what comes next is known exactly."""

from __future__ import annotations

import numpy as np

from nearkin.tables import Catalog, Data, Links
from nearkin.worlds.twins import words


def cycles(*, users: int = 200, circles: int = 10, length: int = 12, steps: int = 8, noise: float = 0.0, seed: int = 0) -> Data:
    """Each user walks `steps` items along one circle of `length` items; a share `noise` of the steps goes to any item instead.

    The items of a circle share a category and a word of their titles, so that content alone finds the circle, and order the item.
    """
    random = np.random.default_rng(seed)
    marks, own = words(circles, random), words(circles * length, random)
    of_circle = np.repeat(np.arange(circles), length)
    items = Catalog.of(
        [f"i{row}" for row in range(circles * length)],
        title=[f"{marks[c]} {word}" for c, word in zip(of_circle, own)],
        category=[[marks[c]] for c in of_circle],
    )
    start, circle = random.integers(0, length, users), random.integers(0, circles, users)
    walk = circle[:, None] * length + (start[:, None] + np.arange(steps)) % length
    walk = np.where(random.random(walk.shape) < noise, random.integers(0, len(items), walk.shape), walk)
    people = Catalog.of([f"u{row}" for row in range(users)])
    rows = np.repeat(np.arange(users), steps)
    return Data(name="cycles", items=items, interactions=Links(people, items, rows, walk.ravel(), time=np.tile(np.arange(steps), users)))
