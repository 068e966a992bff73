"""The leaderboard takes good runs once, refuses bad ones by line, ranks, compares and draws; run files survive a round trip."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin import worlds
from nearkin.errors import BadInput
from nearkin.readers.trec import read_qrels, read_run, write_qrels, write_run
from nearkin.recipes.leaderboard import Leaderboard, main
from nearkin.tables import Catalog, Hits, Links, best
from tests.metrics.oracles import random_hits

WORLD = worlds.twins(pairs=30)


def run_of(right: int) -> bytes:
    """A run that puts the right item first for the first `right` queries and fifth for the others."""
    lines = []
    for query in range(30):
        others = [row for row in range(30) if row != query][:4]
        order = [query, *others] if query < right else [*others, query]
        lines += [f"query{query} Q0 item{row} {place + 1} {10 - place} test" for place, row in enumerate(order)]
    return "\n".join(lines).encode()


@pytest.fixture
def board(tmp_path):
    return Leaderboard(folder=tmp_path / "board", tasks=(WORLD,))


def test_runs_are_scored_ranked_and_compared(board):
    good, bad = board.submit("good", "twins", run_of(30)), board.submit("less good", "twins", run_of(3))
    assert good.scores["nDCG@10"] == 1
    assert bad.scores["nDCG@10"] == pytest.approx((3 + 27 / np.log2(6)) / 30)
    assert [(name, by) for name, _, by in board.ranking()] == [("good", {"twins": 1.0}), ("less good", {"twins": bad.scores["nDCG@10"]})]
    row = board.compare("less good", "good", "twins")[0]
    assert 0 < row.low < row.difference < row.high
    assert row.p < 0.001
    with pytest.raises(BadInput, match="no run of 'other'"):
        board.compare("good", "other", "twins")


def test_handing_in_the_same_file_again_changes_nothing_and_a_new_one_replaces_it(board):
    first = board.submit("mine", "twins", run_of(10))
    before = {path: path.stat().st_mtime_ns for path in board.folder.iterdir()}
    assert board.submit("mine", "twins", run_of(10)) == first
    assert {path: path.stat().st_mtime_ns for path in board.folder.iterdir()} == before
    board.submit("mine", "twins", run_of(20))
    assert len(board.entries()) == 1
    assert board.entries()[0].digest != first.digest


def test_a_file_is_taken_like_its_content(board, tmp_path):
    path = tmp_path / "mine.run"
    path.write_bytes(run_of(10))
    assert board.submit("mine", "twins", path).digest == board.submit("mine", "twins", run_of(10)).digest


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("query5 Q0 item 5 1 3.0 test", "line 2: expected the six columns"),
        ("query0 Q0 item0 2 3.0 test", "line 2: item 'item0' stands twice"),
        ("query0 Q0 item1 2 nan test", "line 2: the score 'nan' is not a finite number"),
        ("query0 Q0 item1 2 high test", "line 2: the score 'high'"),
        ("query0 Q0 item1 first 1 test", "line 2: the rank 'first'"),
        ("query0 Q0 item1 2 99 test", "line 2: the score rises from 10 to 99"),
        ("query77 Q0 item1 2 1 test", "line 2: query 'query77' or item 'item1' is not in this collection"),
    ],
)
def test_bad_lines_are_named(board, line, fault):
    with pytest.raises(BadInput, match=fault):
        board.submit("mine", "twins", f"query0 Q0 item0 1 10 test\n{line}\n".encode())
    assert board.entries() == []


def test_limits_names_tasks_and_bytes_are_checked(board, tmp_path):
    small = Leaderboard(folder=board.folder, tasks=(WORLD,), most_bytes=100, most_hits=2)
    with pytest.raises(BadInput, match="at most 100 are taken"):
        small.submit("mine", "twins", run_of(1))
    with pytest.raises(BadInput, match="5 hits, at most 2"):
        Leaderboard(folder=board.folder, tasks=(WORLD,), most_hits=2).submit("mine", "twins", run_of(1))
    with pytest.raises(BadInput, match="no task 'cats'"):
        board.submit("mine", "cats", run_of(1))
    with pytest.raises(BadInput, match="name has 1 to 60"):
        board.submit("<script>", "twins", run_of(1))
    with pytest.raises(BadInput, match="line 2: the run is not UTF-8"):
        board.submit("mine", "twins", b"query0 Q0 item0 1 10 test\n\xff\n")
    with pytest.raises(BadInput, match="no such file"):
        board.submit("mine", "twins", tmp_path / "none.run")


def test_a_missing_query_counts_as_0_and_the_mean_waits_for_all_tasks(tmp_path):
    other = worlds.two_lists(left=20, right=30)
    board = Leaderboard(folder=tmp_path / "two", tasks=(WORLD, other))
    assert board.submit("one query", "twins", b"query0 Q0 item0 1 1 t").scores["nDCG@10"] == pytest.approx(1 / 30)
    assert board.ranking()[0][1] is None


def test_the_page_shows_ranking_and_a_chart_a_task(board):
    board.submit("A + B", "twins", run_of(15))
    page = board.page()
    assert "<td>1</td><td>A + B</td>" in page
    assert page.count("<rect") == 1
    assert "<h2>twins</h2>" in page


def test_the_command_takes_a_run_and_writes_the_page(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("nearkin.data.available", lambda: ["ir-scifact"])
    monkeypatch.setattr("nearkin.data.load", lambda name: WORLD)
    good, bad = tmp_path / "good.run", tmp_path / "bad.run"
    good.write_bytes(run_of(30))
    bad.write_text("nothing of a run")
    assert main([str(tmp_path / "board"), "mine", "twins", str(good)]) == 0
    assert capsys.readouterr().out == "1\tmine\t1.0000\ttwins=1.0000\n"
    assert "mine" in (tmp_path / "board" / "index.html").read_text()
    assert main([str(tmp_path / "board"), "mine", "twins", str(bad)]) == 1
    assert "line 1" in capsys.readouterr().err
    assert main([]) == 2


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000))
def test_run_files_survive_a_round_trip(seed, tmp_path_factory):
    hits = random_hits(seed, levels=9)
    hits = best(
        np.where(hits.rows >= 0, hits.scores * np.float32(1 / 3), -np.inf), hits.k, rows=hits.rows, queries=hits.queries, items=hits.items
    )
    path = tmp_path_factory.mktemp("runs") / "a.run"
    write_run(hits, path)
    if path.stat().st_size:
        again = read_run(path, hits.queries, hits.items)
        width = again.k
        assert np.array_equal(again.rows, hits.rows[:, :width])
        assert np.array_equal(again.scores, hits.scores[:, :width])


def test_judgement_files_survive_a_round_trip_and_bad_ones_are_named(tmp_path):
    path = tmp_path / "a.qrels"
    write_qrels(WORLD.truth, path)
    assert read_qrels(path, WORLD.queries, WORLD.items).pairs() == WORLD.truth.pairs()
    lines = ["query0 0 item0 -1", "query0 0 item1 yes", "query0 0 item2 1", "query0 0 item2 1", "q x", "query0 0 item99 1"]
    with pytest.raises(BadInput) as caught:
        read_qrels(enumerate(lines, 1), WORLD.queries, WORLD.items)
    expected = [
        "5 lines are wrong",
        "line 1: the grade -1 is negative",
        "line 2: the grade 'yes'",
        "line 4: query 'query0' and item 'item2'",
    ]
    expected += ["line 5: expected the four columns", "line 6: query 'query0' or item 'item99'"]
    assert all(each in str(caught.value) for each in expected)
    with pytest.raises(BadInput, match=r"line 1: expected the four columns.*BEIR layout"):
        read_qrels([(1, "query-id corpus-id score")], WORLD.queries, WORLD.items)


def test_ids_with_spaces_and_hits_without_names_are_not_written(tmp_path):
    spaced = Catalog.of(["a b"], title=["x"])
    hits = Hits(np.zeros((1, 1), np.int32), np.ones((1, 1), np.float32), spaced, spaced)
    with pytest.raises(BadInput, match="no spaces"):
        write_run(hits, tmp_path / "a.run")
    with pytest.raises(BadInput, match="do not know"):
        write_run(Hits(hits.rows, hits.scores, None, None), tmp_path / "a.run")
    with pytest.raises(BadInput, match="no whole number"):
        write_qrels(Links(WORLD.queries, WORLD.items, np.array([0]), np.array([0]), weight=np.array([0.5])), tmp_path / "a.qrels")
