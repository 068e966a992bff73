"""Train a cross-encoder on pairs, and score hits with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from nearkin.errors import BadInput, Missing
from nearkin.layers.packaged import PACKAGES, packaged
from nearkin.refiners.places import rescored
from nearkin.stage import Refiner, fitted, learned
from nearkin.tables import Catalog, Hits, Links

# Weights that come in a Python package, in the folder `model` of a module of it: two layers of 128 numbers, six of 384.
BLOCK = 256  # item texts read alone and held at once


@dataclass(kw_only=True)
class CrossEncoder(Refiner):
    """Hits in the order of a transformer that reads query and item together; `fit` trains it on pairs with hard negatives.

    Hits[q, k] -> Hits[q, k]; every hit is scored, the score is the logit (never a sigmoid: saturation hides the order and the low rank).
    The model is `layers.cross_encoder.CrossEncoder` on top of a BERT's weights: its last `joint` layers read both texts, and learn.
    loss = mean over matched pairs of -log softmax([logit of the pair, logits of `negatives` hard ones])[0]
    Texts of one length are read together, so nothing is padded and the score of a pair depends on its batch in the last digits only.
    Cost: 1,400 pairs of titles a second on one core with the default, 2,500 with the head "cls", some 150 with MiniLM's last two layers;
    a third of that in training. Learned and saved: the joint layers and the head (1.6 MB); the rest comes from `model`.
    Refused: hits without catalogues, a model that is not there (`BadInput`, `Missing`), no matched pair with a negative to learn from.
    Source: Yadav et al. 2022 (heads, cross-entropy with hard negatives; theirs is BERT-base with all layers joint).
    """

    model: str = "bert-tiny"  # or "minilm", both installed packages; else a folder with a BERT and its tokenizer.json
    head: Literal["cls", "pooled"] = "pooled"
    query_fields: tuple[str, ...] = ()  # all text fields where empty
    item_fields: tuple[str, ...] = ()
    joint: int = 2  # all layers of the default
    max_tokens: int = 32  # of each text, its [CLS] and [SEP] counted
    negatives: int = 7
    epochs: int = 6
    together: int = 16  # matched pairs a step
    rate: float = 4e-4  # of AdamW, falling to 0 in a line
    seed: int = 0
    weights_: dict[str, np.ndarray] | None = learned()

    def __post_init__(self) -> None:
        if self.head not in ("cls", "pooled") or self.joint < 1 or self.max_tokens < 3 or self.negatives < 1:
            raise BadInput(f"expected head cls or pooled, joint and negatives >= 1, max_tokens >= 3; got {self}")

    def fit(self, candidates: Hits, truth: Links) -> Self:
        """Learn from the queries of the candidates: their items in `truth` are right, their other candidates are the hard negatives."""
        _check_known(candidates)
        pairs = _right_pairs(candidates, truth)
        wrong = {row: np.setdiff1d(candidates.rows[row], np.append(pairs[pairs[:, 0] == row, 1], -1)) for row in np.unique(pairs[:, 0])}
        pairs = np.array([pair for pair in pairs if len(wrong[pair[0]])], np.int64)
        if not len(pairs):
            raise BadInput("no query among the candidates has a right item and another candidate; give more candidates or other links")
        self.__dict__.pop("_network", None)
        self.weights_ = _trained(self, self._fresh(), candidates, pairs, wrong)
        return self

    def __call__(self, hits: Hits) -> Hits:
        network = fitted(self)._network
        _check_known(hits)
        query, place = np.nonzero(hits.rows >= 0)
        distinct, where = np.unique(hits.rows[query, place], return_inverse=True)
        asked = self._tokens(hits.queries, self.query_fields)
        read = self._tokens(hits.items.take(distinct), self.item_fields)  # type: ignore[union-attr]
        scores = np.full(hits.rows.shape, -np.inf, np.float32)
        scores[query, place] = _scored(network, asked, read, query, where)
        return rescored(hits, scores)

    def _tokens(self, catalog: Catalog | None, fields: tuple[str, ...]) -> list[list[int]]:
        return [each.ids for each in self._tokenizer.encode_batch(catalog.texts(*fields))] if catalog else []

    @cached_property
    def _tokenizer(self) -> Any:
        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise Missing("tokenizers", "torch") from error
        tokenizer = Tokenizer.from_file(str(_folder(self.model) / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(self.max_tokens)
        return tokenizer

    def _fresh(self) -> Any:
        """The network before training."""
        try:
            from nearkin.layers.cross_encoder import from_bert
        except ImportError as error:
            raise Missing("torch", "torch") from error
        return from_bert(_folder(self.model), joint=self.joint, head=self.head, seed=self.seed)

    @cached_property
    def _network(self) -> Any:
        import torch

        network = self._fresh()
        network.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in self.weights_.items()}, strict=False)  # type: ignore[union-attr]
        return network

    def restore(self, state: Mapping[str, Any]) -> None:
        self.__dict__.pop("_network", None)
        super().restore(state)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_network", "_tokenizer")}


def _folder(model: str) -> Path:
    if model in PACKAGES:
        return packaged(model)
    if not (Path(model) / "model.safetensors").exists():
        raise BadInput(f"expected {list(PACKAGES)} or a folder with config.json, model.safetensors and tokenizer.json, got {model!r}")
    return Path(model)


def _check_known(hits: Hits) -> None:
    if hits.queries is None or hits.items is None:
        raise BadInput("a cross-encoder reads texts, but these hits do not know their queries and items; search with catalogues")


def _right_pairs(candidates: Hits, truth: Links) -> np.ndarray:
    """(row of the query among the candidates, row of its item) of every link in truth: int [m, 2]."""
    left = candidates.queries.rows_of(truth.left.ids, missing="mark")[truth.left_rows]  # type: ignore[union-attr]
    right = candidates.items.rows_of(truth.right.ids, missing="mark")[truth.right_rows]  # type: ignore[union-attr]
    return np.stack([left, right], 1)[(left >= 0) & (right >= 0) & (truth.weight > 0)]


def _scored(network: Any, asked: list[list[int]], read: list[list[int]], query: np.ndarray, where: np.ndarray) -> np.ndarray:
    """The logit of each (query, place among the texts read): float32 [pairs]; a block of items of one length at a time."""
    import torch

    scores, ready = np.empty(len(query), np.float32), {}
    with torch.inference_mode():
        for row in np.unique(query):
            ready[row] = network.ready(network.alone(torch.tensor([asked[row]])), right=False)
        for block in _of_one_length(read):
            items = network.ready(network.alone(torch.tensor([read[one] for one in block])), right=True)
            slot = np.full(len(read), -1)
            slot[block] = np.arange(len(block))
            inside = np.flatnonzero(slot[where] >= 0)
            for pairs in np.split(inside, np.flatnonzero(np.diff(query[inside])) + 1):
                if len(pairs):
                    right = items.take(torch.from_numpy(slot[where[pairs]]))
                    scores[pairs] = network(_repeated(ready[query[pairs[0]]], len(pairs)), right).numpy()
    return scores


def _of_one_length(texts: list[list[int]]) -> Iterator[np.ndarray]:
    """Rows of texts in blocks of one length each."""
    lengths = np.array([len(text) for text in texts], int)
    for length in np.unique(lengths):
        rows = np.flatnonzero(lengths == length)
        yield from np.split(rows, range(BLOCK, len(rows), BLOCK))


def _repeated(ready: Any, count: int) -> Any:
    """One text's readings, seen `count` times; nothing is copied."""
    return type(ready)(*(None if each is None else each.expand(count, *each.shape[1:]) for each in ready))


