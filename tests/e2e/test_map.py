"""The map of all packages: a box and a lasso caught by the pointer, keys, dots that open their thing; colour by section."""

from itertools import pairwise

from tests.watching import cards, until

WIDE = {"width": 1280, "height": 900}
DOT = """canvas => {
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const { data, width } = copy.getImageData(0, 0, canvas.width, canvas.height);
  const middle = Math.floor(canvas.height / 2) * width;
  const dot = (at) => data[4 * at + 3] === 255 && data[4 * at] === 0x3b && data[4 * at + 1] === 0x76;
  for (let at = middle; at < data.length / 4; at++) if (dot(at)) return [at % width, Math.floor(at / width)];
  return null;
}"""  # a pixel of a dot in the first colour


def drawn(tab):
    tab.wait_for_selector(".legend .swatch")
    canvas = tab.locator("nk-map canvas")
    until(lambda: canvas.evaluate(DOT))
    return canvas


def drag(tab, canvas, corners):
    """Shift and drag along these corners, given in shares of the canvas."""
    box = canvas.bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    tab.keyboard.down("Shift")
    tab.mouse.move(*places[0])
    tab.mouse.down()
    for _, there in pairwise(places):
        tab.mouse.move(*there, steps=4)
    tab.mouse.up()
    tab.keyboard.up("Shift")


def caught(tab):
    """How many are caught, and the first of them."""
    tab.wait_for_selector("aside section[aria-label=caught] li")
    return int(tab.locator("aside h2").inner_text().split()[0].replace(",", "")), tab.locator("aside ol li").all_inner_texts()


def test_the_map_shows_everything_and_a_lasso_lists_what_it_catches(look):
    with look("map?color=section", viewport=WIDE) as tab:
        canvas = drawn(tab)
        assert "24,796 things" in tab.locator("nk-map ~ .told").inner_text()
        drag(tab, canvas, [(0.01, 0.01), (0.99, 0.01), (0.99, 0.99), (0.01, 0.99), (0.01, 0.01)])
        whole, _ = caught(tab)
        assert whole == 24_796
        drag(tab, canvas, [(0.4, 0.4), (0.6, 0.4), (0.5, 0.6), (0.4, 0.4)])  # a triangle holds about half of its box
        until(lambda: caught(tab)[0] != whole)
        triangle, listed = caught(tab)
        assert len(listed) == min(50, triangle)
        drag(tab, canvas, [(0.4, 0.4), (0.6, 0.4), (0.6, 0.6), (0.4, 0.6), (0.4, 0.4)])
        until(lambda: caught(tab)[0] != triangle)
        assert 0 < triangle < caught(tab)[0] < whole
        tab.locator("aside ol a").first.click()
        until(lambda: "/item/" in tab.evaluate("location.href"))


def test_a_dot_that_is_clicked_opens_its_thing(look):
    with look("map?color=section", viewport=WIDE) as tab:
        canvas = drawn(tab)
        x, y = canvas.evaluate(DOT)
        canvas.hover(position={"x": x, "y": y})
        until(lambda: "24,796" not in tab.locator("nk-map ~ .told").inner_text())
        canvas.click(position={"x": x, "y": y})
        until(lambda: "/item/" in tab.evaluate("location.href") and cards(tab))


def test_keys_alone_move_the_map_and_list_what_is_in_view(look):
    with look("map", viewport=WIDE) as tab:
        tab.wait_for_selector("aside button")
        tab.locator("nk-map canvas").focus()
        for key in ("+", "+", "+", "ArrowLeft", "ArrowUp"):
            tab.keyboard.press(key)
        tab.locator("aside button", has_text="list what is in view").press("Enter")
        assert 0 < caught(tab)[0] < 24_796


def test_a_colour_chosen_last_stays_however_late_its_answer_comes(look, service):
    service.proxy.slow = lambda path, body: 1.0 if path.startswith("/v1/map?color=section") else 0.0
    with look("map", viewport=WIDE) as tab:
        tab.wait_for_selector(".legend select")
        tab.locator(".legend select").select_option("section")
        until(lambda: tab.evaluate("location.href").endswith("color=section"))
        tab.locator(".legend select").select_option("tags")
        until(lambda: tab.evaluate("location.href").endswith("color=tags"))
        tab.wait_for_selector(".legend .swatch")
        tab.wait_for_timeout(1500)
        assert "::" in tab.locator(".legend .swatch").first.inner_text()  # as tags are written
