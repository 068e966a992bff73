"""What an item is and what a person likes, in a few plain sentences: made from attributes and from links that may be learned from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from nearkin.generators.writer import Writer, written
from nearkin.tables import Catalog, Links

WORDS = 10  # of a name, the longest
LISTED = 4  # names of a kind, the most
SMOOTH = 5.0  # added to how often an item stands, so that two rare items that met once are no companions
REACH, REACHED = ("rare", "known", "popular", "famous", "bestseller"), (0.5, 0.8, 0.95, 0.99)  # words, and the shares of items below


def item_profiles(links: Links, *, near: int = 2, version: int = 0, writer: Writer | None = None) -> Catalog:
    """Each item of the right side of `links` as a text: its name, its attributes, and what those who had it had besides.

    Links (only those that may be learned from) -> Catalog[n] with the fields `profile` (text), `sources` (ids of the people whose links
    speak in it) and `maker` ("template 0", or the writer's name). near: how many items that stand with it most are named; 0: none.
    version: which of the `VERSIONS` wordings. writer: rewrites what the template says; where it fails, the template stays, and `maker`
    says so. An item without any attribute has an empty profile. Cost: the pairs of items within histories.
    """
    names, kinds = names_of(links.right), kinds_of(links.right)
    beside, people = companions(links, near)
    texts = [_item(names[row], kinds[row], [names[each] for each in beside[row]], version) for row in range(len(names))]
    ids = links.left.id_list
    return _made(links.right.id_list, texts, [[ids[each] for each in rows] for rows in people], version, writer, "item")


def user_profiles(links: Links, *, last: int = 5, version: int = 0, writer: Writer | None = None) -> Catalog:
    """Each person of the left side of `links` as a text: the last things they had, latest first, and what they had most of.

    Links (only those that may be learned from, in order) -> Catalog[u] with the fields `profile`, `sources` (ids of the items it was made
    of) and `maker`, as in `item_profiles`. Somebody without links has an empty profile.
    """
    names, kinds = names_of(links.right), kinds_of(links.right)
    offsets, rows = links.by_left()
    histories = [rows[start:stop][::-1].tolist() for start, stop in pairwise(offsets)]
    texts = [_user([names[row] for row in had[:last]], [kind for row in had for kind in kinds[row]], version) for had in histories]
    ids = links.right.id_list
    return _made(links.left.id_list, texts, [[ids[row] for row in had] for had in histories], version, writer, "user")


VERSIONS = 3


def _item(name: str, kinds: Sequence[str], beside: Sequence[str], version: int) -> str:
    parts = [name, ", ".join(kinds[-LISTED:])]
    if version == 1:
        parts.reverse()
    near = "; ".join(beside)
    said = [part for part in parts if part]
    if near:
        said.append(("Had together with: ", "For people who like ", "Others who took it took ")[version] + near)
    return ". ".join(said)


def _user(names: Sequence[str], kinds: Sequence[str], version: int) -> str:
    often = ", ".join(kind for kind, _ in Counter(kinds).most_common(LISTED))
    had = "; ".join(name for name in names if name)
    if version == 1:
        return ". ".join(part for part in (often, had) if part)
    said = [had] if had else []
    if often:
        said.append(("Likes ", "", "Mostly interested in ")[version] + often)
    return ". ".join(said)


def names_of(items: Catalog) -> list[str]:
    """The first text field of each item, cut to `WORDS` words; where it has none, its last two kinds."""
    fields = items.fields("text")
    titles = items[fields[0]] if fields else [""] * len(items)
    return [" ".join(title.split()[:WORDS]) or " ".join(kinds[-2:]) for title, kinds in zip(titles, kinds_of(items))]


def kinds_of(items: Catalog) -> list[list[str]]:
    """All categories of each item, field by field, without the category that all items share."""
    found: list[list[str]] = [[] for _ in range(len(items))]
    for field in items.fields("category"):
        for row, value in enumerate(items[field]):
            found[row] += [str(each) for each in value] if isinstance(value, list) else [str(value)] if value else []
    counts = Counter(kind for kinds in found for kind in set(kinds))
    return [[kind for kind in dict.fromkeys(kinds) if counts[kind] < 0.9 * len(items) or len(items) < LISTED] for kinds in found]


def companions(links: Links, near: int) -> tuple[list[list[int]], list[list[int]]]:
    """For each item the `near` items that stand with it most (over the root of how often they stand), and who had both."""
    from scipy.sparse import csr_array

    if not near:
        return [[] for _ in range(len(links.right))], [[] for _ in range(len(links.right))]
    shape = (len(links.left), len(links.right))
    had = csr_array((np.ones(len(links), np.float32), (links.left_rows, links.right_rows)), shape=shape)
    had.data[:] = 1
    of_item = had.T.tocsr()
    together = (of_item @ had).tocsr()
    together.setdiag(0)
    together.eliminate_zeros()
    common = np.sqrt(of_item.sum(1) + SMOOTH)
    beside, people = [], []
    for row in range(shape[1]):
        part = slice(together.indptr[row], together.indptr[row + 1])
        others, weight = together.indices[part], together.data[part]
        top = others[np.lexsort((others, -weight / common[others]))[:near]]
        beside.append(top.tolist())
        owners = of_item.indices[of_item.indptr[row] : of_item.indptr[row + 1]]
        people.append(
            sorted(owners[np.isin(owners, np.concatenate([_people(of_item, each) for each in top]))].tolist()) if len(top) else []
        )
    return beside, people


def _people(of_item: object, row: int) -> np.ndarray:
    held: np.ndarray = of_item.indices[of_item.indptr[row] : of_item.indptr[row + 1]]  # type: ignore[attr-defined]
    return held


def _made(ids: list[str], texts: list[str], sources: list[list[str]], version: int, writer: Writer | None, kind: str) -> Catalog:
    makers = [f"template {version}"] * len(texts)
    if writer is not None:
        texts, makers = written(texts, makers, writer, kind)
    catalog = Catalog.of(ids, profile=texts, maker=makers)
    return catalog.with_fields({"maker": "other", "sources": "other"}, sources=sources, maker=makers)


def with_reach(profiles: Catalog, links: Links) -> Catalog:
    """Profiles of items with one word before them that says how widely each is had, by its place among all: one of `REACH`.

    So a text encoder can learn in one shop what it is worth in another that many had an item. An empty profile stays empty.
    """
    counts = np.bincount(links.right_rows, minlength=len(links.right))
    places = np.searchsorted(np.sort(counts), counts, side="right") / max(1, len(counts))
    words = [REACH[level] for level in np.digitize(places, REACHED)]
    texts = [f"{word}. {text}" if text else "" for word, text in zip(words, profiles["profile"], strict=True)]
    return profiles.with_fields({"profile": "text"}, profile=texts)
