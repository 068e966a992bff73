"""Judging in a real browser: grades under keys, kept, that become a report whose queries open the two lists again."""

import httpx2
import pytest

from nearkin.service.app import create_app
from tests.page.test_browser import looking
from tests.service.conftest import served, shop_of
from tests.watching import until

PAIR = "a=words&b=meaning"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("judging") / "shop"
    shop_of(folder).close()
    with served(create_app(folder)) as here:
        yield here


def kept(address, query):
    told = httpx2.get(f"{address}/v1/judgements", params={"query": query}, trust_env=False).json()
    return {each["item"]: each["grade"] for each in told["judgements"]}


def judge(address, query, item, grade):
    body = {"query": query, "item": item, "grade": grade}
    assert httpx2.put(f"{address}/v1/judgements", json=body, trust_env=False).status_code == 200


def test_keys_judge_the_hit_that_is_reached_and_take_it_back(browser, address):
    with looking(browser, address, "compare?q=shoe&a=meaning&b=words") as tab:
        tab.wait_for_selector(".hit")
        first = tab.locator(".hit").first.get_attribute("data-id")
        tab.keyboard.press("j")
        tab.keyboard.press("3")
        until(lambda: kept(address, "shoe") == {first: 3})
        assert "3, could not fit better" in tab.locator(".said").inner_text()
        tab.keyboard.press("j")
        tab.keyboard.press("0")
        until(lambda: sorted(kept(address, "shoe").values()) == [0, 3])
        assert "judged 2 of" in tab.locator(".told").first.inner_text()
        tab.keyboard.press("u")
        until(lambda: kept(address, "shoe") == {first: 3})
        tab.reload()
        tab.wait_for_selector(".grade")
        assert "judged 1 of" in tab.locator(".told").first.inner_text()


def test_what_is_lost_what_is_new_and_what_moved_is_marked(browser, address):
    with looking(browser, address, f"compare?q=warm+hat&{PAIR}") as tab:
        tab.wait_for_selector(".hit")
        told = httpx2.get(f"{address}/compare.json?q=warm+hat&{PAIR}", trust_env=False).json()
        assert f"overlap@10 {told['overlap']}" in tab.locator(".told").first.inner_text()
        for side, name in (("a", "lost"), ("b", "new")):
            alone = sum(hit["rank_in_other"] is None for hit in told[side]["hits"])
            assert tab.locator(f".hit.{name}").count() == alone
        moved = [hit for side in "ab" for hit in told[side]["hits"] if hit["rank_in_other"] not in (None, hit["rank"])]
        assert tab.locator(".moved", has_text="+").count() + tab.locator(".moved", has_text="−").count() == len(moved)


def test_a_pointer_judges_too_and_search_shows_it(browser, address):
    with looking(browser, address, f"compare?q=guitar&{PAIR}") as tab:
        tab.wait_for_selector(".hit")
        tab.locator(".hit").first.hover()
        tab.locator(".hit").first.get_by_role("button", name="2, fits").click()
        until(lambda: list(kept(address, "guitar").values()) == [2])
    with looking(browser, address, "?q=guitar") as tab:
        tab.wait_for_selector(".card .grade")
        tab.keyboard.press("Escape")
        tab.keyboard.press("j")
        tab.keyboard.press("1")
        until(lambda: 1 in kept(address, "guitar").values())


def test_what_was_judged_becomes_a_report_that_leads_back_to_compare(browser, address):
    for query, item, grade in [("shoe", "shoe", 3), ("something warm", "boot", 2), ("things with strings", "violin", 3), ("hat", "hat", 3)]:
        judge(address, query, item, grade)
    with looking(browser, address, "eval") as tab:
        tab.get_by_role("button", name="Evaluate").click()
        tab.wait_for_selector("tbody a", timeout=60_000)
        tab.locator("tbody a").first.click()
        tab.wait_for_selector(".curves canvas")
        assert tab.locator("thead").first.locator("th").all_inner_texts() == ["metric", "words", "meaning", "all", "verdict"]
        assert tab.locator("tbody").first.locator("th").all_inner_texts() == ["nDCG@10", "MRR", "Recall@10", "Recall@100"]
        tab.locator("tbody").first.locator("tr").nth(1).locator("button").nth(1).click()
        until(lambda: "metric=MRR&a=meaning&b=words" in tab.evaluate("location.href"))
        tab.wait_for_selector(".won-lost")
        assert "won" in tab.locator("section[aria-label='queries won and lost'] [role=status]").first.inner_text()
        shown = tab.url
        tab.locator(".won-lost a").first.click()
        tab.wait_for_selector(".hit")
        assert "compare?q=" in tab.url
        assert "a=meaning&b=words" in tab.url
        view, query = shown.split("?")
        twin = httpx2.get(f"{view}.json?{query}", trust_env=False).json()
        body = httpx2.get(f"{address}/v1/reports/{view.split('/')[-1]}?{query}", trust_env=False).json()
        assert twin == body
        assert twin["against"]["metric"] == "MRR"


def test_before_anything_was_judged_the_view_says_how(browser, tmp_path):
    shop_of(tmp_path / "shop").close()
    with served(create_app(tmp_path / "shop")) as address, looking(browser, address, "eval") as tab:
        tab.locator(".empty a", has_text="two stages").click()
        until(lambda: tab.evaluate("location.href").endswith("/compare"))
        assert httpx2.get(f"{address}/eval.json", trust_env=False).json() == httpx2.get(f"{address}/v1/reports", trust_env=False).json()


def test_an_evaluation_that_fails_is_told(browser, tmp_path):
    shop_of(tmp_path / "shop").close()
    with served(create_app(tmp_path / "shop")) as address:
        judge(address, "hat", "hat", 3)
        made = httpx2.post(f"{address}/v1/jobs", json={"kind": "evaluate", "metrics": ["Nonsense@5"]}, trust_env=False)
        assert made.status_code == 202
        with looking(browser, address, "eval") as tab:
            tab.wait_for_selector(".trouble", timeout=60_000)
            assert "Nonsense" in tab.locator(".trouble").inner_text()


def test_a_report_is_narrowed_to_one_kind_of_queries(browser, address):
    texts = ["shoe", "boot", "hat", "guitar", "lamp", *(f"please find me one {name}" for name in ("shoe", "boot", "hat", "guitar", "lamp"))]
    queries = [{"id": f"q{at}", "text": text} for at, text in enumerate(texts)]
    judged = [{"query": each["id"], "item": each["text"].split()[-1], "grade": 1} for each in queries]
    asked = {"kind": "evaluate", "queries": queries, "judgements": judged, "metrics": ["MRR"]}
    with httpx2.Client(base_url=address, trust_env=False, timeout=30) as http:
        job = http.post("/v1/jobs", json=asked).json()["id"]
        until(lambda: http.get(f"/v1/jobs/{job}").json()["state"] == "done")
        report = http.get(f"/v1/jobs/{job}").json()["result"]["report"]
        told = http.get(f"/v1/reports/{report}").json()
    mean = next(each["mean"] for each in told["slices"][1]["figures"] if each["system"] == "meaning")
    with looking(browser, address, f"eval/{report}?metric=MRR&a=words&b=meaning") as tab:
        tab.get_by_label("kind of queries").select_option("four words or more")
        until(lambda: "slice=four+words+or+more" in tab.url)
        until(lambda: f"{mean:.3f}" in tab.locator("tbody").first.locator("tr").first.inner_text())
        said = tab.locator("section[aria-label='queries won and lost'] [role=status]").first
        until(lambda: sum(int(word) for word in said.inner_text().replace(",", "").split() if word.isdigit()) == 5)
