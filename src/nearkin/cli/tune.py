"""nearkin tune: find the recommender that foretells this collection's links best."""

from __future__ import annotations

from typing import Annotated

from typer import Option

from nearkin.cli.options import Place
from nearkin.cli.talk import progress, say


def tune(
    place: Place,
    minutes: Annotated[float, Option(help="the time that the search may take, about", min=0.1)] = 20,
) -> None:
    """Try recommenders on held-out links, and recommend from now on with the best blend; interrupted, it goes on where it was."""
    from nearkin.collection import Collection

    with Collection.open(place) as collection:
        with progress(f"tuning {place}") as tell:
            found = collection.tune(minutes=minutes, progress=tell)
        print("model", "nDCG@10", "seconds", "settings", sep="\t")
        for trial in sorted(found.trials, key=lambda trial: -trial.ndcg):
            print(trial.kind, f"{trial.ndcg:.4f}", f"{trial.seconds:.0f}", trial.told, sep="\t")
        print("blend", f"{found.ndcg:.4f}", "", " + ".join(f"{weight:.2f} {type(part).__name__}" for weight, part in found.parts), sep="\t")
    say(f"{place}: recommends with this blend from now on; try: nearkin recommend {place} --after ID,ID")
