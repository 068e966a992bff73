"""An honest "nothing relevant": what `min_relevance` keeps, when it is refused, and that it outlives a compaction."""

from __future__ import annotations

import numpy as np
import pytest

from nearkin.collection import Collection
from nearkin.errors import BadInput
from nearkin.tables import Catalog, Links

KINDS = ("shoe", "hat", "guitar", "lamp", "novel", "piano", "boot", "coat")
COLOURS = ("red", "blue", "green", "black", "white", "brown", "golden", "grey")


def shop() -> Catalog:
    names = [f"{colour}-{kind}" for colour in COLOURS for kind in KINDS]
    return Catalog.of(names, title=[name.replace("-", " ") for name in names])


def judgements(things: Catalog) -> Links:
    """Each kind asked for, and each thing by name; what is asked for and nothing else is relevant."""
    texts = [f"a {kind} please" for kind in KINDS] + things["title"][::3]
    queries = Catalog.of(text=texts)
    words = [set(text.split()) & set(COLOURS + KINDS) for text in texts]
    pairs = [(query, item) for query, own in enumerate(words) for item, title in enumerate(things["title"]) if own <= set(title.split())]
    left, right = np.array(pairs).T
    return Links(queries, things, left, right)


@pytest.fixture
def collection(tmp_path) -> Collection:
    found = Collection.build(tmp_path / "shop", shop())
    found.calibrate(judgements(found.catalog))
    return found


def test_what_fits_stays_and_what_does_not_is_left_out(collection):
    plain = collection.search(["red shoe", "quantum chromodynamics of hadrons"], k=10)
    cut = collection.search(["red shoe", "quantum chromodynamics of hadrons"], k=10, min_relevance=0.5)
    assert cut.ids()[0][0] == "red-shoe"
    assert len(cut.ids()[0]) < len(plain.ids()[0])
    assert cut.ids()[1] == []
    assert plain.ids()[0][: len(cut.ids()[0])] == [one for one in plain.ids()[0] if one in cut.ids()[0]]
    everything = collection.search("red shoe", k=10, min_relevance=0.0)
    assert everything.ids() == plain.ids()[:1]


def test_it_is_kept_on_disk_and_calibrated_anew_by_a_compaction(collection):
    before = collection.search("a lamp please", min_relevance=0.5).ids()
    opened = Collection.open(collection.place)
    assert opened.search("a lamp please", min_relevance=0.5).ids() == before
    opened.add(Catalog.of(["tall-lamp"], title=["tall lamp"]))
    assert opened.search("tall lamp", min_relevance=0.2).ids()[0][0] == "tall-lamp"
    opened.compact()
    assert opened.relevance.made_for == tuple(opened.manifest.stages[name] for name in opened.manifest.search)
    assert opened.search("red shoe", min_relevance=0.5).ids()[0][0] == "red-shoe"
    opened.calibrate(judgements(opened.catalog))
    assert len([path for path in (opened.place / "stages").iterdir() if path.name.startswith("relevance")]) == 1


def test_reasons_tell_the_chance(collection):
    answers = list(collection.search("red shoe", explain=True, min_relevance=0.3))
    assert all(answer.why["relevance"] >= 0.3 for answer in answers)


def test_it_is_refused_before_calibration_and_out_of_range(tmp_path, collection):
    other = Collection.build(tmp_path / "other", shop())
    with pytest.raises(BadInput, match="never calibrated"):
        other.search("red shoe", min_relevance=0.5)
    with pytest.raises(BadInput, match="from 0 to 1"):
        collection.search("red shoe", min_relevance=50)
    few = judgements(other.catalog)
    with pytest.raises(BadInput, match="judge"):
        other.calibrate(few.take(few.left_rows < 0))


def test_it_is_refused_when_the_branches_have_changed(collection):
    from dataclasses import replace

    collection.manifest = replace(collection.manifest, stages={**collection.manifest.stages, "words": "words-of-another-fit"})
    with pytest.raises(BadInput, match="have changed"):
        collection.search("red shoe", min_relevance=0.5)
