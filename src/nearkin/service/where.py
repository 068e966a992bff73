"""The language of filters: SQL-like text, read into a small tree of things that are allowed and nothing else.

A filter compares fields with literals (`= != < <= > >=`, IN, BETWEEN, LIKE, IS NULL, `array_has(field, value)`) and joins these with
AND, OR, NOT. Texts stand in single quotes, odd field names in backticks. What is not understood is refused with the place where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NamedTuple

import pyarrow as pa

from nearkin.errors import BadInput, listed
from nearkin.service.limits import WHERE_DEPTH, WHERE_LENGTH, WHERE_NODES
from nearkin.tables import is_list

Value = str | int | float | bool


@dataclass(frozen=True)
class Every:
    """All of these hold."""

    parts: tuple[Tree, ...]


@dataclass(frozen=True)
class Some:
    """At least one of these holds."""

    parts: tuple[Tree, ...]


@dataclass(frozen=True)
class No:
    """This does not hold."""

    part: Tree


@dataclass(frozen=True)
class Test:
    """One field against literals; `how` is an operator, or one of in, between, like, null, has."""

    __test__ = False  # not one for pytest

    field: str
    how: str
    values: tuple[Value, ...] = ()


Tree = Every | Some | No | Test


class BadWhere(BadInput):
    """A filter that is not understood; `at`: the place, counted from 1."""

    def __init__(self, message: str, at: int, did_you_mean: str | None = None) -> None:
        super().__init__(f"{message} (at character {at})")
        self.at, self.did_you_mean = at, did_you_mean


class Token(NamedTuple):
    kind: str
    text: str
    at: int


_TOKENS = re.compile(
    r"""(?P<space>[ \t\r\n]+)
      | (?P<text>'(?:[^']|'')*')
      | (?P<number>[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,4})?)
      | (?P<sign><=|>=|!=|<>|==|[=<>(),])
      | (?P<quoted>`[^`]+`)
      | (?P<word>[^\W\d]\w*)""",
    re.VERBOSE,
)
_WORDS = {"and", "or", "not", "in", "between", "like", "is", "null", "true", "false", "array_has"}
_COMPARED = {"=": "=", "==": "=", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


def parse(text: str, types: Mapping[str, pa.DataType]) -> Tree:
    """The tree of a filter over fields of these types. Refused (`BadWhere`): anything else, and what is too long or too deep."""
    if len(text.encode("utf-8", "surrogatepass")) > WHERE_LENGTH:
        raise BadWhere(f"a filter has at most {WHERE_LENGTH:,} bytes", WHERE_LENGTH)
    reader = _Reader(_tokens(text), types)
    tree = reader.some(0)
    if reader.now.kind != "end":
        raise BadWhere(f"expected AND, OR or the end, got {reader.now.text!r}", reader.now.at)
    return tree


def both(one: Tree | None, other: Tree | None) -> Tree | None:
    """What holds where both hold; None holds everywhere."""
    return Every((one, other)) if one and other else one or other


def _tokens(text: str) -> list[Token]:
    found, place = [], 0
    while place < len(text):
        match = _TOKENS.match(text, place)
        if match is None:
            raise _unreadable(text, place)
        kind = str(match.lastgroup)
        word = match.group().lower()
        if kind == "word" and word in _WORDS:
            found.append(Token(word, match.group(), place + 1))
        elif kind != "space":
            found.append(Token(match.group() if kind == "sign" else kind, match.group(), place + 1))
        place = match.end()
    return [*found, Token("end", "the end", len(text) + 1)]


def _unreadable(text: str, place: int) -> BadWhere:
    if text[place] == "'":
        return BadWhere("this text has no closing quote", place + 1)
    if text[place] == '"':
        return BadWhere("texts stand in single quotes, and odd field names in backticks, not in double quotes", place + 1)
    return BadWhere(f"{text[place]!r} has no meaning in a filter", place + 1)


class _Reader:
    """Goes through the tokens once, left to right."""

    def __init__(self, tokens: list[Token], types: Mapping[str, pa.DataType]) -> None:
        self.tokens, self.types, self.place, self.nodes = tokens, types, 0, 0

    @property
    def now(self) -> Token:
        return self.tokens[self.place]

    def took(self, *kinds: str) -> Token | None:
        token = self.now
        if token.kind not in kinds:
            return None
        self.place += 1
        return token

    def need(self, what: str, *kinds: str) -> Token:
        token = self.took(*kinds)
        if token is None:
            raise BadWhere(f"expected {what}, got {self.now.text!r}", self.now.at)
        return token

    def count(self, depth: int) -> None:
        self.nodes += 1
        if depth > WHERE_DEPTH:
            raise BadWhere(f"a filter is at most {WHERE_DEPTH} levels deep", self.now.at)
        if self.nodes > WHERE_NODES:
            raise BadWhere(f"a filter has at most {WHERE_NODES} parts", self.now.at)

    def some(self, depth: int) -> Tree:
        parts = [self.every(depth)]
        while self.took("or"):
            parts.append(self.every(depth))
        return parts[0] if len(parts) == 1 else Some(tuple(parts))

    def every(self, depth: int) -> Tree:
        parts = [self.one(depth)]
        while self.took("and"):
            parts.append(self.one(depth))
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def one(self, depth: int) -> Tree:
        self.count(depth)
        if self.took("not"):
            return No(self.one(depth + 1))
        if self.took("("):
            inside = self.some(depth + 1)
            self.need("a closing parenthesis", ")")
            return inside
        return self.has() if self.took("array_has") else self.test()

    def has(self) -> Tree:
        self.need("an opening parenthesis", "(")
        name = self.field()
        self.need("a comma", ",")
        kind = self.types[name]
        if not is_list(kind):
            raise BadWhere(f"the field {name!r} holds one value, not a list; compare it with =", self.now.at)
        value = self.literal(name, kind.value_type)
        self.need("a closing parenthesis", ")")
        return Test(name, "has", (value,))

    def test(self) -> Tree:
        at = self.now.at
        name = self.field()
        if self.took("is"):
            denied = self.took("not")
            self.need("NULL", "null")
            return _unless(denied, Test(name, "null"))
        if token := self.took(*_COMPARED):
            return Test(name, _COMPARED[token.kind], (self.value(name),))
        denied = self.took("not")
        if token := self.took("in", "between", "like"):
            return _unless(denied, getattr(self, f"_{token.kind}")(name))
        if denied is None and pa.types.is_boolean(self.types[name]):
            return Test(name, "=", (True,))
        if denied is None and self.now.kind in ("end", "and", "or", ")"):
            raise BadWhere(f"the field {name!r} stands alone, but only fields of true and false can; compare it with something", at)
        raise BadWhere(f"expected a comparison, IN, BETWEEN, LIKE or IS, got {self.now.text!r}", self.now.at)

    def _in(self, name: str) -> Test:
        self.need("an opening parenthesis", "(")
        values = [self.value(name)]
        while self.took(","):
            values.append(self.value(name))
        self.need("a comma or a closing parenthesis", ")")
        return Test(name, "in", tuple(values))

    def _between(self, name: str) -> Test:
        low = self.value(name)
        self.need("AND", "and")
        return Test(name, "between", (low, self.value(name)))

    def _like(self, name: str) -> Test:
        if not _is_text(self.types[name]):
            raise BadWhere(f"LIKE looks into texts, but {name!r} holds {self.types[name]}", self.now.at)
        return Test(name, "like", (self.value(name),))

    def field(self) -> str:
        token = self.need("the name of a field", "word", "quoted")
        name = token.text.strip("`")
        if name not in self.types:
            near = get_close_matches(name, self.types, 1)
            raise BadWhere(f"there is no field {name!r}; the fields are {listed(self.types, 20)}", token.at, near[0] if near else None)
        return name

    def value(self, name: str) -> Value:
        kind = self.types[name]
        if pa.types.is_nested(kind):
            raise BadWhere(f"the field {name!r} holds lists; ask with array_has({name}, 'value')", self.now.at)
        return self.literal(name, kind)

    def literal(self, name: str, kind: pa.DataType) -> Value:
        """A literal that may be compared with values of this type."""
        if _is_moment(kind) and self.now.kind == "word" and self.now.text.lower() in ("date", "timestamp"):
            self.place += 1  # as in: day > date '2021-01-01'
        token = self.now
        if token.kind == "null":
            raise BadWhere("nothing equals NULL; write IS NULL or IS NOT NULL", token.at)
        self.need("a text in single quotes, a number, true or false", "text", "number", "true", "false")
        value = _value_of(token)
        if not _fits(value, kind):
            raise BadWhere(f"the field {name!r} holds {kind}, which {token.text[:80]} cannot be compared with", token.at)
        return value


def _unless(denied: Token | None, tree: Tree) -> Tree:
    return tree if denied is None else No(tree)


def _value_of(token: Token) -> Value:
    if token.kind == "text":
        return token.text[1:-1].replace("''", "'")
    if token.kind == "number":
        whole = token.text.lstrip("+-").isdigit() and len(token.text) < 19
        return int(token.text) if whole else float(token.text)
    return token.kind == "true"


def _fits(value: Value, kind: pa.DataType) -> bool:
    if isinstance(value, bool):
        return bool(pa.types.is_boolean(kind))
    if isinstance(value, int | float):
        return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))
    return _is_text(kind) or (_is_moment(kind) and _is_moment_text(value, kind))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_moment(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))


def _is_moment_text(text: str, kind: pa.DataType) -> bool:
    try:
        pa.scalar(text).cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return False
    return True
