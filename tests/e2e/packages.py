"""All Debian packages as a collection with a map, calibrated, with a match kept: made once, then copied from a cache."""

from __future__ import annotations

import os
import random
import re
import shutil
import tempfile
from hashlib import blake2b
from pathlib import Path

from nearkin.collection import Collection
from nearkin.collection.manifest import FORMAT
from nearkin.data import load
from nearkin.stage.cache import cache_folder
from nearkin.tables import Catalog, Links

JUDGED, OFFERED, STRANGE = 120, 160, 40
LINKED = 2_000  # packages whose links are learned from; all of them would take minutes
WORD = re.compile(r"[a-z]{4,}")


def collection_of_packages() -> Path:
    """The folder of the collection in the cache; made when it is not there, or was made from other data or in another way."""
    data = load("catalog-debian")
    made_by = blake2b(f"{data.fingerprint} {FORMAT}".encode() + Path(__file__).read_bytes(), digest_size=8).hexdigest()
    place = cache_folder() / "e2e" / made_by
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent) as draft:
            _make(Path(draft) / "shop", data.items, data.need("links").links)
            if not place.exists():  # another process may have been faster
                os.rename(Path(draft) / "shop", place)
    return place


def copy_to(folder: Path) -> Path:
    """A copy that a test may write to."""
    shutil.copytree(collection_of_packages(), folder)
    return folder


def _make(place: Path, items: Catalog, links: Links | None) -> None:
    from nearkin.service.matchwork import keep_match

    assert links is not None
    with Collection.build(place, items, links=links.take(links.left_rows < LINKED)) as made:
        made.lay_out()
        made.calibrate(judgements(made.catalog))
        keep_match(made, offers(items), "other-distribution.csv", None, one_to_one=True, say=lambda *_, **__: None)


def judgements(items: Catalog) -> Links:
    """Some words of a package's descriptions ask for it."""
    draw, rows, texts = random.Random(0), [], []
    for row in draw.sample(range(len(items)), JUDGED):
        words = sorted(set(WORD.findall(f"{items['short'][row]} {items['long'][row] or ''}".lower())))
        if len(words) >= 4:
            rows.append(row)
            texts.append(" ".join(draw.sample(words, 4)))
    queries = Catalog.of(text=texts)
    return Links.of_ids(queries, items, [(queries.id_list[at], items.id_list[row]) for at, row in enumerate(rows)])


def offers(items: Catalog) -> Catalog:
    """Packages as another distribution might list them, some words lost, beside things that are not among the packages."""
    draw = random.Random(1)
    rows = draw.sample(range(len(items)), OFFERED)
    names = [_worn(items["name"][row], draw) for row in rows] + [f"made-up-{at}" for at in range(STRANGE)]
    shorts = [_lost(items["short"][row] or "", draw) for row in rows] + [f"nothing of the kind {at * 7919}" for at in range(STRANGE)]
    return Catalog.of([f"o{at}" for at in range(len(names))], name=names, short=shorts)


def _worn(name: str, draw: random.Random) -> str:
    at = draw.randrange(len(name))
    return name if draw.random() < 0.5 else name[:at] + name[at + 1 :] or name


def _lost(text: str, draw: random.Random) -> str:
    return " ".join(word for word in text.split() if draw.random() < 0.8)
