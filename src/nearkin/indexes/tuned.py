"""The recommender that foretells held-out steps best, found within a time budget."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from nearkin.errors import BadInput, Missing
from nearkin.indexes.blend import Blend, held_out, weighed
from nearkin.indexes.content_profile import ContentProfile
from nearkin.indexes.directed_knn import DirectedKnn
from nearkin.indexes.ease import Ease
from nearkin.indexes.from_history import BlockRecommender
from nearkin.indexes.histories import Histories
from nearkin.indexes.sas_rec import SasRec
from nearkin.stage import Encoder
from nearkin.tables import Links, Vectors

PEOPLE = 5000  # whose last step is held out
MOST = 12  # trials of one kind of model
SHARES = {"neighbours": 1, "content": 1, "ease": 3, "attention": 10}  # of the time, one kind to another
PROBED = 9.0  # times a probe of attention, one epoch at half the width, its usual setting takes
STARTS: dict[str, list[dict[str, Any]]] = {  # tried first
    "neighbours": [{"decay": 0.6, "backward": 0.7, "smooth": 5.0}],
    "content": [{"decay": 0.7, "power": 3}],
    "ease": [{"penalty": 100.0, "decay": 0.8}],
    "attention": [{"epochs": 1, "dim": 64, "dropout": 0.3, "lr": 2e-3}, {"epochs": 6, "dim": 128, "dropout": 0.5, "lr": 2e-3}],
}


class Trial(NamedTuple):
    """One setting that was tried: the kind of model, its settings, nDCG@10 on the held-out steps, and the seconds it took to fit."""

    kind: str
    settings: Mapping[str, Any]
    ndcg: float
    seconds: float

    @property
    def told(self) -> str:
        """The settings on one line."""
        return ", ".join(f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}" for name, value in self.settings.items())


class Tuned(NamedTuple):
    """The blend, fitted on all links; its nDCG@10 on the held-out steps; every trial."""

    blend: Blend
    ndcg: float
    trials: list[Trial]

    @property
    def parts(self) -> list[tuple[float, BlockRecommender]]:
        """The weight of each model in the blend, the greatest first."""
        return sorted(zip(self.blend.weights_, self.blend.parts_), key=lambda pair: -pair[0])  # type: ignore[arg-type]


def tune(
    interactions: Links,
    *,
    minutes: float,
    encoders: Mapping[str, Encoder] | None = None,
    valid: Links | None = None,
    repeats: bool = False,
    seed: int = 0,
    folder: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Tuned:
    """A blend of the best setting of each kind of model by nDCG@10 on held-out steps.

    Kinds: directed neighbours, likeness by each encoder, EASE, and, where torch is installed, self-attention, alone and with the vectors
    of each encoder that gives dense ones. Of each kind the usual setting is tried first, then what the search (tree-structured Parzen
    estimators) proposes, while the time lasts; the time that fitting anew will take is kept back. Then weights are chosen as `Blend` does.
    `valid`: steps to choose by, one a person, which `interactions` lack; the parts then stay as they are. Else the last links of 5,000
    random people are held out, and in the end the parts learn from everything.
    `folder`: trials are kept there, so that a search cut short goes on. One trial of each kind is made however little time there is.
    Refused: minutes that are not positive, links in which nobody did three things; no optuna (`Missing`).
    """
    if not minutes > 0:
        raise BadInput(f"expected a positive number of minutes, got {minutes}")
    deadline = time.monotonic() + 60 * minutes
    rest, histories, targets = held_out(interactions, PEOPLE, seed) if valid is None else _given(interactions, valid, seed)
    if not len(targets):
        raise BadInput("nobody has three links or more, so no step can be held out to choose a recommender by; add links")
    search = _Search(rest, histories, targets, repeats, seed, folder, say, deadline, again=valid is None)
    kinds = _kinds(encoders or {}, seed)
    shares = [SHARES[_base(kind)] for kind in kinds]
    for place, (kind, make) in enumerate(kinds.items()):
        search.run(kind, make, shares[place] / sum(shares[place:]))
    parts = [part for _, _, part in search.best.values()]
    say("choosing weights")
    weights, ndcg = weighed(parts, histories, targets, repeats=repeats)
    parts, weights = [part for part, weight in zip(parts, weights) if weight], [each for each in weights if each]
    blend = Blend(parts=tuple(parts), weights=tuple(weights), repeats=repeats)
    say("fitting on all links" if valid is None else "putting the parts together")
    return Tuned(blend.fit(interactions) if valid is None else blend.of_fitted(interactions), ndcg, search.trials)


def _given(interactions: Links, valid: Links, seed: int) -> tuple[Links, Histories, np.ndarray]:
    """Histories and next steps of some random people of `valid`."""
    drawn = np.sort(np.random.default_rng(seed).permutation(len(valid))[:PEOPLE])
    people = interactions.histories().take(valid.left_rows[drawn])
    return interactions, Histories.of(people, interactions.right), valid.right_rows[drawn]


def _kinds(encoders: Mapping[str, Encoder], seed: int) -> dict[str, Callable[[Any], BlockRecommender]]:
    """What proposes a model of each kind, cheap ones first."""
    kinds: dict[str, Callable[[Any], BlockRecommender]] = {"neighbours": _neighbours}
    for name, encoder in encoders.items():
        kinds[f"content by {name}"] = lambda trial, encoder=encoder: _content(trial, encoder)
    kinds["ease"] = _ease
    try:
        import torch  # noqa: F401
    except ImportError:
        return kinds
    kinds["attention"] = lambda trial: _attention(trial, None, seed)
    for name, encoder in encoders.items():
        if encoder.gives is Vectors:
            kinds[f"attention with {name}"] = lambda trial, encoder=encoder: _attention(trial, encoder, seed)
    return kinds


def _ahead(tried: int, starts: list[dict[str, Any]]) -> float:
    """How many times the longest trial so far the next one may take; a first that probes is much shorter than the usual setting."""
    return PROBED if tried == 1 and len(starts) > 1 else 1.5


def _base(kind: str) -> str:
    """The kind without the encoder's name."""
    return kind.split()[0]


