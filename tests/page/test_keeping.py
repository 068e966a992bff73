"""Papers, the view of those who keep the collection, the request console and the switch of the keys, in a real browser."""

import shutil

import httpx2
import pytest

from nearkin.collection import Collection
from nearkin.service.app import create_app
from nearkin.service.settings import Settings
from tests.page.test_browser import looking
from tests.service.conftest import served, shop_of
from tests.watching import until


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keeping") / "shop"
    shop_of(folder).close()
    return folder


@pytest.fixture(scope="module")
def address(shop, tmp_path_factory):
    proofs = tmp_path_factory.mktemp("proofs")
    for name in ("bebr.json", "muvera.json", "muvera.png"):
        shutil.copy(f"proofs/{name}", proofs / name)
    with served(create_app(shop, settings=Settings(proofs=str(proofs)))) as here:
        yield here


def test_papers_are_listed_narrowed_and_opened(browser, address):
    with looking(browser, address, "papers") as tab:
        tab.wait_for_selector("tbody tr")
        assert tab.locator("tbody tr").count() == 71
        tab.get_by_role("button", name="did not hold").click()
        until(lambda: tab.locator("tbody tr").count() == 1)
        assert "verdict=does+not+hold" in tab.url
        tab.locator("tbody a", has_text="muvera").click()
        tab.wait_for_selector("img.curve")
        assert tab.locator("img.curve").evaluate("img => img.decode().then(() => img.naturalWidth)") > 100
        assert "nearkin reproduce muvera" in tab.locator(".copied pre").first.inner_text()
        assert tab.locator("tbody tr").count() > 3
        tab.locator("summary").click()
        assert '"figures"' in tab.locator("details pre").inner_text()


def test_a_job_is_begun_followed_and_cancelled(browser, address):
    with looking(browser, address, "admin") as tab:
        tab.wait_for_selector("section[aria-label=jobs]")
        assert "never drawn" in tab.locator("section[aria-label=versions]").inner_text()
        tab.get_by_role("button", name="layout").click()
        until(lambda: "running" not in (said := tab.locator(".job").first.inner_text()) and "queued" not in said, 120)
        assert "done" in tab.locator(".job h3").first.inner_text(), tab.locator(".job").first.inner_text()
        until(lambda: "10 things" in tab.locator("section[aria-label=versions]").inner_text())
        tab.get_by_role("button", name="tune").click()
        tab.locator(".job", has_text="tune").get_by_role("button", name="cancel").click()
        until(lambda: "cancelled" in tab.locator(".job", has_text="tune").inner_text(), 30)


def test_the_first_key_is_shown_once_and_used_and_others_are_taken_back(browser, tmp_path):
    with Collection.open(_shop(tmp_path)):
        pass
    with served(create_app(tmp_path / "shop")) as address, looking(browser, address, "admin") as tab:
        tab.fill("form.make input[name=name]", "keeper")
        tab.get_by_role("button", name="make a key").click()
        tab.wait_for_selector("section[aria-label=keys] .copied pre")
        assert tab.locator("section[aria-label=keys] .copied pre").inner_text().startswith("nk_")
        until(lambda: "keeper" in tab.locator("section[aria-label=keys] tbody").inner_text())
        tab.fill("form.make input[name=name]", "guest")
        tab.get_by_role("button", name="make a key").click()
        until(lambda: tab.locator("section[aria-label=keys] tbody tr").count() == 2)
        tab.get_by_role("button", name="revoke guest").click()
        until(lambda: tab.locator("section[aria-label=keys] tbody tr").count() == 1)


def _shop(folder):
    shop_of(folder / "shop").close()
    return folder / "shop"


def test_the_request_is_shown_in_three_ways_and_can_be_taken_along(browser, address):
    with looking(browser, address, "?q=it's+a+shoe") as tab:
        tab.wait_for_selector(".card")
        tab.get_by_role("button", name="the request behind this page").click()
        shown = tab.locator("dialog pre")
        assert shown.inner_text().startswith("curl -s '")
        assert "it'\\''s a shoe" in shown.inner_text()
        tab.get_by_role("button", name="Python").click()
        assert "urlopen(request)" in shown.inner_text()
        assert '"explain": True' in shown.inner_text()
        tab.get_by_role("button", name="JSON").click()
        assert shown.inner_text().startswith("POST v1/search")
        tab.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
        tab.get_by_role("button", name="copy", exact=True).click()
        until(lambda: tab.locator("dialog [role=status]").inner_text() != "")
        assert tab.evaluate("getSelection().toString()").startswith("POST v1/search")
        tab.keyboard.press("Escape")
        until(lambda: tab.locator("dialog").count() == 0)


def test_letters_can_be_switched_off(browser, address):
    context = browser.new_context()
    with looking(context, address, "papers") as tab:
        tab.wait_for_selector("tbody tr")
        tab.keyboard.press("?")
        tab.wait_for_selector("dialog")
        assert "G P" in tab.locator("dialog").inner_text()
        tab.locator("dialog input[type=checkbox]").uncheck()
        tab.keyboard.press("Escape")
        until(lambda: tab.locator("dialog").count() == 0)
        for key in ("g", "s", "?"):
            tab.keyboard.press(key)
        assert tab.url.endswith("/papers")
        assert tab.locator("dialog").count() == 0
        tab.reload()  # it is remembered
        tab.wait_for_selector("tbody tr")
        tab.keyboard.press("?")
        assert tab.locator("dialog").count() == 0
        tab.get_by_role("button", name="keys and settings").click()
        tab.locator("dialog input[type=checkbox]").check()
        tab.keyboard.press("Escape")
        until(lambda: tab.locator("dialog").count() == 0)
        tab.keyboard.press("g")
        tab.keyboard.press("a")
        until(lambda: tab.evaluate("location.href").endswith("/admin"))
    context.close()


def test_what_comes_next_can_be_made_less_alike(browser, address):
    with looking(browser, address, "next?after=guitar") as tab:
        tab.wait_for_selector(".card")
        with tab.expect_response(lambda answer: "v1/recommend" in answer.url) as heard:
            tab.locator("select").select_option("0.9")
        assert tab.url.endswith("next?after=guitar&diversity=0.9")
        shown = heard.value.json()["hits"]
        assert httpx2.get(f"{address}/next.json?after=guitar&diversity=0.9", trust_env=False).json()["hits"] == shown
        tab.locator(".card").first.get_by_role("button", name="why").click()
        tab.wait_for_selector(".why")
        assert "guitar" in tab.locator(".why").inner_text()


def test_a_job_is_asked_for_again_and_again_where_nothing_is_told(browser, address):
    tab = browser.new_page()  # what fails is said on the console
    tab.route("**/events", lambda route: route.fulfill(status=503))
    tab.goto(f"{address}/admin")
    tab.get_by_role("button", name="tune").click()
    with tab.expect_response(lambda answer: "/v1/jobs/" in answer.url and not answer.url.endswith("/events"), timeout=30_000):
        tab.locator(".job", has_text="tune").first.get_by_role("button", name="cancel").wait_for()
    tab.locator(".job", has_text="tune").first.get_by_role("button", name="cancel").click()
    until(lambda: "cancelled" in tab.locator(".job", has_text="tune").first.inner_text(), 30)
    tab.close()
