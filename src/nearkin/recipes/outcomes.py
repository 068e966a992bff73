"""What came of each paper's claim: read from a folder of proofs, or from the short forms of them that come with the library."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from nearkin.errors import BadInput
from nearkin.recipes.papers import Paper, papers

SHORT = "proofs.json"  # beside this file: all proofs in short, made by scripts/make_papers_page.py
NOT_RUN = "not run"
KEPT = ("verdict", "command", "data", "seconds", "machine")  # of a proof, in its short form


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A paper and what came of it. verdict: holds, does not hold, undecided or not run; data: the sets; seeds: how many."""

    number: int
    name: str
    title: str
    claim: str | None
    kind: str | None
    built: bool
    verdict: str
    data: tuple[str, ...]
    seeds: int
    command: str | None
    curve: bool


class Proofs:
    """The proofs of all papers. `folder`: where NAME.json and the curves NAME.png lie; without one, the short forms are told."""

    def __init__(self, folder: Path | None = None) -> None:
        if folder is not None and not folder.is_dir():
            raise BadInput(f"{folder} is no folder of proofs; name the one that `nearkin reproduce` writes to")
        self.folder = folder

    def outcomes(self) -> list[Outcome]:
        """All papers by number."""
        return [self._outcome(paper) for paper in _papers()]

    def outcome(self, name: str) -> Outcome | None:
        """The paper of that name, or None."""
        return next((self._outcome(paper) for paper in _papers() if paper.name == name), None)

    def proof(self, name: str) -> dict[str, Any] | None:
        """The whole proof of a paper where there is a folder, else its short form; None where the claim was never tried."""
        if self.folder is None:
            return _short_forms().get(name)
        path = self.folder / f"{_known(name)}.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None

    def curve(self, name: str) -> bytes | None:
        """The picture of a paper's curves, a PNG; None where there is none."""
        path = self._curve_path(name)
        return path.read_bytes() if path is not None and path.is_file() else None

    def _curve_path(self, name: str) -> Path | None:
        return None if self.folder is None else self.folder / f"{_known(name)}.png"

    def _outcome(self, paper: Paper) -> Outcome:
        card, proof = paper.card, self.proof(paper.name) if paper.built else None
        path = self._curve_path(paper.name)
        return Outcome(
            number=paper.number, name=paper.name, title=paper.title, built=paper.built,
            claim=card.claim if card else None, kind=card.kind if card else None,
            verdict=proof["verdict"] if proof else NOT_RUN,
            data=tuple(proof["data"]) if proof else card.data if card else (),
            seeds=_seeds(proof) if proof else 0,
            command=f"nearkin reproduce {paper.name}" if paper.built and not proof else proof["command"] if proof else None,
            curve=path is not None and path.is_file(),
        )  # fmt: skip


def short(proof: Mapping[str, Any]) -> dict[str, Any]:
    """A proof without its figures and settings, and with those lines alone that decide."""
    lines = [line for line in proof["lines"] if line["decides"]]
    versions = {name: proof["versions"][name] for name in ("python", "nearkin")}
    return {**{name: proof[name] for name in KEPT}, "lines": lines, "versions": versions, "seeds": _seeds(proof)}


def short_forms(folder: Path) -> str:
    """All proofs of a folder in short, as the file that comes with the library."""
    told = {paper.name: folder / f"{paper.name}.json" for paper in _papers()}
    rows = [
        f"{json.dumps(name)}: {json.dumps(short(json.loads(path.read_text(encoding='utf-8'))), separators=(',', ':'))}"
        for name, path in told.items()
        if path.is_file()
    ]
    return "{\n" + ",\n".join(rows) + "\n}\n"


def _seeds(proof: Mapping[str, Any]) -> int:
    return int(proof["seeds"]) if "seeds" in proof else len(proof["card"]["seeds"])


@lru_cache(maxsize=1)
def _papers() -> tuple[Paper, ...]:
    return tuple(papers())


@lru_cache(maxsize=1)
def _short_forms() -> dict[str, Any]:
    path = Path(__file__).with_name(SHORT)
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}  # type: ignore[no-any-return]


def _known(name: str) -> str:
    """The name itself, once it is that of a paper: no other text becomes part of a path."""
    if not any(paper.name == name for paper in _papers()):
        raise BadInput(f"there is no paper {name[:80]!r}; see: nearkin papers")
    return name
