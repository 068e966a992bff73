"""A tab of which every word on the console, every failed script and every request to another place is a failure."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--host-resolver-rules=MAP *.example 127.0.0.1"]
# Runs before every script of the page; what the policy forbade is said on the console, where it fails the test.
HEARD = (
    "addEventListener('securitypolicyviolation', (event) => console.error(`forbidden: ${event.violatedDirective} ${event.blockedURI}`));"
)
KEYED = "try { sessionStorage.setItem('nearkin-key', %r) } catch {}"
PATIENCE_S = 60  # the machine may be busy


def listen(tab: Any, address: str, said: list[str]) -> None:
    """Write down what is said, and what is asked of others."""
    own = (f"{address}/", "data:", "blob:")
    tab.on("console", lambda told: said.append(told.text) if told.type in ("error", "warning") else None)
    tab.on("pageerror", lambda error: said.append(f"failed script: {error}"))
    tab.on("request", lambda asked: None if asked.url.startswith(own) else said.append(f"foreign: {asked.url}"))


@contextmanager
def tab_of(browser: Any, address: str, path: str = "", *, key: str | None, expected: Sequence[str] = (), **more: Any) -> Iterator[Any]:
    """A tab with a key, in a context of its own. `expected`: patterns; what the console may say, each of which it must say."""
    context, said = browser.new_context(**more), []
    context.set_default_timeout(PATIENCE_S * 1000)
    context.add_init_script(HEARD + (KEYED % key if key else ""))
    tab = context.new_page()
    listen(tab, address, said)
    tab.goto(f"{address}/{path}")
    try:
        yield tab
        strange = [text for text in said if not any(re.search(each, text) for each in expected)]
        assert not strange, strange
        silent = [each for each in expected if not any(re.search(each, text) for text in said)]
        assert not silent, (silent, said)
    finally:
        context.close()


def until(holds: Callable[[], Any], seconds: float = PATIENCE_S) -> None:
    """Wait until this holds; the page's policy lets no test run a script of its own there."""
    stop = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < stop, "it did not come to hold"
        time.sleep(0.05)


def cards(tab: Any) -> list[str]:
    """The ids of the hits that are shown."""
    return tab.locator(".card").evaluate_all("all => all.map(each => each.dataset.id)")


def first_cards(tab: Any) -> list[str]:
    """The same, once there are some."""
    tab.wait_for_selector(".card")
    return cards(tab)
