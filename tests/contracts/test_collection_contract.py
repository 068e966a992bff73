"""One contract for all that answers as a collection does: the folder itself, on each store of vectors, and the clients of a service."""

from __future__ import annotations

import asyncio
import inspect

import pytest

import nearkin
from nearkin.collection import Answer, Collection
from nearkin.collection.fitting import DEFAULT_WEIGHTS
from nearkin.encoders.bag_of_words import BagOfWords
from nearkin.encoders.static_words import StaticWords
from nearkin.errors import BadInput
from nearkin.indexes.inverted_index import InvertedIndex
from nearkin.indexes.milvus import MilvusIndex
from nearkin.indexes.pgvector import PgVectorIndex
from nearkin.service.app import create_app
from nearkin.tables import Catalog, Links
from tests import stores
from tests.service.conftest import served, shop_of


class Awaited:
    """An asynchronous client as a plain one, for the suite."""

    def __init__(self, client, loop):
        self._client, self._loop = client, loop

    def __getattr__(self, name):
        method = getattr(self._client, name)
        return lambda *given, **named: self._done(method(*given, **named))

    def _done(self, given):
        if inspect.isasyncgen(given):
            return iter(self._loop.run_until_complete(_all(given)))
        return self._loop.run_until_complete(given)

    def __len__(self):
        return self.info()["things"]

    @property
    def version(self):
        return self._done(self._client.version())


async def _all(things):
    return [thing async for thing in things]


STORES = {
    "pgvector": lambda: PgVectorIndex(address=stores.postgres(), table="shop"),
    "milvus": lambda: MilvusIndex(address=stores.milvus(), table="shop"),
}


def stored(name):
    """How to build a collection whose meaning is searched in this store."""
    if name not in STORES:
        return {}
    return {"branches": {"words": (BagOfWords(), InvertedIndex()), "meaning": (StaticWords(), STORES[name]())}, "weights": DEFAULT_WEIGHTS}


@pytest.fixture(scope="module", params=["collection", *STORES, "client", "async client"])
def shop(request, tmp_path_factory):
    place = tmp_path_factory.mktemp("contract") / "shop"
    here = shop_of(place, **stored(request.param))
    if "client" not in request.param:
        yield here
        return
    with served(create_app(place)) as address:
        if request.param == "client":
            with nearkin.connect(address) as client:
                yield client
            return
        loop = asyncio.new_event_loop()
        client = nearkin.connect_async(address)
        yield Awaited(client, loop)
        loop.run_until_complete(client.close())
        loop.close()


@pytest.fixture(scope="module")
def same(tmp_path_factory):
    """A collection of the same things, to compare with."""
    return shop_of(tmp_path_factory.mktemp("same") / "shop")


def things(**titles):
    return Catalog.of(titles, title=list(titles.values()))


def test_answers_are_those_of_a_collection_of_the_same_things(shop, same):
    queries = ["red running shoe", "an instrument with strings", ""]
    for told in ({}, {"where": "price > 30"}, {"stage": "words"}, {"stage": "meaning", "k": 2}, {"explain": True, "k": 3}):
        for found, exact in [
            (shop.search(queries, **told), same.search(queries, **told)),
            (shop.similar(["guitar", "hat"], **told), same.similar(["guitar", "hat"], **told)),
        ]:
            assert found.ids() == exact.ids()
            assert len(found) == len(exact)
            for one, other in zip(found, exact, strict=True):
                assert isinstance(one, Answer)
                assert (one.query, one.item, one.rank, one.title) == (other.query, other.item, other.rank, other.title)
                assert one.score == pytest.approx(other.score, abs=1e-6)
                assert one.thing["price"] == other.thing["price"]
                assert one.why.get("parts", {}) == pytest.approx(other.why.get("parts", {}), abs=1e-6)


def test_recommendations_are_those_of_a_collection_of_the_same_things(shop, same):
    histories = [["shoe"], ["guitar", "hat"], []]
    for told in ({"k": 3}, {"where": "kind = 'music'"}, {"k": 2, "explain": True}):
        found, exact = shop.recommend(histories, **told), same.recommend(histories, **told)
        assert found.ids() == exact.ids()
        assert [one.why for one in found] == [other.why for other in exact]
    people = Catalog.histories([["shoe"]], ids=["ann"])
    assert [one.query for one in shop.recommend(people, k=1)] == ["ann"]


def test_queries_may_be_a_catalogue(shop, same):
    asked = Catalog.of(["q1", "q2"], text=["red shoe", "atlas"])
    assert [(one.query, one.item) for one in shop.search(asked, k=1)] == [("q1", "shoe"), ("q2", "atlas")]
    assert shop.search([], k=1).ids() == []
    many = ["shoe", "guitar"] * 200
    assert shop.search(many, k=1).ids() == same.search(many, k=1).ids()


def near(told):
    """Numbers of answers, which agree as far as floats do."""
    return pytest.approx(told, abs=1e-6)


