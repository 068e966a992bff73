"""What `bebr` learns from and is tested on: stored vectors of items and queries, and which belong together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nearkin.encoders.cached import Cached
from nearkin.encoders.sentence_model import SentenceModel
from nearkin.encoders.static_words import StaticWords
from nearkin.errors import BadInput
from nearkin.stage import Encoder
from nearkin.tables import Catalog, Data, Vectors

ASKED = 10_000  # names, and example sentences, drawn to ask with
TESTS, TUNING = 0.2, 0.05  # shares of the asked items that test, and that were kept aside to choose settings


@dataclass(frozen=True, kw_only=True)
class Stored:
    """Vectors of the items searched and of the queries, the item of each query, its kind, and whether it is to learn from or to test."""

    items: Vectors
    queries: Vectors
    own: np.ndarray  # int64 [q]
    kinds: np.ndarray  # str [q]
    learn: np.ndarray  # bool [q]
    test: np.ndarray  # bool [q]


def stored(data: Data, base: int) -> Stored:
    """Names and examples with their definitions, for a dictionary; else queries with what `train_truth` and `truth` give them."""
    return judged(data) if data.queries is not None else dictionary(data, base)


def encoder_of(data: Data) -> Encoder:
    """What encodes texts of this set."""
    return StaticWords() if data.queries is not None else SentenceModel(max_tokens=64)


def judged(data: Data) -> Stored:
    """One pair a link; those of `train_truth` to learn from, those of `truth` to test."""
    data = data.need("queries", "truth", "train_truth")
    left, right = (np.concatenate([getattr(each, side) for each in (data.train_truth, data.truth)]) for side in ("left_rows", "right_rows"))
    learn = np.arange(len(left)) < len(data.train_truth)  # type: ignore[arg-type]
    queries, items = (encoder_of(data)(each) for each in (data.queries, data.items))
    return Stored(
        items=items, queries=queries.take(left), own=right.astype(np.int64), kinds=np.full(len(left), "query"), learn=learn, test=~learn
    )


def dictionary(data: Data, base: int) -> Stored:
    """10,000 names and 10,000 example sentences with their definitions, among `base` definitions; split by definition."""
    if "definition" not in data.items.roles or "examples" not in data.items.table.column_names:
        raise BadInput(f"the data set {data.name!r} has neither queries nor definitions with examples; take dict-wordnet31")
    order = np.random.default_rng(0).permutation(len(data.items))[:ASKED]
    with_example = np.array([row for row, each in enumerate(data.items["examples"]) if each])
    examples = Catalog.of(example=[each[0] for each in data.items["examples"] if each])
    drawn = np.random.default_rng(0).permutation(len(examples))[:ASKED]
    rows = [_encoded(Catalog.of(name=data.items.texts("name")).take(order), "name"), _encoded(examples.take(drawn), "example")]
    own, every = np.concatenate([order, with_example[drawn]]), _encoded(data.items, "definition")
    held, learn, test = _split(own, len(data.items), base)
    kinds = np.repeat(["name", "example"], [len(each) for each in rows])
    items = Vectors(every[held], data.items.take(held))
    return Stored(items=items, queries=Vectors(np.concatenate(rows)), own=np.searchsorted(held, own), kinds=kinds, learn=learn, test=test)


def _split(own: np.ndarray, count: int, base: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows searched, rising, and which queries learn and which test: no definition is on both sides."""
    random = np.random.default_rng(1)
    asked = random.permutation(np.unique(own))
    more = random.permutation(np.setdiff1d(np.arange(count), asked))[: max(0, base - len(asked))]
    tests, aside = round(TESTS * len(asked)), round(TUNING * len(asked))
    return np.sort(np.concatenate([asked, more])), np.isin(own, asked[tests + aside :]), np.isin(own, asked[:tests])


def _encoded(catalog: Catalog, field: str) -> np.ndarray:
    return np.asarray(Cached(encoder=SentenceModel(fields=(field,), max_tokens=64))(catalog).rows)
