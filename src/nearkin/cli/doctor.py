"""nearkin doctor: what is wrong with a collection, and putting it right."""

from __future__ import annotations

from typing import Annotated

import typer
from typer import Option

from nearkin.cli.options import Json, Place
from nearkin.cli.results import flat, to_json
from nearkin.cli.talk import say

FOUND = 1


def doctor(
    place: Place,
    repair: Annotated[bool, Option("--repair", help="put right what can be; waits for another writer, and gives up after 10 s")] = False,
    json: Json = False,
) -> None:
    """Look a collection over: a line a finding with what, where, what it means and what --repair does. Exit status 1 when there are any."""
    from nearkin.collection import doctor as the_doctor

    looks = _looks()
    found = the_doctor.repair(place, *looks) if repair else the_doctor.examine(place, *looks)
    for each in found:
        print(to_json(each.told()) if json else "\t".join(flat(value) for value in each.told().values()))
    if not repair:
        say(f"{place}: {len(found)} findings" + (f"; put right with: nearkin doctor {place} --repair" if found else ""))
        raise typer.Exit(FOUND if found else 0)
    left = the_doctor.examine(place, *looks)
    say(f"{place}: {len(found)} findings, {len(left)} left")
    for each in left:
        say(f"left: {each.what}, {each.where}: {each.means}")
    raise typer.Exit(FOUND if left else 0)


def _looks() -> list:  # type: ignore[type-arg]
    """What a service keeps is looked over where services can run."""
    try:
        from nearkin.service.checkup import check_service
    except ImportError:
        return []
    return [check_service]
