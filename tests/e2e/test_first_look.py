"""What a first look weighs as the browser counts it, with the answers that it asks for."""

from tests.watching import first_cards, until

FIRST = 120 * 1024  # bytes that come over the line, heads of answers included


def weigh(tab):
    """Hear of every answer that comes from now on: its address and its bytes as they came."""
    session, addresses, sizes = tab.context.new_cdp_session(tab), {}, {}
    session.send("Network.enable")
    session.on("Network.responseReceived", lambda told: addresses.update({told["requestId"]: told["response"]["url"]}))
    session.on("Network.loadingFinished", lambda told: sizes.update({told["requestId"]: told["encodedDataLength"]}))
    return lambda: {addresses[each]: size for each, size in sizes.items() if each in addresses}


def test_a_first_look_is_light_and_a_second_asks_for_no_file_again(look, service):
    with look("health/live") as tab:  # of the same origin, and no part of the page
        weighed = weigh(tab)
        tab.goto(service.address + "/")
        tab.wait_for_selector(".empty")
        until(lambda: any(address.endswith("v1/info") for address in weighed()))
        assert sum(weighed().values()) <= FIRST, weighed()
        tab.locator("#box").fill("text editor for latex")
        first_cards(tab)
        assert sum(size for address, size in weighed().items() if "v1/search" not in address) <= FIRST, weighed()
        before = set(weighed())
        tab.goto(service.address + "/?q=vim&cut=0")
        first_cards(tab)
        again = [address for address, size in weighed().items() if address not in before and "/static/" in address and size > 0]
        assert again == []
