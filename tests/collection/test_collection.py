"""The verbs of a collection, on real Lance."""

import numpy as np
import pytest

from nearkin.collection import Collection
from nearkin.encoders.bag_of_words import BagOfWords
from nearkin.errors import BadInput
from nearkin.indexes.inverted_index import InvertedIndex
from nearkin.tables import Catalog, Links

from .conftest import goods


def things(**titles: str) -> Catalog:
    return Catalog.of(titles, title=list(titles.values()))


def test_words_and_meaning_find_things(shop):
    assert shop.search("red shoe", k=1).ids() == [["shoe"]]
    assert shop.search(["footwear for running", "musical instrument"], k=3).ids()[0][0] == "shoe"
    assert set(shop.search("string instrument", k=3).ids()[0]) & {"guitar", "violin"}


def test_similar_leaves_the_thing_itself_out(shop):
    found = shop.similar(["guitar", "atlas"], k=4)
    assert all(len(row) == 4 for row in found.ids())
    assert "guitar" not in found.ids()[0]
    assert found.ids()[0][0] in {"violin", "piano"}


def test_what_is_written_is_there_when_opened_again(shop):
    shop.add(things(drum="a drum to beat"))
    shop.remove(["hat"])
    again = Collection.open(shop.place)
    assert set(again.catalog.id_list) == set(shop.catalog.id_list) == set(goods().id_list) - {"hat"} | {"drum"}
    assert again.search("drum to beat", k=1).ids() == [["drum"]]
    assert "hat" not in again.search("blue straw hat", k=9).ids()[0]


def test_an_upsert_replaces_and_the_old_text_is_found_no_more(shop):
    shop.add(things(lamp="zebra crossing"))
    assert len(shop) == 10
    assert shop.search("zebra", k=1, stage="words").ids() == [["lamp"]]
    assert shop.search("desk", k=1, stage="words").ids() == [[]]


def test_answers_agree_with_a_collection_built_afresh(shop, tmp_path):
    shop.add(things(drum="a drum to beat", shoe="green walking shoe", cello="cello with bow"))
    shop.remove(["violin", "candle"])
    fresh = Collection.build(tmp_path / "fresh", shop.catalog)
    queries = ["shoe", "instrument with bow", "lamp", "book about europe"]
    for view in (shop, Collection.open(shop.place)):
        found, exact = view.search(queries, k=9), fresh.search(queries, k=9)
        assert found.ids() == exact.ids()
        np.testing.assert_allclose(found.hits.scores, exact.hits.scores, atol=1e-5)


def test_where_equals_filtering_by_hand(shop):
    everything = shop.search("shoe for music in winter", k=10).ids()[0]
    cheap = {thing["id"] for thing in shop.export() if thing["price"] < 45}
    assert set(shop.search("shoe for music in winter", k=10, where="price < 45").ids()[0]) == cheap & set(everything)
    assert shop.search("bow", k=3, where="kind = 'music' AND price > 40").ids()[0][0] == "violin"
    with pytest.raises(BadInput, match=r"prize.*not understood"):
        shop.search("x", where="prize < 3")


def test_why_sums_to_the_score_and_names_the_words(shop):
    for answer in shop.search("a red running shoe", k=5, explain=True):
        assert sum(answer.why["parts"].values()) == pytest.approx(answer.score, abs=1e-6)
    first = shop.search("a red running shoe", k=1, explain=True).of(0)[0]
    assert {"red", "run", "shoe"} <= set(first.why["words"])
    assert 0 < first.why["meaning"] <= 1.001


def test_an_old_version_can_be_seen_but_not_changed(shop):
    before = shop.version
    shop.remove(["shoe"])
    past = Collection.open(shop.place, version=before)
    assert past.search("red running shoe", k=1).ids() == [["shoe"]]
    assert [entry["version"] for entry in shop.versions()][:2] == [before, before + 1]
    with pytest.raises(BadInput, match="past"):
        past.remove(["hat"])
    with pytest.raises(BadInput, match="cannot be read"):
        Collection.open(shop.place, version=99)


