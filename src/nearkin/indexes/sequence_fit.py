"""How a sequence model learns: its table of items, the loss over all of them, and the validation after each epoch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from nearkin.errors import Missing, StageError
from nearkin.indexes.co_occurrence import start_vectors
from nearkin.indexes.histories import known_counts
from nearkin.indexes.sequence_log import Batch, checked_log
from nearkin.metrics import next_item
from nearkin.tables import Catalog, Links, Vectors

if TYPE_CHECKING:
    from nearkin.indexes.sequence_model import SequenceModel

VALIDATED = 5000  # people, drawn at random (users are often ordered), whose next item is asked for after each epoch


def learn(model: SequenceModel, interactions: Links, valid: Links | None, folder: Path | None, progress: bool) -> None:
    """Fill the learned fields of a sequence model."""
    need_torch()
    import torch

    from nearkin.training.settings import Training
    from nearkin.training.train import train

    offsets, rows = checked_log(interactions)
    items, known = interactions.right, np.flatnonzero(known_counts(interactions))
    slots, about = np.searchsorted(known, rows), Content.of(model, items)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(model.seed)
        parts = parts_of(model, _start(model, offsets, slots, len(known)), None if about is None else about.rows[known])

    def keep() -> None:
        _keep(model, parts, items, known, about)

    settings = Training(epochs=model.epochs, lr=model.lr, patience=model.patience, seed=model.seed)
    validate = None if valid is None else _validation(model, interactions, valid, keep)
    batches = model.batches(offsets, slots)
    train(parts, batches, loss_of(model, parts), settings, validate=validate, folder=folder, progress=progress)
    keep()


@dataclass(frozen=True)
class Content:
    """What the items are, centred and turned to the main axes: rows float32 [n, a], centre [c], axes [c, a], scaled to rows of length 1."""

    rows: np.ndarray
    centre: np.ndarray
    axes: np.ndarray

    @classmethod
    def of(cls, model: SequenceModel, items: Catalog) -> Self | None:
        if model.content is None:
            return None
        rows = dense(model.content(items))
        centre = rows.mean(0, dtype=np.float64)
        spread = (rows - centre).T @ (rows - centre)
        axes = np.linalg.eigh(spread)[1][:, ::-1][:, : model.axes]
        turned = (rows - centre) @ axes
        size = max(float(np.linalg.norm(turned, axis=1).mean()), 1e-9)
        return cls(*(each.astype(np.float32) for each in (turned / size, centre, axes / size)))


def dense(vectors: Any) -> np.ndarray:
    if not isinstance(vectors, Vectors):
        raise StageError(f"content is one dense vector an item, got {type(vectors).__name__}; project or pool it first")
    return np.asarray(vectors.rows, np.float32)


def _start(model: SequenceModel, offsets: np.ndarray, rows: np.ndarray, size: int) -> np.ndarray:
    if model.start:
        return start_vectors(offsets, rows, size, model.dim, seed=model.seed)
    return np.random.default_rng(model.seed).normal(0, model.dim**-0.5, (size, model.dim)).astype(np.float32)


def parts_of(model: SequenceModel, start: np.ndarray, content: np.ndarray | None) -> Any:
    """What is trained: the table of items and the network, as one module."""
    import torch

    from nearkin.layers.item_table import ItemTable

    table = ItemTable(torch.from_numpy(start), None if content is None else torch.from_numpy(content))
    return torch.nn.ModuleDict({"table": table, "net": model.net()})


def loss_of(model: SequenceModel, parts: Any) -> Callable[[Batch], Any]:
    """The softmax over all items at the positions that a batch asks about."""
    from nearkin.layers.grid import Grid
    from nearkin.layers.item_table import cosine_scores
    from nearkin.losses.catalogue_softmax import catalogue_softmax

    def loss(batch: Batch) -> Any:
        vectors = parts["table"]()
        states = parts["net"](vectors.index_select(0, batch.items), Grid.of(batch.lengths), batch.hidden)
        asked = states if batch.asking is None else states.index_select(0, batch.asking)
        return catalogue_softmax(*cosine_scores(asked, vectors, model.scale), batch.targets)

    return loss


def _keep(model: SequenceModel, parts: Any, items: Catalog, known: np.ndarray, about: Content | None) -> None:
    """Take the weights over as arrays; what content adds to an item goes into the table, and the way there is kept for new items."""
    rows = parts["table"].rows.detach().cpu().numpy()
    table = np.zeros((len(items), rows.shape[1]), np.float32)
    if about is not None:
        weight = parts["table"].of_content.weight.detach().cpu().numpy().T
        table += about.rows @ weight
        model.centre_, model.map_ = about.centre, about.axes @ weight
    table[known] += rows
    model.items_, model.table_ = items, table
    model.known_ = np.isin(np.arange(len(items)), known) | (about is not None)
    model.weights_ = {name: each.detach().cpu().numpy().copy() for name, each in parts["net"].state_dict().items()}


def _validation(model: SequenceModel, interactions: Links, valid: Links, keep: Callable[[], None]) -> Callable[[], float]:
    """Mean nDCG@10 of the next items of some people."""
    drawn = np.sort(np.random.default_rng(model.seed).permutation(len(valid))[:VALIDATED])
    people = interactions.histories().take(valid.left_rows[drawn])
    targets = valid.right_rows[drawn]

    def validate() -> float:
        keep()
        return float(next_item.ndcg(model.deeper(11)(people), targets).mean())

    return validate


def need_torch() -> None:
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise Missing("torch", "torch") from error
