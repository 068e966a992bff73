"""nearkin match: which rows of two tables are the same thing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from nearkin.cli.inputs import table_of
from nearkin.cli.options import Json, pairs
from nearkin.cli.results import to_json
from nearkin.cli.talk import say

NOTHING = 1  # exit status when no pair was found


def match(
    left: Annotated[Path, Argument(help="a table: a file as for build, or a collection")],
    right: Annotated[Path, Argument(help="the other table; columns may differ in name and order")],
    json: Json = False,
    left_id: Annotated[str | None, Option(help="the id field of LEFT", metavar="FIELD")] = None,
    right_id: Annotated[str | None, Option(help="the id field of RIGHT", metavar="FIELD")] = None,
    left_role: Annotated[list[str] | None, Option(help="overrule a role of LEFT", metavar="FIELD=ROLE")] = None,
    right_role: Annotated[list[str] | None, Option(help="overrule a role of RIGHT", metavar="FIELD=ROLE")] = None,
    many: Annotated[bool, Option("--many", help="a row may have several partners (else one at most)")] = False,
) -> None:
    """Match the rows of two tables without labels: pairs with the chance that they are the same thing, surest first."""
    tables = (
        table_of(left, pairs(left_role, "--left-role"), left_id),
        table_of(right, pairs(right_role, "--right-role"), right_id),
    )
    from nearkin.matching import match as matched

    found = matched(*tables, one_to_one=not many)
    for (one, other), score in zip(found.links.pairs(), found.links.weight.tolist()):
        if json:
            print(to_json({"left": one, "right": other, "score": round(score, 6)}))
        else:
            print(one, other, f"{score:.4f}", sep="\t")
    say(f"{len(found.links):,} pairs, about {found.precision:.0%} of them right" + (f"; {found.warning}" if found.warning else ""))
    if not len(found.links):
        raise typer.Exit(NOTHING)
