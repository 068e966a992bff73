"""Spines read by OCR matched with a whole catalogue at once; from "Image-text matching for large-scale book collections".

Stage 1: readings and entries as vectors, the k nearest entries of each reading. Stage 2: a pair model, trained on made-up noisy readings
of the catalogue, scores those pairs. Stage 3: all readings are assigned at once, one entry each, a second copy at a price, with a dummy
for "not in the catalogue". Words reach their segment by `matchers.word_masks`. What differs: character 3-grams stand for CLIP's text
encoder and a logistic regression for BERT (both run on one core in seconds); made-up entries stand for the 2.3 million titles of the
open list, which is not public. Left out: nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from nearkin.encoders.char_grams import CharGrams
from nearkin.generators.misread import Misread
from nearkin.indexes.inverted_index import InvertedIndex
from nearkin.indexes.weightings import Impacts
from nearkin.matchers.best_first import BestFirst
from nearkin.matchers.one_to_one import OneToOne
from nearkin.recipes.card import Card
from nearkin.recipes.contract import OURS, Curve, Measured, Measures
from nearkin.recipes.fuzzy_names import Fuzzy
from nearkin.recipes.spine_pairs import SpinePairs
from nearkin.stage import Memo, Stage
from nearkin.tables import Catalog, Data, Links

CARD = Card(
    paper=69,
    title="Image-text matching for large-scale book collections",
    claim="matching all spines at once and a pair model trained on noise beat fuzzy strings, less so in larger catalogues",
    kind="system",
    task="own",
    data=("library-books",),
    metrics=("accuracy",),
    beats=("fuzzy ratio", "fuzzy token set", "nearest alone", "assignment alone"),
    seeds=(0, 1, 2),
    tiny_s=1.0,
)
EVERYONE = 10**9  # copies that bind nobody
NEVER = -50.0  # log-odds below any pair's: a reject that refuses nothing


@dataclass(frozen=True, kw_only=True)
class Settings:
    """ "ours" marks what the paper does not give."""

    fields: tuple[str, ...] = ("title", "author")
    k: int = 20  # ours; candidates a reading
    made: int = 4_000  # ours; made-up readings that the pair model learns from
    copies: int = 3  # ours; spines that one entry may take
    copy_cost: float = 4.0  # ours; log-odds that each further spine of an entry pays
    reject: float = NEVER  # 0 refuses what is more likely absent than not
    fuzzy: int = 150  # ours; readings on which the slow fuzzy baselines run
    sizes: tuple[int, ...] = (10_000, 40_000)  # ours; entries, besides those on the shelf and the whole catalogue
    absent: tuple[float, ...] = (0.1, 0.4)  # ours; shares of the shelf taken out of the catalogue
    seed: int = 0

    @classmethod
    def tiny(cls) -> Self:
        return cls(k=10, made=300, fuzzy=40, sizes=(300,), absent=(0.3,))


def search(items: Catalog, settings: Settings) -> Stage:
    """Readings (field `ocr`) to the k nearest entries; the annotators' title and author of a reading are never read."""
    encoder = CharGrams(fields=settings.fields).fit(items)
    index = InvertedIndex(k=settings.k, weighting=Impacts()).fit(encoder(items))
    of_readings = copy(encoder)
    of_readings.fields = ("ocr",)
    return of_readings >> index


def build(data: Data, settings: Settings = Settings()) -> Stage:
    """Catalog of readings -> Links to entries, weight = log-odds."""
    return every(data.items, settings)[OURS]


def rivals(data: Data, settings: Settings = Settings()) -> dict[str, Stage]:
    """Stage 1 alone, with assignment, with copies; the pair model without assignment and without copies; fuzzy strings."""
    plain = Fuzzy(items=data.items, fields=settings.fields)
    fuzzy = {"fuzzy ratio": plain, "fuzzy token set": replace(plain, token_set=True)}
    found = every(data.items, settings) | {name: stage >> BestFirst(copies=EVERYONE) for name, stage in fuzzy.items()}
    return {name: stage for name, stage in found.items() if name != OURS}


def every(items: Catalog, settings: Settings) -> dict[str, Stage]:
    """Ours and its parts, which share their beginnings, so that a memo runs each once."""
    nearest = search(items, settings)
    pairs = trained(items, nearest, settings)
    return {
        OURS: nearest >> pairs >> OneToOne(reject=settings.reject, copies=settings.copies, copy_cost=settings.copy_cost),
        "nearest alone": nearest >> BestFirst(copies=EVERYONE),
        "assignment alone": nearest >> OneToOne(reject=-1.0),
        "assignment with copies": nearest >> OneToOne(reject=-1.0, copies=settings.copies, copy_cost=0.1),
        "pair model alone": nearest >> pairs >> BestFirst(copies=EVERYONE),
        "pair model, no copies": nearest >> pairs >> OneToOne(reject=settings.reject),
    }


