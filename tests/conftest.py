"""Shared by all tests: shape checks while testing, and real data where NEARKIN_DATA points to it."""

import os
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

from tests.watching import CHROMIUM, FLAGS

# Steps this small are slower on several threads, and many times slower where other tests run beside; xdist's workers begin with it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Shapes and types in the annotations of these rooms are checked at every call while testing (kernels compiled by numba are not).
CHECKED = ("nearkin.metrics", "nearkin.losses", "nearkin.worlds")
install_import_hook(CHECKED, "beartype.beartype").__enter__()


def data_folder(name: str) -> Path | None:
    """Where a real data set lies, or None."""
    for root in filter(None, os.environ.get("NEARKIN_DATA", "").split(os.pathsep)):
        if (Path(root) / name).is_dir():
            return Path(root) / name
    return None


@pytest.fixture
def need_data():
    """Skip the test unless these real data sets are there."""

    def need(*names: str) -> None:
        lacking = [name for name in names if data_folder(name) is None]
        if lacking:
            pytest.skip(f"real data not here: {', '.join(lacking)} (set NEARKIN_DATA to the folder that holds them)")

    return need


@pytest.fixture(scope="module")
def browser():
    """Debian's chromium; of one module alone, since while playwright runs no other test of the process can begin an event loop."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright drives the browser")
    if CHROMIUM is None:
        pytest.skip("these tests need Debian's chromium")
    with playwright.sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()
