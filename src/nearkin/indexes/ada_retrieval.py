"""Recommend in rounds: each round reads the history anew in view of what the earlier ones showed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from nearkin.errors import BadInput
from nearkin.indexes.ada_fit import learn, read, rounds_of
from nearkin.indexes.from_history import BlockRecommender, chosen, copied
from nearkin.indexes.histories import Histories
from nearkin.indexes.sequence_model import SequenceModel
from nearkin.stage import fitted, learned
from nearkin.tables import Catalog, Hits, Links, unit

PARTS = ("items", "filter", "user")


@dataclass(kw_only=True)
class AdaRetrieval(BlockRecommender):
    """A sequence model asked `rounds` times for `batch` items, with adapters that tell it what it has shown already.

    Catalog[q] with a history -> Hits[q, k]: the rounds one after another, best first within each; then the rest by the last round.
    score(c) = rounds - t + (1 + cosine(u_t, item_c)) / 2 for an item shown in round t (from 1), (1 + cosine(u_rounds, item_c)) / 2 for
    one that no round showed, 0 without a vector. u_t and the adapters ("items", with or without its "filter", and "user"): see
    `layers.adaptive_rounds`. `keep` holds within the rounds: what may not be answered is not shown to the adapters either.
    Training, first stage: the backbone alone (passed over where `backbone` was fitted before), which then stays as it is. Second stage:
    the adapters, by the sum over rounds t = 2 .. `taught` of discount^(t - 2) * the softmax at u_t over the items not shown yet, for the
    item after each prefix of each history, as long as no round has shown it: that is what a round is for when asked. What was in the
    prefix and what was shown is masked in the rounds, as in an answer.
    Cost: `rounds` times the backbone's and rounds * items * dim multiplications an answer; training 4 times that a prefix.
    Refused: no round, no item a round, unknown parts, what the backbone refuses.
    Source: Li, Lian, Zhou and Xie, "Ada-Retrieval", AAAI 2024. Ours: the softmax of cosines that the backbones here learn by, for binary
    cross-entropy with 100 negatives; a loss without what was shown (theirs asks each round for the same item, shown or not) and a backbone
    that stays, for all weights learning on; histories masked in training as well; norms and W2 that begin at the backbone.
    """

    backbone: SequenceModel
    k: int = 100
    repeats: bool = False  # whether what someone had may come again
    rounds: int = 5
    taught: int = 3  # the rounds that learn; by the discount, later ones would have little say
    batch: int = 20  # items a round
    parts: tuple[str, ...] = PARTS
    discount: float = 0.3
    dropout: float = 0.2
    epochs: int = 1
    lr: float = 2e-3
    tokens: int = 1500  # a batch
    patience: int = 0  # epochs without a better validation before training stops; 0: all epochs
    seed: int = 0
    items_: Catalog | None = learned()
    backbone_: SequenceModel | None = learned()  # as fitted
    adapters_: dict[str, np.ndarray] | None = learned()

    barred: ClassVar[np.ndarray | None] = None  # bool [n]: what `keep` keeps out while it is asked

    def __post_init__(self) -> None:
        unknown = sorted(set(self.parts) - set(PARTS))
        if min(self.rounds, self.taught, self.batch) < 1 or not 0 <= self.discount <= 1 or unknown:
            raise BadInput(f"expected rounds, taught and batch of 1 or more, 0 <= discount <= 1, parts among {PARTS}: {self}")

    def fit(self, interactions: Links, *, valid: Links | None = None, folder: Path | None = None, progress: bool = False) -> Self:
        """Learn. `valid`: links to foretell after each epoch, the weights with the best recall at 50 are kept; `folder`: a checkpoint."""
        learn(self, interactions, valid, folder, progress)
        return self

    def block(self, histories: Histories) -> np.ndarray:
        states, shown = self.walk(histories)
        units = self.units()
        there = states[-1].any(1)
        found = (1 + states[-1] @ units.T) / 2
        for place, (state, rows) in enumerate(zip(states, shown)):
            owner, column = np.nonzero(rows >= 0)
            row = rows[owner, column]
            found[owner, row] = self.rounds - place - 1 + (1 + np.einsum("nd,nd->n", state[owner], units[row])) / 2
        found[:, ~self.backbone_.known_] = 0
        found[~there] = 0
        return found

    def walk(self, histories: Histories) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Each round's unit vectors, float32 [q, dim], and rows shown, int64 [q, batch]; zeros and -1 where no item is known."""
        return read(fitted(self), histories)

    def __call__(self, people: Catalog, *, keep: np.ndarray | None = None) -> Hits:
        model = self if keep is None else copied(fitted(self), barred=np.logical_not(keep))
        return chosen(model, people, keep, lambda histories, _: model.block(histories))

    def for_items(self, items: Catalog) -> Self:
        return copied(self, items_=items, backbone_=fitted(self).backbone_.for_items(items))

    def deeper(self, k: int) -> Self:
        """The same model giving k hits."""
        return copied(self, k=k)

    def units(self) -> np.ndarray:
        """The items' vectors at length 1, zeros without one: float32 [n, dim]; made once."""
        held = self.__dict__.get("_units")
        if held is None or held[0] is not self.backbone_.table_:
            self.__dict__["_units"] = held = (self.backbone_.table_, unit(self.backbone_.table_))
        return held[1]

    def net(self) -> Any:
        """The rounds with their learned weights; made once and kept beside them."""
        held = self.__dict__.get("_held")
        if held is None or held[0] is not self.adapters_ or held[1] is not self.backbone_.weights_:
            self.__dict__["_held"] = held = (self.adapters_, self.backbone_.weights_, rounds_of(self))
        return held[2]
