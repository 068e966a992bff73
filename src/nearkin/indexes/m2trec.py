"""Recommend what comes next in a session, from what items are: no item has a vector of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from nearkin.errors import BadInput
from nearkin.indexes.co_occurrence import start_vectors
from nearkin.indexes.from_history import copied
from nearkin.indexes.histories import known_counts
from nearkin.indexes.sequence_fit import VALIDATED, dense, need_torch
from nearkin.indexes.sequence_log import checked_log
from nearkin.indexes.sequence_model import SequenceModel
from nearkin.indexes.session_log import Beginnings, Sessions
from nearkin.layers.field_values import Bags, FieldValues
from nearkin.metrics import next_item
from nearkin.stage import fitted, learned
from nearkin.tables import Catalog, Links


@dataclass(kw_only=True)
class M2TRec(SequenceModel):
    """Items are the sum of what their fields say; a Transformer reads a session both ways and its mean foretells the next item and what
    that item is.

    Catalog[q] with a history -> Hits[q, k]; scores, refusals and answers as in `SequenceModel`.
    Items: `ContentItems` over `fields` (all text, category, number and time fields when none is named), and over the vectors of `content`
    where given. An item of no known value and no text has no vector. Learned from every beginning of every session; of those the last
    `length` items are read. loss = softmax over all items + sum over `heads` (fields) of head_weight * softmax over the field's values.
    No `heads`: the single task. `start`: the map of text, then the vectors of values, begin as what comes nearest to the co-occurrence
    vectors of items (ridge regression).
    Each head is a linear map of the session's vector, used in training alone.
    `validations_`: mean nDCG@10 after each epoch. New items have vectors at once (`for_items`), equal to those of items with equal values.
    Cost: an epoch takes 6 * links * items * dim operations for the softmax. Refused besides: heads that are no fields read.
    Source: Shalaby et al., "M2TRec", RecSys 2022. Ours: cosines in a softmax tied to the items, one width for all fields.
    """

    length: int = 20
    dim: int = 64
    blocks: int = 1
    heads: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    head_weight: float = 0.1
    least: int = 2  # things a word or value must be on to have a vector of its own
    attention_heads: int = 2
    dropout: float = 0.3
    size: int = 400  # targets a batch
    values_: np.ndarray | None = learned()  # float32 [v, dim]
    names_: dict[str, list[Any]] | None = learned()  # known values by field
    validations_: list[float] | None = learned(optional=True)

    def net(self) -> Any:
        from nearkin.layers.session_net import SessionNet

        return SessionNet(self.dim, self.attention_heads, self.blocks, length=self.length, dropout=self.dropout)

    def batches(self, offsets: np.ndarray, rows: np.ndarray) -> Beginnings:
        raise NotImplementedError("M2TRec makes its batches in fit, which knows the attributes")

    def fit(self, interactions: Links, *, valid: Links | None = None, folder: Path | None = None, progress: bool = False) -> Self:
        need_torch()
        from nearkin.training.settings import Training
        from nearkin.training.train import train

        offsets, rows = checked_log(interactions)
        items = interactions.right
        fields = FieldValues.of(items, self.fields, least=self.least)
        heads = _places(self.heads, fields)
        bags, parts = fields(items), self._parts(items, fields)
        if self.start:
            self._begin(parts["table"], bags, offsets, rows)
        batches = Beginnings.of(offsets, rows, bags, heads, length=self.length, size=self.size, seed=self.seed)
        settings = Training(epochs=self.epochs, lr=self.lr, patience=self.patience, seed=self.seed)

        def keep() -> None:
            self._keep(parts, items, fields)

        validate = None if valid is None else _validation(self, interactions, valid, keep)
        loss = _loss(self, parts, np.flatnonzero(known_counts(interactions)))
        found = train(parts, batches, loss, settings, validate=validate, folder=folder, progress=progress)
        keep()
        self.validations_ = found.validations
        self.index_ = None if self.index is None else copied(self.index).fit(self.item_vectors())
        return self

    def for_items(self, items: Catalog) -> Self:
        fields = FieldValues(fitted(self).names_)
        table, known = self._table(items, fields, self.values_)
        other = copied(self, items_=items, table_=table, known_=known, _units_of=None)
        other.index_ = None if self.index is None else copied(self.index).fit(other.item_vectors())
        return other

    @property
    def size_of_model(self) -> int:
        """Learned numbers."""
        counts = [fitted(self).values_.size, *(each.size for each in self.weights_.values())]
        return sum(counts) + (0 if self.map_ is None else self.map_.size)

    def _parts(self, items: Catalog, fields: FieldValues) -> Any:
        """The items and the network, untrained."""
        import torch

        from nearkin.layers.content_items import ContentItems

        text = None if self.content is None else torch.from_numpy(dense(self.content(items)).copy())
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            parts = {"table": ContentItems(fields(items), fields.sizes, self.dim, text), "net": self.net()}
            counts = [len(fields.known[name]) for name in self.heads]
            heads = torch.nn.ModuleList([torch.nn.Linear(self.dim, max(1, count)) for count in counts])
            return torch.nn.ModuleDict({**parts, "heads": heads})

    def _begin(self, table: Any, bags: Bags, offsets: np.ndarray, rows: np.ndarray) -> None:
        """Begin where items are nearest to their co-occurrence vectors: text as far as it tells them, then values as far as they add."""
        import torch

        counts = np.bincount(rows, minlength=len(bags))
        known = np.flatnonzero(counts)
        wanted = start_vectors(offsets, np.searchsorted(known, rows), len(known), self.dim, seed=self.seed)
        if table.text is not None:
            text = table.text.vectors.numpy()[known]
            weighed = text * counts[known, None]
            turn = np.linalg.solve(weighed.T @ text + np.eye(text.shape[1], dtype=np.float32), weighed.T @ wanted)
            table.text.turn.weight.data = torch.from_numpy(np.ascontiguousarray(turn.T, np.float32))
            wanted = wanted - text @ turn
        table.rows.data = torch.from_numpy(ridge(bags.take(known), len(table.rows), wanted, counts[known]))

    def _keep(self, parts: Any, items: Catalog, fields: FieldValues) -> None:
        """Take the weights over as arrays."""
        self.weights_ = {name: each.detach().cpu().numpy().copy() for name, each in parts["net"].state_dict().items()}
        self.values_ = parts["table"].rows.detach().cpu().numpy().copy()
        self.names_ = {name: list(values) for name, values in fields.known.items()}
        if parts["table"].text is not None:
            self.centre_, self.map_ = (each.cpu().numpy().copy() for each in parts["table"].text.as_map())
        self.items_ = items
        self.table_, self.known_ = self._table(items, fields, self.values_)

    def _table(self, items: Catalog, fields: FieldValues, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Vectors of items from their fields and text, and which of them have any: float32 [n, dim], bool [n]."""
        bags = fields(items)
        sums = np.add.reduceat(values[bags.codes], bags.offsets[:-1], axis=0) if len(items) else np.zeros((0, self.dim), np.float32)
        means = sums / np.maximum(1, np.diff(bags.offsets))[:, None]
        table, known = means.reshape(len(items), -1, self.dim).sum(1).astype(np.float32), bags.filled.any(1)
        if self.content is not None and len(items):
            rows = dense(self.content(items))
            there = np.abs(rows).sum(1) > 0
            table += np.where(there[:, None], rows - self.centre_, 0) @ self.map_
            known |= there
        table[~known] = 0
        return table, known


