"""Two tables that list some of the same things, spelt differently."""

from __future__ import annotations

import numpy as np

from nearkin.tables import Catalog, Data, Links
from nearkin.worlds.twins import words


def two_lists(*, left: int = 200, right: int = 300, overlap: float = 0.5, typos: float = 0.15, seed: int = 0) -> Data:
    """`left` and `right` things with a name of four words, a year and a code; a share `overlap` of the left ones is also right.

    In the shared ones each word has one letter replaced with probability `typos`. queries = the left table, truth = the matches.
    """
    random = np.random.default_rng(seed)
    vocabulary = np.array(words(left + right, random))
    shared = round(left * overlap)
    names = random.choice(vocabulary, (left + right - shared, 4))
    years, codes = random.integers(1950, 2020, len(names)), random.integers(10_000, 99_999, len(names))
    rows_left = np.arange(left)
    rows_right = random.permutation(np.concatenate([np.arange(shared), np.arange(left, len(names))]))
    tables = [
        Catalog.of(
            [f"{side}{place}" for place in range(len(rows))],
            name=[spell(names[row], typos * (side == "r"), random) for row in rows],
            year=years[rows],
            code=[f"xk-{codes[row]}" for row in rows],
        )
        for side, rows in (("l", rows_left), ("r", rows_right))
    ]
    place = np.flatnonzero(rows_right < shared)
    return Data(name="two-lists", queries=tables[0], items=tables[1], truth=Links(*tables, rows_right[place], place))


def spell(name: np.ndarray, typos: float, random: np.random.Generator) -> str:
    """The words of a name, each with one letter replaced with probability `typos`."""
    return " ".join(_typo(word, random) if random.random() < typos else word for word in name)


def _typo(word: str, random: np.random.Generator) -> str:
    place = int(random.integers(len(word)))
    return word[:place] + "aeioubdfgk"[random.integers(10)] + word[place + 1 :]
