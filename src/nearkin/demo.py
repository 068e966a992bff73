"""A tour of nearkin on the Debian catalogue, in under a minute: `make demo`, or `python -m nearkin.demo`."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from nearkin import samples
from nearkin.errors import NearkinError
from nearkin.tables import Catalog, Data, Links

if TYPE_CHECKING:
    from nearkin.collection import Collection

PLACE = Path("demo-collection")
QUESTION = "play music from the command line"
LIKED, STARTED = "gimp", "mpv"
COMPANIONS = ("recommends", "suggests")
HELD_OUT = 300  # companions kept back to test with
SECTIONS = ("games", "graphics", "sound", "video", "editors", "mail", "web")  # of the programs that the misspelt list is about
LISTED = 200  # names in it
SEED = 0


def main() -> None:
    """Build, search, recommend, measure, match."""
    console = Console()
    try:
        show(console)
    except (NearkinError, OSError) as error:
        print(f"nearkin: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def show(console: Console) -> None:
    started = time.perf_counter()
    debian = samples.debian()
    companions, histories, targets = held_out(companions_of(debian))
    collection = build(console, debian, companions)
    search(console, collection)
    similar(console, collection)
    recommend(console, collection, companions)
    evaluate(console, collection, companions, histories, targets)
    match(console, debian.items)
    farewell(console, time.perf_counter() - started)


def companions_of(debian: Data) -> Links:
    """Which programs recommend or suggest which other programs."""
    program = np.array(["role::program" in tags for tags in debian.items["tags"]])
    assert debian.links is not None
    links = debian.links
    kind = np.isin(np.array(links.kind.to_pylist()), COMPANIONS)
    return links.take(kind & program[links.left_rows] & program[links.right_rows])


def held_out(links: Links) -> tuple[Links, list[list[str]], np.ndarray]:
    """The links without one companion of each of some programs that have three or more; what is then known of these; what was taken."""
    counts = np.bincount(links.left_rows, minlength=len(links.left))
    random = np.random.default_rng(SEED)
    drawn = random.permutation(np.flatnonzero(counts >= 3))[:HELD_OUT]
    taken = np.array([random.choice(np.flatnonzero(links.left_rows == row)) for row in drawn])
    rest = links.take(np.setdiff1d(np.arange(len(links)), taken))
    known: dict[str, list[str]] = {}
    for program, companion in rest.pairs():
        known.setdefault(program, [program]).append(companion)
    return rest, [known[links.left.id_list[row]] for row in drawn], links.right_rows[taken]


def build(console: Console, debian: Data, companions: Links) -> Collection:
    from nearkin.collection import Collection

    if (PLACE / "kin.toml").exists():
        shutil.rmtree(PLACE)
    with console.status("building ..."), timed() as took:
        collection = Collection.build(PLACE, debian.items, links=companions)
    size = collection.info()["size_bytes"] / 1e6
    console.print(
        Panel(
            f"[bold]{len(collection):,}[/] packages of Debian 12 with their texts, sections and tags, and {len(companions):,} links "
            f"between programs that go together, are now a collection: searchable, durable, {size:.0f} MB on disk.",
            title=f"build {PLACE}: {took():.1f} s",
            border_style="green",
        )
    )
    return collection


def search(console: Console, collection: Collection) -> None:
    collection.search("warm up")  # reads the indexes from disk
    with timed() as took:
        found = list(collection.search(QUESTION, k=6, explain=True))
    rows = ([hit.item, f"{hit.score:.2f}", hit.thing["short"], because(hit.why)] for hit in found)
    table(console, f'search "{QUESTION}": {took() * 1000:.0f} ms', ("package", "score", "what it is", "because of"), rows)


def because(why: dict[str, object]) -> str:
    """The matched words, and how alike the meanings are."""
    words, meaning = why.get("words") or {}, why.get("meaning")
    assert isinstance(words, dict)
    shown = ", ".join(sorted(words, key=words.__getitem__, reverse=True)[:4])
    return f"{shown or '-'}; meaning {meaning:.2f}" if isinstance(meaning, float) else shown


def similar(console: Console, collection: Collection) -> None:
    with timed() as took:
        found = list(collection.similar([LIKED], k=5, where="section = 'graphics'"))
    rows = ([hit.item, f"{hit.score:.2f}", hit.thing["short"]] for hit in found)
    table(console, f"similar to {LIKED}, where section = 'graphics': {took() * 1000:.0f} ms", ("package", "score", "what it is"), rows)


def recommend(console: Console, collection: Collection, companions: Links) -> None:
    collection.recommend([[LIKED]])  # reads the model from disk
    with timed() as took:
        found = list(collection.recommend([[STARTED]], k=6))
    told = {companion for program, companion in companions.pairs() if program == STARTED}
    rows = ([hit.item, hit.thing["short"], "listed" if hit.item in told else "learned"] for hit in found)
    table(console, f"recommend after {STARTED}: {took() * 1000:.0f} ms", ("goes well with it", "what it is", "from"), rows)


def match(console: Console, items: Catalog) -> None:
    from nearkin.matching import match as matched

    chosen = zip(items["section"], items["tags"])
    programs = items.take([row for row, (section, tags) in enumerate(chosen) if section in SECTIONS and "role::program" in tags])
    wanted, truth = misspelt(programs)
    with console.status("matching ..."), timed() as took:
        found = matched(wanted, Catalog.of(programs.id_list, name=programs["name"], what=programs["short"]))
    pairs = found.links.pairs()
    right = sum(truth[left] == other for left, other in pairs)
    names = dict(zip(wanted.id_list, wanted["name"]))
    rows = [[names[left], other, f"{chance:.0%}", "[green]yes" if truth[left] == other else "[red]no"]
            for (left, other), chance in list(zip(pairs, found.links.weight.tolist()))[:: max(1, len(pairs) // 6)][:6]]  # fmt: skip
    title = f"match {len(wanted)} misspelt names with {len(programs):,} programs: {took():.1f} s"
    table(console, title, ("written", "meant", "chance", "right"), rows)
    console.print(
        f"  {len(pairs)} matched, {right / max(1, len(pairs)):.1%} of them right; expected without any labels: {found.precision:.1%}.\n"
    )


def misspelt(programs: Catalog) -> tuple[Catalog, dict[str, str]]:
    """A shopping list: names with two letters swapped, beside half of the words that describe them; and what each stands for."""
    random = np.random.default_rng(SEED)
    long_names = [row for row, name in enumerate(programs["name"]) if len(name) >= 6]
    rows = random.permutation(long_names)[:LISTED]
    names = [swapped(programs["name"][row], random) for row in rows]
    short = [half(programs["short"][row], random) for row in rows]
    ids = [f"line {place + 1}" for place in range(len(rows))]
    return Catalog.of(ids, name=names, what=short), dict(zip(ids, (programs.id_list[row] for row in rows)))


def swapped(name: str, random: np.random.Generator) -> str:
    place = int(random.integers(1, len(name) - 1))
    return name[: place - 1] + name[place] + name[place - 1] + name[place + 1 :]


def half(text: str, random: np.random.Generator) -> str:
    words = np.array(text.split())
    return " ".join(words[random.random(len(words)) < 0.5])


def evaluate(console: Console, collection: Collection, companions: Links, histories: Sequence[list[str]], targets: np.ndarray) -> None:
    from nearkin.indexes.popularity import Popularity
    from nearkin.metrics import next_item

    people = Catalog.histories(histories)
    ours = collection.recommend(people, k=10).hits
    alike = collection.similar([each[0] for each in histories], k=10).hits
    popular = Popularity(k=10).fit(companions)(people)
    rows = (
        [name, f"{next_item.recall(hits, targets, at=10).mean():.1%}", f"{next_item.ndcg(hits, targets, at=10).mean():.3f}"]
        for name, hits in (("most popular", popular), ("most similar", alike), ("[bold]recommend", ours))
    )
    console.print(f"One companion of each of {len(histories)} programs was kept back. Is it among the ten answers?")
    table(console, "evaluate", ("method", "Recall@10", "NDCG@10"), rows)


def farewell(console: Console, seconds: float) -> None:
    console.print(
        Panel(
            f'nearkin search {PLACE} "edit photos" --explain\n'
            f"nearkin similar {PLACE} inkscape --where \"section = 'science'\"\n"
            f"nearkin recommend {PLACE} --after postgresql,nginx\n"
            f"nearkin build my-shop items.csv --links clicks.csv      [dim]# your own things[/]\n"
            f"nearkin papers                                          [dim]# published systems to run beside it[/]",
            title=f"done in {seconds:.0f} s; where to go next",
            border_style="green",
        )
    )


@contextmanager
def timed() -> Iterator:
    """Gives a function that tells the seconds since."""
    started, stopped = time.perf_counter(), []
    yield lambda: (stopped[0] if stopped else time.perf_counter()) - started
    stopped.append(time.perf_counter())


def table(console: Console, title: str, columns: Iterable[str], rows: Iterable[Sequence[str]]) -> None:
    console.print(f"[bold cyan]{title}")
    shown = Table()
    for name in columns:
        shown.add_column(name, overflow="fold")
    for row in rows:
        shown.add_row(*row)
    console.print(shown)
    console.print()


if __name__ == "__main__":
    main()