def _trained(
    stage: CrossEncoder, network: Any, candidates: Hits, pairs: np.ndarray, wrong: Mapping[int, np.ndarray]
) -> dict[str, np.ndarray]:
    """The weights of the joint layers and the head after training, by name."""
    import torch
    from torch.nn.functional import cross_entropy

    learning = {name: each for name, each in network.named_parameters() if name.startswith(("joint.", "line.", "side"))}
    for each in learning.values():
        each.requires_grad_(True)
    random = np.random.default_rng(stage.seed)
    steps = stage.epochs * -(-len(pairs) // stage.together)
    optimiser = torch.optim.AdamW(learning.values(), lr=stage.rate)
    falling = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, total_iters=steps)
    lefts = _states(network, stage._tokens(candidates.queries, stage.query_fields))
    rights = _states(network, stage._tokens(candidates.items, stage.item_fields))
    for _ in range(stage.epochs):
        order = random.permutation(len(pairs))
        for batch in np.split(pairs[order], range(stage.together, len(order), stage.together)):
            drawn = np.array([[item, *random.choice(wrong[row], stage.negatives)] for row, item in batch])
            left, right = _padded([lefts[row] for row in batch[:, 0]]), _padded([rights[item] for item in drawn.ravel()])
            spread = network.ready(*left, right=False).take(torch.arange(len(batch)).repeat_interleave(drawn.shape[1]))
            logits = network(spread, network.ready(*right, right=True)).view(drawn.shape)
            loss = cross_entropy(logits, torch.zeros(len(batch), dtype=torch.long))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            falling.step()
    return {name: each.detach().numpy().copy() for name, each in learning.items()}


def _states(network: Any, texts: list[list[int]]) -> list[Any]:
    """Each text as the lower layers read it: a float [t, d] a text."""
    import torch

    found: list[Any] = [None] * len(texts)
    for block in _of_one_length(texts):
        for row, states in zip(block, network.alone(torch.tensor([texts[one] for one in block]))):
            found[row] = states
    return found


def _padded(states: list[Any]) -> tuple[Any, Any]:
    """States of several texts side by side: float [b, t, d], and where a token is: bool [b, t]."""
    import torch
    from torch.nn.utils.rnn import pad_sequence

    lengths = torch.tensor([len(each) for each in states])
    return pad_sequence(states, batch_first=True), torch.arange(int(lengths.max())) < lengths[:, None]
