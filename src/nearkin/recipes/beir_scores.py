"""The frozen scores of the reference runs, and the page that shows all conditions with the command of each."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from html import escape

LEXICAL, NEURAL = 0.0005, 0.003  # tolerances: arithmetic alone may move a lexical run; versions of models' libraries the others

# Published runs: castorini/pyserini, docs/2cr (Lucene's analyser and BEIR's full queries), nDCG@10 and recall@100.
PUBLISHED: dict[tuple[str, str], tuple[float, float]] = {
    ("ir-scifact", "bm25-flat"): (0.679, 0.925),
    ("ir-scifact", "bm25-multifield"): (0.665, 0.908),
}
PUBLISHED_WITHIN = 0.005  # nDCG@10

# nDCG@10 and Recall@100 of our own runs, frozen.
FROZEN: dict[str, dict[str, tuple[float, float]]] = {
    "ir-cranfield": {
        "bm25-flat": (0.3576, 0.7221),
        "bm25-flat-lucene": (0.3755, 0.7314),
        "bm25-multifield": (0.3843, 0.7419),
        "bm25-multifield-lucene": (0.3923, 0.7523),
    },
    "ir-vaswani": {
        "bm25-flat": (0.4449, 0.6230),
        "bm25-flat-lucene": (0.4362, 0.6034),
        "bm25-multifield": (0.4449, 0.6230),
        "bm25-multifield-lucene": (0.4362, 0.6034),
    },
    "ir-scifact": {
        "bm25-flat": (0.6762, 0.9127),
        "bm25-flat-lucene": (0.6791, 0.9127),
        "bm25-multifield": (0.6561, 0.8987),
        "bm25-multifield-lucene": (0.6613, 0.9020),
    },
    "icecat-search": {
        "bm25-flat": (0.7326, 0.8805),
        "bm25-flat-lucene": (0.7353, 0.8889),
        "bm25-multifield": (0.6557, 0.8343),
        "bm25-multifield-lucene": (0.6497, 0.8379),
    },
}


def skipped(data: str, condition: str) -> str:
    """Why a condition is not run on a collection; empty where it is."""
    if data == "ir-miracl-yoruba" and any(part in condition for part in ("splade", "minilm", "static")):
        return "the models are English, the collection is Yoruba"
    return ""


def expected(data: str, condition: str, score: Sequence[float]) -> str | None:
    """How a score differs from the frozen one (nDCG@10, Recall@100): empty when it does not, None where none is frozen."""
    frozen = FROZEN.get(data, {}).get(condition)
    if frozen is None:
        return None
    tolerance = NEURAL if any(part in condition for part in ("splade", "minilm")) else LEXICAL
    if all(abs(ours - kept) <= tolerance for ours, kept in zip(score, frozen, strict=True)):
        return ""
    return f"expected {frozen[0]:.4f} / {frozen[1]:.4f} within {tolerance}, got {score[0]:.4f} / {score[1]:.4f}"


def command(data: str, condition: str) -> str:
    """What runs one condition on one collection: the run file is written, scored and compared."""
    name = condition.replace(" ", "-")
    return shlex.join(["python", "-m", "nearkin.recipes.brewing_beir", data, condition, f"{data}.{name}.run"])


def matrix_page(scores: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """All conditions by collection as one HTML page; scores[set][condition] = (nDCG@10, Recall@100)."""
    names = list(dict.fromkeys(condition for by in scores.values() for condition in by))
    head = "<tr><th>condition</th>" + "".join(f"<th>{escape(data)}</th>" for data in scores) + "</tr>"
    body = [
        "<tr><th>" + escape(name) + "</th>" + "".join(_cell(data, name, scores[data].get(name)) for data in scores) + "</tr>"
        for name in names
    ]
    return _PAGE.format(table="\n".join([head, *body]))


def _cell(data: str, condition: str, score: Sequence[float] | None) -> str:
    if score is None:
        return f'<td title="{escape(skipped(data, condition))}">–</td>'
    published = PUBLISHED.get((data, condition))
    beside = f"<br><small>published {published[0]:.3f} / {published[1]:.3f}</small>" if published else ""
    run = f"<details><summary>command</summary><code>{escape(command(data, condition))}</code></details>"
    return f"<td>{score[0]:.4f} / {score[1]:.4f}{beside}{run}</td>"


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Reference runs</title>
<style>body{{font:15px/1.5 sans-serif;margin:2rem}}
td,th{{padding:.3rem .8rem;vertical-align:top;text-align:left}}
code{{font-size:12px}}</style>
<h1>Reference runs</h1>
<p>nDCG@10 / Recall@100. Each command writes the run file, scores it and compares it with the frozen score.</p>
<table>
{table}
</table>
</html>
"""
