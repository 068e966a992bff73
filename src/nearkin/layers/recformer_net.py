"""A transformer that reads items as sentences of keys and values, and a person as such sentences one after another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nearkin.layers.bert import BertEmbeddings, BertLayer, load_bert

KINDS = 3  # of tokens: the mark in front, keys, values; padding is masked and needs none


class Texts(NamedTuple):
    """Tokens side by side, the mark first: tokens, kinds, items (0 the mark, then 1, 2, ...) int64 [b, t]; there bool [b, t]."""

    tokens: Tensor
    kinds: Tensor
    items: Tensor
    there: Tensor


class RecformerNet(nn.Module):
    """State of the mark, unit length: Texts -> float [b, d]; `states` gives those of all tokens, [b, t, d].

    Embedding: norm(word + place of the token + kind of the token + number of the item); words are fixed, as in the paper. `marked`
    False leaves kind and number out. Dense attention over all tokens: at 512 tokens or fewer it does what windows and a global mark do.
    `guess`: states [m, d] of hidden tokens -> what stands there, float [m, d + 1], against `vocabulary`.
    Cost: 24 d^2 operations a token and layer (inner = 4 d), and 4 t * d for the attention.
    """

    words: Tensor

    def __init__(
        self, words: Tensor, *, heads: int, layers: int, inner: int, places: int, items: int, dropout: float = 0.1, marked: bool = True
    ) -> None:
        super().__init__()
        dim = words.shape[1]
        self.register_buffer("words", words.detach().clone().float())
        self.place, self.kind, self.item = (nn.Embedding(size, dim) for size in (places, KINDS, items + 1))
        self.norm, self.dropout, self.marked = nn.LayerNorm(dim, eps=1e-12), nn.Dropout(dropout), marked
        self.layers = nn.ModuleList(BertLayer(dim, heads, inner) for _ in range(layers))
        self.guessing, self.guess_norm = nn.Linear(dim, dim), nn.LayerNorm(dim, eps=1e-12)
        self.rare = nn.Parameter(torch.zeros(len(words)))  # a number for each word that says how common it is
        for table in (self.kind, self.item):
            nn.init.normal_(table.weight, std=0.02)

    def states(self, texts: Texts) -> Tensor:
        states = self.words[texts.tokens] + self.place.weight[: texts.tokens.shape[1]]
        if self.marked:
            states = states + self.kind(texts.kinds) + self.item(texts.items)
        states = self.dropout(self.norm(states))
        for layer in self.layers:
            states = layer(states, texts.there)
        return states

    def forward(self, texts: Texts) -> Tensor:
        return F.normalize(self.states(texts)[:, 0], dim=1)

    def guess(self, states: Tensor) -> Tensor:
        inner = self.guess_norm(F.gelu(self.guessing(states)))
        return torch.cat([inner, torch.ones_like(inner[:, :1])], 1)

    def vocabulary(self, rows: Tensor) -> Tensor:
        """Some words as what is guessed against: float [r, d + 1]."""
        return torch.cat([self.words[rows], self.rare[rows, None]], 1)


def from_bert(weights: Mapping[str, Tensor], heads: int, *, places: int, items: int, marked: bool) -> RecformerNet:
    """A network that begins as a BERT with a head for hidden tokens, by the names that Hugging Face gives its weights."""
    held = {
        name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias"): value
        for name, value in weights.items()
    }
    words, position = (held[f"bert.embeddings.{name}_embeddings.weight"] for name in ("word", "position"))
    depth = 1 + max(int(name.split(".")[3]) for name in held if name.startswith("bert.encoder.layer."))
    inner = len(held["bert.encoder.layer.0.intermediate.dense.bias"])
    net = RecformerNet(words, heads=heads, layers=depth, inner=inner, places=min(places, len(position)), items=items, marked=marked)
    start = BertEmbeddings(words.shape[1], *(len(each) for each in (words, position)))
    load_bert(start, net.layers, weights)
    net.norm.load_state_dict(start.norm.state_dict())
    with torch.no_grad():
        net.place.weight.copy_(position[: len(net.place.weight)] + start.segment)
        for ours, theirs in ((net.guessing, "transform.dense"), (net.guess_norm, "transform.LayerNorm")):
            ours.weight.copy_(held[f"cls.predictions.{theirs}.weight"])
            ours.bias.copy_(held[f"cls.predictions.{theirs}.bias"])
        net.rare.copy_(held["cls.predictions.bias"])
    return net
