"""nearkin match: which rows of two tables are the same thing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from nearkin.cli.inputs import table_of
from nearkin.cli.options import Json, pairs
from nearkin.cli.results import to_json
from nearkin.cli.talk import say
from nearkin.errors import BadInput

if TYPE_CHECKING:
    from nearkin.tables import Catalog

NOTHING = 1  # exit status when no pair was found
Pair = tuple[str, str, float]


def match(
    left: Annotated[Path, Argument(help="a table: a file as for build, or a collection")],
    right: Annotated[Path | None, Argument(help="the other table; columns may differ in name and order; left out: LEFT itself")] = None,
    json: Json = False,
    left_id: Annotated[str | None, Option(help="the id field of LEFT", metavar="FIELD")] = None,
    right_id: Annotated[str | None, Option(help="the id field of RIGHT", metavar="FIELD")] = None,
    left_role: Annotated[list[str] | None, Option(help="overrule a role of LEFT", metavar="FIELD=ROLE")] = None,
    right_role: Annotated[list[str] | None, Option(help="overrule a role of RIGHT", metavar="FIELD=ROLE")] = None,
    many: Annotated[bool, Option("--many", help="a row may have several partners (else one at most)")] = False,
    given: Annotated[
        Path | None,
        Option("--pairs", help="score these pairs of things of LEFT, a collection: two ids a line, a tab between", metavar="FILE"),
    ] = None,
    keep: Annotated[bool, Option("--keep", help="keep the pairs in the collection (RIGHT, or LEFT alone), to judge on its page")] = False,
) -> None:
    """Match the rows of two tables, or of one with itself, without labels: pairs with the chance that they are the same, surest first."""
    if given is not None:
        _score(left, given, json)
        return
    table = table_of(left, pairs(left_role, "--left-role"), left_id)
    if keep:
        found = _keep(right or left, None if right is None else table, left.name, many)
    else:
        found = _show(table, None if right is None else table_of(right, pairs(right_role, "--right-role"), right_id), many, json)
    if not found:
        raise typer.Exit(NOTHING)


def _show(table: Catalog, other: Catalog | None, many: bool, json: bool) -> int:
    """Print the pairs; their number."""
    found, said = _matched(table, other, many)
    for one, partner, chance in found:
        if json:
            print(to_json({"left": one, "right": partner, "score": round(chance, 6)}))
        else:
            print(one, partner, f"{chance:.4f}", sep="\t")
    say(said)
    return len(found)


def _matched(table: Catalog, other: Catalog | None, many: bool) -> tuple[list[Pair], str]:
    """Pairs with their chances, surest first, and what is to be said of them."""
    from nearkin.matching import duplicates
    from nearkin.matching import match as matched

    found = duplicates(table) if other is None else matched(table, other, one_to_one=not many)
    linked = zip(found.links.pairs(), found.links.weight.tolist(), strict=True)
    chosen = [(one, partner, chance) for (one, partner), chance in linked]
    if other is None:
        chosen = list(_once(chosen))
    warning = f"; {found.warning}" if found.warning else ""
    return chosen, f"{len(chosen):,} pairs, about {found.precision:.0%} of them right{warning}"


def _once(pairs: list[Pair]) -> Iterator[Pair]:
    """Each pair in the first of its two directions."""
    seen = set()
    for one, partner, chance in pairs:
        if frozenset((one, partner)) not in seen:
            seen.add(frozenset((one, partner)))
            yield one, partner, chance


def _score(place: Path, given: Path, json: bool) -> None:
    """Print each pair with its chance (empty where there is no estimate) and its band, in the order of the file."""
    from nearkin.collection import Collection

    asked = [tuple(line.split("\t")) for line in given.read_text(encoding="utf-8").splitlines() if line.strip()]
    if wrong := [line for line in asked if len(line) != 2]:
        raise BadInput(f"{given}: expected two ids with a tab between in each line, got {' '.join(wrong[0])!r}")
    with Collection.open(place) as shop:
        found = shop.score_pairs([(left, right) for left, right in asked])
    for each in found:
        if json:
            print(to_json({name: getattr(each, name) for name in ("left", "right", "chance", "band", "score")}))
        else:
            print(each.left, each.right, "" if each.chance is None else f"{each.chance:.4f}", each.band, sep="\t")
    say("; ".join([f"{len(found):,} pairs", *found.warnings]))


def _keep(place: Path, table: Catalog | None, name: str, many: bool) -> int:
    """Match with the collection at this place, and keep the pairs there; their number."""
    from nearkin.collection import Collection
    from nearkin.service.matchwork import keep_match

    with Collection.open(place) as shop:
        told = keep_match(shop, table, name, None, one_to_one=not many, say=lambda text, **_: say(text))
    counts = ", ".join(f"{band} {count:,}" for band, count in told["bands"].items())
    say("; ".join([f"kept {told['pairs']:,} pairs: {counts}", *told["warnings"], f"look at them with: nearkin serve {place}, then /match"]))
    return int(told["pairs"])
