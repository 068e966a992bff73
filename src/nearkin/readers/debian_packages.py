"""A Debian package index: stanzas of `Field: value` lines, with the long texts in a Translation-en file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from nearkin.errors import BadInput
from nearkin.readers.columns import plain
from nearkin.readers.files import lines

BATCH = 8192
RELATIONS = ("depends", "recommends", "suggests", "enhances")
SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("name", "section", "homepage", "short", "long")]
    + [(name, pa.list_(pa.string())) for name in ("tags", *RELATIONS)]
)
NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9+.\-]+)")


def debian_batches(path: Path, translation: Path | None = None) -> Iterator[pa.Table]:
    """Packages with name, section, homepage, short and long text, facet tags and the names they relate to.

    Of alternatives (`a | b`) the first is taken; versions and architectures are dropped. The long text comes from `translation`,
    else from a file Translation-en (also .gz, .xz) beside the index, else from the index itself.
    Refused: a line that is neither `Field: value` nor a continuation, a stanza without the field Package.
    """
    translation = translation or _beside(path)
    texts = {} if translation is None else {each["Description-md5"]: each["Description-en"] for _, each in stanzas(translation)}
    rows, done = [], 0
    for number, stanza in stanzas(path):
        if "Package" not in stanza:
            raise BadInput(f"{path}, line {number}: this stanza has no field Package; a Debian package index is expected")
        rows.append(_row(stanza, texts))
        if len(rows) == BATCH:
            yield plain(pa.Table.from_pylist(rows, SCHEMA), str(path), done)
            done, rows = done + len(rows), []
    if rows:
        yield plain(pa.Table.from_pylist(rows, SCHEMA), str(path), done)
    elif not done:
        raise BadInput(f"{path}: no package is listed; at least one is needed")


def stanzas(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Each stanza with the number of its first line; the lines of a value are kept with their leading space."""
    found: dict[str, str] = {}
    start, field = 1, ""
    for number, line in lines(path):
        if not line.strip():
            if found:
                yield start, found
            found, start = {}, number + 1
        elif line[0] in " \t" and found:
            found[field] += "\n" + line
        else:
            field, colon, value = line.partition(":")
            if not colon:
                raise BadInput(f"{path}, line {number}: `Field: value` is expected, got {line[:60]!r}")
            found[field] = value.strip()
    if found:
        yield start, found


def paragraphs(lines_of_text: list[str]) -> str:
    """The long text: lines of a paragraph joined, ` .` parting paragraphs, indented lines (lists, verbatim) on lines of their own."""
    parts = [""]
    for line in lines_of_text:
        body = line[1:]
        if body.strip() == ".":
            parts.append("")
        elif body[:1] in (" ", "\t") or not parts[-1]:
            parts.append(body.strip())
        else:
            parts[-1] += " " + body.strip()
    return "\n".join(part for part in parts if part)


def _row(stanza: dict[str, str], texts: dict[str, str]) -> dict[str, object]:
    description = texts.get(stanza.get("Description-md5", ""), stanza.get("Description", ""))
    short, *rest = description.split("\n")
    relations = {name: _names(stanza.get(name.capitalize(), "")) for name in RELATIONS}
    return {
        "name": stanza["Package"],
        "section": stanza.get("Section"),
        "homepage": stanza.get("Homepage"),
        "short": short,
        "long": paragraphs(rest),
        "tags": [tag.strip() for tag in stanza.get("Tag", "").split(",") if tag.strip()],
        **relations,
    }


def _names(value: str) -> list[str]:
    """Package names of a relation field, each once, sorted."""
    return sorted({match[1] for part in value.split(",") if (match := NAME.match(part))})


def _beside(path: Path) -> Path | None:
    return next((each for each in (path.with_name(f"Translation-en{packing}") for packing in ("", ".gz", ".xz")) if each.exists()), None)
