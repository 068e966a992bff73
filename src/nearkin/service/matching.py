"""Rows of a request matched with the collection: which thing each of them is."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from nearkin.collection.partnering import matched, partnered
from nearkin.collection.partners import Partner
from nearkin.matching import partners
from nearkin.service import limits as at_most
from nearkin.service.answering import Asking
from nearkin.service.problems import Flaw, pointer, refused, unknown
from nearkin.service.requests import Fields, Id, Name, Strict, Timeout, Version, Where
from nearkin.service.things import refuse
from nearkin.service.view import View, plain
from nearkin.tables import Catalog

Band = Literal["sure", "maybe", "no"]
Said = Annotated[str, Field(max_length=at_most.MATCH_TEXT)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Single = None | bool | Annotated[int, Field(ge=-(2**63), lt=2**63)] | Number | Said
Row = Annotated[dict[Name, Single | Annotated[list[Said], Field(max_length=at_most.FIELDS)]], Field(max_length=at_most.FIELDS)]
Role = Literal["text", "category", "number", "picture", "sound", "page", "history", "time", "other"]
Threshold = Annotated[float, Field(ge=0.5, lt=1, description="how sure a pair must be for `sure`, and how sure the contrary for `no`")]


class MatchRequest(Strict):
    """A table of rows, and the things that they may be."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"left": [{"name": "red running shoes"}, {"name": "guitar, acoustic"}], "where": "price < 50"}]}
    )
    left: Annotated[list[Row], Field(min_length=1, max_length=at_most.MATCH_ROWS)]
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
    """right is null where nothing here is the same; chance is null where it cannot be estimated."""

    left: str
    right: str | None
    band: Band
    chance: float | None
    score: float | None
    title: str
    fields: dict[str, Any]
    why: WhyBody | None = None


class MatchedBody(BaseModel):
    """matches: in the order of the rows, each at least once; expected: rows that seem to have a partner; precision: of those linked."""

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
    table = table_of(asked)
    for place, name in enumerate(asked.fields or ()):
        if name not in view.types:
            raise unknown("field", name, view.types, f"/fields/{place}")
    with asking.clock.step("filter"):
        keep = _among(view, view.keep(asked.where, asking.baked), asked.right)
    with asking.clock.step("match"):
        found = matched(view.shop, table, keep=keep, one_to_one=asked.one_to_one)
    with asking.clock.step("things"):
        told = partnered(found, partners(found), threshold=asked.threshold, explain=asked.explain, unlinked=True)
        matches = [body_of(each, asked.fields, view.catalog.id_field) for each in told]
    return {
        "version": view.version,
        "took_ms": asking.clock.took_ms,
        "took_by_step": asking.clock.steps,
        "matches": matches,
        "bands": told.bands(),
        "columns": [list(pair) for pair in told.columns],
        "expected": told.expected,
        "precision": told.precision,
        "warnings": list(told.warnings),
    }


def body_of(each: Partner, fields: list[str] | None, own: str) -> dict[str, Any]:
    """One answer, ready for JSON."""
    shown = {name: plain(value) for name, value in each.thing.items() if fields is None or name in (own, *fields)}
    why = {"why": plain(dict(each.why))} if each.why else {}
    return {**{name: getattr(each, name) for name in ("left", "right", "band", "chance", "score", "title")}, "fields": shown, **why}


def table_of(asked: MatchRequest) -> Catalog:
    """The rows as a catalogue. Refused: a field of several kinds, ids that are none or not unique, roles of absent fields."""
    names = list(dict.fromkeys(name for row in asked.left for name in row))
    refuse([*_flaws_of_names(asked, names), *_flaws_of_ids(asked)])
    own = asked.id or _free("id", names)
    ids = [str(row[own]) if asked.id else str(place) for place, row in enumerate(asked.left)]
    columns = {name: _column(name, [row.get(name) for row in asked.left]) for name in names if name != own}
    told = {name: asked.roles.get(name) or _role(column.type) for name, column in columns.items()}
    return Catalog(pa.table({own: pa.array(ids, pa.string()), **columns}), {own: "id", **told})


def _flaws_of_names(asked: MatchRequest, names: list[str]) -> list[Flaw]:
    if len(names) > at_most.FIELDS:
        return [Flaw(f"the rows have {len(names)} fields together; at most {at_most.FIELDS}", "fields", "/left")]
    strange = [name for name in asked.roles if name not in names]
    return [Flaw("no row has this field", "unknown-field", pointer(["roles", name])) for name in strange]


def _flaws_of_ids(asked: MatchRequest) -> list[Flaw]:
    if asked.id is None:
        return []
    seen: set[str] = set()
    flaws = []
    for place, row in enumerate(asked.left):
        name = row.get(asked.id)
        if not isinstance(name, str | int) or isinstance(name, bool) or not 1 <= len(str(name)) <= at_most.ID_LENGTH:
            flaws.append(Flaw("an id is a text or a whole number, and no row may lack it", "id", pointer(["left", place, asked.id])))
        elif str(name) in seen:
            flaws.append(Flaw("two rows have the same id", "id", pointer(["left", place, asked.id])))
        seen.add(str(name))
    return flaws


def _column(name: str, values: list[Any]) -> pa.Array:
    if all(isinstance(value, int | float | None) and not isinstance(value, bool) for value in values):
        whole = all(value is None or isinstance(value, int) for value in values)
        return pa.array(values if whole else [None if value is None else float(value) for value in values])
    try:
        return pa.array(values)
    except (pa.ArrowException, TypeError, ValueError):
        raise refused(
            f"the field {name[:80]!r} holds values of several kinds; give it texts, numbers or lists alone", "type", "/left"
        ) from None


def _role(kind: pa.DataType) -> str:
    if pa.types.is_list(kind) or pa.types.is_boolean(kind):
        return "category"
    return "number" if pa.types.is_integer(kind) or pa.types.is_floating(kind) else "text"


def _free(name: str, names: list[str]) -> str:
    return name if name not in names else _free(f"{name}_", names)


def _among(view: View, keep: np.ndarray | None, ids: list[str] | None) -> np.ndarray | None:
    """The filter, narrowed to these things; ids of none are passed over, as are those that may not be seen."""
    if ids is None:
        return keep
    rows = view.catalog.rows_of(ids, missing="mark")
    only = np.zeros(len(view.catalog), bool)
    only[rows[rows >= 0]] = True
    return only if keep is None else only & keep