def trained(items: Catalog, nearest: Stage, settings: Settings) -> SpinePairs:
    """The pair model, fitted on noisy copies of a sample of the catalogue; an entry's own copies count as right too."""
    random = np.random.default_rng(settings.seed)
    rows = random.permutation(len(items))[: settings.made]
    fields = tuple(name for name in ("title", "author", "tag") if name in items.roles)
    read = Misread(fields=fields, lost=(0.02, 0.2, 0.3)[: len(fields)], seed=settings.seed)(items.take(rows))
    keys = np.unique(np.array(items.texts("title", "author")), return_inverse=True)[1]
    truth = [np.flatnonzero(keys == keys[row]) for row in rows]
    left = np.repeat(np.arange(len(rows)), [len(same) for same in truth])
    return SpinePairs(fields=settings.fields).fit(nearest(read), Links(read, items, left, np.concatenate(truth)))


def report(data: Data, settings: Settings = Settings()) -> Measures:
    """Accuracy on the whole catalogue and on the shelf's own, beside rejection, incomplete and growing catalogues."""
    data.need("queries", "truth")
    whole, shelf = _known(data), shelf_only(data)
    measured = [*accuracies(whole, "whole catalogue", settings), *accuracies(shelf, "entries on the shelf", settings)]
    tagged = answers(whole, every(whole.items, replace(settings, fields=(*settings.fields, "tag"))), ("nearest alone", OURS))
    everything = answers(data, every(data.items, settings), ("nearest alone", OURS))
    has = np.isin(np.arange(len(data.queries)), data.truth.left_rows)
    figures = {
        "readings, entries, entries on the shelf": [len(whole.queries), len(whole.items), len(shelf.items)],
        "with shelf tag, whole catalogue": {name: float(right(whole, links).mean()) for name, links in tagged.items()},
        "AUROC of rejecting no books and books of elsewhere": {name: auroc(sureness(links), has) for name, links in everything.items()},
        "ours, likelier than not, all readings: precision, recall": operating_point(data, everything[OURS]),
        "incomplete catalogue": {str(share): incomplete(shelf, share, settings) for share in settings.absent},
    }
    return Measures(measured=measured, figures=figures, curves=[growing(shelf, whole, measured, settings)])


def answers(data: Data, stages: dict[str, Stage], names: Sequence[str]) -> dict[str, Links]:
    """What these stages say of all readings; what they share is run once."""
    memo = Memo()
    return {name: memo.run(stages[name], data.queries) for name in names}


def accuracies(data: Data, name: str, settings: Settings) -> list[Measured]:
    """Ours and every rival on all readings that have an entry; the slow fuzzy ones on a sample."""
    stages = every(data.items, settings)
    values = {each: right(data, links) for each, links in answers(data, stages, list(stages)).items()}
    rows = np.sort(np.random.default_rng(0).permutation(len(data.queries))[: settings.fuzzy])
    sample = {OURS: values[OURS][rows]}
    for token_set in (False, True):
        hits = Fuzzy(items=data.items, fields=settings.fields, token_set=token_set)(data.queries.take(rows))
        links = Links(data.queries, data.items, rows, hits.rows[:, 0])
        sample["fuzzy token set" if token_set else "fuzzy ratio"] = right(data, links)[rows]
    return [
        Measured(metric=f"accuracy, {name}", values=values),
        Measured(metric=f"accuracy, {name}, {len(rows)} readings", values=sample),
    ]


def right(data: Data, links: Links) -> np.ndarray:
    """1 for each reading that is linked to any copy of its book, else 0: float64 [readings]."""
    size = len(data.items)
    keys, true = (side.left_rows.astype(np.int64) * size + side.right_rows for side in (links, data.truth))
    found = np.zeros(len(data.queries))
    found[links.left_rows[np.isin(keys, true)]] = 1
    return found


def _known(data: Data) -> Data:
    """Only the readings that have an entry."""
    return part(data, np.unique(data.truth.left_rows), np.arange(len(data.items)))


def shelf_only(data: Data) -> Data:
    """The readings that have an entry, and a catalogue of just these entries."""
    return part(data, np.unique(data.truth.left_rows), np.unique(data.truth.right_rows))


def part(data: Data, readings: np.ndarray, entries: np.ndarray) -> Data:
    """Some readings and some entries, with the truth between them; rows rising."""
    queries, items = data.queries.take(readings), data.items.take(entries)
    kept = np.isin(data.truth.left_rows, readings) & np.isin(data.truth.right_rows, entries)
    left, own = np.searchsorted(readings, data.truth.left_rows[kept]), np.searchsorted(entries, data.truth.right_rows[kept])
    return Data(name=data.name, queries=queries, items=items, truth=Links(queries, items, left, own))


def sureness(links: Links) -> np.ndarray:
    """The weight of each left row's link, the lowest where it has none."""
    found = np.full(len(links.left), links.weight.min(initial=0.0))
    found[links.left_rows] = links.weight
    return found


