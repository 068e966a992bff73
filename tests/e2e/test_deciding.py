"""Compare and judge, and the evaluation that comes of it; bands of a match, and pairs judged one after the other."""

from tests.watching import until

JUDGED = ("spell checker dictionary", "command line music player", "web server with modules")


def test_what_is_judged_by_keys_becomes_a_report_that_opens_its_queries(look, service):
    for query in JUDGED:
        with look(f"compare?q={query.replace(' ', '+')}&a=words&b=meaning") as tab:
            tab.wait_for_selector(".hit")
            assert "overlap@10" in tab.locator(".told").first.inner_text()
            for grade in ("3", "1", "0"):
                tab.keyboard.press("j")
                chosen = tab.evaluate("document.activeElement.dataset.id")
                tab.keyboard.press(grade)
                until(lambda chosen=chosen, grade=grade, query=query: kept(service, query).get(chosen) == int(grade))
            assert "judged 3 of" in tab.locator(".told").first.inner_text()
            tab.keyboard.press("u")
            until(lambda query=query: len(kept(service, query)) == 2)
    with look("eval") as tab:
        tab.get_by_role("button", name="Evaluate").click()
        tab.wait_for_selector("tbody a", timeout=300_000)
        tab.locator("tbody a").first.click()
        tab.wait_for_selector(".curves canvas")
        assert tab.locator("thead").first.locator("th").all_inner_texts() == ["metric", "words", "meaning", "all", "verdict"]
        tab.locator("tbody").first.locator("tr").first.locator("button").first.click()
        tab.wait_for_selector(".won-lost")
        tab.locator(".won-lost a").first.click()
        tab.wait_for_selector(".hit .grade")
        assert "compare?q=" in tab.url


def kept(service, query):
    return {each["item"]: each["grade"] for each in service.get("/v1/judgements", query=query)["judgements"]}


def test_what_moved_what_is_lost_and_what_is_new_is_marked(look, service):
    path = "compare?q=draw+diagrams&a=words&b=all"
    with look(path) as tab:
        tab.wait_for_selector(".hit")
        told = service.get(f"/{path.replace('?', '.json?')}")
        for side, name in (("a", "lost"), ("b", "new")):
            assert tab.locator(f".hit.{name}").count() == sum(hit["rank_in_other"] is None for hit in told[side]["hits"])
        assert 0 < told["overlap"] < 10


def test_bands_of_a_match_and_pairs_judged_one_after_the_other(look, service):
    told = service.get("/v1/matches/newest")
    with look("match") as tab:
        tab.wait_for_selector(".bands")
        shown = {each.split()[0]: int(each.split()[1]) for each in tab.locator(".bands a").all_inner_texts()}
        assert shown == told["bands"]
        assert sum(shown.values()) == 200
        tab.locator(".bands a", has_text="sure").click()
        tab.locator(".pairs .card h3 a").first.click()
        place(tab, 1)
        assert tab.locator(".waterfall rect").count() >= 3
        tab.keyboard.press("s")
        place(tab, 2)
        tab.keyboard.press("d")
        place(tab, 3)
        tab.keyboard.press("u")
        place(tab, 2)
        tab.locator(".steps a", has_text="all pairs").click()
        tab.wait_for_selector(".judged")
        assert "1 same, 0 different" in tab.locator(".judged").inner_text()


def place(tab, number):
    until(lambda: f"pair {number} of" in (tab.locator(".steps .told").all_inner_texts() or [""])[0])
