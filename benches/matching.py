"""How well are two whole tables matched without labels, at full, low and no overlap, beside splink?

Five pairs of tables; at "tenth" nine tenths of the true partners are taken out of the right table, at "none" all of them (a set whose right
table would be empty is left out). F1, precision and recall over the whole tables; oracle: the best F1 that any cut of the same order
reaches. The truths are incomplete: most wrong links of amazon-google and imdb-tmdb that were read are the same thing twice, and the
truth of the restaurants lists no streets. Method and data are deterministic; seconds are processor seconds, median of the repeats.

splink is set up twice. "columns": as its guide advises for names, Jaro-Winkler .95 / .88 / .80 on short text columns with term
frequencies, Jaccard of the words of long ones. "tuned": also what our matcher is given (words of the name and model numbers as
comparisons of their own). Both: blocking on words of the name that stand in 50 rows or fewer, prior from exact names, u by random
pairs, EM on two blockings (rarest word that occurs twice, first letters), greedy one-to-one, cut at match probability .5.

    NEARKIN_DATA=... python benches/matching.py [--repeats 5] [--out benches/results/matching.json]
"""

from __future__ import annotations

import argparse
import json
import logging
import platform
import time
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from nearkin import data
from nearkin.matchers.best_first import best_first
from nearkin.matchers.candidates import Candidates
from nearkin.matchers.pair_features import codes_in, years_in
from nearkin.matchers.profile import SHORT, numbers
from nearkin.matching import match
from nearkin.matching.describe import Described, describe
from nearkin.plain_text import plain
from nearkin.tables import Catalog, Links

SETS = ("er-abt-buy", "er-amazon-google", "er-dblp-acm", "er-imdb-tmdb", "er-restaurants")
OVERLAPS = {"full": 1.0, "tenth": 0.1, "none": 0.0}
RARE = 50  # rows up to which a word blocks for splink

Answer = tuple[Links, np.ndarray, Links]  # kept links, scores of all one-to-one links, those links
Pair = tuple[Catalog, Catalog, Links]


def thinned(pair: data.Data, share: float) -> Pair:
    """The two tables with all but a share of the true partners taken out of the right one."""
    random = np.random.default_rng(0)
    gone = pair.truth.right_rows[random.permutation(len(pair.truth))[round(len(pair.truth) * share) :]]
    kept = np.setdiff1d(np.arange(len(pair.items)), gone)
    right = pair.items.take(kept)
    there = np.isin(pair.truth.right_rows, kept)
    return pair.queries, right, Links(pair.queries, right, pair.truth.left_rows[there], np.searchsorted(kept, pair.truth.right_rows[there]))


def by_nearkin(left: Catalog, right: Catalog) -> tuple[Answer, dict[str, Any]]:
    found = match(left, right)
    pairs, learned = found.features_.pairs, found.learned_
    linked = Links(left, right, pairs.left_rows[learned.linked], pairs.right_rows[learned.linked])
    said: dict[str, Any] = {
        "expected precision": found.precision,
        "expected matches": found.expected_matches,
        "warned": bool(found.warning),
    }
    said["blocking"] = {"k": 5, "pairs": len(pairs), "keys": pairs.left_rows.astype(np.int64) * len(right) + pairs.right_rows}
    return (found.links, learned.scores[learned.linked], linked), said


def by_splink(tuned: bool) -> Callable[[Catalog, Catalog], tuple[Answer, dict[str, Any]]]:
    def run(left: Catalog, right: Catalog) -> tuple[Answer, dict[str, Any]]:
        from splink import Linker, SettingsCreator, block_on
        from splink.internals.duckdb.database_api import DuckDBAPI

        logging.getLogger("splink").setLevel(logging.ERROR)
        seen = describe(left, right)
        frames, comparisons = prepared(seen, tuned)
        settings = SettingsCreator(
            link_type="link_only",
            comparisons=comparisons,
            blocking_rules_to_generate_predictions=[block_on("rare", arrays_to_explode=["rare"])],
        )
        api = DuckDBAPI()
        tables = [api.register(frame, dataset_display_name=side) for side, frame in zip(("a_left", "b_right"), frames, strict=True)]
        linker = Linker(tables, settings, log_level=None)
        linker.training.estimate_probability_two_random_records_match(["l.head = r.head"], recall=0.6)
        linker.training.estimate_u_using_random_sampling(max_pairs=1e5, seed=0)  # word lists are slow to compare
        for rule in (block_on("rarest"), block_on("opening")):
            linker.training.estimate_parameters_using_expectation_maximisation(rule, record_sample_proportion=1.0)
        scored = linker.inference.predict().as_pandas_dataframe()
        return one_to_one(scored, left, right), {}

    return run


