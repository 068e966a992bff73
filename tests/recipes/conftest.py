"""One process runs all that is about one recipe, since its miniature is the dear part."""

from __future__ import annotations

from pathlib import Path

import pytest

from nearkin.recipes import recipe_files


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == Path(__file__).parent and (name := recipe_of(item)) in recipe_files():
            item.add_marker(pytest.mark.xdist_group(name))


def recipe_of(item: pytest.Item) -> str:
    """The recipe named by the test's parameter, else by its file."""
    own = item.path.stem.removeprefix("test_").replace("_", "-")
    return item.callspec.params.get("name", own) if isinstance(item, pytest.Function) and hasattr(item, "callspec") else own
