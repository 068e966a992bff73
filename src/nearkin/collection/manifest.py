"""`kin.toml`: the roles of the fields, and which fitted stage serves which verb."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from nearkin.errors import BadInput

FORMAT = 1  # raised when an older nearkin could not read what a newer one writes
NAME = "kin.toml"


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What `kin.toml` says.

    roles: field -> role; stages: name -> folder under `stages/`; search: names of the branches that answer a search, with
    `weights`, fused by `by`; recommend: name of the stage that recommends, or empty; tuned: whether `tune` found it; edges: whether
    links join things of the catalogue to each other (else people to things).
    """

    roles: Mapping[str, str]
    stages: Mapping[str, str] = field(default_factory=dict)
    search: tuple[str, ...] = ("words", "meaning")
    weights: tuple[float, ...] = (0.75, 0.25)
    by: str = "minmax"
    recommend: str = ""
    tuned: bool = False
    edges: bool = False

    @classmethod
    def read(cls, place: Path) -> Self:
        """From a collection folder; refuses what is no collection, is damaged, or comes from a newer nearkin."""
        path = place / NAME
        if not path.is_file():
            raise BadInput(f"{place} is no nearkin collection (it has no {NAME}); make one with: nearkin build {place} ITEMS")
        try:
            told = tomllib.loads(path.read_text())
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise BadInput(f"{path} is damaged: {error}; put back the file, or build the collection again") from error
        return cls._checked(path, told)

    @classmethod
    def _checked(cls, path: Path, told: dict[str, Any]) -> Self:
        if not isinstance(told.get("format"), int):
            raise BadInput(f"{path} names no format; put back the file, or build the collection again")
        if told["format"] > FORMAT:
            raise BadInput(f"{path.parent} was made by a newer nearkin (format {told['format']}, this one reads {FORMAT}); upgrade nearkin")
        try:
            search, recommend = told["search"], told["recommend"]
            return cls(
                roles=told["roles"],
                stages=told["stages"],
                search=tuple(search["stages"]),
                weights=tuple(search["weights"]),
                by=search["by"],
                recommend=recommend["stage"],
                tuned=recommend.get("tuned", False),
                edges=recommend["edges"],
            )
        except KeyError as error:
            raise BadInput(f"{path} lacks {error}; put back the file, or build the collection again") from error

    def searches_as(self, other: Manifest) -> bool:
        """Whether the same fitted branches answer a search."""
        return self.search == other.search and all(self.stages[name] == other.stages.get(name) for name in self.search)

    def recommends_as(self, other: Manifest) -> bool:
        """Whether the same fitted stage recommends; where there is none, things are compared as the first branch reads them."""
        if self.recommend or other.recommend:
            return self.stages.get(self.recommend) == other.stages.get(other.recommend)
        return self.searches_as(other)

    def write(self, place: Path) -> None:
        """Replace the file in one step, so that a crash leaves the old one or the new one."""
        draft = place / f".{NAME}.{os.getpid()}"
        with draft.open("w") as file:
            file.write(self.text())
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, place / NAME)

    def text(self) -> str:
        """The file as text; JSON strings, numbers and lists are TOML too."""
        sections = {
            "roles": self.roles,
            "stages": self.stages,
            "search": {"stages": list(self.search), "weights": list(self.weights), "by": self.by},
            "recommend": {"stage": self.recommend, "tuned": self.tuned, "edges": self.edges},
        }
        blocks = [f"format = {FORMAT}\n"]
        for name, entries in sections.items():
            blocks.append(f"[{name}]\n" + "".join(f"{json.dumps(key)} = {json.dumps(value)}\n" for key, value in entries.items()))
        return "\n".join(blocks)
