"""Text without what spelling habits add: accents, case and punctuation."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable


class _Plain(dict[int, str]):
    """Code point -> what it becomes; filled when first met, so that translating runs at the speed of a dictionary."""

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        if unicodedata.combining(sign):
            self[code] = ""
        else:
            self[code] = sign.lower() if sign.isalnum() else "." if sign == "." else " "
        return self[code]


_TABLE = _Plain()


def plain(text: str) -> str:
    """Lower case, no accents, every sign but letters, digits and the dot a space; spaces single, none at the ends.

    Letters of other scripts stay. Cost: one dictionary look-up a sign.

    >>> plain("Crème  brûlée, PS-LX350H (v2.0)!")
    'creme brulee ps lx350h v2.0'
    """
    return " ".join(unicodedata.normalize("NFKD", text).translate(_TABLE).split())


def plain_all(texts: Iterable[str]) -> list[str]:
    """`plain` of each text."""
    return [plain(text) for text in texts]