def _neighbours(trial: Any) -> DirectedKnn:
    return DirectedKnn(
        decay=trial.suggest_float("decay", 0.3, 1),
        backward=trial.suggest_float("backward", 0, 1),
        smooth=trial.suggest_float("smooth", 0.5, 50, log=True),
    )


def _content(trial: Any, encoder: Encoder) -> ContentProfile:
    return ContentProfile(encoder=encoder, decay=trial.suggest_float("decay", 0.3, 1), power=trial.suggest_int("power", 1, 6))


def _ease(trial: Any) -> Ease:
    return Ease(penalty=trial.suggest_float("penalty", 5, 2000, log=True), decay=trial.suggest_float("decay", 0.3, 1))


def _attention(trial: Any, content: Encoder | None, seed: int) -> SasRec:
    return SasRec(
        epochs=trial.suggest_int("epochs", 1, 12),
        dim=trial.suggest_categorical("dim", [64, 128]),
        dropout=trial.suggest_float("dropout", 0.1, 0.7),
        lr=trial.suggest_float("lr", 5e-4, 5e-3, log=True),
        content=content,
        seed=seed,
    )


@dataclass
class _Search:
    """Held-out steps, and what was found so far: of each kind of model the best setting, fitted on the rest."""

    rest: Links
    histories: Histories
    targets: np.ndarray
    repeats: bool
    seed: int
    folder: Path | None
    say: Callable[[str], None]
    deadline: float
    again: bool  # whether all parts are fitted anew in the end
    trials: list[Trial] = field(default_factory=list)
    best: dict[str, tuple[float, float, BlockRecommender]] = field(default_factory=dict)  # ndcg, seconds, fitted part

    def run(self, kind: str, make: Callable[[Any], BlockRecommender], share: float) -> None:
        """Try settings of a kind while its share of the time that is left lasts."""
        study, starts = self._study(kind), STARTS[_base(kind)]
        done = [each for each in study.trials if each.value is not None]
        for start in [study.best_params] if done else starts:  # the best of before is fitted again, for its part
            study.enqueue_trial(start)
        until = time.monotonic() + share * (self.deadline - self.again * self._refit_s() - time.monotonic())
        longest, tried = 0.0, 0
        while not tried or (len(done) + tried < MOST and time.monotonic() + longest * _ahead(tried, starts) < until):
            begun = time.monotonic()
            self._try(kind, make, study)
            longest, tried = max(longest, time.monotonic() - begun), tried + 1

    def _try(self, kind: str, make: Callable[[Any], BlockRecommender], study: Any) -> None:
        trial, begun = study.ask(), time.monotonic()
        part = make(trial)
        part.repeats = self.repeats
        part.fit(self.rest)  # type: ignore[attr-defined]
        seconds = time.monotonic() - begun
        _, ndcg = weighed([part], self.histories, self.targets, repeats=self.repeats)
        study.tell(trial, ndcg)
        self.trials.append(Trial(kind, trial.params, ndcg, seconds))
        if kind not in self.best or ndcg > self.best[kind][0]:
            self.best[kind] = ndcg, seconds, part
        self.say(f"{kind}, {self.trials[-1].told}: nDCG@10 {ndcg:.4f}, {seconds:.0f} s")

    def _refit_s(self) -> float:
        return sum(seconds for _, seconds, _ in self.best.values())

    def _study(self, kind: str) -> Any:
        optuna = _optuna()
        storage = None
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(self.folder / "trials.log")))
        sampler = optuna.samplers.TPESampler(seed=self.seed, n_startup_trials=4)
        return optuna.create_study(storage=storage, sampler=sampler, study_name=kind, direction="maximize", load_if_exists=True)


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise Missing("optuna", "tune") from error
    logging.getLogger("optuna").setLevel(logging.WARNING)
    return optuna