def test_compact_answers_the_same_and_leaves_no_byte_of_what_was_removed(shop):
    shop.add(things(secret="xylophonist unforgettable"))
    shop.remove(["secret"])
    before = shop.search("instrument", k=9)
    shop.compact()
    after = shop.search("instrument", k=9)
    assert before.ids() == after.ids()
    np.testing.assert_allclose(before.hits.scores, after.hits.scores, atol=1e-5)
    assert not [path for path in shop.place.rglob("*") if path.is_file() and b"xylophonist" in path.read_bytes()]
    assert len(shop.versions()) == 1


def test_a_reader_sees_what_a_writer_wrote_after_refresh(shop):
    reader = Collection.open(shop.place)
    assert not reader.refresh()
    shop.add(things(drum="a drum"))
    assert "drum" not in reader.catalog.id_list
    assert reader.refresh()
    assert reader.search("drum", k=1).ids() == [["drum"]]
    shop.compact()
    assert reader.refresh()
    assert reader.search("drum", k=1).ids() == [["drum"]]


def test_two_writers_take_turns(shop):
    other = Collection.open(shop.place)
    shop.add(things(drum="a drum"))
    other.add(things(flute="a flute"))
    shop.remove(["flute"])
    assert set(Collection.open(shop.place).catalog.id_list) == {*goods().id_list, "drum"}


def test_all_can_be_removed_and_it_can_start_again(shop):
    shop.remove(shop.catalog.id_list)
    assert shop.search("shoe").ids() == [[]]
    assert len(Collection.open(shop.place)) == 0
    shop.add(things(drum="a drum"))
    assert shop.search("drum", k=1).ids() == [["drum"]]


def test_other_branches_can_be_chosen(tmp_path):
    shop = Collection.build(tmp_path / "shop", goods(), branches={"only": (BagOfWords(), InvertedIndex())})
    assert shop.search("guitar", k=5).ids() == [["guitar"]]
    with pytest.raises(BadInput, match="'meaning'"):
        shop.search("guitar", stage="meaning")


def test_more_hits_than_the_depth_of_a_branch_can_be_asked(tmp_path):
    many = Catalog.of([f"t{row}" for row in range(450)], title=["same words everywhere"] * 450)
    shop = Collection.build(tmp_path / "shop", many)
    assert len(shop.search("same words", k=450).ids()[0]) == 450
    assert shop.search("same words", k=3).ids() == [["t0", "t1", "t2"]]


@pytest.mark.parametrize("share", [0.5, 0.1, 0.01, 0.001, 0.0001])
def test_a_filter_returns_k_whenever_k_exist_and_equals_the_exact_answer(tmp_path, share):
    random = np.random.default_rng(0)
    size = 20_000
    texts = [" ".join(random.choice(["alpha", "beta", "gamma", "delta", "omega", "sigma"], 3)) for _ in range(size)]
    rank = random.permutation(size)
    shop = Collection.build(tmp_path / "shop", Catalog.of([f"t{row}" for row in range(size)], title=texts, rank=rank))
    queries = ["alpha", "beta gamma", "omega sigma delta"]
    found = shop.search(queries, k=10, where=f"rank < {round(size * share)}", stage="words")
    everything = shop.search(queries, k=size, stage="words")
    for query, ids in enumerate(found.ids()):
        kept = [(a.item, a.score) for a in everything.of(query) if a.thing["rank"] < round(size * share)][:10]
        assert ids == [name for name, _ in kept]
    both = shop.search(queries, k=10, where=f"rank < {round(size * share)}")
    assert all(len(ids) == min(10, round(size * share)) for ids in both.ids())


def interactions(items: Catalog) -> Links:
    walks = [
        ["shoe", "boot", "hat"],
        ["shoe", "boot", "lamp"],
        ["guitar", "violin", "piano"],
        ["guitar", "violin", "novel"],
        ["boot", "hat"],
    ]
    people = Catalog.of([f"u{row}" for row in range(len(walks))])
    pairs = [(f"u{row}", item) for row, walk in enumerate(walks) for item in walk]
    return Links.interactions(people, items, [a for a, _ in pairs], [b for _, b in pairs], time=np.arange(len(pairs)))


