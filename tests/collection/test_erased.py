"""After `compact`, no file of a collection holds a byte of the text of what was removed or replaced before."""

from pathlib import Path

import numpy as np

from nearkin.collection import Collection
from nearkin.collection import store as storing
from nearkin.tables import Catalog, Links

from .test_fresh import some, walks

MARKS = ("zqxjkvw", "wvkjxqz")


def holding(place: Path) -> set[str]:
    """The files that hold a mark, as paths below the folder."""
    files = [path for path in place.rglob("*") if path.is_file()]
    return {str(path.relative_to(place)) for path in files if any(mark.encode() in path.read_bytes().lower() for mark in MARKS)}


def marked(name: str, mark: str) -> Catalog:
    return Catalog.of([name], title=[f"the {mark} {mark.upper()} of a thing"], price=[1.0])


def test_nothing_of_a_removed_text_is_left_anywhere(tmp_path, monkeypatch):
    monkeypatch.setattr(storing, "MOST_SMALL", 3)  # texts are also in files that were merged
    random = np.random.default_rng(0)
    items = some(random, [f"t{row}" for row in range(60)])
    shop = Collection.build(tmp_path / "shop", items, links=walks(random, items))
    reader = Collection.open(shop.place)
    shop.add(marked("secret", MARKS[0]))
    shop.add(marked("t3", MARKS[1]))
    queries = Catalog.of([f"q{row}" for row in range(8)], text=items["title"][10:18])
    shop.calibrate(Links.of_ids(queries, shop.catalog, [(f"q{row}", f"t{row + 10}") for row in range(8)] + [("q0", "secret")]))
    shop.lay_out()
    shop.compact()  # now the stages hold it too
    assert {path.split("/")[0] for path in holding(shop.place)} == {"catalog.lance", "stages"}
    for number in range(5):
        shop.add(some(random, [f"n{number}"]))
    shop.remove(["secret"])
    shop.add(some(random, ["t3"]))
    reader.refresh()
    reader.recommend([["t1"]])
    assert holding(shop.place)
    shop.compact()
    assert holding(shop.place) == set()
    assert reader.refresh()
    for mark in MARKS:
        assert not reader.search(mark, k=3, stage="words").ids()[0]


def test_what_a_fit_cut_short_left_goes_at_the_next(tmp_path, monkeypatch):
    random = np.random.default_rng(1)
    shop = Collection.build(tmp_path / "shop", some(random, [f"t{row}" for row in range(30)]))
    shop.add(marked("secret", MARKS[0]))

    def stop(line: str) -> None:
        if line == "fitting meaning":
            raise KeyboardInterrupt

    try:
        shop.compact(progress=stop)
    except KeyboardInterrupt:
        assert any(path.startswith("stages") for path in holding(shop.place))
    shop.remove(["secret"])
    shop.compact()
    assert holding(shop.place) == set()
