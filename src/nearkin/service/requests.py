"""What may be asked: every body and query string, with its limits."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from nearkin.service import limits as at_most

Text = Annotated[str, Field(max_length=at_most.QUERY_LENGTH)]
Id = Annotated[str, Field(min_length=1, max_length=at_most.ID_LENGTH)]
Name = Annotated[str, Field(min_length=1, max_length=256)]
K = Annotated[int, Field(ge=1, le=at_most.K, description="hits a query")]
Offset = Annotated[int, Field(ge=0, le=at_most.OFFSET, description="hits to pass over")]
Where = Annotated[str, Field(max_length=at_most.WHERE_LENGTH, json_schema_extra={"format": "where"}, examples=["price < 50"])]
Timeout = Annotated[int, Field(ge=1, le=at_most.TIMEOUT_MS)]
Version = Annotated[int, Field(ge=1, lt=2**53, description="answer from this version of the catalogue")]
Cursor = Annotated[str, Field(max_length=at_most.CURSOR_LENGTH, description="`next` of the page before")]
Chance = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Variety = Annotated[
    float, Field(ge=0, le=1, allow_inf_nan=False, description="0: by relevance; towards 1: the first hits unlike each other (MMR)")
]
Fields = Annotated[list[Name], Field(max_length=at_most.FIELDS)]
Facets = Annotated[list[Name], Field(max_length=at_most.FACETS)]


def whole(value: Any) -> Any:
    """5.0 is an integer of JSON, and 5 of Python; all else stays as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class Strict(BaseModel):
    """Nothing unknown, nothing made fit; but whole numbers may be written 5.0."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _whole(cls, told: Any) -> Any:
        return {name: whole(value) for name, value in told.items()} if isinstance(told, dict) else told


class Lax(BaseModel):
    """A query string: all values come as texts."""

    model_config = ConfigDict(extra="forbid")


class ById(Strict):
    """What is like this thing."""

    id: Id


class ByVector(Strict):
    """What is near this vector, for a stage of dense vectors."""

    vector: Annotated[list[Annotated[float, Field(allow_inf_nan=False, strict=False)]], Field(min_length=1, max_length=8192)]


def _kind(value: Any) -> str:
    if isinstance(value, dict | BaseModel):
        names = value if isinstance(value, dict) else type(value).model_fields
        return "<vector>" if "vector" in names else "<id>"
    return "<text>"


Query = Annotated[
    Annotated[Text, Tag("<text>")] | Annotated[ById, Tag("<id>")] | Annotated[ByVector, Tag("<vector>")], Discriminator(_kind)
]


class Shown(Strict):
    """What the answer holds."""

    k: K = 10
    offset: Offset = 0
    where: Where | None = None
    fields: Fields | None = Field(default=None, description="fields to show; all when left out")
    facets: Facets = Field(default=[], description="fields whose values are counted; for one query at a time")
    explain: bool = False
    diversity: Variety = 0
    version: Version | None = None
    timeout_ms: Timeout = at_most.DEFAULT_TIMEOUT_MS
    cursor: Cursor | None = None


class Judged(Strict):
    """What a search can also be told."""

    stage: Name | None = Field(default=None, description="one stage, or `all`, their fusion")
    min_relevance: Chance | None = Field(default=None, description="only hits with at least this chance to be relevant")
    cut: Chance | None = Field(default=None, description="tell under which rank no hit has this chance to be relevant")

    @property
    def least(self) -> float | None:
        """The chance that hits need; 0 where all are wanted, with their chances."""
        return 0.0 if self.min_relevance is None and self.cut is not None else self.min_relevance


class SearchRequest(Shown, Judged):
    """Texts, things or vectors to find the nearest things to."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"queries": ["red running shoe"], "k": 5, "where": "price < 50"}]})
    queries: Annotated[list[Query], Field(min_length=1, max_length=at_most.QUERIES)]
    highlight: bool = False


class SimilarRequest(Shown, Judged):
    """Things to find others like."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"ids": ["shoe"], "k": 5}]})
    ids: Annotated[list[Id], Field(min_length=1, max_length=at_most.QUERIES)]


class RecommendRequest(Shown):
    """What came before: `after`, one history of ids, oldest first; or many `histories`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"after": ["shoe", "hat"], "k": 5}]})
    after: Annotated[list[Id], Field(max_length=at_most.HISTORY_LENGTH)] | None = None
    histories: (
        Annotated[list[Annotated[list[Id], Field(max_length=at_most.HISTORY_LENGTH)]], Field(min_length=1, max_length=at_most.QUERIES)]
        | None
    ) = None

    @model_validator(mode="after")
    def _one_of_them(self) -> RecommendRequest:
        if (self.after is None) == (self.histories is None):
            raise ValueError("give either `after`, one history, or `histories`, many")
        return self


class ExplainRequest(Strict):
    """One query and one thing: why, and at which rank, is it there?"""

    model_config = ConfigDict(json_schema_extra={"examples": [{"query": "red shoe", "id": "shoe"}]})
    query: Query
    id: Id
    stage: Name | None = None
    where: Where | None = None
    version: Version | None = None
    timeout_ms: Timeout = at_most.DEFAULT_TIMEOUT_MS


class CompareRequest(Strict):
    """One query, or one history (`after`, oldest first), answered by two stages.

    Of a history a stage of search tells what is like its last thing, and `recommend` what comes next.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"query": "red shoe", "a": "words", "b": "all"}, {"after": ["shoe", "hat"], "a": "all", "b": "recommend"}]
        }
    )
    query: Query | None = None
    after: Annotated[list[Id], Field(min_length=1, max_length=at_most.HISTORY_LENGTH)] | None = None
    a: Name
    b: Name
    k: Annotated[int, Field(ge=1, le=at_most.POOL)] = 10
    where: Where | None = None
    fields: Fields | None = None
    version: Version | None = None
    timeout_ms: Timeout = at_most.DEFAULT_TIMEOUT_MS

    @model_validator(mode="after")
    def _one_of_them(self) -> CompareRequest:
        if (self.query is None) == (self.after is None):
            raise ValueError("give either `query`, or `after`, a history")
        return self


class ItemsRequest(Strict):
    """Things by id, or those that a filter holds for, in the order they were written."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"where": "price < 50", "k": 20}]})
    ids: Annotated[list[Id], Field(max_length=at_most.IDS)] | None = None
    where: Where | None = None
    fields: Fields | None = None
    k: K = 10
    offset: Annotated[int, Field(ge=0, lt=2**31)] = 0
    version: Version | None = None
    timeout_ms: Timeout = at_most.DEFAULT_TIMEOUT_MS


class LinkBody(Strict):
    """What someone (or something) did with a thing, or an edge between two things."""

    left: Id
    right: Id
    weight: Annotated[float, Field(allow_inf_nan=False, strict=False, ge=-1e30, le=1e30)] = 1.0
    time: Annotated[int, Field(ge=-4 * 10**18, le=4 * 10**18)] | None = None
    kind: Name | None = None


class LinksRequest(Strict):
    """Links to add; the recommender learns from them at the next compaction."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"links": [{"left": "user-1", "right": "shoe", "kind": "bought"}]}]})
    links: Annotated[list[LinkBody], Field(min_length=1, max_length=at_most.LINKS)]
