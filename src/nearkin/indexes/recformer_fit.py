"""How Recformer learns: its start, pre-training over several catalogues, and two stages of fine-tuning."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nearkin.errors import BadInput
from nearkin.indexes.item_sentences import Sentences, hidden_words, newest_first, tell_cut
from nearkin.indexes.known_items import with_known
from nearkin.indexes.recformer_reading import net_of, read_items, tokenizer_of
from nearkin.indexes.sequence_fit import need_torch
from nearkin.indexes.sequence_log import checked_log
from nearkin.layers.packaged import packaged
from nearkin.metrics import next_item
from nearkin.tables import Links
from nearkin.training.batches import cut_by_length

if TYPE_CHECKING:
    from nearkin.indexes.recformer import Recformer

VALIDATED = 1000  # people, drawn at random, whose next item is asked for after each epoch


class Pairs(NamedTuple):
    """A batch of pre-training: histories and the items after them with words hidden, what was hidden, and which item each is."""

    left: Any
    left_words: Any
    right: Any
    right_words: Any
    own: Any


class Asked(NamedTuple):
    """A batch of fine-tuning: histories, and the rows of the items after them, int64 [b]."""

    texts: Any
    targets: Any


@dataclass(frozen=True)
class Walks:
    """Histories with two known items at least, and places in them to foretell, drawn anew in each epoch.

    rows: int64 [m] of items with words, one history after another; starts, stops: int64 [w]; late: only the second half is foretold.
    """

    model: Recformer
    sentences: Sentences
    rows: np.ndarray
    starts: np.ndarray
    stops: np.ndarray
    late: bool

    def cut(self, epoch: int) -> Sequence[np.ndarray]:
        counts = np.minimum(self.stops - self.starts, self.model.history)
        return cut_by_length(counts, int(self.model.size * max(1.0, counts.mean())), np.random.default_rng([self.model.seed, epoch]))

    def drawn(self, rows: np.ndarray, random: np.random.Generator) -> tuple[Any, np.ndarray]:
        """Texts of what came before a place of each history, and the item there."""
        lengths = self.stops[rows] - self.starts[rows]
        low = np.maximum(1, lengths // 2) if self.late else np.ones_like(lengths)
        places = low + random.integers(0, lengths - low)
        counts, stops = np.minimum(places, self.model.history), self.starts[rows] + places
        return self.sentences.texts(newest_first(self.rows, stops, counts), counts, self.model.tokens), self.rows[stops]

    def make(self, rows: np.ndarray, random: np.random.Generator) -> Asked:
        import torch

        texts, targets = self.drawn(rows, random)
        return Asked(texts, torch.from_numpy(targets))


@dataclass(frozen=True)
class HiddenWalks:
    """`Walks` as batches of pre-training. goes_on: bool [vocabulary], pieces that go on a word; seen: int64 [v], words in use."""

    walks: Walks
    goes_on: np.ndarray
    seen: np.ndarray

    def cut(self, epoch: int) -> Sequence[np.ndarray]:
        return self.walks.cut(epoch)

    def make(self, rows: np.ndarray, random: np.random.Generator) -> Pairs:
        import torch

        texts, targets = self.walks.drawn(rows, random)
        items = self.walks.sentences.texts(targets, np.ones_like(targets), self.walks.model.tokens)
        both = (hidden_words(each, self.goes_on, self.seen, random) for each in (texts, items))
        (left, left_words), (right, right_words) = both
        return Pairs(left, left_words, right, right_words, torch.from_numpy(targets))


def pretrain(model: Recformer, logs: Sequence[Links], folder: Path | None, progress: bool) -> None:
    """Contrast of histories with what came next, and hidden words, over all the logs together."""
    import torch

    from nearkin.training.settings import Training
    from nearkin.training.train import train

    begin(model)
    tokenizer = tokenizer_of(model)
    parts = [Sentences.of(log.right, model.fields, tokenizer, model.attribute) for log in logs]
    shifts = np.cumsum([0, *(len(log.right) for log in logs)])
    sentences = Sentences.joined(parts)
    each = [with_known(*checked_log(log), part.there) for log, part in zip(logs, parts)]
    rows = np.concatenate([found[1] + shift for found, shift in zip(each, shifts)])
    counts = np.concatenate([np.diff(found[0]) for found in each])
    walks = _walks(model, sentences, np.concatenate([[0], np.cumsum(counts)]), rows, late=True)
    vocabulary = tokenizer.get_vocab()
    goes_on = np.zeros(len(vocabulary), bool)
    goes_on[[row for piece, row in vocabulary.items() if piece.startswith("##")]] = True
    seen = np.unique(sentences.tokens)
    net = net_of(model)
    loss = _contrast(model, net, torch.from_numpy(seen))
    settings = Training(epochs=model.before, lr=model.lr, clip=1.0, seed=model.seed)
    train(net, HiddenWalks(walks, goes_on, seen), loss, settings, folder=None if folder is None else folder / "before", progress=progress)
    model.weights_ = _arrays(net)
    model.items_ = model.table_ = None


def _contrast(model: Recformer, net: Any, seen: Any) -> Callable[[Pairs], Any]:
    import torch

    from nearkin.losses.catalogue_softmax import catalogue_softmax
    from nearkin.losses.info_nce import info_nce

    def words(states: Any, hidden: Any) -> Any:
        asked = hidden >= 0
        if not asked.any():
            return states.sum() * 0
        return catalogue_softmax(net.guess(states[asked]), net.vocabulary(seen), torch.searchsorted(seen, hidden[asked]))

    def loss(batch: Pairs) -> Any:
        left, right = net.states(batch.left), net.states(batch.right)
        near = info_nce(left[:, 0], right[:, 0], batch.own, temperature=model.temperature)
        return near + model.masked * (words(left, batch.left_words) + words(right, batch.right_words))

    return loss


def fine_tune(model: Recformer, interactions: Links, valid: Links | None, folder: Path | None, progress: bool) -> None:
    """Stage one with the items read anew after each epoch, stage two with the best of these vectors as they are."""
    import torch

    from nearkin.training.settings import Training
    from nearkin.training.train import train

    begin(model)
    model.items_ = interactions.right
    sentences = model.sentences()
    offsets, rows = with_known(*checked_log(interactions), sentences.there)
    walks = _walks(model, sentences, offsets, rows, late=False)
    net = net_of(model)
    whole = torch.nn.Module()
    whole.net = net
    whole.register_buffer("items", torch.from_numpy(read_items(model, net, sentences)))  # in the state, so that it is kept with its weights
    for stage, epochs in (("moving", model.epochs), ("still", model.still)):
        if epochs:
            settings = Training(epochs=epochs, lr=model.lr, clip=1.0, patience=model.patience, warmup=20, seed=model.seed)
            after = _after_epoch(model, whole, sentences, interactions, valid, moving=stage == "moving")
            place = None if folder is None else folder / stage
            train(whole, walks, _next(model, whole), settings, validate=after, folder=place, progress=progress)
    model.weights_, model.table_ = _arrays(net), whole.items.numpy().copy()


def _next(model: Recformer, whole: Any) -> Callable[[Asked], Any]:
    from nearkin.losses.catalogue_softmax import catalogue_softmax

    def loss(batch: Asked) -> Any:
        return catalogue_softmax(whole.net(batch.texts) / model.temperature, whole.items, batch.targets)

    return loss


def _after_epoch(
    model: Recformer, whole: Any, sentences: Sentences, interactions: Links, valid: Links | None, *, moving: bool
) -> Callable[[], float]:
    """Read the items anew where they move, then foretell: nDCG@10; without links to validate on, the last epoch is the best."""
    import torch

    drawn = [] if valid is None else np.sort(np.random.default_rng(model.seed).permutation(len(valid))[:VALIDATED])
    people = None if valid is None else interactions.histories().take(valid.left_rows[drawn])
    epoch = iter(range(1_000_000))

    def validate() -> float:
        if moving:
            whole.items.copy_(torch.from_numpy(read_items(model, whole.net, sentences)))
        if people is None or valid is None:
            return float(next(epoch))
        model.weights_, model.table_ = _arrays(whole.net), whole.items.numpy()
        return float(next_item.ndcg(model.deeper(11)(people), valid.right_rows[drawn]).mean())

    return validate


def begin(model: Recformer) -> None:
    """Take the language model as the start where nothing was learned yet."""
    need_torch()
    if model.weights_ is not None:
        return
    import torch
    from safetensors.torch import load_file

    from nearkin.layers.recformer_net import from_bert

    folder = Path(model.model) if model.model else packaged("bert-tiny")
    try:
        weights, config = load_file(folder / "model.safetensors"), json.loads((folder / "config.json").read_text())
        model.tokenizer_, model.heads_ = (folder / "tokenizer.json").read_text(), int(config["num_attention_heads"])
    except OSError as error:
        raise BadInput(f"expected a folder with model.safetensors, config.json and tokenizer.json, got {folder}: {error}") from error
    if model.tokens > config["max_position_embeddings"]:
        raise BadInput(f"the language model has {config['max_position_embeddings']} places, tokens is {model.tokens}; lower it")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(model.seed)
        model.weights_ = _arrays(from_bert(weights, model.heads_, places=model.tokens, items=model.history, marked=model.marked))


def _arrays(net: Any) -> dict[str, np.ndarray]:
    return {name: each.detach().cpu().numpy().copy() for name, each in net.state_dict().items()}


def _walks(model: Recformer, sentences: Sentences, offsets: np.ndarray, rows: np.ndarray, *, late: bool) -> Walks:
    able = np.diff(offsets) >= 2
    if not able.any():
        raise BadInput("nobody in this log has two items with words; Recformer has nothing to learn from")
    counts = np.minimum(np.diff(offsets)[able], model.history)
    tell_cut(sentences, newest_first(rows, offsets[1:][able], counts), counts, model.tokens)
    return Walks(model, sentences, rows, offsets[:-1][able], offsets[1:][able], late)
