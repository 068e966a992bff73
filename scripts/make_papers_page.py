"""Write docs/papers.md from cards and proofs, the short proofs that come with the library, and the page of reference runs.

`--check` only compares.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from nearkin.recipes.beir_scores import matrix_page
from nearkin.recipes.outcomes import SHORT, short_forms
from nearkin.recipes.papers_page import papers_page

ROOT = Path(__file__).resolve().parent.parent


def pages() -> dict[Path, str]:
    """What each page should hold."""
    proofs = ROOT / "proofs"
    found = {
        ROOT / "docs" / "papers.md": papers_page(proofs),
        ROOT / "src" / "nearkin" / "recipes" / SHORT: short_forms(proofs),
    }
    proof = proofs / "brewing-beir.json"
    if proof.exists():
        figures = json.loads(proof.read_text(encoding="utf-8"))["figures"]
        scores = {name.removesuffix(": scores"): value for name, value in figures.items() if name.endswith(": scores")}
        found[ROOT / "docs" / "reference-runs.html"] = matrix_page(scores)
    return found


def main() -> int:
    stale = [path for path, text in pages().items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv[1:]:
        print(*(f"{path.relative_to(ROOT)} is not up to date; run: python scripts/make_papers_page.py" for path in stale), sep="\n", end="")
        return 1 if stale else 0
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
