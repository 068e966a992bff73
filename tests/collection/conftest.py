import pytest

from nearkin.collection import Collection
from nearkin.tables import Catalog

TITLES = {
    "shoe": "red running shoe for women", "boot": "warm winter boot", "hat": "blue straw hat for the summer", "guitar": "acoustic guitar",
    "violin": "violin with bow and case", "piano": "digital piano with weighted keys", "lamp": "desk lamp", "candle": "scented candle",
    "novel": "a novel about a detective in Paris", "atlas": "road atlas of Europe",
}  # fmt: skip
KINDS = {
    "shoe": "wear",
    "boot": "wear",
    "hat": "wear",
    "guitar": "music",
    "violin": "music",
    "piano": "music",
    "novel": "books",
    "atlas": "books",
}


def goods() -> Catalog:
    names = list(TITLES)
    prices = [10.0 * (row + 1) for row in range(len(names))]
    return Catalog.of(names, title=list(TITLES.values()), price=prices).with_fields(
        {"kind": "category"}, kind=[KINDS.get(n, "home") for n in names]
    )


@pytest.fixture
def shop(tmp_path):
    with Collection.build(tmp_path / "shop", goods()) as collection:
        yield collection
