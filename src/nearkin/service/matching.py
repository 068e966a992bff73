"""Rows of a request matched with the collection: which thing each of them is; and given pairs of things: are they the same."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from nearkin.collection.pairing import paired
from nearkin.collection.partnering import matched, partnered
from nearkin.collection.partners import Partner, Partnered
from nearkin.matching import partners
from nearkin.service import limits as at_most
from nearkin.service.answering import Asking
from nearkin.service.match_tables import table_of
from nearkin.service.problems import refused, unknown
from nearkin.service.rankings import not_there
from nearkin.service.requests import Fields, Id, Name, Strict, Timeout, Version, Where
from nearkin.service.view import View, plain

Band = Literal["sure", "maybe", "no"]
Said = Annotated[str, Field(max_length=at_most.MATCH_TEXT)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Single = None | bool | Annotated[int, Field(ge=-(2**63), lt=2**63)] | Number | Said
Row = Annotated[dict[Name, Single | Annotated[list[Said], Field(max_length=at_most.FIELDS)]], Field(max_length=at_most.FIELDS)]
Pair = Annotated[list[Id], Field(min_length=2, max_length=2, description="two things")]
Role = Literal["text", "category", "number", "picture", "sound", "page", "history", "time", "other"]
Threshold = Annotated[float, Field(ge=0.5, lt=1, description="how sure a pair must be for `sure`, and how sure the contrary for `no`")]


class MatchRequest(Strict):
    """`left`, a table of rows, and the things that they may be (`right`); or `pairs` of ids of things that may be the same."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"left": [{"name": "red running shoes"}, {"name": "guitar, acoustic"}], "where": "price < 50"},
                {"pairs": [["shoe", "boot"]], "explain": True},
            ]
        }
    )
    left: Annotated[list[Row], Field(min_length=1, max_length=at_most.MATCH_ROWS)] | None = None
    pairs: Annotated[list[Pair], Field(min_length=1, max_length=at_most.MATCH_PAIRS)] | None = None
    right: Annotated[list[Id], Field(max_length=at_most.IDS)] | None = Field(default=None, description="only these things")
    id: Name | None = Field(default=None, description="the field that names a row; else rows are called 0, 1, ...")
    roles: dict[Name, Role] = Field(default={}, max_length=at_most.FIELDS, description="what fields hold; else told from their values")
    where: Where | None = None
    threshold: Threshold = 0.9
    one_to_one: bool = True
    explain: bool = False
    fields: Fields | None = None
    version: Version | None = None
    timeout_ms: Timeout = at_most.MATCH_TIMEOUT_MS

    @model_validator(mode="after")
    def _one_of_them(self) -> MatchRequest:
        if (self.left is None) == (self.pairs is None):
            raise ValueError("give either `left`, rows, or `pairs` of ids")
        strange = sorted({"right", "id", "roles", "one_to_one"} & self.model_fields_set)
        if self.pairs is not None and strange:
            raise ValueError(f"{', '.join(strange)} tell of rows; leave them out with `pairs`")
        return self


class BarBody(BaseModel):
    """What a field (or numbers found in several) says on both sides, and what that adds to the score."""

    name: str
    left: Any
    right: Any
    weight: float


class WhyBody(BaseModel):
    """start: the score of a usual wrong candidate; start and all weights sum to the score. scale: log-odds or likeness."""

    scale: str
    start: float
    parts: list[BarBody]


class PartnerBody(BaseModel):
    """right is null where nothing here is the same as the row of a table; chance is null where it cannot be estimated."""

    left: str
    right: str | None
    band: Band
    chance: float | None
    score: float | None
    title: str
    fields: dict[str, Any]
    why: WhyBody | None = None


class MatchedBody(BaseModel):
    """matches: in the order of the rows, each at least once, or of the pairs, each once.

    expected: rows that seem to have a partner; precision: of those linked; both null for given pairs.
    """

    version: int
    took_ms: float
    took_by_step: dict[str, float]
    matches: list[PartnerBody]
    bands: dict[Band, int]
    columns: list[list[str]]
    expected: float | None
    precision: float | None
    warnings: list[str]


def match(asked: MatchRequest, asking: Asking) -> dict[str, Any]:
    view, _ = asking.view(asked)
    for place, name in enumerate(asked.fields or ()):
        if name not in view.types:
            raise unknown("field", name, view.types, f"/fields/{place}")
    told = _of_rows(view, asked, asked.left, asking) if asked.left is not None else _of_pairs(view, asked, asked.pairs or [], asking)
    return {
        "version": view.version,
        "took_ms": asking.clock.took_ms,
        "took_by_step": asking.clock.steps,
        "matches": [body_of(each, asked.fields, view.catalog.id_field) for each in told],
        "bands": told.bands(),
        "columns": [list(pair) for pair in told.columns],
        "expected": told.expected,
        "precision": told.precision,
        "warnings": list(told.warnings),
    }


def _of_rows(view: View, asked: MatchRequest, rows: list[dict[str, Any]], asking: Asking) -> Partnered:
    table = table_of(rows, asked.id, asked.roles)
    with asking.clock.step("filter"):
        keep = _among(view, view.keep(asked.where, asking.baked), asked.right)
    with asking.clock.step("match"):
        found = matched(view.shop, table, keep=keep, one_to_one=asked.one_to_one)
    with asking.clock.step("things"):
        return partnered(found, partners(found), threshold=asked.threshold, explain=asked.explain, unlinked=True)


def _of_pairs(view: View, asked: MatchRequest, pairs: list[list[str]], asking: Asking) -> Partnered:
    with asking.clock.step("filter"):
        keep = view.keep(asked.where, asking.baked)
        rows = np.array([[view.row(name, keep) for name in pair] for pair in pairs], np.int64)
        missing = [(f"/pairs/{place}/{side}", pairs[place][side]) for place, side in np.argwhere(rows < 0).tolist()]
        if missing:
            raise not_there(missing)
        for place in np.flatnonzero(rows[:, 0] == rows[:, 1]).tolist():
            raise refused("a thing is always itself; give two", "same-id", f"/pairs/{place}")
    with asking.clock.step("match"):
        return paired(view.shop, *rows.T, keep=keep, threshold=asked.threshold, explain=asked.explain)


def body_of(each: Partner, fields: list[str] | None, own: str) -> dict[str, Any]:
    """One answer, ready for JSON."""
    shown = {name: plain(value) for name, value in each.thing.items() if fields is None or name in (own, *fields)}
    why = {"why": plain(dict(each.why))} if each.why else {}
    return {**{name: getattr(each, name) for name in ("left", "right", "band", "chance", "score", "title")}, "fields": shown, **why}


def _among(view: View, keep: np.ndarray | None, ids: list[str] | None) -> np.ndarray | None:
    """The filter, narrowed to these things; ids of none are passed over, as are those that may not be seen."""
    if ids is None:
        return keep
    rows = view.catalog.rows_of(ids, missing="mark")
    only = np.zeros(len(view.catalog), bool)
    only[rows[rows >= 0]] = True
    return only if keep is None else only & keep
