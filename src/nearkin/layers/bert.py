"""The layers of BERT, written so that some of a text may be read before it is known what it is paired with."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class BertLayer(nn.Module):
    """Self-attention and a two-layer network, each added to its input and normed afterwards; no dropout.

    `forward`: float [b, t, d] -> float [b, t, d], equal to `read` and then `write`; apart, the keys of a text can be kept.
    Cost: 4 d^2 + 2 d * inner multiplications a token, and 2 t * d for the attention. Source: Devlin et al. 2019.
    """

    def __init__(self, dim: int, heads: int, inner: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.out = (nn.Linear(dim, dim) for _ in range(4))
        self.up, self.down = nn.Linear(dim, inner), nn.Linear(inner, dim)
        self.after_attention, self.after_inner = nn.LayerNorm(dim, eps=1e-12), nn.LayerNorm(dim, eps=1e-12)

    def read(self, states: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Query, key and value of every token: float [b, t, d] -> three of float [b, heads, t, d / heads]."""
        return self._split(self.query(states)), self._split(self.key(states)), self._split(self.value(states))

    def write(self, states: Tensor, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
        """New states of tokens that ask: states [b, a, d], query [b, heads, a, .], key and value [b, heads, t, .]; mask: bool [b, t]."""
        there = None if mask is None else mask[:, None, None, :]
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=there).transpose(1, 2).flatten(2)
        states = self.after_attention(states + self.out(mixed))
        return self.after_inner(states + self.down(F.gelu(self.up(states))))

    def of_some(self, states: Tensor, asking: Tensor, mask: Tensor | None = None) -> Tensor:
        """New states of a few tokens, who read all: asking [b, a, d] among states [b, t, d] -> [b, a, d]."""
        return self.write(asking, self._split(self.query(asking)), self._split(self.key(states)), self._split(self.value(states)), mask)

    def forward(self, states: Tensor, mask: Tensor | None = None) -> Tensor:
        return self.write(states, *self.read(states), mask)

    def _split(self, states: Tensor) -> Tensor:
        return states.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class BertEmbeddings(nn.Module):
    """Token ids to the states that the first layer reads: word + place + first segment, normed. int64 [b, t] -> float [b, t, d]."""

    def __init__(self, dim: int, words: int, places: int) -> None:
        super().__init__()
        self.word, self.place = nn.Embedding(words, dim), nn.Embedding(places, dim)
        self.segment = nn.Parameter(torch.zeros(dim))
        self.norm = nn.LayerNorm(dim, eps=1e-12)

    def forward(self, ids: Tensor) -> Tensor:
        return self.norm(self.word(ids) + self.place.weight[: ids.shape[1]] + self.segment)


# Our names of a layer's parts, and those of the files that Hugging Face's BERT is kept in.
_PARTS = {
    "query": "attention.self.query", "key": "attention.self.key", "value": "attention.self.value", "out": "attention.output.dense",
    "after_attention": "attention.output.LayerNorm", "up": "intermediate.dense", "down": "output.dense", "after_inner": "output.LayerNorm",
}  # fmt: skip


def load_bert(embeddings: BertEmbeddings, layers: nn.ModuleList, weights: Mapping[str, Tensor]) -> None:
    """Fill embeddings and layers from a BERT's weights by the names that Hugging Face gives them (with or without "bert." before)."""
    held = {_modern(name): value.float() for name, value in weights.items()}
    embeddings.load_state_dict({
        "word.weight": held["embeddings.word_embeddings.weight"],
        "place.weight": held["embeddings.position_embeddings.weight"],
        "segment": held["embeddings.token_type_embeddings.weight"][0],
        "norm.weight": held["embeddings.LayerNorm.weight"],
        "norm.bias": held["embeddings.LayerNorm.bias"],
    })  # fmt: skip
    for place, layer in enumerate(layers):
        named = {f"{ours}.{part}": held[f"encoder.layer.{place}.{theirs}.{part}"] for ours, theirs in _PARTS.items() for part in _KINDS}
        layer.load_state_dict(named)


def _modern(name: str) -> str:
    """The name without the model's, and as it has been since gamma and beta became weight and bias."""
    return name.removeprefix("bert.").replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")


_KINDS = ("weight", "bias")
