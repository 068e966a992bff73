"""The page of all papers, made from cards and proofs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nearkin.recipes.papers import Paper, papers

_HEAD = """# Papers

Published systems that can be run beside what they claim to beat: `nearkin reproduce NAME` fits the method and its rivals, compares them
with 95 % intervals (paired bootstrap over queries or users), and says whether the claim holds on our data. A claim that does not
hold is a result too. This page is made by `python scripts/make_papers_page.py` from the recipes and from `proofs/`; do not edit it.
"""


def papers_page(proofs: Path) -> str:
    """The page as Markdown; `proofs` is the folder of NAME.json files. A paper without a card is marked as not built."""
    every = papers()
    held = {paper.name: _proof(proofs / f"{paper.name}.json") for paper in every if paper.built}
    built = sum(paper.built for paper in every)
    lines = [_HEAD, f"Built: {built} of {len(every)}.\n", "| no. | name | paper | claim on our data |", "| ---: | --- | --- | --- |"]
    lines += [_row(paper, held.get(paper.name)) for paper in every]
    sections = [_section(paper, held[paper.name]) for paper in every if paper.built]
    return "\n".join([*lines, "", *sections]).rstrip() + "\n"


def _proof(path: Path) -> dict[str, Any] | None:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _row(paper: Paper, proof: Mapping[str, Any] | None) -> str:
    verdict = "not built yet" if not paper.built else proof["verdict"] if proof else "built, no proof yet"
    name = f"[{paper.name}](#{paper.name})" if paper.built else paper.name
    return f"| {paper.number} | {name} | {paper.title} | {verdict} |"


def _section(paper: Paper, proof: Mapping[str, Any] | None) -> str:
    card = paper.card
    assert card is not None
    lines = [f"## {paper.name}", "", f"{card.title} (paper {card.paper}, {card.kind}). Claim: {card.claim}.", ""]
    lines += [f"Left out: {'; '.join(card.left_out)}.", ""] if card.left_out else []
    if proof is None:
        return "\n".join([*lines, f"No proof yet: `nearkin reproduce {paper.name}` makes it.", ""])
    lines += [f"Verdict: **{proof['verdict']}**, by `{proof['command']}` on {_machine(proof)}.", ""]
    lines += [*_table(proof["lines"]), ""] if proof["lines"] else []
    figures = [f"* {name}: {_short(value)}" for name, value in proof["figures"].items()]
    return "\n".join([*lines, *figures, *([""] if figures else [])])


def _machine(proof: Mapping[str, Any]) -> str:
    machine = proof["machine"]
    return f"{machine['cpu']}, {machine['cores']} cores, Python {proof['versions']['python']}"


def _table(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """One row a comparison; the main metrics only where there are many."""
    head = ["| data | metric | rival | rival's | ours | difference [95 %] | verdict |", "| --- | --- | --- | ---: | ---: | ---: | --- |"]
    return head + [_table_row(line) for line in lines]


def _table_row(line: Mapping[str, Any]) -> str:
    numbers = f"{line['rival_value']:.4f} | {line['ours']:.4f} | {line['difference']:+.4f} [{line['low']:+.4f}, {line['high']:+.4f}]"
    return f"| {line['data']} | {line['metric']} | {line['rival']} | {numbers} | {line['verdict'] if line['decides'] else ''} |"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 600 else text[:600].rsplit(" ", 1)[0] + " ..."
