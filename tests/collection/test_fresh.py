"""A collection that changes answers as one that is opened anew, whatever was written, by whom, and in which order."""

import numpy as np
import pytest

from nearkin.collection import Collection, rebuilding
from nearkin.collection import store as storing
from nearkin.tables import Catalog, Links
from nearkin.worlds import words

VOCABULARY = words(80, np.random.default_rng(3))
NEW_WORDS = words(40, np.random.default_rng(4))


def texts(random: np.random.Generator, count: int, vocabulary=VOCABULARY) -> list[str]:
    return [" ".join(random.choice(vocabulary, random.integers(3, 9))) for _ in range(count)]


def some(random: np.random.Generator, names: list[str], vocabulary=VOCABULARY) -> Catalog:
    prices = random.integers(0, 100, len(names)).astype(float)
    return Catalog.of(names, title=texts(random, len(names), vocabulary), price=prices)


def walks(random: np.random.Generator, items: Catalog) -> Links:
    pairs = [(f"u{person}", str(item)) for person in range(40) for item in random.choice(items.id_list, 4, replace=False)]
    people = Catalog.of(dict.fromkeys(person for person, _ in pairs))
    return Links.of_ids(people, items, pairs, time=np.arange(len(pairs)))


def change(random: np.random.Generator, shop: Collection) -> None:
    """One random write: new things, others in their place, some removed."""
    names = shop.catalog.id_list
    draw = random.random()
    if draw < 0.3 and len(names) > 30:
        shop.remove([str(name) for name in random.choice(names, random.integers(1, 6), replace=False)])
        return
    new = [f"new{random.integers(60)}" for _ in range(random.integers(1, 5))]
    old = [str(name) for name in random.choice(names, random.integers(0, 5), replace=False)]
    shop.add(some(random, list(dict.fromkeys(new + old)), VOCABULARY + NEW_WORDS))


def answers(shop: Collection, random: np.random.Generator) -> list:
    """What a collection says to many questions: ids and scores."""
    queries, names = texts(random, 6, VOCABULARY + NEW_WORDS), shop.catalog.id_list
    known = [str(name) for name in random.choice(sorted(names), 4, replace=False)]
    return [
        shop.search(queries, k=12),
        shop.search(queries, k=5, where="price < 40"),
        shop.search(queries, k=7, stage="meaning"),
        shop.similar(known, k=6),
        shop.recommend([known[:2], known[2:], known[:1], []], k=8),
        shop.recommend([known], k=8, where="price > 20"),
    ]


def assert_alike(one: Collection, other: Collection, seed: int) -> None:
    assert one.catalog.id_list == other.catalog.id_list
    assert one.catalog.table.equals(other.catalog.table.cast(one.catalog.table.schema))
    for found, exact in zip(answers(one, np.random.default_rng(seed)), answers(other, np.random.default_rng(seed)), strict=True):
        np.testing.assert_allclose(found.hits.scores, exact.hits.scores, atol=2e-5)
        for query, (ids, wanted) in enumerate(zip(found.ids(), exact.ids(), strict=True)):
            places = np.flatnonzero([a != b for a, b in zip(ids, wanted, strict=True)])
            scores = found.hits.scores[query]
            for place in places:  # only things that score alike may change places
                assert min(abs(scores[place] - scores[j]) for j in range(len(scores)) if j != place) < 2e-5, (ids, wanted)


def assert_explained(shop: Collection, seed: int) -> None:
    random = np.random.default_rng(seed)
    for answer in shop.search(texts(random, 3), k=5, explain=True):
        assert sum(answer.why["parts"].values()) == pytest.approx(answer.score, abs=1e-6)
    for answer in shop.recommend([[shop.catalog.id_list[0], shop.catalog.id_list[-1]]], k=5, explain=True):
        assert set(answer.why["because of"]) <= {shop.catalog.id_list[0], shop.catalog.id_list[-1]}


@pytest.mark.parametrize("linked", [False, True], ids=["by content", "with links"])
@pytest.mark.parametrize("seed", [0, 1])
def test_after_any_writes_a_writer_and_a_reader_answer_as_one_that_opens_anew(tmp_path, monkeypatch, seed, linked):
    monkeypatch.setattr(storing, "MOST_SMALL", 6)  # so that files are merged now and then
    random = np.random.default_rng(seed)
    items = some(random, [f"t{row}" for row in range(150)])
    shop = Collection.build(tmp_path / "shop", items, links=walks(random, items) if linked else None)
    reader = Collection.open(shop.place)
    answers(shop, random), answers(reader, random)
    for number in range(1, 25):
        change(random, shop)
        if number % 3 == 0:
            assert reader.refresh()
        if number % 8 == 0:
            reader.refresh()
            anew = Collection.open(shop.place)
            assert_alike(shop, anew, number)
            assert_alike(reader, anew, number)
            assert_explained(shop, number)
    seen = Collection.open(shop.place, version=shop.versions()[3]["version"])
    assert len(seen.search("x", k=300, stage="meaning").ids()[0]) <= len(seen)


