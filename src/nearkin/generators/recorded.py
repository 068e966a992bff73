"""Answers kept as JSON lines, so that what a language model once wrote can be read again without it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path

from nearkin.errors import BadInput
from nearkin.generators.writer import Writer


@dataclass(kw_only=True)
class Recorded(Writer):
    """Another writer whose answers are kept in a file; a prompt that was answered before is answered from there.

    Each line is {"key", "name", "prompt", "answer"}; it is written out before the answer is used, so a run that was stopped goes on
    where it was. Without `writer` nothing is ever asked of anyone. A last line that was cut short is passed over.
    Refused: a prompt that is not on record when there is no writer; a file in which another line is no such record.
    """

    path: Path
    name: str = "recorded"  # of the model, part of the key; that of `writer` where there is one
    writer: Writer | None = None

    def __post_init__(self) -> None:
        self.path = Path(self.path)
        self.name = self.writer.name if self.writer is not None else self.name

    def write(self, prompt: str, /) -> str:
        key = blake2b(f"{self.name}\n{prompt}".encode(), digest_size=12).hexdigest()
        if key not in self._answers:
            if self.writer is None:
                raise BadInput(f"{self.path} holds no answer of {self.name!r} to {prompt[:60]!r}; give a writer to ask for it")
            self._keep(key, prompt, self.writer.write(prompt))
        return self._answers[key]

    def _keep(self, key: str, prompt: str, answer: str) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps({"key": key, "name": self.name, "prompt": prompt, "answer": answer}, ensure_ascii=False)
        cut_short = self.path.exists() and self.path.stat().st_size and not self.path.read_bytes().endswith(b"\n")
        with self.path.open("a", encoding="utf-8") as file:
            file.write(("\n" if cut_short else "") + line + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._answers[key] = answer

    @cached_property
    def _answers(self) -> dict[str, str]:
        if not self.path.exists():
            return {}
        found: dict[str, str] = {}
        text = self.path.read_text(encoding="utf-8")
        for number, line in enumerate(text.splitlines(), 1):
            try:
                held = json.loads(line)
                found[held["key"]] = held["answer"]
            except (ValueError, KeyError, TypeError) as error:
                if not _cut_short(line):
                    raise BadInput(f"{self.path}, line {number} is no recorded answer: {line[:60]!r}") from error
        return found


def _cut_short(line: str) -> bool:
    """Whether this looks like the beginning of a record, as a crash leaves it."""
    return not line.strip() or (line.startswith('{"key": "') and not line.endswith("}"))