def one_to_one(scored: pd.DataFrame, left: Catalog, right: Catalog) -> Answer:
    scored = scored.sort_values(["unique_id_l", "unique_id_r"])
    pairs = Candidates(
        left_rows=scored["unique_id_l"].to_numpy(np.int32),
        right_rows=scored["unique_id_r"].to_numpy(np.int32),
        left_count=len(left),
        right_count=len(right),
    )
    weight = scored["match_weight"].to_numpy(float)
    linked = best_first(pairs, weight)
    links = Links(left, right, pairs.left_rows[linked], pairs.right_rows[linked])
    return links.take(scored["match_probability"].to_numpy(float)[linked] >= 0.5), weight[linked], links


def prepared(seen: Described, tuned: bool) -> tuple[list[pd.DataFrame], list[Any]]:
    """Both tables as splink wants them, one name a column, cleaned, empty as null; and the comparisons."""
    columns: list[dict[str, list[Any]]] = [{}, {}]
    comparisons: list[Any] = []
    for place, pair in enumerate(seen.columns):
        name = f"c{place}"
        if pair[0].kind == "number":
            values: list[list[Any]] = [[float(value) or None for value in numbers(column)] for column in pair]
            comparisons.append(
                levels(name, [f"abs({name}_l - {name}_r) <= {step} * greatest({name}_l, {name}_r)" for step in (0.01, 0.1, 0.3)])
            )
        elif pair[0].kind == "year":
            continue
        else:
            long = max(column.words for column in pair) >= SHORT
            values = [[(plain(value).split() if long else plain(value)) or None for value in column.values] for column in pair]
            comparisons.append(word_levels(name) if long else by_name(name))
        for side in (0, 1):
            columns[side][name] = values[side]
    comparisons += _derived(seen, columns, tuned)
    frames = [pd.DataFrame({"unique_id": np.arange(len(texts)), **given}) for texts, given in zip(seen.head, columns, strict=True)]
    return frames, comparisons


def _derived(seen: Described, columns: list[dict[str, list[Any]]], tuned: bool) -> list[Any]:
    import splink.comparison_library as cl

    words = [[sorted(set(plain(text).split())) for text in side] for side in seen.head]
    held_by = Counter(word for side in words for row in side for word in row)
    for side in (0, 1):
        years = years_in([column.values for column in seen.profiles[side] if column.kind == "year"], len(words[side]))
        texts = seen.full[side]
        columns[side] |= {
            "head": [plain(text) or None for text in seen.head[side]],
            "opening": [plain(text)[:5] or None for text in seen.head[side]],
            "rarest": [min(row, key=lambda word: (held_by[word] < 2, held_by[word], word), default=None) for row in words[side]],
            "rare": [[word for word in row if held_by[word] <= RARE] for row in words[side]],
            "words": [row or None for row in words[side]],
            "years": [sorted(row) or None for row in years],
            "codes": [sorted(codes_in(text)) or None for text in texts],
        }
    found = [cl.ArrayIntersectAtSizes("years", [1])] if any(row for row in columns[0]["years"]) else []
    if tuned:
        codes = [cl.ArrayIntersectAtSizes("codes", [1])] if any(row for row in columns[0]["codes"]) else []
        found += [word_levels("words"), *codes]
    return found


def by_name(name: str) -> Any:
    import splink.comparison_library as cl

    return cl.JaroWinklerAtThresholds(name, [0.95, 0.88, 0.8]).configure(term_frequency_adjustments=True)


def word_levels(name: str) -> Any:
    """Levels by the Jaccard overlap of two lists of words."""
    overlap = f"len(list_intersect({name}_l, {name}_r)) * 1.0 / len(list_distinct(list_concat({name}_l, {name}_r)))"
    return levels(name, [f"{overlap} >= {least}" for least in (0.75, 0.5, 0.25)])


