"""nearkin reproduce: run a paper beside its rivals."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from nearkin.cli.options import Json
from nearkin.cli.results import to_json
from nearkin.cli.talk import progress

DOES_NOT_HOLD = 1  # exit status


def reproduce(
    name: Annotated[str, Argument(help="a name from: nearkin papers --built", metavar="NAME")],
    data: Annotated[str | None, Option(help="other data sets than the card's, with commas between", metavar="NAME,NAME")] = None,
    tiny: Annotated[bool, Option("--tiny", help="the small world that the tests run, in seconds")] = False,
    seed: Annotated[list[int] | None, Option(help="other seeds than the card's; may be repeated")] = None,
    folder: Annotated[Path, Option(help="where NAME.json is written")] = Path("proofs"),
    json: Json = False,
) -> None:
    """Fit a paper's method and its rivals, compare them, and write proofs/NAME.json. Status 1: the claim does not hold here."""
    from nearkin.recipes import reproduce as run

    with progress(f"running {name}"):
        proof = run(name, data.split(",") if data else None, tiny=tiny, seeds=seed, folder=folder)
    print(to_json(proof.to_dict()) if json else proof.to_text().rstrip())
    if proof.verdict == "does not hold":
        raise typer.Exit(DOES_NOT_HOLD)
