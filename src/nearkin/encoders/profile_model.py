"""A text encoder tuned so that what is said of a person is near what is said of the things they go on to have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from nearkin.encoders.profile_pairs import ProfilePairs, Shop, pieces_of
from nearkin.encoders.word_table import WordTable, read_table
from nearkin.errors import BadInput, Missing
from nearkin.stage import Encoder, learned
from nearkin.tables import Catalog, Vectors, unit

BLOCK = 256  # texts read at once
CODES = 256  # numbers of a piece's code


@dataclass(kw_only=True)
class ProfileModel(Encoder):
    """Text to a unit vector: what its words are, by a table that comes along, and beside it what attention learned from pairs of profiles.

    Catalog[n] -> Vectors[n, dim], float32, rows of length 1, or all zero for a text without a known piece. Longer texts are cut.
    Before `tune` the learned numbers are 0, and the vector of a text is the weighted sum of its pieces (see `TextNet`).
    Training: softmax of cosine / temperature of a person's profile over the items of the batch (their own, everyone else's, and one drawn
    for each), each less the logarithm of how often it is expected there, without which popular items would be learned to be no one's;
    items that the person is known to have had are left out; plus `guess` times the loss of foretelling hidden pieces of a few texts.
    One of a thing's profiles is drawn each time. The weights with the best nDCG on held-out pairs of the shops are kept.
    Cost: texts * pieces * (dim + blocks * 8 inner^2). Refused: shops without pairs; no torch (`Missing`).
    Source: Ren and Huang, EMNLP 2025 (EasyRec), who tune RoBERTa for days on eight accelerators at temperature .05; ours: a fixed table
    and one narrow block beside it, so that a core does it in a minute, batches of one shop, and the correction of the softmax.
    """

    fields: tuple[str, ...] = ("profile",)
    model: str = "static-words-en"  # the table: one that comes along, else a folder
    blocks: int = 1
    inner: int = 64  # width of the blocks
    room: int = 48  # learned numbers of a vector
    length: int = 64  # pieces of a text, the most
    dropout: float = 0.1
    epochs: int = 2
    lr: float = 1e-3
    pairs: int = 48  # a batch
    temperature: float = 0.1
    contrast: float = 1.0  # weight of the softmax over the batch
    guess: float = 0.1  # weight of the hidden pieces
    hidden: float = 0.15  # share of the pieces
    seed: int = 0
    weights_: dict[str, np.ndarray] | None = learned(optional=True)

    @property
    def dim(self) -> int:
        """Numbers a vector."""
        return int(self._table.rows.shape[1]) + CODES + self.room

    @property
    def _table(self) -> WordTable:
        return read_table(self.model)

    def tune(self, shops: Sequence[Shop]) -> Self:
        """Learn from pairs of people and items of one shop or several, each item and person with one profile or several."""
        torch = _torch()
        from nearkin.training.settings import Training
        from nearkin.training.train import train

        pairs = ProfilePairs.of(shops, self._table.pieces, length=self.length, fields=self.fields, size=self.pairs, seed=self.seed)
        if not len(pairs.people):
            raise BadInput("these shops have no pair of a person and an item that both have a profile; there is nothing to learn from")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            net = self._net()
        settings = Training(epochs=self.epochs, lr=self.lr, warmup=10, clip=1.0, seed=self.seed)

        def validate() -> float:
            return gained(pairs, lambda rows: self._read(net, *pairs.texts(rows)))

        train(net, pairs, self._loss(net), settings, validate=validate)
        self.weights_ = {name: each.detach().cpu().numpy().copy() for name, each in net.state_dict().items()}
        self.__dict__.pop("_held", None)
        return self

    def _loss(self, net: Any) -> Callable[[Any], Any]:
        import torch
        import torch.nn.functional as F

        from nearkin.losses.batch_contrastive import batch_contrastive
        from nearkin.losses.catalogue_softmax import catalogue_softmax

        def loss(batch: Any) -> Any:
            vectors = F.normalize(net(batch.pieces, batch.lengths), dim=1)
            people, items = vectors[: len(batch.had)], vectors[len(batch.had) :]
            asked = torch.cat([people, people.new_full((len(people), 1), -self.temperature)], 1)  # score = cosine / temperature - often
            total = batch_contrastive(asked, torch.cat([items, batch.often[:, None]], 1), batch.had, temperature=self.temperature)
            total = total * self.contrast
            if not self.guess:
                return total
            hidden = torch.rand(len(batch.guessed), device=vectors.device) < self.hidden
            if not hidden.any():
                return total
            states = net.states(batch.guessed, batch.guessed_lengths, hidden)[hidden]
            return total + self.guess * catalogue_softmax(net.guessed(states), net.table, batch.guessed[hidden])

        return loss

    def __call__(self, catalog: Catalog, /) -> Vectors:
        offsets, pieces = pieces_of(catalog.texts(*self.fields), self._table.pieces, self.length)
        return Vectors(self._read(self._running(), offsets, pieces), catalog)

    def _read(self, net: Any, offsets: np.ndarray, pieces: np.ndarray) -> np.ndarray:
        """Unit vectors of texts, batched by length: float32 [n, dim]."""
        torch = _torch()
        lengths = np.diff(offsets)
        found = np.zeros((len(lengths), self.dim), np.float32)
        order = np.argsort(lengths, kind="stable")
        order = order[np.searchsorted(lengths[order], 1) :]
        for start in range(0, len(order), BLOCK):
            rows = order[start : start + BLOCK]
            part = np.concatenate([pieces[offsets[row] : offsets[row + 1]] for row in rows])
            with torch.inference_mode():
                found[rows] = net(torch.from_numpy(part.astype(np.int64)), torch.from_numpy(lengths[rows])).numpy()
        return unit(found)

    def _net(self) -> Any:
        torch = _torch()
        from nearkin.layers.text_net import TextNet

        table = self._table
        rows = table.rows / np.linalg.norm(table.rows, axis=1).mean()
        codes = np.sign(np.random.default_rng(0).normal(size=(len(rows), CODES))) / np.sqrt(CODES)
        fixed = [torch.from_numpy(np.array(each, np.float32)) for each in (rows, codes, table.weights)]
        return TextNet(*fixed, blocks=self.blocks, inner=self.inner, room=self.room, length=self.length, dropout=self.dropout)

    def _running(self) -> Any:
        """The net with its learned weights; made once and kept beside them."""
        held = self.__dict__.get("_held")
        if held is None:
            torch = _torch()
            with torch.random.fork_rng(devices=[]):
                held = self._net().eval()
            if self.weights_ is None:
                for each in held.last.parameters():
                    torch.nn.init.zeros_(each)
            else:
                held.load_state_dict({name: torch.from_numpy(np.array(each)) for name, each in self.weights_.items()})
            self.__dict__["_held"] = held
        return held

    def restore(self, state: Any) -> None:
        super().restore(state)
        self.__dict__.pop("_held", None)


def gained(pairs: ProfilePairs, read: Callable[[np.ndarray], np.ndarray]) -> float:
    """1 / log2(1 + rank) of the held-out pairs' items in their shop, averaged over pairs, then over shops: nDCG, which small shops too
    can tell apart."""
    found = []
    for people, items, own in pairs.held:
        if len(people):
            scores = read(people) @ read(items).T
            right = scores[np.arange(len(own)), own][:, None]
            found.append(float((1 / np.log2(1 + (scores >= right).sum(1))).mean()))
    return float(np.mean(found)) if found else 0.0


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise Missing("torch", "torch") from error
    return torch
