"""Views that name the version they answer from: the bar over those that are older than the collection, and links to take along."""

import httpx2
import pytest

from nearkin.service.app import create_app
from tests.page.test_browser import looking
from tests.service.conftest import served, shop_of
from tests.watching import until


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("versions") / "shop"
    shop_of(folder).close()
    with served(create_app(folder)) as here:
        priced(here, 77)
        yield here


def priced(address, price):
    """Write a version in which the boot costs this; its number."""
    return httpx2.patch(f"{address}/v1/items/boot", json={"price": price}, trust_env=False).raise_for_status().json()["version"]


def version(address):
    return httpx2.get(f"{address}/version", trust_env=False).json()["catalogue"]


@pytest.mark.parametrize("path", ["?q=boot&v=1", "item/boot?v=1", "item/boot?face=hits&v=1", "next?after=boot&v=1", "compare?q=boot&v=1"])
def test_an_older_answer_says_so_and_leads_to_the_newest(browser, address, path):
    with looking(browser, address, path) as tab:
        tab.wait_for_selector(".stale")
        assert tab.locator(".stale").inner_text().startswith(f"answered from version 1; newest is {version(address)}")
        tab.locator(".stale button").click()
        tab.wait_for_selector(".stale", state="detached")
        assert "v=1" not in tab.url


def test_a_thing_is_shown_as_it_was(browser, address):
    with looking(browser, address, "item/boot?v=1") as tab:
        tab.wait_for_selector(".fields")
        assert "77" not in tab.locator(".fields").inner_text()
        tab.locator(".tabs a", has_text="Hits").click()
        tab.wait_for_selector("tbody tr")
        assert "v=1" in tab.url
        tab.locator(".stale button").click()
        until(lambda: "77" in tab.locator(".fields").inner_text())


def test_what_is_written_while_the_view_is_open_is_told_on_coming_back(browser, address):
    with looking(browser, address, "?q=boot") as tab:
        tab.wait_for_selector(".card")
        assert tab.locator(".stale").count() == 0
        now = priced(address, 77)
        tab.evaluate("dispatchEvent(new Event('visibilitychange'))")
        tab.wait_for_selector(".stale")
        assert f"newest is {now}" in tab.locator(".stale").inner_text()
        tab.locator(".stale button").click()
        until(lambda: tab.locator(".card").count() and f"version {now}" in tab.locator(".told").first.inner_text())
        assert tab.locator(".stale").count() == 0


def test_a_link_to_take_along_names_the_version(browser, address):
    now = version(address)
    with looking(browser, address, "?q=boot&stage=words") as tab:
        tab.wait_for_selector(".card")
        tab.locator("button", has_text="copy link").click()
        link = tab.locator(".link output").inner_text()
        assert link == f"{address}/?q=boot&stage=words&v={now}"
        until(lambda: "cop" in tab.locator(".link small").inner_text())
        tab.fill("#box", "shoe")
        tab.wait_for_selector(".link", state="detached")
    priced(address, 77)
    with looking(browser, address, link.removeprefix(f"{address}/")) as tab:
        tab.wait_for_selector(".stale")
        assert f"answered from version {now}" in tab.locator(".stale").inner_text()


def test_a_view_that_has_no_version_gives_its_plain_address(browser, address):
    with looking(browser, address, "eval?metric=MRR") as tab:
        tab.locator("button", has_text="copy link").click()
        assert tab.locator(".link output").inner_text() == f"{address}/eval?metric=MRR"