def _places(heads: tuple[str, ...], fields: FieldValues) -> tuple[int, ...]:
    """Which of the fields are foretold."""
    if wrong := [name for name in heads if name not in fields.known]:
        raise BadInput(f"heads foretell fields that are read, but {wrong} are not among {list(fields.known)}")
    return tuple(list(fields.known).index(name) for name in heads)


def _loss(model: M2TRec, parts: Any, trained: np.ndarray) -> Callable[[Sessions], Any]:
    """The next item among those that have links (others would only be pushed away), and its attributes."""
    import torch

    from nearkin.layers.grid import Grid
    from nearkin.layers.item_table import cosine_scores
    from nearkin.losses.bag_softmax import bag_softmax
    from nearkin.losses.catalogue_softmax import catalogue_softmax

    rows = torch.from_numpy(trained)
    slots = torch.zeros(int(trained.max()) + 1, dtype=torch.int64).index_copy(0, rows, torch.arange(len(rows)))

    def loss(batch: Sessions) -> Any:
        vectors = parts["table"]()
        states = parts["net"].pooled(vectors.index_select(0, batch.items), Grid.of(batch.lengths))
        whole = catalogue_softmax(*cosine_scores(states, vectors.index_select(0, rows), model.scale), slots[batch.targets])
        for head, (values, owner) in zip(parts["heads"], batch.values):
            whole = whole + model.head_weight * bag_softmax(head(states), values, owner)
        return whole

    return loss


def _validation(model: M2TRec, interactions: Links, valid: Links, keep: Callable[[], None]) -> Callable[[], float]:
    """Mean nDCG@10 of the next items of some people, drawn at random."""
    drawn = np.sort(np.random.default_rng(model.seed).permutation(len(valid))[:VALIDATED])
    people = interactions.histories().take(valid.left_rows[drawn])

    def validate() -> float:
        keep()
        return float(next_item.ndcg(model.deeper(11)(people), valid.right_rows[drawn]).mean())

    return validate


def ridge(bags: Bags, size: int, wanted: np.ndarray, counts: np.ndarray, *, penalty: float = 1.0) -> np.ndarray:
    """Value vectors v that minimise sum_i count_i |sum of means of v over i's bags - wanted_i|^2 + penalty |v|^2: float32 [size, d].

    By conjugate gradients, 50 steps, all columns at once. Cost: 100 products with the sparse matrix of values.
    """
    from scipy.sparse import csr_array

    share = 1 / np.diff(bags.offsets)[bags.owners]
    matrix = csr_array((share, (bags.owners // bags.fields, bags.codes)), shape=(len(bags), size)).astype(np.float32)
    weight = np.sqrt(counts)[:, None].astype(np.float32)
    found, rest = np.zeros((size, wanted.shape[1]), np.float32), matrix.T @ (weight**2 * wanted)
    step, length = rest.copy(), (rest**2).sum(0)
    for _ in range(50):
        image = matrix.T @ (weight**2 * (matrix @ step)) + penalty * step
        pace = length / np.maximum((step * image).sum(0), 1e-20)
        found += pace * step
        rest -= pace * image
        before, length = length, (rest**2).sum(0)
        step = rest + (length / np.maximum(before, 1e-20)) * step
    return found
