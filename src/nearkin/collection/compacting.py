"""Fitting the stages of a collection anew while others go on writing, in two short moments with the writer's lock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from nearkin.collection.branch import Branch
from nearkin.collection.fitting import Progress, State, fitted_stages
from nearkin.collection.layout import Layout
from nearkin.collection.manifest import Manifest
from nearkin.collection.relevance import Relevance
from nearkin.collection.snapshot import DEPTH, Snapshot
from nearkin.stage import Stage, fuse, with_k
from nearkin.tables import Links


@dataclass(frozen=True, eq=False)
class Begun:
    """What was there when the fit began: all that it reads."""

    place: Path
    manifest: Manifest
    snapshot: Snapshot
    links: Links | None
    judgements: Links | None
    layout: Layout | None

    def fitted(self, say: Progress) -> Fitted:
        """All stages, fitted on it and written to folders that the manifest does not name yet."""
        snapshot = self.snapshot
        chosen = {name: (branch.encoder, branch.index) for name, branch in snapshot.branches.items()}
        state = State(snapshot.version, snapshot.catalog, snapshot.seqs, self.links)
        branches, stages = fitted_stages(self.place, self.manifest, chosen, state, say)
        extra = self._others(Snapshot(snapshot.version, snapshot.catalog, snapshot.seqs, branches), stages, say)
        for name, stage in extra.items():
            stages[name] = f"{name}-{snapshot.version}-{uuid4().hex[:6]}"
            stage.save(self.place / "stages" / stages[name])
        return Fitted(self.manifest, branches, stages)

    def _others(self, snapshot: Snapshot, stages: Mapping[str, str], say: Progress) -> dict[str, Stage]:
        """What is learned from the answers of the branches."""
        found: dict[str, Stage] = {}
        if self.judgements is not None:
            names = tuple(stages[name] for name in self.manifest.search)
            found["relevance"] = calibrated(snapshot, self.manifest, self.judgements, names)
        if self.layout is not None:
            found["layout"] = Layout.of(snapshot.catalog, snapshot.seqs, snapshot.placed, before=self.layout, say=say)
        return found


@dataclass(frozen=True, eq=False)
class Fitted:
    """What a fit gave: the branches, the folder of each stage, and the manifest that was in force when it began."""

    before: Manifest
    branches: Mapping[str, Branch]
    stages: Mapping[str, str]

    def manifest(self, now: Manifest) -> Manifest:
        """The one in force now with these stages in it, but for those that somebody else has made since the fit began."""
        newer = {name: folder for name, folder in now.stages.items() if folder != self.before.stages.get(name)}
        if not now.searches_as(self.before):  # all were fitted anew meanwhile
            return now
        stages = {**self.stages, **newer}
        return replace(now, stages=stages, recommend="recommend" if "recommend" in stages else "")


def calibrated(snapshot: Snapshot, manifest: Manifest, judgements: Links, made_for: tuple[str, ...]) -> Relevance:
    """What `min_relevance` means, learned from the fusion of the branches of a snapshot."""
    branches = tuple(with_k(branch, DEPTH) for branch in snapshot.placed.values())
    fused = branches[0] if len(branches) == 1 else replace(fuse(*branches, by=manifest.by, weights=manifest.weights), k=DEPTH)  # type: ignore
    return Relevance.learned(fused(judgements.left), judgements, snapshot.placed, made_for)
