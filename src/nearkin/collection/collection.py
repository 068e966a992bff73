"""What a user owns: a folder with a catalogue, links, and fitted stages, that answers while it changes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

import numpy as np

from nearkin.collection.answers import Answers
from nearkin.collection.branch import Branch, load_branch
from nearkin.collection.building import checked_new, write_new
from nearkin.collection.compacting import Begun, calibrated
from nearkin.collection.explain import Reasons, reasons
from nearkin.collection.fitting import DEFAULT_WEIGHTS, Progress, default_branches, name_stages, quiet
from nearkin.collection.layout import Layout
from nearkin.collection.learned import Learned
from nearkin.collection.lock import fitting, writing
from nearkin.collection.manifest import Manifest
from nearkin.collection.numbering import version_of
from nearkin.collection.pairing import paired, rows_of_pairs
from nearkin.collection.partnering import checked_threshold, matched, matched_alone, once, partnered
from nearkin.collection.partners import Partnered
from nearkin.collection.rebuilding import Rebuilding, grown
from nearkin.collection.recommending import behaviour, recommended
from nearkin.collection.relevance import Relevance, checked_least, kept, only_judged
from nearkin.collection.searching import checked_k, deep, searcher_of, without
from nearkin.collection.snapshot import Change, Snapshot
from nearkin.collection.store import Store
from nearkin.collection.texts import as_queries, searchable
from nearkin.errors import BadInput
from nearkin.matching import partners
from nearkin.stage import Encoder, Searcher, Stage
from nearkin.tables import Catalog, Hits, Links

if TYPE_CHECKING:
    from nearkin.indexes.tuned import Tuned

LEAST_WAIT_S = 60.0  # for the writer's lock, once stages are fitted that would be fitted in vain


class Collection:
    """A durable catalogue with search, similar and recommend; made by `build` or `open`.

    Every write is one version of the catalogue on disk and durable when the call returns; what is new is found at once, what is
    removed is found no more. One process writes at a time, any number read; `refresh` shows a reader what others wrote since.
    """

    def __init__(self, place: Path, manifest: Manifest, store: Store, snapshot: Snapshot, *, pinned: bool) -> None:
        self.place, self.manifest = place, manifest
        self._store, self._snapshot, self._pinned = store, snapshot, pinned
        self._learned, self._rebuilding, self._alone = Learned(place), Rebuilding(), False

    @classmethod
    def build(
        cls,
        place: str | Path,
        items: Catalog,
        *,
        links: Links | None = None,
        encoder: Encoder | None = None,
        branches: Mapping[str, tuple[Any, Any]] | None = None,
        weights: Sequence[float] | None = None,
        by: str = "minmax",
        recall: float = 0.98,
        progress: Progress | None = None,
    ) -> Self:
        """Make a new collection from these things (and what people did with them), and open it.

        `encoder` reads the meaning of texts in place of the shipped static model; as strong as words, it gets half the weight.
        `branches`: name -> (encoder, index) for other ways to search; `weights`, `by`: how they are fused.
        `recall`: the share of the nearest things by meaning that a search of more than 50,000 must find; the index sets itself to it.
        All is written beside `place` and renamed at the end, so an interruption leaves nothing under that name.
        Refused: an existing place, an empty catalogue.
        """
        place = Path(place)
        checked_new(place, items)
        chosen = dict(branches) if branches is not None else default_branches(len(items), encoder, recall)
        static = encoder is None and branches is None
        shares = weights or (DEFAULT_WEIGHTS if static else [1 / len(chosen)] * len(chosen))
        edges = links is not None and links.left is items
        manifest = Manifest(roles=items.roles, search=tuple(chosen), weights=tuple(shares), by=by, edges=edges)
        write_new(place, items, links, manifest, chosen, progress or quiet)
        return cls.open(place)

    @classmethod
    def open(cls, place: str | Path, *, version: int | None = None) -> Self:
        """Open a collection, as it is now or as it was at a past version (which can then not be written)."""
        place = Path(place)
        manifest = Manifest.read(place)
        store = Store(place, manifest.roles, version)
        catalog, seqs = store.read()
        return cls(
            place, manifest, store, Snapshot.of(store.version, catalog, seqs, _branches(place, manifest)), pinned=version is not None
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Every write was durable when it returned; if many have had the stages fitted anew beside, that is waited for."""
        self._rebuilding.wait()

    def __len__(self) -> int:
        return len(self.catalog)

    def __repr__(self) -> str:
        return f"Collection({str(self.place)!r}, {len(self):,} things, version {self.version})"

    def view(self) -> Self:
        """The collection as it is at this moment: it never changes, so other threads may read it while this one is written."""
        seen = type(self)(self.place, self.manifest, self._store.again(), self._snapshot, pinned=True)
        seen._learned = copy(self._learned)
        return seen

    @property
    def catalog(self) -> Catalog:
        """The things as they are at this version."""
        return self._snapshot.catalog

    @property
    def version(self) -> int:
        """The version of the catalogue that is seen."""
        return self._snapshot.version

    @property
    def numbers(self) -> np.ndarray:
        """The number of each thing: int64 [n], rising; no other thing, and no other state of this one, ever has it."""
        return self._snapshot.seqs

    def written_at(self, row: int) -> int:
        """The version that wrote the thing in this row."""
        return version_of(int(self._snapshot.seqs[row]))

    @property
    def links(self) -> Links | None:
        """The links between known things, or None."""
        return self._store.read_links(self.catalog, edges=self.manifest.edges)

    def versions(self) -> list[dict[str, Any]]:
        """The versions that can be opened, oldest first."""
        return self._store.versions()

    def info(self) -> dict[str, Any]:
        """Counts, roles, stages and versions, for people and programs."""
        links = self._store.links_dataset()
        return {
            "place": str(self.place),
            "things": len(self),
            "links": 0 if links is None else links.count_rows(),
            "version": self.version,
            "versions": len(self.versions()),
            "roles": dict(self.manifest.roles),
            "search": list(self.manifest.search),
            "weights": list(self.manifest.weights),
            "fused by": self.manifest.by,
            "recommend": self.manifest.recommend,
            "size_bytes": _size_bytes(self.place),
        }

    # answering

    def search(
        self,
        queries: str | Sequence[str] | Catalog,
        *,
        k: int = 10,
        where: str | None = None,
        stage: str | None = None,
        explain: bool = False,
        min_relevance: float | None = None,
    ) -> Answers:
        """The k nearest things to each text, by words and meaning; `where`: an SQL expression over the fields that hits must fulfil.

        Never fewer than k answers while k matching things have a score. `stage` picks one branch instead of the fusion of all.
        `min_relevance`: only answers with at least this chance to be relevant, none where nothing is; needs `calibrate` once.
        """
        table = as_queries(queries)
        if min_relevance is None:
            return self._answers(table, checked_k(k), where, stage, explain)
        _, least = self.relevance, checked_least(min_relevance)
        found = self._answers(table, checked_k(k), where, stage, explain)
        chances = self.chances(found.hits)
        told = {key: {**why, "relevance": _chance_of(found.hits, chances, *key)} for key, why in found.reasons.items()}
        return Answers(kept(found.hits, chances, least), told)

    @property
    def relevance(self) -> Relevance:
        """What `calibrate` learned. Refused: before it, and when the branches were fitted anew since."""
        held = self._held_relevance()
        if held is None:
            raise BadInput(f"{self.place} was never calibrated, so it cannot tell what is relevant; call calibrate(judgements) once")
        if held.made_for != self._made_for():
            raise BadInput(f"the stages of {self.place} have changed since it was calibrated; call calibrate(judgements) again")
        return held

    def _held_relevance(self) -> Relevance | None:
        """What was learned, whatever branches it was learned with."""
        return self._learned.relevance_for(self.manifest)

    def chances(self, hits: Hits) -> np.ndarray:
        """The chance of each hit of a search to be relevant: float32 [q, k], 0 at pads. Refused as `relevance` is."""
        return self.relevance.chances(hits, self._snapshot.placed)

    def _made_for(self) -> tuple[str, ...]:
        return tuple(self.manifest.stages[name] for name in self.manifest.search)

    def similar(
        self, ids: Sequence[str], *, k: int = 10, where: str | None = None, stage: str | None = None, explain: bool = False
    ) -> Answers:
        """The k things most like each of these, themselves left out."""
        rows = self.catalog.rows_of(ids)
        found = self._answers(searchable(self.catalog.take(rows)), checked_k(k) + 1, where, stage, explain)
        return replace(found, hits=without(found.hits, rows, k))

    def recommend(
        self, histories: Sequence[Sequence[str]] | Catalog, *, k: int = 10, where: str | None = None, explain: bool = False
    ) -> Answers:
        """What comes next after each history of ids (oldest first); things of the history are left out."""
        table = histories if isinstance(histories, Catalog) else Catalog.histories(histories)
        return recommended(self.recommender, table, self.catalog, checked_k(k), self._keep(where), explain=explain)

    def match(
        self, table: Catalog, *, where: str | None = None, threshold: float = 0.9, one_to_one: bool = True, explain: bool = False
    ) -> Partnered:
        """Which thing here each row of a table is, with the chance that it is the same, and none where there is none.

        threshold: how sure a pair must be to count as `sure`, and how sure the contrary for `no`; the rest is `maybe`. one_to_one: a
        thing is one row at most, and a row one thing. The table's fields need not have the names of this collection's.
        """
        least = checked_threshold(threshold)
        found = matched(self, table, keep=self._keep(where), one_to_one=one_to_one)
        return partnered(found, partners(found), threshold=least, explain=explain, unlinked=True)

    def duplicates(self, *, where: str | None = None, threshold: float = 0.9, explain: bool = False) -> Partnered:
        """Pairs of things here that are, or may be, the same, surest first."""
        least, found = checked_threshold(threshold), matched_alone(self, keep=self._keep(where))
        return partnered(found, once(found), threshold=least, explain=explain, unlinked=False)

    def score_pairs(
        self, pairs: Sequence[tuple[str, str]], *, where: str | None = None, threshold: float = 0.9, explain: bool = False
    ) -> Partnered:
        """Whether the two things of each pair of ids are the same, in the order given, with the chance of it; see `paired`."""
        least, keep = checked_threshold(threshold), self._keep(where)
        return paired(self, *rows_of_pairs(self.catalog, pairs, keep), keep=keep, threshold=least, explain=explain)

    @property
    def recommender(self) -> Any:
        """The recommender over the present things, loaded when first used; by content alone where there are no links."""
        return self._learned.recommender_for(self.manifest, self._snapshot)

    def stage(self, name: str | None = None) -> Searcher:
        """The searching stage of that name over the present things, or the fusion of all: Catalog with `text` -> Hits."""
        return searcher_of(self._snapshot, self.manifest, name)

    def _answers(self, queries: Catalog, k: int, where: str | None, stage: str | None, explain: bool) -> Answers:
        keep = self._keep(where)
        hits = self.ranked(queries, k=k, keep=keep, stage=stage)
        return Answers(hits, self.why(queries, hits, k=k, keep=keep, stage=stage) if explain else {})

    def ranked(self, queries: Catalog, *, k: int, keep: np.ndarray | None = None, stage: str | None = None) -> Hits:
        """The hits behind `search`: Catalog with `text` -> Hits[q, k] over the rows that `keep` (bool [n]) allows."""
        return deep(self.stage(stage), k)(queries, keep=keep).top(k)

    def why(self, queries: Catalog, hits: Hits, *, k: int, keep: np.ndarray | None = None, stage: str | None = None) -> Reasons:
        """What speaks for each of these hits, all or some of those that `ranked` gives for the same k, keep and stage."""
        names = [stage] if stage is not None else list(self.manifest.search)
        return reasons(deep(self.stage(stage), k), names, queries, hits, keep)

    def _keep(self, where: str | None) -> np.ndarray | None:
        if where is None:
            return None
        keep = np.zeros(len(self), bool)
        keep[self._snapshot.rows_of_seqs(self._store.seqs_where(where))] = True
        return keep

    # changing

    def add(self, items: Catalog, *, wait_s: float = 10.0) -> None:
        """Add things, replacing those whose id is there already; durable and found when it returns."""
        with self._writer(wait_s):
            more = self._store.fitting(items)
            rows = self.catalog.rows_of(more.ids, missing="mark")
            self._write(rows[rows >= 0], more)
        self._rebuild_if_grown()

    def remove(self, ids: Sequence[str], *, wait_s: float = 10.0) -> None:
        """Remove things, and the links from and to them; refused, with nothing removed, when an id is unknown."""
        with self._writer(wait_s):
            self._write(np.unique(self.catalog.rows_of(ids)), self.catalog.take([]))
            self._store.delete_links(list(ids))

    @contextmanager
    def alone(self, *, wait_s: float = 10.0) -> Iterator[None]:
        """No other process writes meanwhile, and what others wrote before is here: for changes that depend on what is there."""
        with self._writer(wait_s):
            self._alone = True
            try:
                yield
            finally:
                self._alone = False

    def _write(self, rows: np.ndarray, more: Catalog) -> None:
        """Take away the things in these rows and add others: on disk, then here."""
        gone = np.sort(self._snapshot.seqs[rows])
        seqs = self._store.write(more, gone)
        self._snapshot = self._snapshot.changed(self._store.version, Change(gone, more, seqs))
        if self._store.tidy():
            self._snapshot = self._snapshot.as_version(self._store.version)

    def add_links(self, links: Links, *, wait_s: float = 10.0) -> None:
        """Add what people did (or edges); the recommender learns from them at the next `compact`."""
        with self._writer(wait_s):
            self._store.append_links(links.to_arrow())

    def calibrate(self, judgements: Links, *, wait_s: float = 10.0) -> None:
        """Learn from judged queries (left) and things of this collection (right; grade 0: not relevant) what `min_relevance` means.

        Things without judgement among the first hits count as not relevant. Kept in the folder; `compact` does it anew by itself.
        Refused: fewer than five queries, or none with right and wrong hits.
        """
        with self._writer(wait_s):
            self._calibrate(only_judged(judgements))

    def _calibrate(self, judgements: Links) -> None:
        self._learned.relevance = calibrated(self._snapshot, self.manifest, judgements, self._made_for())
        self._adopt("relevance", self._learned.relevance)

    def _adopt(self, name: str, stage: Stage, **told: Any) -> None:
        """Write a stage and, in one step, name it in the manifest in place of the one before."""
        folder, before = f"{name}-{self.version}-{uuid4().hex[:6]}", self.manifest.stages.get(name)
        stage.save(self.place / "stages" / folder)
        self.manifest = replace(self.manifest, stages={**self.manifest.stages, name: folder}, **told)
        self.manifest.write(self.place)
        if before is not None:
            shutil.rmtree(self.place / "stages" / before, ignore_errors=True)

    def lay_out(self, *, progress: Progress | None = None, wait_s: float = 10.0) -> Layout:
        """Draw the map of the collection: places by likeness, words for its regions. Later things stand among what they are like.

        `compact` draws it anew, turned like the one before. Refused: a collection whose search has no dense vectors.
        """
        with self._writer(wait_s):
            return self._lay_out(self.layout, progress or quiet)

    def _lay_out(self, before: Layout | None, say: Progress) -> Layout:
        snapshot = self._snapshot
        self._learned.layout = Layout.of(snapshot.catalog, snapshot.seqs, snapshot.placed, before=before, say=say)
        self._adopt("layout", self._learned.layout)
        return self._learned.layout

    @property
    def layout(self) -> Layout | None:
        """The map of the present things; None when it was never drawn."""
        return self._learned.layout_for(self.manifest, self._snapshot)

    def tune(self, *, minutes: float = 20, progress: Progress | None = None, wait_s: float = 10.0) -> Tuned:
        """Recommend from now on with the blend of models that foretells held-out links best, found within about so many minutes.

        Tells what was tried. Others read and write meanwhile; what they link is learned from at the next `compact`, which fits the
        same settings anew. A search cut short goes on where it was. Needs optuna; models of attention need torch.
        Refused: a collection without links, or in which nobody did three things.
        """
        from nearkin.indexes.tuned import tune

        links = self.links
        if links is None:
            raise BadInput(f"{self.place} has no links to learn from; add them with: nearkin add {self.place} --links FILE")
        encoders = {name: branch.encoder for name, branch in self._snapshot.branches.items()}
        trials = self.place / "tuning"
        found = tune(behaviour(self.catalog, links), minutes=minutes, encoders=encoders, folder=trials, say=progress or quiet)
        with self._writer(wait_s):
            self._adopt("recommend", found.blend, recommend="recommend", tuned=True)
        self._learned.forget_recommender()
        shutil.rmtree(trials, ignore_errors=True)
        return found

    def compact(self, *, keep_history: bool = False, progress: Progress | None = None, wait_s: float = 10.0) -> None:
        """Fit the stages anew, merge small files, and drop past versions with the bytes of what was removed (unless kept).

        Others write and read meanwhile; what they removed since it began loses its last bytes at the next one.
        """
        self.close()  # a fit of our own that is under way
        with fitting(self.place, wait_s):
            with self._writer(wait_s):
                begun = self._begun()
            fitted = begun.fitted(progress or quiet)
            with self._writer(max(wait_s, LEAST_WAIT_S)):
                before, self.manifest = self.manifest, fitted.manifest(self.manifest)
                name_stages(self.place, self.manifest)
                self._store.compact(keep_history=keep_history)
                self._take_on(before)
                held = self._held_relevance()
                if held is not None and held.made_for != self._made_for():  # calibrated by another while stages were fitted
                    self._calibrate(held.judgements)

    def _begun(self) -> Begun:
        held = self._held_relevance()
        return Begun(self.place, self.manifest, self._snapshot, self.links, held.judgements if held else None, self.layout)

    def refresh(self) -> bool:
        """See what other processes wrote; tells whether anything had changed. Cost: what changed, unless stages were fitted anew."""
        if self._pinned:
            return False
        manifest = Manifest.read(self.place)
        if manifest == self.manifest and self._store.latest == self.version:
            return False
        self._follow(manifest)
        return True

    def _follow(self, manifest: Manifest) -> None:
        """Come to the newest version, with the stages that this manifest names."""
        found = self._store.catch_up(self._snapshot.seqs)
        if found is None or manifest.roles != self.manifest.roles:
            self._reload()
            return
        self._snapshot = self._snapshot.changed(self._store.version, Change(*found))
        before, self.manifest = self.manifest, manifest
        self._take_on(before)

    def _take_on(self, before: Manifest) -> None:
        """Use the stages that the manifest names now, in place of those it named before."""
        manifest, snapshot = self.manifest, self._snapshot
        if manifest.searches_as(before):
            self._snapshot = snapshot.as_version(self._store.version)
        else:
            self._snapshot = Snapshot.of(self._store.version, snapshot.catalog, snapshot.seqs, _branches(self.place, manifest))
        self._learned.forget_what_changed(before, manifest)
        if self._learned.recommends_for is snapshot:  # the same things under another number
            self._learned.recommends_for = self._snapshot

    def _reload(self) -> None:
        fresh = Collection.open(self.place)
        self.manifest, self._store, self._snapshot = fresh.manifest, fresh._store, fresh._snapshot
        self._learned = fresh._learned

    @contextmanager
    def _writer(self, wait_s: float) -> Iterator[None]:
        """The writer's lock, with what others wrote meanwhile brought in first."""
        if self._pinned:
            raise BadInput(
                f"this is version {self.version} of {self.place}, which is past and cannot be changed; open it without a version"
            )
        if self._alone:
            yield
            return
        with writing(self.place, wait_s):
            self.refresh()
            yield

    def _rebuild_if_grown(self) -> None:
        if grown(self._snapshot) and not self._rebuilding.under_way:
            other = type(self)(self.place, self.manifest, self._store.again(), self._snapshot, pinned=False)
            self._rebuilding.start(self.place, lambda: other.compact(keep_history=True))

    def export(self) -> Iterator[dict[str, Any]]:
        """The things one by one, as dictionaries."""
        return iter(self.catalog)


def _branches(place: Path, manifest: Manifest) -> dict[str, Branch]:
    """The branches that a manifest names, as they were fitted."""
    return {name: load_branch(place / "stages" / manifest.stages[name]) for name in manifest.search}


def _chance_of(hits: Hits, chances: np.ndarray, query: int, row: int) -> float:
    return float(chances[query][hits.rows[query] == row][0])


def _size_bytes(place: Path) -> int:
    """Of all files; one that another process removes meanwhile counts as nothing."""
    total = 0
    for folder, _, names in os.walk(place):
        for name in names:
            with suppress(FileNotFoundError):
                total += os.stat(os.path.join(folder, name)).st_size
    return total
