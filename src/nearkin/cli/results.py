"""Answers as lines on stdout: tabs for people, JSON objects for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nearkin.collection import Answers

SHORT = 80  # characters of a title


def show_answers(answers: Answers, *, as_json: bool, explain: bool, names: list[str] | None = None) -> None:
    """A line a hit: query, item, rank, score, and (with tabs) a title; with `explain` also why.

    `names` call the queries something else than their position.
    """
    for answer in answers.hits if as_json and not explain else answers:  # hits alone need not look up the things
        query = names[int(answer.query)] if names else answer.query
        if as_json:
            line = {"query": query, "item": answer.item, "rank": answer.rank, "score": round(answer.score, 6)}
            print(to_json(line | ({"why": rounded(answer.why)} if explain else {})))
        else:
            row = [query, answer.item, str(answer.rank), f"{answer.score:.4f}", _short(answer.title)]
            print(*map(flat, row + ([told(answer.why)] if explain else [])), sep="\t")


def to_json(value: Any) -> str:
    """One line of JSON; dates and the like as text, NaN never."""
    return json.dumps(value, ensure_ascii=False, default=str, allow_nan=False)


def flat(value: str) -> str:
    """A value that keeps to its cell: no tabs, no line ends."""
    return " ".join(value.split()) if "\t" in value or "\n" in value or "\r" in value else value


def told(why: Mapping[str, Any]) -> str:
    """An explanation in one cell: `words: shoe 2.1, red 1.4; meaning: 0.61`."""
    return "; ".join(f"{name}: {_told_one(reason)}" for name, reason in rounded(why).items())


def rounded(value: Any) -> Any:
    """The same with numbers of four digits, largest first where they belong to words."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, Mapping):
        return {name: rounded(each) for name, each in value.items()}
    return [rounded(each) for each in value] if isinstance(value, list | tuple) else value


def flush_lines(lines: Iterable[str]) -> None:
    """Many lines at once."""
    sys.stdout.writelines(f"{line}\n" for line in lines)


def _told_one(reason: Any) -> str:
    if isinstance(reason, Mapping):
        return ", ".join(f"{name} {value}" for name, value in reason.items()) or "-"
    return ", ".join(map(str, reason)) if isinstance(reason, list) else str(reason)


def _short(text: str) -> str:
    return text if len(text) <= SHORT else text[: SHORT - 1] + "…"
