"""nearkin papers: the published systems that can be run."""

from __future__ import annotations

from typing import Annotated

from typer import Option

from nearkin.cli.options import Json
from nearkin.cli.results import to_json


def papers(json: Json = False, built: Annotated[bool, Option("--built", help="only those that can be run")] = False) -> None:
    """List the papers that nearkin is built from: number, name, whether it is built, title."""
    from nearkin.recipes import papers as all_papers

    for paper in all_papers():
        if built and not paper.built:
            continue
        told = {"number": paper.number, "name": paper.name, "built": paper.built, "title": paper.title}
        if json:
            print(to_json(told | {"claim": paper.card.claim if paper.card else None}))
        else:
            print(paper.number, paper.name, "built" if paper.built else "-", paper.title, sep="\t")
