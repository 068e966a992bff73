"""A history that recommends, and the faces of a thing."""

from tests.watching import cards, first_cards, until


def test_a_history_made_by_clicking_recommends_and_moves_the_list(look):
    with look("?q=vim+editor&cut=0") as tab:
        first_cards(tab)
        chosen = cards(tab)[:2]
        for name in chosen:
            tab.locator(f".card[data-id='{name}'] button", has_text="+ next").click()
        assert tab.locator(f".card[data-id='{chosen[0]}'] button", has_text="+ next").is_disabled()
        tab.locator("nav a", has_text="next (2)").click()
        before = first_cards(tab)
        assert not set(chosen) & set(before)
        tab.locator(".card").nth(3).locator("button", has_text="+ next").click()
        until(lambda: tab.locator(".history li a").count() == 3)
        until(lambda: tab.locator(".moved").count() > 0)
        assert [each in tab.url for each in (*chosen, before[3])] == [True] * 3
        address, after = tab.url, cards(tab)
        tab.locator(".history a").last.focus()
        tab.keyboard.press("Alt+ArrowLeft")
        until(lambda: tab.evaluate("location.href") != address)
        tab.goto(address)  # the history stands in the address
        until(lambda: cards(tab) == after)
        tab.locator(".history button", has_text="clear").click()
        tab.wait_for_selector(".empty")


def test_a_thing_has_three_faces(look, service):
    with look("item/vim") as tab:
        tab.wait_for_selector(".around .near")
        assert len(cards(tab)) == tab.locator(".around .near").count() == 12
        assert tab.locator(".fields dt").count() == len(service.get("/v1/items/vim")["item"])
        tab.locator(".tabs a", has_text="Code").click()
        tab.wait_for_selector(".code li")
        others = [int(text.split("shared by ")[1].replace(",", "")) for text in tab.locator(".code li").all_inner_texts()]
        assert len(others) == 4
        assert others == sorted(others, reverse=True)  # each symbol narrows down
        tab.locator(".tabs a", has_text="Hits").click()
        tab.wait_for_selector("tbody tr")
        ranks = [int(text) for text in tab.locator("tbody td:first-child").all_inner_texts()]
        assert ranks == sorted(ranks)
        tab.go_back()
        tab.wait_for_selector(".code li")


def test_a_query_that_returns_a_thing_is_told_with_its_rank(look, service):
    service.http.put("/v1/judgements", json={"query": "vi improved", "item": "vim", "grade": 3}).raise_for_status()
    with look("item/vim?face=hits") as tab:
        tab.wait_for_selector("tbody tr")
        row = tab.locator("tbody tr", has_text="vi improved")
        assert row.locator("td").last.inner_text() == "3"
        rank = int(row.locator("td").first.inner_text())
        found = service.get("/v1/search", q="vi improved", k=100)["hits"][0]
        assert found[rank - 1]["id"] == "vim"
        row.locator("a").click()
        until(lambda: "q=vi" in tab.evaluate("location.href"))
        first_cards(tab)
