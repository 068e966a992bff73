"""What may be asked of kept matches, and what is answered."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from nearkin.service import limits as at_most
from nearkin.service.matching import Band, Threshold, WhyBody
from nearkin.service.requests import Lax, Strict
from nearkin.service.verdicts import Verdict


class PairsQuery(Lax):
    """Which pairs of a match."""

    band: Band = "maybe"
    threshold: Threshold = 0.9
    offset: Annotated[int, Field(ge=0, lt=2**31)] = 0
    k: Annotated[int, Field(ge=1, le=at_most.K)] = 20
    explain: bool = Field(default=False, description="both sides of each pair whole, and what speaks for and against it")


class PairQuery(Lax):
    """What decides the band of a pair."""

    threshold: Threshold = 0.9


class Twin(Lax):
    """The query string of the view."""

    band: Band = "maybe"
    threshold: Threshold = 0.9
    page: Annotated[int, Field(ge=1, lt=2**20)] = 1


class VerdictRequest(Strict):
    """What a person says of a pair; null takes it back."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"verdict": "same"}]})
    verdict: Verdict | None


class MatchBody(BaseModel):
    """A kept match. name: the table, null where the collection was matched with itself; rows: of the table; version: of the catalogue."""

    id: str
    made: float
    name: str | None
    where: str | None
    version: int
    one_to_one: bool
    rows: int
    pairs: int
    columns: list[list[str]]
    scale: Literal["log-odds", "likeness"]
    expected: float | None
    precision: float | None
    warnings: list[str]


class MatchesBody(BaseModel):
    """Newest first."""

    version: int
    matches: list[MatchBody]


class JudgedBody(BaseModel):
    """foretold_same: how many of the pairs judged same or different were the same by their chances; null without an estimate."""

    same: int
    different: int
    unsure: int
    foretold_same: float | None


class PairBody(BaseModel):
    """A row (left) and a thing (right)."""

    pair: int
    left: str
    right: str
    left_title: str
    right_title: str
    chance: float | None
    score: float
    band: Band
    verdict: Verdict | None
    left_fields: dict[str, Any] | None = None
    right_fields: dict[str, Any] | None = None
    why: WhyBody | None = None


class PairsBody(BaseModel):
    """The pairs of one band, surest first. gone: pairs not shown, since one of their things was removed."""

    version: int
    match: MatchBody
    threshold: float
    band: Band
    bands: dict[Band, int]
    gone: int
    offset: int
    total: int
    pairs: list[PairBody]
    judged: JudgedBody
    may_judge: bool


class OnePairBody(PairBody):
    """One pair. place, total: within its band; before, next: its neighbours there; changed: a thing was written since."""

    version: int
    match: MatchBody
    threshold: float
    place: int
    total: int
    before: int | None
    next: int | None
    changed: bool
    may_judge: bool


class VerdictBody(BaseModel):
    match: str
    pair: int
    verdict: Verdict | None
    judged: JudgedBody
