"""The catalogue that comes with the package."""

from pathlib import Path

import pyarrow.compute as pc

from nearkin import samples


def test_the_debian_catalogue_is_whole():
    debian = samples.debian()
    assert len(debian.items) == 24_606
    assert debian.items.id_list == sorted(debian.items.id_list)
    assert debian.items.fields("text") == ["name", "short", "long"]
    assert sum(map(len, debian.items["tags"])) > 80_000
    assert all(debian.items["short"])
    assert max(map(len, debian.items["long"])) <= 3_004


def test_its_links_name_things_in_it_and_their_kinds():
    links = samples.debian().links
    kinds = {each["values"]: each["counts"] for each in pc.value_counts(links.kind).to_pylist()}
    assert kinds.keys() == {"depends", "recommends", "suggests", "enhances"}
    assert kinds["depends"] > 100_000
    assert ("mpv", "libc6") in set(links.take(links.left_rows == links.left.rows_of(["mpv"])[0]).pairs())


def test_it_is_small_and_its_licence_is_beside_it():
    folder = Path(samples.__file__).parent
    assert sum(path.stat().st_size for path in folder.glob("debian*.parquet")) < 6_000_000
    assert "Debian Free Software Guidelines" in (folder / "LICENSE-debian.txt").read_text()
