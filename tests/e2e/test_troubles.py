"""What goes wrong is said in its place: a service that is gone, filters and ids nobody knows, keys that are missing or may not."""

from tests.watching import first_cards, until

BAD_GATEWAY, NOT_FOUND, UNKNOWN_KEY, MAY_NOT = (f"status of {status}" for status in (502, 404, 401, 403))


def trouble(tab):
    tab.wait_for_selector(".trouble")
    return tab.locator(".trouble").first.inner_text()


def test_a_service_that_stops_while_the_page_is_open_is_said_and_comes_back(look, service):
    with look("?q=chess&cut=0", expected=[BAD_GATEWAY]) as tab:
        first_cards(tab)
        service.proxy.cut = True
        tab.locator("#box").fill("chess engine")
        assert "cannot be reached" in trouble(tab) or "Bad Gateway" in trouble(tab)
        assert tab.locator("#box").input_value() == "chess engine"  # nothing that was typed is lost
        service.proxy.cut = False
        tab.locator(".trouble button").click()
        first_cards(tab)
        assert tab.locator(".trouble").count() == 0


def test_nothing_is_reached_while_the_network_is_away(look):
    with look("?q=chess&cut=0", expected=["ERR_INTERNET_DISCONNECTED"]) as tab:
        first_cards(tab)
        tab.context.set_offline(True)
        tab.locator("#box").fill("chess engine")
        assert "cannot be reached" in trouble(tab)
        tab.context.set_offline(False)
        tab.locator(".trouble button").click()
        first_cards(tab)


def test_a_filter_that_is_not_understood_names_what_was_meant(look):
    with look("?q=chess&cut=0&where=sectoin+%3D+'games'", expected=["status of 422"]) as tab:
        said = trouble(tab)
        assert "section" in said
        assert "request " in said  # its number, for those who look into the log
        tab.locator("#box").fill("chess engine")
        assert "section" in trouble(tab)


def test_an_id_that_nobody_has_is_said_on_every_face(look):
    for path in ("item/no-such-package", "item/no-such-package?face=code", "item/%3Cb%3E%2F%D7%A9"):
        with look(path, expected=[NOT_FOUND]) as tab:
            assert "there is no thing with the id" in trouble(tab)


def test_nothing_found_is_said_and_so_is_a_page_that_is_not_there(look):
    with look("?q=chess&where=section+%3D+'nothing'") as tab:
        tab.wait_for_selector(".hits .empty")
    with look("match/no", expected=["status of 4"]) as tab:
        trouble(tab)


def test_without_a_key_the_page_asks_for_one_and_goes_on(look, service):
    with look("?q=chess&cut=0", key=None, expected=[UNKNOWN_KEY]) as tab:
        tab.wait_for_selector("form.key")
        tab.fill("input[type=password]", "nk_000000000000_wrong")
        tab.keyboard.press("Enter")
        tab.wait_for_timeout(500)
        tab.wait_for_selector("form.key")
        tab.fill("input[type=password]", service.keys["read"])
        tab.keyboard.press("Enter")
        first_cards(tab)
        assert "key" not in tab.url


def test_a_key_to_read_may_look_and_is_told_what_it_may_not(look, service):
    with look("compare?q=chess&a=words&b=all", key="read", expected=[MAY_NOT]) as tab:
        tab.wait_for_selector(".hit")
        tab.keyboard.press("j")
        tab.keyboard.press("3")
        until(lambda: "was not judged" in tab.locator(".said").inner_text())
        assert tab.locator(".grade").count() == 0
        assert not service.get("/v1/judgements", query="chess")["judgements"]
    with look("match/0", key="read") as tab:
        tab.wait_for_selector(".pair")
        assert "Read only" in tab.locator(".pair").inner_text()
    with look("admin", key="read", expected=[MAY_NOT]) as tab:
        assert "needs a key with the scope 'write'" in trouble(tab)


def test_a_made_up_name_is_not_answered_without_a_key(service):
    """Pages of other sites that point their name here get nothing; with keys the name does not matter."""
    headers = {"Host": "packages.example", "Authorization": ""}
    assert service.http.get("/v1/info", headers=headers).status_code == 401
    assert service.http.get("/v1/info", headers={"Host": "packages.example"}).status_code == 200
