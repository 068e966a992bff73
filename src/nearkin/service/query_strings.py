"""The same questions as query strings, for links and caches; what they may hold, with its limits."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from nearkin.service import limits as at_most
from nearkin.service.requests import Chance, Cursor, Facets, Fields, Id, K, Lax, Name, Offset, Text, Timeout, Variety, Version, Where


class _Plain(Lax):
    k: K = 10
    offset: Offset = 0
    where: Where | None = None
    fields: Fields | None = None
    facets: Facets = Field(default=[])
    explain: bool = False
    diversity: Variety = 0
    version: Version | None = None
    timeout_ms: Timeout = at_most.DEFAULT_TIMEOUT_MS
    cursor: Cursor | None = None

    def told(self, **more: Any) -> dict[str, Any]:
        """The body that asks the same."""
        own = {name: getattr(self, name) for name in self.model_fields_set}
        return {name: value for name, value in {**own, **more}.items() if name not in ("q", "id") and value is not None}


class SearchQuery(_Plain):
    """`GET /v1/search`."""

    q: Text
    stage: Name | None = None
    min_relevance: Chance | None = None
    highlight: bool = False


class SimilarQuery(_Plain):
    """`GET /v1/similar`."""

    id: Annotated[list[Id], Field(min_length=1, max_length=at_most.QUERIES)]
    stage: Name | None = None
    min_relevance: Chance | None = None


class RecommendQuery(_Plain):
    """`GET /v1/recommend`."""

    after: Annotated[list[Id], Field(max_length=at_most.HISTORY_LENGTH)]


class ExplainQuery(Lax):
    """`GET /v1/explain`."""

    q: Text
    id: Id
    stage: Name | None = None
    where: Where | None = None
    version: Version | None = None


class CompareQuery(Lax):
    """`GET /v1/compare`."""

    q: Text | None = None
    after: Annotated[list[Id], Field(min_length=1, max_length=at_most.HISTORY_LENGTH)] | None = None
    a: Name
    b: Name
    k: Annotated[int, Field(ge=1, le=at_most.POOL)] = 10
    where: Where | None = None
    version: Version | None = None
