"""The code in the documentation runs, page by page, from top to bottom."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", [page for page in PAGES if BLOCK.search(page.read_text())], ids=lambda page: page.stem)
def test_the_code_on_the_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = page.read_text()
    source = "".join("\n" * (text[: match.start()].count("\n") + 1 - before) + match[1] for match, before in _with_lines_before(text))
    exec(compile(source, str(page), "exec"), {"__name__": "__main__"})


def _with_lines_before(text):
    """Each block, and how many lines the blocks before it and their padding took, so that line numbers stay true."""
    done = 0
    for match in BLOCK.finditer(text):
        yield match, done
        done = text[: match.end(1)].count("\n")


def test_links_between_pages_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