def test_two_writers_and_a_compaction_in_between(tmp_path):
    random = np.random.default_rng(5)
    items = some(random, [f"t{row}" for row in range(60)])
    one = Collection.build(tmp_path / "shop", items, links=walks(random, items))
    other = Collection.open(one.place)
    for number in range(8):
        change(random, one if number % 2 else other)
        if number == 4:
            one.compact()
    one.refresh()
    other.refresh()
    anew = Collection.open(one.place)
    assert_alike(one, anew, 1)
    assert_alike(other, anew, 1)


def test_relevance_follows_writes(tmp_path):
    random = np.random.default_rng(6)
    items = some(random, [f"t{row}" for row in range(80)])
    shop = Collection.build(tmp_path / "shop", items)
    queries = Catalog.of([f"q{row}" for row in range(12)], text=items["title"][:12])
    pairs = [(f"q{row}", f"t{row}") for row in range(12)]
    shop.calibrate(Links.of_ids(queries, items, pairs))
    reader = Collection.open(shop.place)
    for _ in range(4):
        change(random, shop)
    reader.refresh()
    anew = Collection.open(shop.place)
    asked = texts(random, 5)
    for view in (shop, reader):
        found, exact = view.search(asked, k=6), anew.search(asked, k=6)
        np.testing.assert_allclose(view.chances(found.hits), anew.chances(exact.hits), atol=1e-4)


def test_a_reader_reads_only_what_is_new(tmp_path, monkeypatch):
    random = np.random.default_rng(7)
    shop = Collection.build(tmp_path / "shop", some(random, [f"t{row}" for row in range(50)]))
    reader = Collection.open(shop.place)
    shop.add(some(random, ["a", "t3"]))
    shop.remove(["t4"])
    monkeypatch.setattr(Collection, "_reload", lambda self: pytest.fail("all was read anew"))
    held = reader._snapshot.branches["meaning"].index.items_.rows
    assert reader.refresh()
    assert reader.catalog.id_list == shop.catalog.id_list
    assert len(reader._snapshot.branches["meaning"].index.items_.rows) == len(held) + 2
    assert not reader.refresh()


def test_merged_files_answer_the_same_and_keep_their_history(tmp_path, monkeypatch):
    monkeypatch.setattr(storing, "MOST_SMALL", 4)
    random = np.random.default_rng(8)
    shop = Collection.build(tmp_path / "shop", some(random, [f"t{row}" for row in range(50)]))
    reader, versions = Collection.open(shop.place), []
    for number in range(12):
        shop.add(some(random, [f"n{number}"]))
        versions.append((shop.version, len(shop)))
    assert len(shop._store.dataset.get_fragments()) < 8
    assert reader.refresh()
    assert reader.version == shop.version
    assert all(len(Collection.open(shop.place, version=version)) == size for version, size in versions)
    assert [shop.written_at(row) for row in (50, 51)] == [versions[0][0], versions[0][0] + 1]


def test_others_write_while_stages_are_fitted(tmp_path, monkeypatch):
    random = np.random.default_rng(9)
    items = some(random, [f"t{row}" for row in range(60)])
    shop = Collection.build(tmp_path / "shop", items, links=walks(random, items))
    other, wrote = Collection.open(shop.place), []

    def say(line: str) -> None:
        if line.startswith("fitting"):
            change(random, other)
            wrote.append(line)

    shop.compact(progress=say)
    assert len(wrote) == 3
    assert not shop.refresh()
    other.refresh()
    assert other.manifest == shop.manifest
    anew = Collection.open(shop.place)
    assert_alike(shop, anew, 1)
    assert_alike(other, anew, 1)
    assert sorted(path.name for path in (shop.place / "stages").iterdir()) == sorted(shop.manifest.stages.values())


def test_one_calibrates_while_another_fits(tmp_path):
    random = np.random.default_rng(11)
    items = some(random, [f"t{row}" for row in range(60)])
    shop = Collection.build(tmp_path / "shop", items)
    queries = Catalog.of([f"q{row}" for row in range(12)], text=items["title"][:12])
    judgements = Links.of_ids(queries, items, [(f"q{row}", f"t{row}") for row in range(12)])
    shop.compact(progress=lambda line: Collection.open(shop.place).calibrate(judgements) if line == "fitting meaning" else None)
    for view in (shop, Collection.open(shop.place)):
        assert view.relevance.judgements.right.id_list == [f"t{row}" for row in range(12)]
        assert view.search(items["title"][:3], k=2, min_relevance=0.1).ids()


def test_many_writes_have_the_stages_fitted_anew_beside(tmp_path, monkeypatch):
    monkeypatch.setattr(rebuilding, "REBUILD_LEAST", 10)
    random = np.random.default_rng(10)
    shop = Collection.build(tmp_path / "shop", some(random, [f"t{row}" for row in range(40)]))
    before = shop.manifest.stages
    shop.add(some(random, [f"n{row}" for row in range(20)]))
    shop.add(some(random, ["while it fits"]))
    shop.close()
    shop.refresh()
    assert shop.manifest.stages != before
    assert max(branch.added for branch in shop._snapshot.branches.values()) <= 1
    assert_alike(shop, Collection.open(shop.place), 1)
