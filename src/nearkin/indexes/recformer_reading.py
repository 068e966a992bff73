"""How a fitted Recformer reads: its network and tokenizer put together again, items and histories as vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nearkin.errors import Missing
from nearkin.indexes.histories import Histories
from nearkin.indexes.item_sentences import Sentences, newest_first
from nearkin.indexes.known_items import with_known
from nearkin.training.batches import gathered

if TYPE_CHECKING:
    from nearkin.indexes.recformer import Recformer

READ = 16_384  # tokens read at once


def net_of(model: Recformer) -> Any:
    """A network with the weights learned so far."""
    import torch

    from nearkin.layers.recformer_net import RecformerNet

    held = {name: torch.from_numpy(np.array(each)) for name, each in model.weights_.items()}
    depth = 1 + max(int(name.split(".")[1]) for name in held if name.startswith("layers."))
    sizes = {"places": len(held["place.weight"]), "items": len(held["item.weight"]) - 1, "inner": len(held["layers.0.up.bias"])}
    with torch.random.fork_rng(devices=[]):
        net = RecformerNet(held["words"], heads=model.heads_, layers=depth, marked=model.marked, **sizes)
    net.load_state_dict(held)
    return net.eval()


def tokenizer_of(model: Recformer) -> Any:
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise Missing("tokenizers", "torch") from error
    made = Tokenizer.from_str(model.tokenizer_)
    made.no_padding()
    made.no_truncation()
    return made


def read_items(model: Recformer, net: Any, sentences: Sentences) -> np.ndarray:
    """All items as texts of one sentence: float32 [n, dim], zeros where there are no words."""
    rows = np.flatnonzero(sentences.there)
    found = np.zeros((len(sentences), model.weights_["words"].shape[1]), np.float32)
    found[rows] = _read(net, sentences, rows, np.ones_like(rows), model.tokens)
    return found


def read_histories(model: Recformer, net: Any, sentences: Sentences, histories: Histories) -> np.ndarray:
    """Unit vectors of histories: float32 [q, dim], zeros where no item has words."""
    offsets, rows = with_known(histories.offsets, histories.rows, sentences.there)
    counts = np.minimum(np.diff(offsets), model.history)
    able = np.flatnonzero(counts)
    found = np.zeros((len(histories), model.table_.shape[1]), np.float32)
    found[able] = _read(net, sentences, newest_first(rows, offsets[1:][able], counts[able]), counts[able], model.tokens)
    return found


def _read(net: Any, sentences: Sentences, rows: np.ndarray, counts: np.ndarray, most: int) -> np.ndarray:
    """Packed texts in batches of like length: float32 [b, dim]."""
    import torch

    found = np.zeros((len(counts), net.words.shape[1]), np.float32)
    lengths, ends = sentences.lengths(rows, counts, most), np.cumsum(counts)
    order = np.argsort(lengths, kind="stable")
    was, _ = net.training, net.eval()
    for part in np.split(order, np.flatnonzero(np.diff(np.cumsum(lengths[order]) // READ)) + 1):
        if len(part):
            places = gathered(ends[part] - counts[part], counts[part])
            with torch.no_grad():
                found[part] = net(sentences.texts(rows[places], counts[part], most)).numpy()
    net.train(was)
    return found
