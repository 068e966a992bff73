"""Pictures of the page for the docs, from all Debian packages: `python -m tests.e2e.pictures`."""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.e2e.conftest import PREFIX, serving
from tests.e2e.packages import copy_to
from tests.e2e.proxy import behind
from tests.watching import CHROMIUM, FLAGS, tab_of

FOLDER = Path(__file__).parents[2] / "docs" / "images"
WIDE = {"width": 1180, "height": 760}
COLOURS = 64
VIEWS = {
    "page-search": ("?q=text+editor+for+latex&cut=0", ".card"),
    "page-item": ("item/vim", ".around .near"),
    "page-map": ("map?color=section", ".legend .swatch"),
}


def take(tab: Page, name: str, whole: str) -> None:
    """Wait until the view is there, and keep it in few colours."""
    tab.wait_for_selector(whole)
    if name == "page-search":
        tab.locator(".card button", has_text="why").first.click()
    tab.wait_for_timeout(1500)
    shot = Image.open(io.BytesIO(tab.screenshot())).convert("RGB")
    path = FOLDER / f"{name}.png"
    shot.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size / 1024:.0f} KB")


def main(wanted: list[str]) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(copy_to(Path(folder) / "packages")) as upstream,
        behind(upstream, PREFIX) as proxy,
        sync_playwright() as running,
    ):
        address = f"http://127.0.0.1:{proxy.server_port}{PREFIX}"
        browser = running.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for name, (path, whole) in VIEWS.items():
            if not wanted or name in wanted:
                with tab_of(browser, address, path, key=None, viewport=WIDE) as tab:
                    take(tab, name, whole)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
