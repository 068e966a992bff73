"""Search, facets, reasons, what is similar, late answers and addresses that bear a version, over all Debian packages."""

import random
import re

from tests.watching import cards, first_cards, until

HEBREW = {"name": "שולחן כתיבה", "short": "עורך טקסט לכתיבה <b>עברית</b>", "section": "editors"}


def test_typing_finds_among_all_packages_and_says_why(look):
    with look() as tab:
        tab.wait_for_selector(".empty")
        assert "24,796 things" in tab.locator("header small").inner_text()
        tab.locator("#box").press_sequentially("text editor for latex")
        until(lambda: "q=text+editor+for+latex" in tab.evaluate("location.href"))
        tab.wait_for_selector("mark")
        until(lambda: any("tex" in each for each in cards(tab)))
        assert re.match(r"24,796 fit the filter; \d+ above the cut; \d+ ms; version 1", tab.locator(".told").first.inner_text())
        tab.locator(".card button", has_text="why").first.click()
        said = tab.locator(".why").first.inner_text()
        parts = [float(value.replace("−", "-")) for value in re.findall(r"[+−][\d.]+(?:e-?\d+)?", said)]
        assert abs(sum(parts[:-1]) - parts[-1]) < 0.01, said
        assert "words" in said


def test_a_facet_narrows_as_its_number_says_and_going_back_widens(look, service):
    with look("?q=chess&cut=0") as tab:
        whole = first_cards(tab)
        label = tab.locator(".facets fieldset").first.locator("label").nth(1)
        value, count = label.locator("span").inner_text(), int(label.locator("small").inner_text().replace(",", ""))
        label.locator("input").check()
        until(lambda: f"f.section={value}" in tab.evaluate("location.href") and cards(tab) != whole)
        shown = service.get("/.json" + tab.url[tab.url.index("?") :])
        assert shown["total"]["relevant"] >= count > 0
        assert {hit["fields"]["section"] for hit in shown["hits"][0]} == {value}
        assert cards(tab) == [hit["id"] for hit in shown["hits"][0]]
        tab.go_back()
        until(lambda: cards(tab) == whole)


def test_pages_go_on_where_the_one_before_ended(look):
    with look("?q=python+library&cut=0") as tab:
        first = first_cards(tab)
        tab.locator(".pages button", has_text="more").click()
        until(lambda: cards(tab) != first)
        assert not set(first) & set(cards(tab))
        assert tab.locator(".card .rank").first.inner_text() == "11"
        tab.locator(".pages button", has_text="back").click()
        until(lambda: cards(tab) == first)


def test_a_hit_leads_to_what_is_similar(look):
    with look("?q=photo+editor&cut=0") as tab:
        first_cards(tab)
        tab.locator(".card .actions a", has_text="similar").first.click()
        tab.wait_for_selector(".around .near")
        until(lambda: len(cards(tab)) == 12)


def test_what_was_typed_last_wins_however_late_answers_come(look, service):
    draw, words = random.Random(0), ["c", "ch", "che", "ches", "chess"]
    waits = [1.2, 0.9, 0.6, 0.3, 0.0]
    for order in (waits, draw.sample(waits, 5)):
        slow = dict(zip([f'"queries":["{word}"]'.encode() for word in words], order, strict=True))
        service.proxy.slow = lambda path, body, slow=slow: next((wait for text, wait in slow.items() if text in body), 0.0)
        with look("?cut=0") as tab:
            tab.wait_for_selector(".empty")
            for word in words:
                tab.locator("#box").fill(word)
                tab.wait_for_timeout(60)
            first_cards(tab)
            tab.wait_for_timeout(1500)  # until the slowest would have come
            assert cards(tab) == [hit["id"] for hit in service.get("/.json", q="chess")["hits"][0]]
            assert tab.url.endswith("?q=chess&cut=0")


def test_late_answers_of_a_thing_left_do_not_show_under_another(look, service):
    service.proxy.slow = lambda path, body: 4.0 if path.startswith("/v1/items/vim") else 0.0
    with look("item/vim") as tab:
        tab.wait_for_selector("header")
        tab.evaluate("history.pushState(null, '', 'item/emacs'); dispatchEvent(new PopStateEvent('popstate'))")
        tab.wait_for_selector("h1:text-is('emacs')")
        tab.wait_for_timeout(4500)
        assert "emacs" in tab.locator(".fields").inner_text().split()
        assert "vim" not in tab.locator(".fields dd").first.inner_text()


def test_text_from_right_to_left_and_text_like_markup_stay_what_they_are(look, service):
    try:
        service.http.put("/v1/items/hebrew-editor", json=HEBREW).raise_for_status()
        with look("?q=עורך+טקסט&cut=0") as tab:
            tab.wait_for_selector(".card[data-id=hebrew-editor]")
            card = tab.locator(".card[data-id=hebrew-editor]")
            assert card.evaluate("card => getComputedStyle(card).direction") == "rtl"
            assert HEBREW["short"] in card.inner_text()
            card.locator("h3 a").click()
            tab.wait_for_selector(".fields")
            assert HEBREW["short"] in tab.locator(".fields").inner_text()
            assert "–" in tab.locator(".fields").inner_text()  # fields without a value
    finally:
        service.http.delete("/v1/items/hebrew-editor")


def test_an_address_with_a_version_goes_on_showing_it(look, service):
    version = service.get("/version")["catalogue"]
    new = {"name": "zzyzx", "short": "the zzyzx quux frobnicator", "section": "misc"}
    try:
        service.http.put("/v1/items/zzyzx", json=new).raise_for_status()
        with look("?q=zzyzx+quux&cut=0") as tab:
            assert first_cards(tab)[0] == "zzyzx"
        with look(f"?q=zzyzx+quux&cut=0&v={version}") as tab:
            tab.wait_for_selector(".told >> text=fit the filter")
            assert f"version {version}" in tab.locator(".told").first.inner_text()
            assert "zzyzx" not in cards(tab)
            tab.wait_for_selector(f".stale >> text=newest is {service.get('/version')['catalogue']}")
    finally:
        service.http.delete("/v1/items/zzyzx")
