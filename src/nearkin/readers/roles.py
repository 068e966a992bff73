"""Which role each field of a table plays, guessed from its name, type and values, with the reason in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from nearkin.errors import BadInput, listed
from nearkin.readers.tables import named_like_id
from nearkin.tables import ROLES

SAMPLE = 10_000  # values looked at a field
FEW_WORDS = 4  # mean words a value from which a text is a text whatever its name

ID_NAMES = ("id", "_id")
NAMED = {
    "text": {
        "title",
        "name",
        "text",
        "description",
        "short",
        "long",
        "summary",
        "abstract",
        "body",
        "content",
        "query",
        "question",
        "author",
    },
    "category": {
        "category",
        "categories",
        "brand",
        "genre",
        "genres",
        "tag",
        "tags",
        "type",
        "kind",
        "color",
        "colour",
        "section",
        "language",
    },
    "time": {"time", "timestamp", "date", "datetime", "created", "updated", "published", "released"},
}
CODE = re.compile(r"(^|_)(code|isbn|ean|sku|asin|zip|phone|url|homepage|hash|md5)$")
DATE = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$"
ENDINGS = {"picture": r"(?i)\.(jpe?g|png|gif|webp|bmp|tiff?)$", "sound": r"(?i)\.(wav|mp3|flac|ogg|opus)$"}


@dataclass(frozen=True)
class Guess:
    """`roles`: a role for each field; `reasons`: why, one line a field."""

    roles: dict[str, str]
    reasons: dict[str, str]

    def __str__(self) -> str:
        return "\n".join(f"{name}: {role} ({self.reasons[name]})" for name, role in self.roles.items())


def guess_roles(table: pa.Table, *, roles: Mapping[str, str] | None = None, id: str | None = None) -> Guess:
    """A role for each field; those in `roles`, and `id`, are taken as given.

    Cost: the ids are counted once, 10,000 values are looked at in every other field.
    Refused: unknown fields or roles, a table in which no field can be the id.
    """
    given = dict(roles or {}) | ({id: "id"} if id else {})
    _check_given(given, table)
    if "id" not in given.values():
        name, reason = _find_id(table.drop_columns(list(given)))
        given, reasons = {name: "id", **given}, {name: reason}
    else:
        reasons = {}
    found = {
        name: (given[name], reasons.get(name, "as you said")) if name in given else _guess(name, table[name]) for name in table.column_names
    }
    return Guess({name: role for name, (role, _) in found.items()}, {name: reason for name, (_, reason) in found.items()})


def _check_given(given: Mapping[str, str], table: pa.Table) -> None:
    absent = [name for name in given if name not in table.column_names]
    if absent:
        raise BadInput(f"there is no field {listed(absent)}; the fields are {listed(table.column_names, 30)}")
    unknown = [role for role in given.values() if role not in ROLES]
    if unknown:
        raise BadInput(f"{listed(unknown)} is no role; a role is one of {', '.join(ROLES)}")
    ids = [name for name, role in given.items() if role == "id"]
    if len(ids) > 1:
        raise BadInput(f"only one field can be the id, {listed(ids)} were named")
    if ids and not _may_be_id(table[ids[0]]):
        raise BadInput(f"the field {ids[0]!r} holds {table.schema.field(ids[0]).type}; ids are text or whole numbers, write it as text")


def _find_id(table: pa.Table) -> tuple[str, str]:
    """The field named like an id, else the first whose values are short, all there and all different."""
    fit = [name for name in table.column_names if _may_be_id(table[name])]
    for name in fit:
        if name.lower() in ID_NAMES:
            return name, "named like an id"
    for name in sorted(fit, key=lambda name: not named_like_id(name)):
        if _all_different(table[name]):
            return name, "its values are all different" + (", and it is named like an id" if named_like_id(name) else "")
    raise BadInput(
        f"no field can be the id: its values must be text without spaces or whole numbers, all there and all different; "
        f"add such a field, or name the one that is the id (looked at: {listed(table.column_names, 30) or 'none'})"
    )


def _may_be_id(column: pa.ChunkedArray) -> bool:
    return pa.types.is_string(column.type) or pa.types.is_integer(column.type)


def _all_different(column: pa.ChunkedArray) -> bool:
    if column.null_count or (pa.types.is_string(column.type) and pc.any(pc.match_substring_regex(column.slice(0, SAMPLE), r"\s")).as_py()):
        return False
    return pc.count_distinct(column).as_py() == len(column)  # type: ignore[no-any-return]


def _guess(name: str, column: pa.ChunkedArray) -> tuple[str, str]:
    values = column.slice(0, SAMPLE).drop_null()
    if not len(values):
        return "other", "it is empty"
    for matches, guess in _BY_TYPE:
        if matches(column.type):
            return guess(name.lower(), values)
    return "other", f"values of type {column.type} are kept and shown only"


def _guess_list(name: str, values: pa.ChunkedArray) -> tuple[str, str]:
    if name == "history":
        return "history", "a list named history"
    parts = pc.list_flatten(values).drop_null()
    if not pa.types.is_string(parts.type):
        return "other", f"a list of {parts.type}"
    if named_like_id(name) or CODE.search(name):
        return "other", "a list named like a code"
    if name.endswith("title") or (len(parts) and _mean_words(parts) >= FEW_WORDS):
        return "text", "a list of texts"
    return "category", "a list of words"


def _guess_number(name: str, values: pa.ChunkedArray) -> tuple[str, str]:
    if named_like_id(name) or CODE.search(name):
        return "other", "numbers named like a code"
    if name in NAMED["time"] or name.endswith("_at"):
        return "time", "numbers named like a time"
    return "number", "numbers"


def _guess_text(name: str, values: pa.ChunkedArray) -> tuple[str, str]:
    for role, pattern in ENDINGS.items():
        if _all_match(values, pattern):
            return role, f"files that hold a {role}"
    if _all_match(values, r"^(https?|ftp)://\S+$"):
        return "other", "addresses"
    if _all_match(values, r"(?s)^[{\[].*[}\]]$"):
        return "other", "objects as JSON"
    if _all_match(values, DATE):
        return "time", "dates"
    if _all_match(values, r"(?is)^\s*<.*</\w+>"):
        return "page", "pages of HTML"
    if named_like_id(name) or CODE.search(name):
        return "other", "named like a code"
    return _guess_words(name, values)


def _guess_words(name: str, values: pa.ChunkedArray) -> tuple[str, str]:
    words = _mean_words(values)
    different = pc.count_distinct(values).as_py()
    if name in NAMED["category"] and words < FEW_WORDS:
        return "category", "named like a category"
    if name in NAMED["text"] or name.endswith(("title", "name", "description", "text")):
        return "text", "named like a text"
    if words >= FEW_WORDS:
        return "text", f"{words:.0f} words each"
    if different <= len(values) / 2:
        return "category", f"{different:,} different values in {len(values):,} rows"
    return ("text", "words, nearly all different") if words >= 1.5 else ("other", "single words, nearly all different")


def _mean_words(values: pa.ChunkedArray) -> float:
    return pc.mean(pc.add(pc.count_substring_regex(values, r"\s+"), 1)).as_py()  # type: ignore[no-any-return]


def _all_match(values: pa.ChunkedArray, pattern: str) -> bool:
    return pc.all(pc.match_substring_regex(values, pattern)).as_py()  # type: ignore[no-any-return]


_BY_TYPE: list[tuple[Callable[[pa.DataType], bool], Callable[[str, pa.ChunkedArray], tuple[str, str]]]] = [
    (pa.types.is_string, _guess_text),
    (pa.types.is_list, _guess_list),
    (pa.types.is_boolean, lambda _name, _values: ("category", "true or false")),
    (pa.types.is_integer, _guess_number),
    (pa.types.is_floating, _guess_number),
    (pa.types.is_temporal, lambda _name, _values: ("time", "dates or times")),
]
