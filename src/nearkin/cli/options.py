"""Arguments and options that several commands share, under the same names."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

Place = Annotated[Path, Argument(help="the folder of a collection", metavar="PLACE")]
K = Annotated[int, Option("--k", "-k", min=1, help="how many answers a query")]
Json = Annotated[bool, Option("--json", help="one JSON object a line instead of tabs")]
Where = Annotated[str | None, Option(help="only things for which this holds, as in SQL: \"price < 20 AND brand = 'Acme'\"")]
StageName = Annotated[str | None, Option("--stage", help="answer with this stage alone (see info)", metavar="NAME")]
Explain = Annotated[bool, Option("--explain", help="say why each answer is there")]
IdField = Annotated[str | None, Option("--id", help="the field that holds the ids", metavar="FIELD")]
Roles = Annotated[
    list[str] | None,
    Option(
        "--role", help="overrule a guessed role; may be repeated; roles are text, category, number, time, other, ...", metavar="FIELD=ROLE"
    ),
]
LinkColumns = Annotated[
    list[str] | None,
    Option("--column", help="what a column of the links holds: left, right, time, weight or kind; may be repeated", metavar="left=FIELD"),
]


def pairs(given: list[str] | None, option: str) -> dict[str, str]:
    """`["a=b"]` -> `{"a": "b"}`; wrong use is refused."""
    found = {}
    for text in given or ():
        name, equals, value = text.rpartition("=")
        if not (name and equals and value):
            raise typer.BadParameter(f"expected two names with = between them, got {text!r}", param_hint=option)
        found[name] = value
    return found
