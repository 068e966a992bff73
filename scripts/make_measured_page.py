"""Make `docs/measured.md` from `proofs/` and `benches/results/`: every figure on the page is read from a file of the repository."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/measured.md"
AT = ("0.90", "0.95", "0.99")  # recalls


def kept(path: str) -> Any:
    return json.loads((ROOT / path).read_text())


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"


def search() -> str:
    proof = kept("proofs/brewing-beir.json")["figures"]
    sets = [name.split(":")[0] for name in proof if name.endswith(": scores")]
    scores = {name: proof[f"{name}: scores"] for name in sets}
    conditions = dict.fromkeys(condition for each in scores.values() for condition in each)
    rows = [[name, *("–" if name not in scores[s] else "{:.4f} / {:.4f}".format(*scores[s][name]) for s in sets)] for name in conditions]
    return (
        "## Search\n\nnDCG@10 / Recall@100, trec_eval's rules. `bm25+static` is the default of a collection, `bm25+minilm` what "
        "`--encoder minilm` gives. Intervals against the best are in the proof. Command: `nearkin reproduce brewing-beir`.\n\n"
        + table(["condition", *sets], rows)
    )


def next_item() -> str:
    sets = kept("benches/results/next-item.json")["sets"]
    text = (
        "## Next item\n\nRecall@10 / NDCG@10 on the last item of every user, over all items, those of the history masked, ties against "
        "the model; by training events of the target. Blends choose their weights on held-out training steps unless said. Seconds of one "
        "core. Command: `python benches/next_item.py`.\n"
    )
    for name, facts in sets.items():
        rows = [
            [model, *_pair(found), *(_recall(found, bucket) for bucket in ("0", "1-5", "6-20", "over 20")), found["fit_s"]]
            for model, found in facts["models"].items()
        ]
        head = ["model", "Recall@10", "NDCG@10", "0 events", "1-5", "6-20", "over 20", "fit s"]
        text += f"\n### {name}\n\n{facts['users']:,} users, {facts['items']:,} items.\n\n" + table(head, rows)
    return text


def _pair(found: dict) -> list[str]:
    return [f"{found['recall@10']:.4f}", f"{found['ndcg@10']:.4f}"]


def _recall(found: dict, bucket: str) -> str:
    value = found["by training events of the target"][bucket]["recall@10"]
    return "–" if value is None else f"{value:.3f}"


def trained() -> str:
    """Models that are trained, the blend that `tune` finds, and a million items."""
    text = (
        "## Next item, trained models\n\nRecall@10 / NDCG@10 as above, mean of the seeds, with half the width of the 95 % interval over "
        "users. Processor seconds of one thread. Command: `python benches/sequence_models.py`.\n"
    )
    for name, facts in kept("benches/results/sequence-models.json")["sets"].items():
        rows = [
            [model, each["seeds"], _wide(each, "recall@10"), _wide(each, "ndcg@10"), max(each["fit_s"]), min(each["answer_s"])]
            for model, each in facts["models"].items()
            if each["cells"]
        ]
        text += f"\n### {name}\n\n" + table(["model", "seeds", "Recall@10", "NDCG@10", "fit s", "answer s"], rows)
    text += "\nWhat `tune` found in its time (`python benches/tuned.py`):\n\n"
    for name, facts in kept("benches/results/tuned.json")["sets"].items():
        rows = [
            [f"{name}: {model.split('(')[0]}", *_pair(each), *each["recall@10 by training events"].values()]
            for model, each in facts["models"].items()
        ]
        text += table(["model", "Recall@10", "NDCG@10", "0 events", "1-5", "6-20", "over 20"], rows)
    return text + _speed()


def _speed() -> str:
    """SASRec beside that of other libraries."""
    found = kept("benches/results/sequence-speed.json")
    shared, users = found["shared"], found["users"]
    rows = [
        [model, each["epoch"]["cpu_s"], each["epoch"]["wall_s"], each["answer"]["cpu_s"], f"{each['ndcg@10']:.4f}"]
        for model, each in found["models"].items()
    ]
    return (
        f"\nSASRec of three libraries, {shared['epochs']} epochs, width {shared['dim']}, histories of {users:,} users, two threads "
        "(`python benches/sequence_speed.py`):\n\n"
        + table(["library", "CPU s an epoch", "wall s an epoch", "answer CPU s", "NDCG@10"], rows)
    )


def _wide(found: dict, name: str) -> str:
    return f"{found[name]:.4f} ± {found[f'{name} interval']:.4f}"


def matching() -> str:
    rows = kept("benches/results/matching.json")["rows"]
    shown = [
        [r["set"], r["overlap"], r["method"], r.get("links", "–"), r.get("wrong", "–"),
         *(_share(r.get(m)) for m in ("precision", "recall", "F1", "oracle F1")), r.get("cpu seconds", "–")]
        for r in rows
    ]  # fmt: skip
    head = ["set", "overlap", "method", "links", "wrong", "precision", "recall", "F1", "F1 at the best cut", "CPU s"]
    return (
        "## Matching\n\nWhole tables, without labels. Overlap `tenth`: partners removed until a tenth of the matches is left; `none`: "
        "no partner left, so every link counts as wrong, though some are pairs that the truth does not list. splink is set up as its "
        "documentation advises, and once tuned with the same care. Command: `python benches/matching.py`.\n\n" + table(head, shown)
    )


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def proofs() -> str:
    text = "## Papers\n\nAll lines and settings are in the proofs and on [Papers](papers.md).\n"
    for path in sorted((ROOT / "proofs").glob("*.json")):
        name, proof = path.stem, kept(f"proofs/{path.name}")
        if name == "brewing-beir":
            continue
        rows = [
            [f"{line['data']}: {line['metric']}", line["rival"], f"{line['rival_value']:.4f}", f"{line['ours']:.4f}",
             f"[{line['low']:+.4f}, {line['high']:+.4f}]"]
            for line in proof["lines"]
        ]  # fmt: skip
        text += f"\n### {name}: {proof['verdict']}\n\n" + table(["metric", "rival", "rival's", "ours", "95 % of the difference"], rows)
    return text


def engine() -> str:
    place, crash = kept("benches/results/collection.json"), kept("benches/results/crash.json")
    text = (
        f"## The collection\n\n{place['things']:,} definitions of WordNet, defaults: built in {place['build']['seconds']} s "
        f"({place['build']['cpu_seconds']} s of processor), peak memory {place['peak_mib']} MiB, {place['size_mib']} MiB on disk, "
        f"opened in {place['open_seconds']} s; one upsert {place['upsert_seconds']} s. Command: `python benches/collection.py`.\n\n"
    )
    names = ("search", "words", "meaning", "filtered to 1 %", "explained")
    text += table(["one query at a time", "p50 ms", "p95 ms"], [[name, place[name]["p50_ms"], place[name]["p95_ms"]] for name in names])
    during = ", ".join(f"{count} during {name}" for name, count in crash["killed during"].items())
    text += (
        f"\nkill -9 of the writer {crash['kills']} times ({during}): {len(crash['faults'])} faults; every acknowledged write was "
        "there, and searches equalled those of a collection indexed afresh. Command: `python benches/crash.py`.\n\n"
    )
    shop = place["recommender on amazon-beauty"]
    text += (
        f"The default recommender on amazon-beauty ({shop['users']:,} users): collection built in {shop['build_seconds']} s, Recall@10 "
        f"{shop['recall@10']:.4f}, NDCG@10 {shop['ndcg@10']:.4f}. Command: `python benches/collection.py`.\n\n"
    )
    lexical = kept("benches/results/lexical-search.json")["rows"]
    text += "Exact BM25, one thread, queries a second (`python benches/lexical_search.py`):\n\n"
    text += table(["set", "k", "engine", "queries/s", "over the best rival", "build s", "MiB"],
                  [[r["set"], r["k"], r["engine"], f"{r['queries_per_s']:,}", r.get("times_best_rival", "–"), r["build_s"], r["MiB"]]
                   for r in lexical])  # fmt: skip
    flat = kept("benches/results/flat-index.json")["rows"]
    text += "\nExact vector search, 100,000 x 256, one thread (`python benches/flat_index.py`):\n\n"
    return text + table(["method", "recall@10", "one query p50 ms", "batch ms a query"],
                        [[r["method"], r["recall@10"], r["single_p50_ms"], r["batch_ms"]] for r in flat])  # fmt: skip


def service() -> str:
    """What the service bears: writes, faults, odd requests, a map that moves."""
    fresh = kept("benches/results/fresh-writes.json")["after"]
    text = "## The service\n\nProcessor ms, median, of one of 20 or 5 things at once (`python benches/fresh_writes.py`):\n\n"
    steps = [step for step, found in next(iter(fresh.values())).items() if isinstance(found, dict)]
    text += table(["things", *steps], [[size, *(each[step]["median_ms"] for step in steps)] for size, each in fresh.items()])
    faults = kept("benches/results/service-faults.json")["faults"]
    text += "\nFaults while eight clients read and write, two workers (`python benches/service_faults.py`):\n\n"
    names = {
        "answered_writes": "answered writes",
        "lost": "of them lost",
        "writes_back_s": "writes back, s",
        "reads_back_s": "reads back, s",
    }
    text += table(["fault", *names.values()], [[name, *(each[field] for field in names)] for name, each in faults.items()])
    fuzz = kept("benches/results/api-fuzz.json")["schemathesis"]
    text += (
        f"\n{fuzz['cases']:,} requests made from the OpenAPI over {fuzz['operations']} operations, by status: "
        + ", ".join(f"{status}: {count:,}" for status, count in fuzz["by status"].items())
        + " (`python benches/api_fuzz.py`).\n\n"
    )
    frames = kept("benches/results/map-frames.json")["rows"]
    text += "The map in a browser without a GPU; `busy`: what other work took of the processors (`python benches/map_frames.py`):\n\n"
    shown = {"frames_a_second_median": "frames a second", "draw_ms_median": "drawing, ms", "cpu_ms_median": "processor ms", "busy": "busy"}
    text += table(["points", "way", *shown.values()], [[r["points"], r["way"], *(r[name] for name in shown)] for r in frames])
    return text + _load()


def _load() -> str:
    """Searches a second beside other stores, by how many ask at once."""
    text = "\nHybrid searches over HTTP, searches a second / 95th percentile in ms (`python benches/service_load.py`):\n"
    for size, found in kept("benches/results/service-load.json")["sizes"].items():
        systems = {name: each for name, each in found["systems"].items() if "recall@10" in each}
        loads = [name for name in systems["nearkin"] if "clients" in name]
        rows = [
            [name, each["recall@10"], *(f"{each[way]['a second']} / {each[way].get('p95 ms', '–')}" for way in loads)]
            for name, each in systems.items()
        ]
        text += f"\n{int(size):,} things:\n\n" + table(["system", "Recall@10", *loads], rows)
    return text


def neighbours() -> str:
    """Approximate search: ours and its rivals, and the distance from what the machine could do."""
    rows = kept("benches/results/ann.json")["rows"]
    text = (
        "## Approximate neighbours\n\nRecall@10 at least .90 / .95 / .99 of exact search (chosen on other queries than measured), queries "
        "a second of one core in batches of 1,000 and alone. Sets above 113,791 vectors are made of those with noise. Command: "
        "`python benches/ann.py`.\n\n"
    )
    shown = sorted(rows, key=lambda row: (row["items"], -((row["at"]["0.95"] or {}).get("batch_qps", 0))))
    head = [
        "method",
        "vectors",
        *(f"{each} at {at}" for each in ("batch", "alone") for at in AT),
        "bytes a vector",
        "build CPU s",
    ]
    text += table(head, [
        [r["method"], f"{r['items']:,}", *(_rate(r["at"][at], f"{each}_qps") for each in ("batch", "single") for at in AT),
         r["bytes_a_vector"], r["build"]["cpu_s"]] for r in shown
    ])  # fmt: skip
    limits = kept("benches/results/lean-limits.json")
    text += "\nA query of `LeanIndex` and the floor that the machine sets (`python benches/lean_limits.py`):\n\n"
    names = ("recall@10", "products", "multiplications", "bytes", "multiplying_us", "memory_us", "us_a_query", "times_the_floor")
    return text + table(names, [[row[name] for name in names] for row in limits["rows"]])


def _rate(found: dict | None, name: str) -> str:
    return "–" if found is None or name not in found else f"{found[name]:,}"


def main() -> None:
    machine = kept("proofs/knn-embed.json")["machine"]
    note = f"{machine['cpu']}, {machine['cores']} cores (AVX2), {machine['memory_gib']} GiB, no GPU; the cores were shared with other work"
    parts = [f"# Measured\n\nMachine: {note}.\n", search(), neighbours(), next_item(), trained(), matching(), proofs(), engine(), service()]
    PAGE.write_text("\n".join(parts))


if __name__ == "__main__":
    main()