def levels(name: str, conditions: list[str]) -> Any:
    import splink.comparison_library as cl

    null = {"sql_condition": f"{name}_l IS NULL OR {name}_r IS NULL", "label_for_charts": "null", "is_null_level": True}
    given = [{"sql_condition": each, "label_for_charts": each} for each in conditions]
    return cl.CustomComparison([null, *given, {"sql_condition": "ELSE", "label_for_charts": "else"}], output_column_name=name)


METHODS = {"nearkin": by_nearkin, "splink, columns": by_splink(tuned=False), "splink, tuned": by_splink(tuned=True)}


def judged(answer: Answer, truth: Links) -> dict[str, float]:
    kept, scores, linked = answer
    true = set(zip(truth.left_rows.tolist(), truth.right_rows.tolist(), strict=True))
    right = [pair in true for pair in zip(kept.left_rows.tolist(), kept.right_rows.tolist(), strict=True)]
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum([pair in true for pair in zip(linked.left_rows[order].tolist(), linked.right_rows[order].tolist(), strict=True)])
    oracle = 2 * hits / (np.arange(1, len(hits) + 1) + len(true))
    return {
        "links": len(kept),
        "wrong": len(kept) - sum(right),
        "precision": sum(right) / max(len(kept), 1),
        "recall": sum(right) / max(len(true), 1),
        "F1": 2 * sum(right) / max(len(kept) + len(true), 1),
        "oracle F1": float(oracle.max(initial=0)),
    }


def with_blocking(row: dict[str, Any], truth: Links) -> dict[str, Any]:
    """The candidates as completeness (share of true pairs among them) and quality (share of them that are true)."""
    if "blocking" not in row:
        return row
    keys = row["blocking"].pop("keys")
    hits = int(np.isin(truth.left_rows.astype(np.int64) * len(truth.right) + truth.right_rows, keys).sum())
    row["blocking"] |= {"completeness": hits / max(len(truth), 1), "quality": hits / max(len(keys), 1)}
    return row


def measured(method: Any, left: Catalog, right: Catalog, truth: Links, repeats: int) -> dict[str, Any]:
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        answer, said = method(left, right)
        seconds.append(time.process_time() - start)
    spread = [round(min(seconds), 2), round(max(seconds), 2)]
    return judged(answer, truth) | said | {"cpu seconds": round(median(seconds), 2), "cpu seconds, least and most": spread}


def rows(repeats: int, methods: list[str], overlaps: list[str]) -> Iterator[dict[str, Any]]:
    """One row a method, overlap and set; rivals at the overlaps asked for."""
    for method in methods:
        for overlap in OVERLAPS if method == "nearkin" else overlaps:
            for name in SETS:
                left, right, truth = thinned(data.load(name), OVERLAPS[overlap])
                if not len(right):
                    continue
                row = {"set": name, "overlap": overlap, "method": method, "matches": len(truth)}
                try:
                    row |= measured(METHODS[method], left, right, truth, repeats if overlap == "full" else 1)
                except Exception as error:  # a rival that cannot be fitted to such data is a result too
                    row |= {"failed": f"{type(error).__name__}: {error}"[:200]}
                yield with_blocking(row, truth)


def line(row: dict[str, Any]) -> str:
    head = f"{row['set']:17}{row['overlap']:6}{row['method']:17}"
    if "failed" in row:
        return head + row["failed"]
    names = ("links", "wrong", "precision", "recall", "F1", "oracle F1", "cpu seconds")
    return head + "  ".join(f"{row[name]:5}" if isinstance(row[name], int) else f"{row[name]:6.3f}" for name in names)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--methods", nargs="*", default=list(METHODS))
    parser.add_argument("--rival-overlaps", nargs="*", default=list(OVERLAPS))
    parser.add_argument("--out", type=Path, default=Path("benches/results/matching.json"))
    options = parser.parse_args()
    warm = Catalog.of(name=["red shoe", "blue hat", "old coat"])
    match(warm, warm)
    versions = {name: version(name) for name in ("nearkin", "numpy", "scipy", "numba", "splink", "duckdb")}
    machine = {"processor": platform.processor() or platform.machine(), "python": platform.python_version()}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    found: list[dict[str, Any]] = []
    for row in rows(options.repeats, options.methods, options.rival_overlaps):
        found.append(row)
        print(line(row), flush=True)
        told = {"rows": found, "versions": versions, "machine": machine, "repeats": options.repeats}
        options.out.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
