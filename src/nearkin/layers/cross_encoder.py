"""A cross-encoder: two texts read together, and one number for how well they go together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from nearkin.errors import BadInput
from nearkin.layers.bert import BertEmbeddings, BertLayer, load_bert


class Ready(NamedTuple):
    """What is known of texts before they are paired: float [b, t, d], three of [b, heads, t, d / heads], bool [b, t] or None."""

    states: Tensor
    query: Tensor
    key: Tensor
    value: Tensor
    mask: Tensor | None

    def take(self, rows: Tensor | slice) -> Ready:
        return Ready(*(None if each is None else each[rows] for each in self))  # type: ignore[arg-type]


class CrossEncoder(nn.Module):
    """Pairs of texts to logits; each text is read alone by the lower layers, both together by the last `joint` ones.

    `alone`: int64 [b, t] -> float [b, t, d], worked out once a text and never trained; `ready` adds what the first joint layer asks of a
    text; `forward`: pairs of them -> logits float [b]. A text starts with its own [CLS] and ends with its own [SEP].
    head "cls": logit = w . x + c, x the state of the left text's [CLS] after the last layer.
    head "pooled" ([EMB]-CE): logit = (mean of the left text's states) . (mean of the right text's), after the last layer.
    For "cls" the last layer is worked out for that one token alone. With all layers joint this is the usual cross-encoder.
    Cost: about 12 d^2 multiplications a token and joint layer. There is no dropout, so scores repeat.
    Source: heads of Yadav et al. 2022; lower layers apart as in MacAvaney et al. 2020 (PreTTR).
    """

    def __init__(self, *, dim: int, heads: int, inner: int, words: int, places: int, layers: int, joint: int, head: str) -> None:
        super().__init__()
        self.head = head
        self.embeddings = BertEmbeddings(dim, words, places)
        self.below = nn.ModuleList(BertLayer(dim, heads, inner) for _ in range(layers - joint))
        self.joint = nn.ModuleList(BertLayer(dim, heads, inner) for _ in range(joint))
        self.side = nn.Parameter(torch.zeros(dim))  # tells the right text from the left one
        self.line = nn.Linear(dim, 1) if head == "cls" else None

    @torch.no_grad()
    def alone(self, ids: Tensor, mask: Tensor | None = None) -> Tensor:
        states = self.embeddings(ids)
        for layer in self.below:
            states = layer(states, mask)
        return states

    def ready(self, states: Tensor, mask: Tensor | None = None, *, right: bool) -> Ready:
        if right:
            states = states + self.side
        return Ready(states, *self.joint[0].read(states), mask)  # type: ignore[operator]

    def forward(self, left: Ready, right: Ready) -> Tensor:
        mask = None if left.mask is None or right.mask is None else torch.cat([left.mask, right.mask], 1)
        states, query, key, value = (torch.cat([one, other], axis) for one, other, axis in zip(left[:4], right[:4], (1, 2, 2, 2)))
        first, *rest = self.joint
        some = slice(0, 1) if self.head == "cls" else slice(None)  # the tokens that the head looks at
        if not rest:
            return self._judged(first.write(states[:, some], query[:, :, some], key, value, mask), left, mask)
        states = first.write(states, query, key, value, mask)
        for layer in rest[:-1]:
            states = layer(states, mask)
        return self._judged(rest[-1].of_some(states, states[:, some], mask), left, mask)

    def _judged(self, states: Tensor, left: Ready, mask: Tensor | None) -> Tensor:
        """States after the last layer -> logits [b]."""
        if self.line is not None:
            return self.line(states[:, 0])[:, 0]  # type: ignore[no-any-return]
        width = left.states.shape[1]
        there = states.new_ones(states.shape[:2]) if mask is None else mask.to(states.dtype)
        one, other = (
            torch.einsum("btd,bt->bd", states[:, side], there[:, side]) / there[:, side].sum(1, keepdim=True)
            for side in (slice(0, width), slice(width, None))
        )
        return (one * other).sum(1)


_SIZES = {
    "dim": "hidden_size",
    "heads": "num_attention_heads",
    "inner": "intermediate_size",
    "words": "vocab_size",
    "places": "max_position_embeddings",
    "layers": "num_hidden_layers",
}


def from_bert(folder: Path, *, joint: int, head: Literal["cls", "pooled"], seed: int) -> CrossEncoder:
    """A cross-encoder that starts from a BERT kept in a folder (config.json, model.safetensors); the seed is that of the "cls" head."""
    said = json.loads((folder / "config.json").read_text())
    sizes = {ours: said[theirs] for ours, theirs in _SIZES.items()}
    if not 1 <= joint <= sizes["layers"]:
        raise BadInput(f"{joint} joint layers were asked for, the model in {folder} has {sizes['layers']}; choose 1 to {sizes['layers']}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = CrossEncoder(**sizes, joint=joint, head=head)
    weights = load_file(folder / "model.safetensors")
    load_bert(model.embeddings, nn.ModuleList([*model.below, *model.joint]), weights)
    segments = next(value for name, value in weights.items() if name.endswith("token_type_embeddings.weight"))
    if len(segments) > 1:
        model.side.data = (segments[1] - segments[0]).float()
    return model.requires_grad_(False).eval()
