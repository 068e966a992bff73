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
SOUGHT = (  # why a run is further from the published one than that
    "title and text are fields of the same weight in both; Porter's stems instead of Snowball's change the multifield run by less "
    "than .0005; "
    "the rest of Lucene's analyser (one-letter words, rounded lengths) was not tried"
)

# nDCG@10 and Recall@100 of our own runs, frozen.
FROZEN: dict[str, dict[str, tuple[float, float]]] = {
    "ir-scifact": {
        "bm25-flat": (0.6762, 0.9127),
        "bm25-flat-lucene": (0.6791, 0.9127),
        "bm25-multifield": (0.6561, 0.8987),
        "bm25-multifield-lucene": (0.6613, 0.9020),
        "static": (0.5036, 0.8437),
        "splade-tiny": (0.6436, 0.8930),
        "minilm": (0.6451, 0.9250),
        "bm25+static": (0.6996, 0.9310),
        "bm25+splade-tiny": (0.7088, 0.9320),
        "bm25+minilm": (0.7377, 0.9417),
        "bm25+static rrf": (0.6173, 0.9463),
        "bm25+minilm rrf": (0.7132, 0.9483),
        "bm25+splade-tiny+minilm rrf": (0.7133, 0.9543),
    },
    "ir-cranfield": {
        "bm25-flat": (0.3576, 0.7221),
        "bm25-flat-lucene": (0.3755, 0.7314),
        "bm25-multifield": (0.3843, 0.7419),
        "bm25-multifield-lucene": (0.3923, 0.7523),
        "static": (0.3092, 0.6643),
        "splade-tiny": (0.3760, 0.7283),
        "minilm": (0.3955, 0.7756),
        "bm25+static": (0.3871, 0.7523),
        "bm25+splade-tiny": (0.3972, 0.7565),
        "bm25+minilm": (0.4246, 0.7908),
        "bm25+static rrf": (0.3727, 0.7412),
        "bm25+minilm rrf": (0.4235, 0.7861),
        "bm25+splade-tiny+minilm rrf": (0.4258, 0.7837),
    },
    "ir-vaswani": {
        "bm25-flat": (0.4449, 0.6230),
        "bm25-flat-lucene": (0.4362, 0.6034),
        "bm25-multifield": (0.4449, 0.6230),
        "bm25-multifield-lucene": (0.4362, 0.6034),
        "static": (0.3202, 0.5287),
        "splade-tiny": (0.3725, 0.5509),
        "minilm": (0.4335, 0.6074),
        "bm25+static": (0.4507, 0.6256),
        "bm25+splade-tiny": (0.4453, 0.6431),
        "bm25+minilm": (0.4954, 0.6903),
        "bm25+static rrf": (0.4035, 0.6084),
        "bm25+minilm rrf": (0.4903, 0.6555),
        "bm25+splade-tiny+minilm rrf": (0.4898, 0.6625),
    },
    "icecat-search": {
        "bm25-flat": (0.7326, 0.8805),
        "bm25-flat-lucene": (0.7353, 0.8889),
        "bm25-multifield": (0.6558, 0.8343),
        "bm25-multifield-lucene": (0.6497, 0.8379),
        "static": (0.5034, 0.7745),
        "splade-tiny": (0.5024, 0.7014),
        "minilm": (0.5790, 0.7844),
        "bm25+static": (0.7412, 0.9025),
        "bm25+splade-tiny": (0.6736, 0.8344),
        "bm25+minilm": (0.7577, 0.8944),
        "bm25+static rrf": (0.6823, 0.8914),
        "bm25+minilm rrf": (0.7500, 0.8911),
        "bm25+splade-tiny+minilm rrf": (0.7160, 0.8780),
    },
    "ir-miracl-yoruba": {
        "bm25-flat": (0.5988, 0.8922),
        "bm25-flat-lucene": (0.5175, 0.8655),
        "bm25-multifield": (0.6172, 0.9020),
        "bm25-multifield-lucene": (0.5861, 0.8725),
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
