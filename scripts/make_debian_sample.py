"""Rebuild the sample catalogue in src/nearkin/samples from a Debian package index.

    python scripts/make_debian_sample.py PACKAGES TRANSLATION [--compare packages.jsonl.gz]

PACKAGES and TRANSLATION are the files Packages and Translation-en of a release's main archive (plain, .gz or .xz), as a mirror has them
under dists/RELEASE/main/binary-amd64/ and dists/RELEASE/main/i18n/. Kept are packages with facet tags, except the files that only
developers of other packages need (headers, debug symbols). Long texts are cut to MOST_TEXT characters, at the end of a word, so that
the sample stays small. `--compare` counts how far the result agrees with an earlier catalogue of the same release.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from nearkin.readers import read
from nearkin.readers.debian_packages import RELATIONS, debian_batches
from nearkin.readers.relations import relations
from nearkin.tables import Catalog

SAMPLES = Path(__file__).parents[1] / "src/nearkin/samples"
LEFT_OUT = {"libdevel": "role::devel-lib", "debug": "role::debug-symbols"}  # tag that leaves a package of this section out
MOST_TEXT = 3000  # characters
ROLES = {"id": "id", "name": "text", "short": "text", "long": "text", "section": "category", "tags": "category"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("packages", type=Path)
    parser.add_argument("translation", type=Path)
    parser.add_argument("--compare", type=Path)
    given = parser.parse_args()
    table = chosen(pa.concat_tables(debian_batches(given.packages, given.translation)))
    items = Catalog(
        pa.table(
            {"id": table["name"], "name": table["name"], **{name: table[name] for name in ("section", "tags", "short", "homepage")}}
        ).append_column("long", pa.array([cut(text) for text in table["long"].to_pylist()])),
        ROLES,
    )
    links = relations(items, {name: table[name].to_pylist() for name in RELATIONS})
    write(items, links)
    if given.compare:
        compare(items, links, read(given.compare, id="name"))


def chosen(table: pa.Table) -> pa.Table:
    """Packages with tags, none of them telling that it is for developers of other packages only; once, by name."""
    both = zip(table["section"].to_pylist(), table["tags"].to_pylist())
    table = table.filter(pa.array([bool(tags) and LEFT_OUT.get(section) not in tags for section, tags in both]))
    names = table["name"].to_pylist()  # an index may hold two versions of a package: the later one follows
    last = sorted({name: row for row, name in enumerate(names)}.values(), key=names.__getitem__)
    return table.take(last)


def cut(text: str) -> str:
    """At most MOST_TEXT characters, whole words."""
    return text if len(text) <= MOST_TEXT else text[:MOST_TEXT].rsplit(maxsplit=1)[0] + " ..."


def write(items: Catalog, links) -> None:
    edges = pa.table(
        {
            "left": pa.array(links.left_rows),
            "right": pa.array(links.right_rows),
            "kind": links.kind.dictionary_encode(),
        }
    )
    for name, table in (("debian.parquet", items.table), ("debian-links.parquet", edges)):
        pq.write_table(
            table, SAMPLES / name, compression="zstd", compression_level=19, use_dictionary=["section", "kind", "tags.list.element"]
        )
        print(f"{name}: {table.num_rows:,} rows, {(SAMPLES / name).stat().st_size / 1e6:.2f} MB")


def compare(items: Catalog, links, old: Catalog) -> None:
    """How many things, texts, tags and links agree with an earlier catalogue."""
    rows = items.rows_of(old.id_list, missing="mark")
    print(f"{(rows >= 0).sum():,} of {len(old):,} earlier things are here; {len(items) - (rows >= 0).sum():,} are new")
    both = np.flatnonzero(rows >= 0)
    for field in ("section", "short", "long", "tags"):
        now, then = items.column(field).to_pylist(), old.column(field).to_pylist()
        known = [place for place in both if then[place]]
        print(f"{field}: {sum(squeezed(now[rows[place]]) == squeezed(then[place]) for place in known):,} of {len(known):,} agree")
    then = relations(old, {name: old.column(name).to_pylist() for name in RELATIONS})
    kinds = [set(zip(each.pairs(), each.kind.to_pylist())) for each in (links, then)]
    print(f"links: {len(kinds[0]):,} now, {len(kinds[1]):,} then, {len(kinds[0] & kinds[1]):,} in both")


def squeezed(value):
    """Text without differences of white space and of where it was cut."""
    return " ".join(value.split())[:1400] if isinstance(value, str) else value


if __name__ == "__main__":
    main()
