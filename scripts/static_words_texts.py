"""The texts from which the static word table is distilled: one list, in a fixed random order.

Where they come from, most of it under free licences; none is a test collection of the project:
WordNet 3.1 (WordNet licence): names with definitions, definitions, names, examples; about half of all texts.
Debian 12 (descriptions of free software, under each package's terms): short lines, sentences and whole descriptions; a third.
The rest: Reuters R8 news (free for research), Senseval-2 sentences (distributed with permission), titles of DBLP/ACM papers and of
products of WDC computers and Amazon-Google (public matching benchmarks), Openclipart captions (public domain), EDGAR agreements.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

SENTENCE = re.compile(r"(?<=[.!?;])\s+(?=[A-Z0-9])|\n\s*\*?\s*| \* ")


def texts(seed: int = 0) -> list[str]:
    """All texts, each once, shuffled, so that any beginning of the list is a fair sample."""
    random = np.random.default_rng(seed)
    written = (wordnet(random), examples(random), debian(random), news(), senses(random))
    sources = (*written, products(), papers(), drawings(), agreements(random))
    unique = dict.fromkeys(" ".join(text.split()) for source in sources for text in source)
    kept = [text for text in unique if len(text) > 2]
    return [kept[place] for place in random.permutation(len(kept))]


def wordnet(random: np.random.Generator, count: int = 85_000) -> Iterator[str]:
    """Synsets as "names: definition" (60%), "one name: definition" (20%), the definition (12%) or a name alone (8%)."""
    entries = list(lines("dict-wordnet31/definitions.jsonl.gz"))
    for place in random.permutation(len(entries))[:count]:
        names, meaning = [name.replace("_", " ") for name in entries[place]["lemmas"]], entries[place]["definition"]
        form = random.random()
        name = names[random.integers(len(names))]
        yield f"{', '.join(names)}: {meaning}" if form < 0.6 else f"{name}: {meaning}" if form < 0.8 else meaning if form < 0.92 else name


def examples(random: np.random.Generator, count: int = 20_000) -> Iterator[str]:
    found = [text for entry in lines("dict-wordnet31/definitions.jsonl.gz") for text in entry["examples"]]
    yield from (found[place] for place in random.permutation(len(found))[:count])


def debian(random: np.random.Generator) -> Iterator[str]:
    """Each package as one line, up to two sentences of its description, and for one in six the description as a whole."""
    for package in lines("catalog-debian/packages.jsonl.gz"):
        yield f"{package['name']}: {package['short']}" if random.random() < 0.5 else package["short"]
        parts = [part for part in SENTENCE.split(package["long"] or "") if 5 <= len(part.split()) <= 60]
        yield from (parts[place] for place in random.permutation(len(parts))[:2])
        if random.random() < 1 / 6:
            yield words(package["long"] or "", 0, 90)


def news() -> Iterator[str]:
    for entry in lines("text-r8/docs.jsonl.gz"):
        yield words(entry["text"], 0, 20)
        if len(entry["text"].split()) > 60:
            yield words(entry["text"], 25, 60)


def senses(random: np.random.Generator, count: int = 5_000) -> Iterator[str]:
    found = list(lines("wsi-senseval/instances.jsonl.gz"))
    yield from (" ".join(found[place]["tokens"][:50]) for place in random.permutation(len(found))[:count])


def products() -> Iterator[str]:
    for path in sorted(folder("er-wdc-computers").glob("pairs/*.jsonl.gz")):
        yield from (entry[side]["title"].replace('"', "") for entry in lines(path) for side in ("left", "right"))
    for name in ("tableA", "tableB"):
        for row in table(f"er-amazon-google/{name}.csv.gz"):
            yield row["title"]
            yield words(row["description"], 0, 60)


def papers() -> Iterator[str]:
    yield from (row["title"] for name in ("tableA", "tableB") for row in table(f"er-dblp-acm/{name}.csv.gz"))


def drawings() -> Iterator[str]:
    for entry in lines("openclipart-pd/images.jsonl"):
        yield f"{entry['title']}, {', '.join(entry['keywords'])}. {entry['description']}"


def agreements(random: np.random.Generator, count: int = 4_000) -> Iterator[str]:
    long = [part for entry in lines("docs-kleister-nda/train.jsonl.gz") for part in SENTENCE.split(" ".join(entry["text"].split()))]
    found = [words(part, 0, 60) for part in long if len(part.split()) >= 6]
    yield from (found[place] for place in random.permutation(len(found))[:count])


def words(text: str, start: int, stop: int) -> str:
    return " ".join(text.split()[start:stop])


def lines(path: str | Path) -> Iterator[Any]:
    path = located(path)
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        yield from (json.loads(line) for line in file if line.strip())


def table(path: str) -> Iterator[dict[str, str]]:
    with gzip.open(located(path), "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def folder(name: str) -> Path:
    return located(name)


def located(name: str | Path) -> Path:
    """The first place of the path list NEARKIN_DATA that holds this."""
    for place in os.environ.get("NEARKIN_DATA", "").split(os.pathsep):
        if place and (Path(place) / name).exists():
            return Path(place) / name
    raise SystemExit(f"{name} is in no folder of NEARKIN_DATA; set it to the folders that hold the data sets")
