"""The page in a real browser: search, why, facets, similar, history, compare, map; no word on the console, nothing from elsewhere."""

from contextlib import contextmanager

import httpx2
import pytest

from nearkin.collection import Collection
from nearkin.service.app import create_app
from tests.service.conftest import served, shop_of
from tests.watching import listen, until


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page") / "shop"
    with shop_of(folder) as shop:
        shop.lay_out()
    with served(create_app(folder)) as here:
        yield here


@contextmanager
def looking(browser, address, path="", **more):
    """A tab that must stay without a word on the console, a failed script, or a request to another place."""
    tab, said = browser.new_page(**more), []
    listen(tab, address, said)
    tab.goto(f"{address}/{path}")
    try:
        yield tab
        assert not said
    finally:
        tab.close()


def cards(tab):
    return tab.locator(".card").count()


def titles(tab):
    tab.wait_for_selector(".card")
    return [each.strip() for each in tab.locator(".card h3 a").all_inner_texts()]


def test_typing_finds_says_why_and_makes_an_address(browser, address):
    with looking(browser, address) as tab:
        tab.fill("#box", "shoe")
        assert "shoe" in titles(tab)[0].lower()
        assert tab.url.endswith("?q=shoe")
        tab.locator(".card button", has_text="why").first.click()
        parts = tab.locator(".why").first.inner_text()
        assert "words" in parts
        assert "score" in parts
        tab.reload()
        assert "shoe" in titles(tab)[0].lower()


def test_a_facet_narrows_and_going_back_widens(browser, address):
    with looking(browser, address, "?q=shoe+hat+boot") as tab:
        whole = len(titles(tab))
        tab.locator(".facets label", has_text="warm").locator("input").check()
        until(lambda: 0 < cards(tab) < whole)
        assert "f.tags=warm" in tab.url
        tab.go_back()
        until(lambda: cards(tab) == whole)


def test_a_thing_shows_its_fields_and_neighbours(browser, address):
    with looking(browser, address, "item/shoe") as tab:
        assert titles(tab)
        assert "–" in tab.locator(".fields").inner_text()  # a field without a value
        tab.locator(".card h3 a").first.click()
        until(lambda: not tab.evaluate("location.href").endswith("/shoe"))


def test_a_history_made_by_clicking_recommends(browser, address):
    with looking(browser, address, "?q=guitar") as tab:
        titles(tab)
        tab.locator(".card", has_text="guitar").first.locator("button", has_text="+ next").click()
        tab.locator("nav a", has_text="next").click()
        tab.wait_for_selector(".history li a")
        assert any("violin" in title.lower() for title in titles(tab))
        tab.locator(".history button", has_text="clear").click()
        tab.wait_for_selector(".empty")


@pytest.mark.parametrize(
    ("path", "asks"),
    [
        ("?q=shoe+boot&f.tags=warm&stage=words", "v1/search"),
        ("?q=hat&offset=10&where=price+%3C+100", "v1/search"),
        ("item/shoe", "v1/similar"),
        ("next?after=guitar&after=hat", "v1/recommend"),
        ("compare?q=shoe&a=words&b=meaning", "v1/compare"),
        ("compare?after=guitar&after=hat&a=words", "v1/compare"),
    ],
)
def test_every_view_has_a_twin_that_says_the_same(browser, address, path, asks):
    tab = browser.new_page()
    with tab.expect_response(lambda answer: asks in answer.url and answer.request.method == "POST") as heard:
        tab.goto(f"{address}/{path}")
    shown = heard.value.json()
    view, _, query = path.partition("?")
    twin = httpx2.get(f"{address}/{view}.json?{query}", trust_env=False).json()
    tab.close()
    assert [untimed(twin[name]) for name in shown if not name.startswith("took")] == [
        untimed(shown[name]) for name in shown if not name.startswith("took")
    ]


def untimed(value):
    """Cursors hold a signature of the whole question; all else is compared as it is."""
    return (isinstance(value, str) and len(value) > 60) or value


def test_two_stages_side_by_side(browser, address):
    with looking(browser, address, "compare?q=shoe&a=words&b=meaning") as tab:
        tab.wait_for_selector(".sides li")
        assert tab.locator(".sides h2").all_inner_texts() == ["words", "meaning"]
        assert "overlap@10" in tab.locator(".told").first.inner_text()