def test_rows_are_matched_as_by_a_collection_of_the_same_things(shop, same):
    titles = [title.replace("a", "e", 1) for title in same.catalog["title"]] * 2
    table = Catalog.of([f"row{place}" for place in range(len(titles))], name=titles, cost=[10.0, float("nan")] * len(same))
    for told in ({}, {"where": "price > 30"}, {"explain": True, "one_to_one": False, "threshold": 0.7}):
        found, exact = shop.match(table, **told), same.match(table, **told)
        for name in ("left", "right", "band", "title"):
            assert [getattr(one, name) for one in found] == [getattr(one, name) for one in exact]
        assert (found.bands(), list(found.columns), found.warnings) == (exact.bands(), list(exact.columns), exact.warnings)
        assert (found.expected, found.precision) == near((exact.expected, exact.precision))
        for one, other in zip(found, exact, strict=True):
            assert (one.chance, one.score) == near((other.chance, other.score))
            assert [(bar["name"], bar["right"]) for bar in one.why.get("parts", [])] == [
                (bar["name"], bar["right"]) for bar in other.why.get("parts", [])
            ]
            if one.why:
                assert one.why["start"] + sum(bar["weight"] for bar in one.why["parts"]) == near(one.score)
    few = shop.match(table.take([0, 1]))
    assert [one.chance for one in few] == [None, None]
    assert "no estimate" in few.warnings[0]
    assert len(shop.match(Catalog.of(name=[]))) == 0
    with pytest.raises(BadInput, match=r"0\.5"):
        shop.match(table, threshold=0.2)


def test_duplicates_are_those_of_a_collection_of_the_same_things(shop, same):
    copies = Catalog.of(["shoe2", "atlas2"], title=["red running shoes for women", "road atlas of Europe"])
    for each in (shop, same):
        each.add(copies)
    told = {"where": "id <> 'shoe'", "explain": True, "threshold": 0.8}
    found, exact = shop.duplicates(**told), same.duplicates(**told)
    assert found.pairs() == exact.pairs()
    assert frozenset(("atlas", "atlas2")) in {frozenset(pair) for pair in found.pairs()}
    for one, other in zip(found, exact, strict=True):
        assert (one.band, one.chance, one.thing["title"]) == (other.band, other.chance, other.thing["title"])
        assert one.score == near(other.score)
        assert one.why["start"] + sum(bar["weight"] for bar in one.why["parts"]) == near(one.score)
    for each in (shop, same):
        each.remove(["shoe2", "atlas2"])


def test_given_pairs_are_scored_as_by_a_collection_of_the_same_things(shop, same):
    pairs = [("shoe", "boot"), ("violin", "guitar"), ("boot", "shoe")]
    found, exact = shop.score_pairs(pairs, explain=True), same.score_pairs(pairs, explain=True)
    assert found.pairs() == exact.pairs() == pairs
    for one, other in zip(found, exact, strict=True):
        assert (one.band, one.chance, one.thing["title"]) == (other.band, other.chance, other.thing["title"])
        assert one.score == near(other.score)
        assert one.why["start"] + sum(bar["weight"] for bar in one.why["parts"]) == near(one.score)
    assert len(shop.score_pairs([])) == 0
    for wrong in ({"pairs": [("shoe", "nobody")]}, {"pairs": [("shoe", "shoe")]}, {"pairs": pairs, "where": "id <> 'boot'"}):
        with pytest.raises(BadInput):
            shop.score_pairs(**wrong)


def test_what_is_added_is_found_and_what_is_removed_is_not(shop):
    size, before = len(shop), shop.version
    shop.add(things(drum="a drum to beat", bow="bow of a violin"))
    assert len(shop) == size + 2
    assert shop.version > before
    assert shop.search("drum", k=1).ids() == [["drum"]]
    assert "bow" in shop.recommend([["violin"]], k=20).ids()[0]
    shop.add(things(drum="zebra crossing"))
    assert len(shop) == size + 2
    assert shop.search("zebra", k=1, stage="words").ids() == [["drum"]]
    shop.remove(["drum", "bow"])
    assert len(shop) == size
    assert not {"drum", "bow"} & set(shop.search("zebra bow", k=20).ids()[0])
    assert {thing["id"] for thing in shop.export()} == set(shop.search("things", k=20, stage="meaning").ids()[0])


def test_what_is_wrong_is_refused_and_nothing_changes(shop):
    before = shop.version
    for wrong in (
        lambda: shop.search("x", where="prize < 3"),
        lambda: shop.search("x", stage="sense"),
        lambda: shop.search("x", k=0),
        lambda: shop.search("x", min_relevance=0.5),
        lambda: shop.similar(["nobody"]),
        lambda: shop.remove(["shoe", "nobody"]),
        lambda: shop.add(Catalog.of(["a"], prize=[3])),
        lambda: shop.add(Catalog.of(["a"], price=["cheap"])),
    ):
        with pytest.raises(BadInput):
            wrong()
    assert shop.version == before
    with pytest.raises(BadInput, match="prize"):
        shop.search("x", where="prize < 3")


def test_links_are_added(shop):
    before = shop.info()["links"]
    items = Catalog.of(["hat", "lamp"])
    people = Catalog.of(["ann", "bob"])
    shop.add_links(Links.of_ids(people, items, [("ann", "hat"), ("bob", "lamp")]))
    assert shop.info()["links"] == before + 2


def test_compaction_answers_the_same(shop):
    shop.add(things(ocarina="an ocarina"))
    before = shop.search("instrument", k=9).ids()
    said = []
    shop.compact(progress=said.append)
    assert shop.search("instrument", k=9).ids() == before
    assert any("fitting" in line for line in said)
    shop.remove(["ocarina"])


def test_a_collection_has_all_verbs_of_the_clients_that_it_can():
    verbs = (
        "search",
        "similar",
        "recommend",
        "match",
        "duplicates",
        "score_pairs",
        "add",
        "remove",
        "add_links",
        "compact",
        "info",
        "export",
    )
    for kind in (nearkin.client.Client, nearkin.client.AsyncClient):
        for verb in verbs:
            ours, theirs = inspect.signature(getattr(Collection, verb)), inspect.signature(getattr(kind, verb))
            shared = [name for name in ours.parameters if name not in ("wait_s",)]
            assert [name for name in theirs.parameters if name in shared] == shared, verb
