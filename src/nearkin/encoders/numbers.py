"""Numbers and dates as they are, brought to one scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from nearkin.errors import BadInput, listed
from nearkin.stage import Encoder, fitted, learned
from nearkin.tables import Catalog, Vectors
from nearkin.tables.times import seconds_of


@dataclass(kw_only=True)
class Numbers(Encoder):
    """Each number or date as (value - mean) / spread, and whether it is there at all.

    Catalog[n] -> Vectors[n, 2 * fields], float32: the standardised values, cut to [-5, 5], then 1 where a value is and 0 where not (its
    standardised value is then 0, the mean). Mean and standard deviation are those of the things given to fit; a field without spread
    is all 0. Refused: a field that is not there at fit or has neither the role number nor time.
    """

    fields: tuple[str, ...] = ()  # all with the roles number and time when empty
    names_: list[str] | None = learned()
    centre_: np.ndarray | None = learned()  # float64[fields]
    spread_: np.ndarray | None = learned()  # float64[fields]

    def fit(self, catalog: Catalog) -> Self:
        names = list(self.fields or catalog.fields("number", "time"))
        wrong = [name for name in names if catalog.roles.get(name) not in ("number", "time")]
        if wrong or not names:
            raise BadInput(f"Numbers reads fields with the roles number and time; {listed(wrong) or 'no field'} of {catalog.roles} is one")
        values = _values(catalog, names)
        there = np.isfinite(values)
        count = np.maximum(there.sum(0), 1)
        self.names_ = names
        self.centre_ = np.where(there, values, 0).sum(0) / count
        self.spread_ = np.sqrt((np.where(there, values - self.centre_, 0) ** 2).sum(0) / count)
        return self

    def __call__(self, catalog: Catalog) -> Vectors:
        values = _values(catalog, fitted(self).names_ or [])
        there = np.isfinite(values)
        scaled = (np.where(there, values, self.centre_) - self.centre_) / np.where(self.spread_, self.spread_, np.inf)
        return Vectors(np.concatenate([np.clip(scaled, -5, 5), there], 1).astype(np.float32), catalog)


def _values(catalog: Catalog, names: list[str]) -> np.ndarray:
    """float64 [n, fields], NaN where nothing is or the catalogue lacks the field."""
    nothing = np.full(len(catalog), np.nan)
    columns = [seconds_of(catalog.column(name), name) if name in catalog.roles else nothing for name in names]
    return np.stack(columns, 1) if columns else np.empty((len(catalog), 0))
