"""Films later than the split: eras of a log, and the pairs of customer and new film that a forecast is judged on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from nearkin.errors import BadInput
from nearkin.indexes.histories import Histories
from nearkin.tables import Catalog, Data, Links


@dataclass(frozen=True)
class Era:
    """What was known before a day (`train`: old films alone), and customers seen since, with the films released since.

    people, histories: those asked, as rows of the log, and their old films; recency: float32 [people of the log, 2], log(1 + days) from
    the first old film to the last, and from that one to the end of the era; trained_recency: the same for `train`; newest: bool [n],
    films of the last year before the split; years: float [n], of release; bought, open: bool [q, n], of new films only; open: somebody
    knew the film by the customer's last day, and the customer had not had it before the day.
    """

    train: Links
    people: np.ndarray
    histories: Histories
    recency: np.ndarray
    trained_recency: np.ndarray
    newest: np.ndarray
    years: np.ndarray
    bought: np.ndarray
    open: np.ndarray

    @property
    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Customer and film of each open pair, by customer."""
        customers, films = np.nonzero(self.open)
        return customers, films

    @property
    def labels(self) -> np.ndarray:
        """Whether each pair was a purchase: int64 [pairs]."""
        return self.bought[self.pairs].astype(np.int64)


def release_years(data: Data, field: str = "release_year") -> np.ndarray:
    """float [n], nan where it is not known: such a film is neither old nor new, and left out."""
    return np.array([np.nan if year is None else year for year in data.items[field]], float)


def era(data: Data, *, since: float, until: float, year: float, last: float, least: int) -> Era:
    """Learn before the share `since` of all events from films before `year`; ask until the share `until` about films of `year` to `last`.

    Asked are customers with `least` purchases in between and an old film. What they had is told by release, not by the clock: who
    enters ratings does so within minutes, in the order in which pages show films, so the order within a visit says nothing.
    """
    links, years = data.need("interactions").interactions, release_years(data)
    if links.time is None:
        raise BadInput(f"the interactions of {data.name!r} have no time; releases cannot be foretold without")
    start, stop = (int(np.ceil(np.quantile(links.time, share))) for share in (since, until))
    old, new = years < year, (years >= year) & (years <= last)
    seen = links.take((links.time <= stop) & (old | new)[links.right_rows])
    past = seen.take(old[seen.right_rows])
    train = past.take(past.time < start)
    shape = (len(links.left), len(links.right))
    recent = np.bincount(seen.left_rows[seen.time >= start], minlength=shape[0])
    people = np.flatnonzero((recent >= least) & np.bincount(past.left_rows, minlength=shape[0]).astype(bool))
    before, after = (_mask(seen.take((seen.time >= start) == later), shape)[people] for later in (False, True))
    listed, until_time = np.full(shape[1], np.inf), np.full(shape[0], -np.inf)
    np.minimum.at(listed, seen.right_rows, seen.time)
    np.maximum.at(until_time, seen.left_rows, seen.time)
    open_ = (listed <= until_time[people][:, None]) & ~before & new
    kept = past.take(np.isin(past.left_rows, people))
    histories = Histories.made(np.append(np.searchsorted(kept.left_rows, people), len(kept)), kept.right_rows)
    return Era(train, people, histories, _recency(past, stop), _recency(train, start), years == year - 1, years, after & open_, open_)


def _mask(links: Links, shape: tuple[int, int]) -> np.ndarray:
    """Who had what: bool [people, n]."""
    found = np.zeros(shape, bool)
    found[links.left_rows, links.right_rows] = True
    return found


def _recency(links: Links, end: int) -> np.ndarray:
    """log(1 + days) from each customer's first link to the last, and from the last to the end: float32 [people, 2]; nan without a link."""
    first, last = np.full(len(links.left), np.inf), np.full(len(links.left), -np.inf)
    np.minimum.at(first, links.left_rows, links.time)
    np.maximum.at(last, links.left_rows, links.time)
    days = np.stack([last - first, end - last], 1) / 86_400
    return np.where(np.isfinite(days), np.log1p(np.where(np.isfinite(days), days, 0)), np.nan).astype(np.float32)


def theme_world(*, customers: int = 260, films: int = 216, themes: int = 4, seed: int = 0) -> Data:
    """Customers who like one theme each, and films of nine years whose plot and cast tell theirs; some customers buy more than others."""
    random = np.random.default_rng(seed)
    words = [[f"{theme}word{number}" for number in range(6)] for theme in ("war", "love", "space", "crime")[:themes]]
    theme, taste = random.integers(0, themes, films), random.integers(0, themes, customers)
    items = Catalog(
        pa.table(
            {
                "id": [f"f{row}" for row in range(films)],
                "plot": [" ".join(random.choice(words[which], 4)) for which in theme],
                "cast": [[f"actor {which} {number}" for number in random.integers(0, 5, 3)] for which in theme],
                "release_year": 1990 + np.arange(films) % 9,
            }
        ),
        {"id": "id", "plot": "text", "cast": "category", "release_year": "number"},
    )
    chance = np.where(taste[:, None] == theme, 0.6, 0.04) * random.uniform(0.3, 1, (customers, 1))
    left, right = np.nonzero(random.random(chance.shape) < chance)
    time = left * 100_000 + random.integers(0, 50_000, len(left))
    order = np.lexsort((time, left))
    people = Catalog.of([f"c{row}" for row in range(customers)])
    return Data(name="themes", items=items, interactions=Links(people, items, left[order], right[order], time=time[order]))
