"""The reference runs: fields, fusion, run files, frozen scores, the page; on real collections the floors that the default must keep."""

from __future__ import annotations

import numpy as np
import pytest

from nearkin.errors import BadInput
from nearkin.evaluation import SearchTask
from nearkin.readers.trec import read_run
from nearkin.recipes import beir_scores, brewing_beir
from nearkin.stage import Memo
from nearkin.tables import Catalog, Data, Links

SMALL = brewing_beir.Settings.tiny()


def two_fields() -> Data:
    """Titles and texts with words in common; the query's word stands in the title of one thing and the text of another."""
    items = Catalog.of(["a", "b", "c"], title=["wing", "heat", "heat stream"], text=["flow flow stream", "wing wing heat", "flow"])
    queries = Catalog.of(["q"], text=["wing stream"])
    return Data(name="two-fields", items=items, queries=queries, truth=Links.qrels(queries, items, [("q", "a", 1)]))


def bm25(counts: list[list[int]], query: list[int]) -> np.ndarray:
    """BM25 (0.9, 0.4) of each thing by a loop over its terms."""
    table = np.array(counts, float)
    lengths = table.sum(1)
    scores = np.zeros(len(table))
    for term in query:
        holders = (table[:, term] > 0).sum()
        rarity = np.log(1 + (len(table) - holders + 0.5) / (holders + 0.5))
        for row, count in enumerate(table[:, term]):
            scores[row] += rarity * count / (count + 0.9 * (1 - 0.4 + 0.4 * lengths[row] / lengths.mean()))
    return scores


def test_multifield_is_the_sum_of_bm25_over_each_field_alone():
    data = two_fields()
    kitchen = brewing_beir.Kitchen(data=data, settings=brewing_beir.Settings())
    hits = brewing_beir.CONDITIONS["bm25-multifield"](kitchen)(data.queries)
    # columns: flow, heat, stream, wing
    titles, texts = [[0, 0, 0, 1], [0, 1, 0, 0], [0, 1, 1, 0]], [[2, 0, 1, 0], [0, 1, 0, 2], [1, 0, 0, 0]]
    expected = bm25(titles, [2, 3]) + bm25(texts, [2, 3])
    np.testing.assert_allclose(hits.scores[0], np.sort(expected)[::-1], rtol=1e-5)


def test_flat_reads_both_fields_as_one():
    data = two_fields()
    kitchen = brewing_beir.Kitchen(data=data, settings=brewing_beir.Settings())
    hits = brewing_beir.CONDITIONS["bm25-flat"](kitchen)(data.queries)
    expected = bm25([[2, 0, 1, 1], [0, 2, 0, 2], [1, 1, 1, 0]], [2, 3])
    np.testing.assert_allclose(hits.scores[0], np.sort(expected)[::-1], rtol=1e-5)


def test_build_is_the_chosen_condition_and_rivals_are_the_others():
    data = brewing_beir.world()
    found = brewing_beir.report(data, SMALL).figures["scores"]
    assert set(found) == {*brewing_beir.rivals(data, SMALL), "bm25+static"}
    assert all(score[0] > 0.9 for score in found.values())
    assert brewing_beir.build(data, SMALL)(data.queries).rows[0, 0] == 0


def test_frozen_scores_are_compared_within_their_tolerance():
    frozen = beir_scores.FROZEN["ir-scifact"]["bm25-flat"]
    assert beir_scores.expected("ir-scifact", "bm25-flat", frozen) == ""
    assert "expected 0.6762" in beir_scores.expected("ir-scifact", "bm25-flat", (frozen[0] + 0.001, frozen[1]))
    assert beir_scores.expected("twins", "bm25-flat", (1, 1)) is None
    assert "Yoruba" in beir_scores.skipped("ir-miracl-yoruba", "minilm")


def test_the_page_has_a_command_for_every_score():
    page = beir_scores.matrix_page(
        {"ir-scifact": {"bm25-flat": (0.6762, 0.9127), "static": (0.5, 0.8)}, "ir-miracl-yoruba": {"bm25-flat": (0.6, 0.9)}}
    )
    assert page.count("python -m nearkin.recipes.brewing_beir") == 3
    assert "published 0.679 / 0.925" in page
    assert "the collection is Yoruba" in page


def test_the_command_writes_a_run_scores_it_and_compares_it(monkeypatch, tmp_path, capsys):
    data = brewing_beir.world()
    monkeypatch.setattr("nearkin.data.load", lambda name: data)
    path = tmp_path / "a.run"
    assert brewing_beir.main(["twins", "bm25-flat", str(path)]) == 0
    assert capsys.readouterr().out.split("\t")[:2] == ["twins", "bm25-flat"]
    task = SearchTask(data=data)
    hits = read_run(path, data.queries, data.items)
    assert task.measure(hits, ["nDCG@10"])["nDCG@10"].mean > 0.9
    monkeypatch.setitem(beir_scores.FROZEN, "twins", {"bm25-flat": (0.1, 0.1)})
    assert brewing_beir.main(["twins", "bm25-flat", str(path)]) == 1
    assert brewing_beir.main(["twins", "no-such", str(path)]) == 2
    monkeypatch.setattr("nearkin.data.load", lambda name: Data(name="ir-miracl-yoruba", items=data.items))
    with pytest.raises(BadInput, match="Yoruba"):
        brewing_beir.main(["ir-miracl-yoruba", "minilm", str(path)])


# nDCG@10 of the default search and of the static table alone.
FLOORS = {"ir-scifact": (0.686, 0.465), "ir-cranfield": (0.381, 0.280), "ir-vaswani": (0.437, 0.272), "icecat-search": (0.736, 0.495)}


@pytest.mark.slow
@pytest.mark.parametrize("name", FLOORS)
def test_the_default_search_keeps_its_floor_and_never_falls_behind_its_own_bm25(name, need_data):
    need_data(name)
    from nearkin.data import load

    task, memo = SearchTask(data=load(name)), Memo()
    kitchen = brewing_beir.Kitchen(data=task.training(), settings=brewing_beir.Settings(neural=False))
    scores = {
        condition: task.measure(task.answer(brewing_beir.CONDITIONS[condition](kitchen), ["nDCG@10"], memo), ["nDCG@10"])["nDCG@10"].mean
        for condition in ("bm25+static", "static", "bm25-flat-lucene", "bm25-flat")
    }
    assert scores["bm25+static"] >= FLOORS[name][0]
    assert scores["static"] >= FLOORS[name][1]
    assert scores["bm25+static"] >= scores["bm25-flat-lucene"] - 0.001
    for condition in ("bm25-flat-lucene", "bm25-flat"):
        assert abs(scores[condition] - beir_scores.FROZEN[name][condition][0]) <= beir_scores.LEXICAL