def auroc(scores: np.ndarray, positive: np.ndarray) -> float:
    """The chance that a positive scores above a negative, ties half; nan where one kind is missing."""
    order = np.sort(scores[~positive])
    above, upto = (np.searchsorted(order, scores[positive], side=side) for side in ("left", "right"))
    return float((above + upto).mean() / 2 / len(order)) if len(order) and positive.any() else float("nan")


def operating_point(data: Data, links: Links) -> list[float]:
    """Precision and recall over all readings when a link must be more likely than not."""
    kept = links.take(links.weight > 0)
    hit = right(data, kept).sum()
    return [float(hit / max(len(kept), 1)), float(hit / len(np.unique(data.truth.left_rows)))]


def incomplete(data: Data, share: float, settings: Settings) -> dict[str, float]:
    """A share of the entries taken out: accuracy on the readings whose book is still there, AUROC of noticing the others."""
    kept = np.random.default_rng(settings.seed).permutation(len(data.items))[round(len(data.items) * share) :]
    less = part(data, np.arange(len(data.queries)), np.sort(kept))
    has = np.isin(np.arange(len(less.queries)), less.truth.left_rows)
    found = {}
    for name, links in answers(less, every(less.items, settings), ("nearest alone", OURS)).items():
        found |= {f"{name}: accuracy": float(right(less, links)[has].mean()), f"{name}: AUROC": auroc(sureness(links), has)}
    return found


def growing(shelf: Data, whole: Data, measured: list[Measured], settings: Settings) -> Curve:
    """Accuracy as the catalogue grows from the shelf's own entries over the library's to made-up ones."""
    lines: dict[str, dict[int, float]] = {name: {} for name in ("nearest alone", "assignment alone", OURS)}
    for data, known in ((whole, measured[0]), (shelf, measured[2])):
        for name, line in lines.items():
            line[len(data.items)] = float(known.values[name].mean())
    for size in settings.sizes:
        data = grown(shelf, whole, size, settings.seed)
        for name, links in answers(data, every(data.items, settings), list(lines)).items():
            lines[name][size] = float(right(data, links).mean())
    drawn = {name: (sorted(line), [line[size] for size in sorted(line)]) for name, line in lines.items()}
    return Curve(title="Readings matched rightly", x="entries in the catalogue", y="accuracy", lines=drawn, log_x=True)


def grown(shelf: Data, whole: Data, size: int, seed: int) -> Data:
    """The shelf's entries, then others of the library, then made-up ones: half of one title, half of another, an author of a third."""
    random = np.random.default_rng(seed)
    own = whole.items.rows_of(shelf.items.id_list)
    others = random.permutation(np.setdiff1d(np.arange(len(whole.items)), own))[: max(size - len(own), 0)]
    real = whole.items.take(np.concatenate([own, others]))
    columns = {name: real.texts(name) for name in ("title", "author")}
    made = max(size - len(real), 0)
    first, second, third = random.integers(0, len(whole.items), (3, made))
    titles, authors = whole.items.texts("title"), whole.items.texts("author")
    columns["title"] += [halves(titles[a], titles[b]) for a, b in zip(first, second, strict=True)]
    columns["author"] += [authors[row] for row in third]
    items = Catalog.of([*real.id_list, *(f"made-up {row}" for row in range(made))], **columns)
    return Data(
        name=shelf.name,
        queries=shelf.queries,
        items=items,
        truth=Links(shelf.queries, items, shelf.truth.left_rows, shelf.truth.right_rows),
    )


def halves(first: str, second: str) -> str:
    """The first half of one title and the second half of another."""
    a, b = first.split(), second.split()
    return " ".join([*a[: (len(a) + 1) // 2], *b[len(b) // 2 :]])


def world() -> Data:
    """A small library: titles of one to five made-up words, authors, tags; most spines read twice-blurred, some of no book at all."""
    from nearkin.worlds import words

    random = np.random.default_rng(5)
    names = np.array(words(260, random))
    titles = [" ".join(random.choice(names, random.integers(1, 5))) for _ in range(250)]
    authors = [", ".join(random.choice(names, 2)) for _ in titles]
    tags = [f"{random.integers(100, 999)} {author[:3]}" for author in authors]
    items = Catalog.of([f"book{row}" for row in range(250)], title=titles, author=authors, tag=tags)
    shown = random.permutation(250)[:150]
    readings = Misread(drop=0.25, letters=0.1, cut=0.2, seed=6)(items.take(shown))["ocr"]
    strangers = [" ".join(random.choice(names, 3)) for _ in range(30)]
    queries = Catalog.of([f"spine{row}" for row in range(180)], ocr=[*readings, *strangers])
    return Data(name="small-library", queries=queries, items=items, truth=Links(queries, items, np.arange(150), shown))
