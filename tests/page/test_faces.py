"""The three faces of a thing, and the line under which hardly anything fits, in a real browser."""

import httpx2
import pytest

from nearkin.collection import Collection
from nearkin.service.app import create_app
from tests.collection.test_relevance import judgements, shop
from tests.page.test_browser import cards, looking
from tests.service.conftest import served
from tests.watching import until


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faces") / "shop"
    with Collection.build(folder, shop()) as made:
        made.lay_out()
        made.calibrate(judgements(made.catalog))
    with served(create_app(folder)) as here:
        yield here


def test_three_tabs_show_neighbours_on_a_small_map_a_code_and_queries(browser, address):
    with looking(browser, address, "item/red-shoe") as tab:
        tab.wait_for_selector(".around .near")
        assert tab.locator(".around .near").count() == cards(tab) == 12
        tab.locator(".tabs a", has_text="Code").click()
        tab.wait_for_selector(".code li")
        assert tab.locator(".code li").count() == 4
        assert tab.url.endswith("?face=code")
        tab.locator(".tabs a", has_text="Hits").click()
        tab.wait_for_selector("tbody tr")
        assert "No judged query returns it" in tab.locator(".told").inner_text()
        tab.go_back()
        tab.wait_for_selector(".code li")
        tab.locator("section li a").first.click()
        until(lambda: "/item/" in tab.evaluate("location.href") and "red-shoe" not in tab.evaluate("location.href"))


def test_a_dot_of_the_small_map_leads_to_its_thing(browser, address):
    with looking(browser, address, "item/red-shoe?face=neighbours") as tab:
        tab.wait_for_selector(".around .near")
        tab.locator(".around a").first.focus()
        tab.keyboard.press("Enter")
        until(lambda: "/item/" in tab.evaluate("location.href") and "red-shoe" not in tab.evaluate("location.href"))


def test_the_list_ends_at_the_cut_until_more_is_asked_for(browser, address):
    told = httpx2.get(f"{address}/.json", params={"q": "a lamp please"}, trust_env=False).json()
    rank = told["cuts"][0]["rank"]
    assert 0 < rank < 10
    with looking(browser, address, "?q=a+lamp+please") as tab:
        tab.wait_for_selector(".cut")
        assert cards(tab) == rank
        assert "fewer than 1 in 20 fit" in tab.locator(".cut").inner_text()
        assert f"{rank} above the cut" in tab.locator(".told").first.inner_text()
        tab.locator(".cut button").click()
        until(lambda: cards(tab) == len(told["hits"][0]))
        assert tab.url.endswith("cut=0")
        tab.locator(".cut button", has_text="hide").click()
        until(lambda: cards(tab) == rank)


def test_what_fits_nothing_says_so_above_the_line(browser, address):
    with looking(browser, address, "?q=quantum+chromodynamics+of+hadrons") as tab:
        tab.wait_for_selector(".cut")
        assert cards(tab) == 0


def test_a_thing_is_compared_by_two_stages(browser, address):
    with looking(browser, address, "item/red-shoe") as tab:
        tab.locator("a", has_text="compare stages").click()
        tab.wait_for_selector(".hit")
        assert "red-shoe" in tab.locator(".told").first.inner_text()
        assert tab.locator(".grades").count() == 0  # a thing is no query that could be judged
