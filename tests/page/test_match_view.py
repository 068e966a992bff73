"""The view of matches in a real browser: bands, one pair, its bars, judging by keys; nothing on the console."""

import json

import httpx2
import pytest

from nearkin import worlds
from nearkin.collection import Collection
from nearkin.service.app import create_app
from nearkin.service.keys import Keys
from nearkin.service.matchwork import keep_match
from nearkin.service.state import State
from tests.page.test_browser import looking
from tests.service.conftest import served
from tests.watching import until

WORLD = worlds.two_lists(left=60, right=100, overlap=0.6, typos=0.3, seed=3)
LONG = "a very long word by word description " * 300
NOTES = [None, "שלום <b>עולם</b> ספר", LONG, "", "\U0001f3ba trumpet"]


def with_notes(catalog):
    return catalog.with_fields({"note": "text"}, note=[NOTES[row % len(NOTES)] for row in range(len(catalog))])


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("match-view") / "books"
    with Collection.build(folder, with_notes(WORLD.items)) as books:
        keep_match(books, with_notes(WORLD.queries), "rows.csv", None, one_to_one=True, say=lambda *_, **__: None)
    with served(create_app(folder)) as here:
        yield here


@pytest.fixture
def judged(address):
    """No pair is judged before or after."""
    yield
    for pair in range(60):
        httpx2.put(f"{address}/v1/matches/newest/pairs/{pair}", json={"verdict": None}, trust_env=False)


def told(tab):
    tab.wait_for_selector(".pair .steps .told")
    return tab.locator(".pair .steps .told").inner_text()


def test_bands_count_and_the_slider_moves_them(browser, address):
    with looking(browser, address, "match?band=sure") as tab:
        tab.wait_for_selector(".pairs .card")
        assert "rows.csv with this collection: 60 rows" in tab.locator(".told").first.inner_text()
        before = tab.locator(".bands").inner_text()
        assert next(each.split()[0] for each in before.splitlines() if each.strip()) == "sure"
        tab.locator(".threshold input").focus()
        for _ in range(9):
            tab.keyboard.press("ArrowRight")
        until(lambda: "threshold=0.99" in tab.evaluate("location.href"))
        tab.locator(".bands a", has_text="no").click()
        until(lambda: "band=no" in tab.evaluate("location.href"))
        tab.wait_for_selector(".pairs .card")


def test_a_pair_shows_both_sides_what_differs_and_bars_to_its_score(browser, address):
    with looking(browser, address, "match?band=sure") as tab:
        tab.locator(".pairs .card h3 a").first.click()
        assert "pair 1 of" in told(tab)
        head = tab.locator(".both").inner_text()
        assert "name" in head
        assert "–" in head  # a field without a value
        assert tab.locator(".waterfall rect").count() >= 3
        words = tab.locator(".waterfall").get_attribute("aria-label")
        one = httpx2.get(f"{address}/v1/matches/newest/pairs/0", trust_env=False).json()
        assert words.startswith("start ")
        assert f"+{one['score']:.2f}" in words or f"+{one['score']:.1f}" in words
        tab.locator("a[rel=next]").click()
        until(lambda: "pair 2 of" in told(tab))


def test_pairs_are_judged_by_keys_one_after_another_and_taken_back(browser, address, judged):
    with looking(browser, address, "match/0?band=sure") as tab:
        for key, place in (("s", 2), ("d", 3), ("Space", 4)):
            told(tab)
            tab.keyboard.press(key)
            until(lambda place=place: f"pair {place} of" in told(tab))
        lines = httpx2.get(f"{address}/v1/matches/newest/judgements", trust_env=False).text.splitlines()
        assert [json.loads(line)["verdict"] for line in lines] == ["same", "different", "unsure"]
        tab.keyboard.press("u")
        until(lambda: "pair 3 of" in told(tab))
        until(lambda: len(httpx2.get(f"{address}/v1/matches/newest/judgements", trust_env=False).text.splitlines()) == 2)
        tab.keyboard.press("g")
        tab.keyboard.press("s")  # to the search, no judgement
        until(lambda: tab.evaluate("location.href") == f"{address}/")
        tab.keyboard.press("Escape")  # out of the box
        tab.keyboard.press("g")
        tab.keyboard.press("h")
        tab.wait_for_selector(".judged")
        assert "judged: 1 same, 1 different, 0 unsure" in tab.locator(".judged").inner_text()
        with tab.expect_download() as saved:
            tab.locator(".judged button").click()
        assert saved.value.suggested_filename.endswith(".ndjson")


def test_long_right_to_left_and_missing_texts_stay_in_their_places(browser, address):
    pairs = httpx2.get(f"{address}/v1/matches/newest?band=sure&k=60&explain=true", trust_env=False).json()["pairs"]
    hebrew = next(each["pair"] for each in pairs if "<b>" in (each["right_fields"]["note"] or ""))
    long = next(each["pair"] for each in pairs if LONG in (each["right_fields"]["note"], each["left_fields"]["note"]))
    for size in ({"width": 320, "height": 640}, {"width": 1200, "height": 800}):
        with looking(browser, address, f"match/{hebrew}", viewport=size) as tab:
            told(tab)
            assert "<b>עולם</b>" in tab.locator(".both").inner_text()
            assert tab.evaluate("document.documentElement.scrollWidth") <= size["width"]
        with looking(browser, address, f"match/{long}", viewport=size) as tab:
            told(tab)
            short = len(tab.locator(".both").inner_text())
            tab.get_by_text("long texts whole").click()
            until(lambda short=short, tab=tab: len(tab.locator(".both").inner_text()) > short + 5_000)
            assert tab.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_the_twins_say_what_the_views_show(browser, address):
    for path, asks in (("match?band=no&threshold=0.8&page=2", "v1/matches/newest?"), ("match/3?threshold=0.7", "/pairs/3")):
        tab = browser.new_page()
        with tab.expect_response(lambda answer, asks=asks: asks in answer.url) as heard:
            tab.goto(f"{address}/{path}")
        view, _, query = path.partition("?")
        assert httpx2.get(f"{address}/{view}.json?{query}", trust_env=False).json() == heard.value.json()
        tab.close()
    assert httpx2.get(f"{address}/match.json?page=0", trust_env=False).status_code == 422


def test_no_match_yet_shows_the_command_and_a_reader_may_only_look(browser, tmp_path):
    with Collection.build(tmp_path / "books", WORLD.items) as books:
        keep_match(books, WORLD.queries, "rows.csv", None, one_to_one=True, say=lambda *_, **__: None)
        state = State(tmp_path / "books")
        key = Keys(state).add(["read"])
        state.close()
        app = create_app(tmp_path / "books")
        with served(app) as address:
            tab = browser.new_page()
            tab.goto(f"{address}/match/0")
            tab.fill("input[type=password]", key)
            tab.keyboard.press("Enter")
            assert "pair 1 of" in told(tab)
            assert "Read only" in tab.locator(".pair").inner_text()
            assert tab.locator(".judging").count() == 0
            tab.close()
    with Collection.build(tmp_path / "new", WORLD.items):
        pass
    with served(create_app(tmp_path / "new")) as address:
        tab = browser.new_page()
        tab.goto(f"{address}/match")
        tab.wait_for_selector(".empty code")
        assert "nearkin match PLACE --keep" in tab.locator(".empty").inner_text()
        tab.close()
