"""Calibrating and asking for what is relevant, as a user does."""

from __future__ import annotations

import pytest

KINDS, COLOURS = ("shoe", "hat", "lamp", "piano", "boot"), ("red", "blue", "green", "black", "white", "brown")


@pytest.fixture
def shop(run, tmp_path):
    things = [f"{colour}-{kind}" for colour in COLOURS for kind in KINDS]
    (tmp_path / "items.csv").write_text("id,title\n" + "".join(f"{name},{name.replace('-', ' ')}\n" for name in things))
    (tmp_path / "queries.csv").write_text("id,text\n" + "".join(f"{kind},a {kind} please\n" for kind in KINDS))
    right = [f"{kind},{colour}-{kind},1\n" for kind in KINDS for colour in COLOURS]
    (tmp_path / "judged.csv").write_text("query,item,grade\n" + "".join(right))
    assert run("build", tmp_path / "shop", tmp_path / "items.csv").exit_code == 0
    return tmp_path


def test_search_leaves_out_what_is_not_relevant(run, shop):
    before = run("search", shop / "shop", "lamp", "--min-relevance", "0.5")
    assert before.exit_code == 2
    assert "never calibrated" in before.stderr
    columns = ("--column", "left=query", "--column", "right=item", "--column", "weight=grade")
    made = run("calibrate", shop / "shop", "--queries", shop / "queries.csv", "--judgements", shop / "judged.csv", *columns)
    assert made.exit_code == 0, made.stderr
    assert "30 judgements" in made.stderr
    lines = run("search", shop / "shop", "lamp", "--min-relevance", "0.4").stdout.splitlines()
    assert lines
    assert all("lamp" in line for line in lines)
    assert run("search", shop / "shop", "quantum chromodynamics", "--min-relevance", "0.6").stdout == ""
