"""What is answered, for the OpenAPI."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from pydantic import BaseModel, Field

LIBRARY = version("nearkin")


class HitBody(BaseModel):
    """One hit; score and rank as in the whole list, whatever the page."""

    id: str
    rank: int
    score: float
    title: str
    fields: dict[str, Any]
    relevance: float | None = Field(default=None, description="the chance to be relevant, where min_relevance was asked")
    why: dict[str, Any] | None = Field(default=None, description="`parts` sum to the score; more in the words of the data")
    spans: dict[str, list[list[int]]] | None = Field(default=None, description="field -> [start, end] in characters")


class Total(BaseModel):
    """filter: things that pass the filter; relevant: hits (above the cut) among the first `pool`; exact: whether there are no more."""

    filter: int
    relevant: int
    exact: bool
    pool: int


class Facet(BaseModel):
    """n: in the pool of hits; n_filter: among all that pass the filter. Neither depends on k or offset."""

    value: Any
    n: int
    n_filter: int


class Cut(BaseModel):
    """rank: of the last hit with the chance that was asked for; under: hits of the pool after it; exact: whether there are no more."""

    rank: int
    under: int
    exact: bool


class Found(BaseModel):
    """Hits of each query, best first; cuts: one a query, where `cut` was asked."""

    version: int
    took_ms: float
    took_by_step: dict[str, float]
    stage: str
    hits: list[list[HitBody]]
    total: Total
    cuts: list[Cut] | None = None
    facets: dict[str, list[Facet]]
    next: str | None
    warnings: list[str]


class Explained(BaseModel):
    """rank, score and why are null where the thing is not among the hits looked at."""

    version: int
    took_ms: float
    stage: str
    id: str
    rank: int | None
    score: float | None
    why: dict[str, Any] | None
    warnings: list[str]


class ComparedHit(HitBody):
    rank_in_other: int | None


class Side(BaseModel):
    stage: str
    hits: list[ComparedHit]


class Compared(BaseModel):
    """Two lists; overlap: things in both."""

    version: int
    took_ms: float
    took_by_step: dict[str, float]
    a: Side
    b: Side
    overlap: int
    rank_correlation: float | None
    warnings: list[str]


class ItemsTotal(BaseModel):
    filter: int


class Items(BaseModel):
    """Things; missing: ids that name none."""

    version: int
    took_ms: float
    items: list[dict[str, Any]]
    total: ItemsTotal
    missing: list[str]
    warnings: list[str]


class Item(BaseModel):
    version: int
    item: dict[str, Any]


class Written(BaseModel):
    """A write that is durable, and seen by all who ask from now on."""

    version: int
    id: str
    created: bool = False


class LinksWritten(BaseModel):
    version: int
    links: int


class Versions(BaseModel):
    """Of the library, the interface and the catalogue."""

    library: str
    api: str
    catalogue: int
    stages: dict[str, str]