def test_recommendations_follow_what_people_did_and_say_why(tmp_path):
    shop = Collection.build(tmp_path / "shop", goods(), links=interactions(goods()))
    assert shop.recommend([["shoe"]], k=1).ids() == [["boot"]]
    first = shop.recommend([["hat", "guitar"]], k=1, explain=True).of(0)[0]
    assert first.item == "violin"
    assert next(iter(first.why["because of"])) == "guitar"
    assert not {"shoe", "boot"} & set(shop.recommend([["shoe", "boot"]], k=9).ids()[0])
    assert len(shop.links) == 14


def test_a_new_thing_is_recommended_and_a_removed_one_is_not(tmp_path):
    shop = Collection.build(tmp_path / "shop", goods(), links=interactions(goods()))
    shop.add(things(sandal="red running sandal shoe for women"))
    shop.remove(["boot"])
    for view in (shop, Collection.open(shop.place)):
        found = view.recommend([["shoe"]], k=9).ids()[0]
        assert "sandal" in found
        assert "boot" not in found
    assert shop.recommend([["shoe"]], k=2, where="kind = 'music'").ids()[0]
    shop.compact()
    assert "sandal" in shop.recommend([["shoe"]], k=9).ids()[0]
    assert "boot" not in shop.links.pairs().__str__()


def test_without_links_content_recommends(shop):
    assert shop.recommend([["guitar"]], k=2).ids()[0][0] in {"violin", "piano"}


def test_edges_between_things_recommend_companions(tmp_path):
    items = goods()
    edges = Links.edges(items, [("shoe", "boot"), ("shoe", "hat"), ("lamp", "candle"), ("novel", "atlas"), ("guitar", "violin")])
    shop = Collection.build(tmp_path / "shop", items, links=edges)
    assert set(shop.recommend([["shoe"]], k=2).ids()[0]) == {"boot", "hat"}
    assert Collection.open(shop.place).recommend([["lamp"]], k=1).ids() == [["candle"]]


def test_a_reader_left_behind_by_a_compaction_is_told_to_refresh(shop):
    reader = Collection.open(shop.place)
    shop.add(things(drum="a drum to beat"))
    shop.compact()
    assert reader.search("red shoe", k=1).ids() == [["shoe"]]  # what it holds in memory still answers
    with pytest.raises(BadInput, match="refresh"):
        reader.search("red shoe", where="price < 50")
    assert reader.refresh()
    assert reader.search("red shoe", k=1, where="price < 50").ids() == [["shoe"]]


def test_why_sums_to_the_score_when_ranks_are_fused(tmp_path):
    shop = Collection.build(tmp_path / "shop", goods(), by="rrf")
    for answer in shop.search("a red running shoe", k=10, explain=True):
        assert sum(answer.why["parts"].values()) == pytest.approx(answer.score, abs=1e-6)


def test_a_view_stays_as_it_is_while_the_collection_is_written(shop):
    before = shop.view()
    shop.add(things(drum="a drum to beat"))
    shop.remove(["shoe"])
    assert before.search("red running shoe", k=1).ids() == [["shoe"]]
    assert before.search("red running shoe", k=1, where="price < 15").ids() == [["shoe"]]
    assert "drum" not in before.recommend([["guitar"]], k=10).ids()[0]
    assert shop.view().search("drum", k=1).ids() == [["drum"]]
    with pytest.raises(BadInput, match="past"):
        before.remove(["hat"])


def test_the_last_thing_replaced_is_recommended_by_its_new_text(tmp_path):
    shop = Collection.build(tmp_path / "shop", goods())
    assert shop.recommend([["guitar"]], k=9).ids()[0][-1] != "atlas"
    before = shop.recommend([["guitar"]], k=10).ids()[0]
    shop.add(things(atlas="acoustic guitar with strings"))
    assert shop.recommend([["guitar"]], k=10).ids()[0][0] == "atlas" != before[0]