def test_a_history_is_compared_by_likeness_and_by_what_comes_next(browser, address):
    with looking(browser, address, "next?after=guitar&after=hat") as tab:
        titles(tab)
        tab.locator("main a", has_text="compare stages").click()
        tab.wait_for_selector(".sides .hit")
        assert tab.locator(".sides h2").all_inner_texts() == ["all", "recommend"]
        assert "after guitar, hat" in tab.locator(".told").first.inner_text()
        tab.locator("select[aria-label='stage b']").select_option("words")
        until(lambda: tab.locator(".sides h2").all_inner_texts() == ["all", "words"])
        tab.fill("#box", "shoe")
        until(lambda: tab.locator(".sides h2").all_inner_texts() == ["words", "all"])
        assert "after" not in tab.url


def test_the_map_is_drawn_and_a_lasso_lists_what_it_catches(browser, address):
    with looking(browser, address, "map?color=tags") as tab:
        tab.wait_for_selector(".legend .swatch")
        tab.get_by_text("list what is in view").click()
        tab.wait_for_selector("aside ol li")
        box = tab.locator("nk-map canvas").bounding_box()
        tab.keyboard.down("Shift")
        tab.mouse.move(box["x"] + 2, box["y"] + 2)
        tab.mouse.down()
        for x, y in ((1, 0), (1, 1), (0, 1), (0, 0)):
            tab.mouse.move(box["x"] + 2 + x * (box["width"] - 4), box["y"] + 2 + y * (box["height"] - 4))
        tab.mouse.up()
        tab.keyboard.up("Shift")
        tab.wait_for_selector("aside section[aria-label=caught]")
        assert "10 caught" in tab.locator("aside h2").inner_text()


DOT = """canvas => {
  const { data, width } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let at = 0;
  while (at < data.length / 4 && (data[4 * at] !== 0x3b || data[4 * at + 1] !== 0x76)) at++;
  return at < data.length / 4 ? [at % width, Math.floor(at / width)] : null;
}"""  # the first pixel of a dot in the first colour; null while there is none


def test_a_dot_that_is_clicked_opens_its_thing(browser, address):
    with looking(browser, address, "map?color=tags") as tab:
        tab.wait_for_selector(".legend .swatch")
        canvas = tab.locator("nk-map canvas")
        tab.wait_for_timeout(1000)  # until it is painted; read once, since Chromium warns of more
        x, y = canvas.evaluate(DOT)
        canvas.click(position={"x": x + 1, "y": y + 1})
        tab.wait_for_url(lambda url: "/item/" in url)
        assert titles(tab)


def test_keys_walk_through_hits_and_views(browser, address):
    with looking(browser, address, "?q=shoe") as tab:
        titles(tab)
        tab.keyboard.press("Escape")
        tab.keyboard.press("j")
        assert tab.evaluate("document.activeElement.className") == "card"
        tab.keyboard.press("g")
        tab.keyboard.press("c")
        tab.wait_for_url(lambda url: url.endswith("/compare"))


def test_nothing_found_and_a_filter_that_is_not_understood_are_said(browser, address):
    with looking(browser, address, "?q=shoe&where=price+%3C+0") as tab:
        tab.wait_for_selector(".empty")
    tab = browser.new_page()
    tab.goto(f"{address}/?q=shoe&where=pric+%3C+3")
    tab.wait_for_selector(".trouble")
    assert "price" in tab.locator(".trouble").inner_text()
    tab.close()


def test_a_narrow_screen_needs_no_sideways_scrolling(browser, address):
    with looking(browser, address, "?q=shoe", viewport={"width": 320, "height": 640}) as tab:
        titles(tab)
        assert tab.evaluate("document.documentElement.scrollWidth") <= 320


def test_text_that_looks_like_markup_stays_text(browser, tmp_path):
    from nearkin.tables import Catalog

    bad = "<img src=x onerror=alert(1)> <b>bold</b> שלום"
    with Collection.build(tmp_path / "shop", Catalog.of(["<i>1</i>/?#", "b"], title=[bad, "plain"])):
        pass
    with served(create_app(tmp_path / "shop")) as address, looking(browser, address, "?q=bold") as tab:
        assert titles(tab)[0] == bad
        tab.locator(".card h3 a").first.click()
        tab.wait_for_selector(".fields")
        assert bad in tab.locator(".fields").inner_text()
