"""For everyone: axe in every view, light and dark; narrow screens; the keyboard alone; no clipboard and no secure context."""

import hashlib
import json
from pathlib import Path

import pytest

from tests.watching import cards, first_cards, until

VENDOR = Path(__file__).parent / "vendor"
AXE = VENDOR / "axe.min.js"
VIEWS = {  # a path, and what stands there when it is whole
    "search": ("?q=chess&cut=0", ".card"),
    "item": ("item/vim", ".around .near"),
    "code": ("item/vim?face=code", ".code li"),
    "hits": ("item/vim?face=hits", "tbody tr"),
    "next": ("next?after=vim&after=emacs", ".card"),
    "compare": ("compare?q=chess&a=words&b=meaning", ".hit"),
    "matches": ("match?band=sure", ".pairs .card"),
    "pair": ("match/0?band=sure", ".waterfall"),
    "map": ("map?color=section", ".legend .swatch"),
    "eval": ("eval", "main.eval p"),
    "papers": ("papers", "tbody tr"),
    "admin": ("admin", "section[aria-label=keys] tbody tr"),
}
ASKS = """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations
  .filter(({ impact }) => impact === "serious" || impact === "critical")
  .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html }) => html.slice(0, 160)).join(" | ")}`)"""


def test_axe_is_the_file_of_its_lock():
    lock = json.loads((VENDOR / "LOCK.json").read_text())["axe.min.js"]
    assert hashlib.sha256(AXE.read_bytes()).hexdigest() == lock["sha256"]


@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing_serious_in_light_or_dark(look, view):
    path, whole = VIEWS[view]
    with look(path, color_scheme="light") as tab:
        tab.wait_for_selector(whole)
        if view == "search":
            tab.locator(".card button", has_text="why").first.click()
        tab.evaluate(AXE.read_text())
        found = {"light": tab.evaluate(ASKS)}
        tab.emulate_media(color_scheme="dark")
        found["dark"] = tab.evaluate(ASKS)
    assert found == {"light": [], "dark": []}


@pytest.mark.parametrize("width", [390, 320])
def test_narrow_screens_need_no_sideways_scrolling(look, width):
    size = {"width": width, "height": 700}
    with look(viewport=size, has_touch=True, is_mobile=True) as tab:
        for path, whole in VIEWS.values():
            tab.evaluate("path => { history.pushState(null, '', path || './'); dispatchEvent(new PopStateEvent('popstate')) }", path)
            tab.wait_for_selector(whole)
            assert tab.evaluate("document.documentElement.scrollWidth") <= width, path


def test_the_keyboard_alone_searches_opens_adds_and_goes_from_view_to_view(look):
    with look("?cut=0") as tab:
        tab.wait_for_selector(".empty")
        tab.keyboard.press("/")
        tab.keyboard.type("text editor for latex")
        first_cards(tab)
        tab.keyboard.press("Enter")
        tab.keyboard.press("Escape")
        tab.keyboard.press("j")
        tab.keyboard.press("w")
        tab.wait_for_selector(".why")
        tab.keyboard.press("a")
        tab.keyboard.press("j")
        second = cards(tab)[1]
        assert tab.evaluate("document.activeElement.dataset.id") == second
        tab.keyboard.press("Enter")
        until(lambda: tab.evaluate("location.href").endswith(f"/item/{second}"))
        for letter, view in (("n", "next"), ("c", "compare"), ("h", "match"), ("m", "map"), ("e", "eval"), ("p", "papers"), ("a", "admin")):
            tab.wait_for_selector("main")
            if view == "match":  # out of the box of the view before
                tab.keyboard.press("Escape")
            tab.keyboard.press("g")
            tab.keyboard.press(letter)
            until(lambda view=view: f"/{view}" in tab.evaluate("location.href"))
        tab.keyboard.press("?")
        tab.wait_for_selector("dialog[open]")
        tab.keyboard.press("Escape")
        until(lambda: tab.locator("dialog").count() == 0)


def test_tab_reaches_all_that_can_be_done_with_a_hit_and_shows_where_it_is(look):
    with look("?q=chess&cut=0") as tab:
        first_cards(tab)
        tab.locator(".card h3 a").first.focus()
        reached = []
        for _ in range(4):
            reached.append(tab.evaluate("document.activeElement.textContent"))
            assert tab.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
            tab.keyboard.press("Tab")
        assert reached[1:] == ["similar", "+ next", "why"]


def test_over_plain_http_under_another_name_nothing_is_missed(look):
    with look("?q=chess&cut=0") as tab:
        first_cards(tab)
        absent = "[isSecureContext, 'gpu' in navigator, 'clipboard' in navigator, 'randomUUID' in crypto, 'subtle' in crypto]"
        assert tab.evaluate(absent) == [False] * 5
        tab.get_by_role("button", name="the request behind this page").click()
        tab.get_by_role("button", name="copy", exact=True).click()
        until(lambda: tab.evaluate("getSelection().toString()").startswith("curl -s "))
