"""The network of paragraph vectors: a vector a text, which a layer of bits may round, and a softmax over words."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from nearkin.losses.sampled_softmax import sampled_softmax


class ParagraphNet(nn.Module):
    """Score of word w for a text: out_w . code + bias_w, the code being the text's vector, or its bits less one half.

    bits None: the vector itself (float [b, dim]). bits = dim: the sides of 0 its coordinates are on; else, of dim -> bits by a linear
    layer. In the backward pass a bit is its sigmoid (straight through), in training with noise before it, so that bits do not freeze.
    words_around: the mean of the vectors of words around is added to the code (the "distributed memory" model).
    """

    def __init__(self, vocabulary: int, dim: int, bits: int | None, *, words_around: bool = False) -> None:
        super().__init__()
        width = bits or dim
        self.out = nn.Parameter(torch.randn(vocabulary, width) * 0.1)
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        self.plane = nn.Linear(dim, bits) if bits and bits != dim else None
        self.around = nn.Parameter(torch.randn(vocabulary, width) * 0.1) if words_around else None
        self.bits = bits

    def code(self, vectors: Float[Tensor, "b dim"], noise: float = 0.0) -> Float[Tensor, "b width"]:
        if not self.bits:
            return vectors
        soft = self.plane(vectors) if self.plane is not None else vectors
        return straight_through(soft + noise * torch.randn_like(soft) if noise else soft) - 0.5

    def text_loss(
        self,
        codes: Float[Tensor, "b width"],
        words: Int[Tensor, " m"],
        owner: Int[Tensor, " m"],
        drawn: Int[Tensor, " s"],
        log_counts: Tensor,
    ) -> Float[Tensor, " b"]:
        """The loss of each text from its code alone (the "distributed bag of words" model)."""
        return sampled_softmax(self._right(codes.index_select(0, owner), words), owner, self._drawn(codes, drawn), log_counts)

    def memory_loss(
        self,
        codes: Float[Tensor, "b width"],
        words: Int[Tensor, " m"],
        owner: Int[Tensor, " m"],
        drawn: Int[Tensor, " s"],
        log_counts: Float[Tensor, " s"],
        window: int,
    ) -> Float[Tensor, " b"]:
        """The loss of each text when its code and up to `window` words on both sides foretell each word."""
        states = codes.index_select(0, owner) + self._surroundings(words, owner, window)
        each = sampled_softmax(self._right(states, words), torch.arange(len(words)), self._drawn(states, drawn), log_counts)
        return torch.zeros(len(codes), dtype=each.dtype).index_add(0, owner, each)

    def _right(self, states: Tensor, words: Tensor) -> Tensor:
        return (states * self.out.index_select(0, words)).sum(1) + self.bias.index_select(0, words)

    def _drawn(self, states: Tensor, drawn: Tensor) -> Tensor:
        return states @ self.out.index_select(0, drawn).T + self.bias.index_select(0, drawn)

    def _surroundings(self, words: Tensor, owner: Tensor, window: int) -> Tensor:
        """The mean vector of the words around each word in its text."""
        assert self.around is not None
        vectors = self.around.index_select(0, words)  # indexing by [] is four times slower backwards
        total, count = torch.zeros_like(vectors), torch.zeros(len(words), 1, dtype=vectors.dtype)
        for step in range(1, min(window, len(words) - 1) + 1):
            same = (owner[step:] == owner[:-step])[:, None].to(vectors.dtype)
            pad = torch.zeros(step, vectors.shape[1], dtype=vectors.dtype)
            total = total + torch.cat([vectors[step:] * same, pad]) + torch.cat([pad, vectors[:-step] * same])
            count[:-step] += same
            count[step:] += same
        return total / count.clamp_min(1)


def straight_through(values: Float[Tensor, "b width"]) -> Float[Tensor, "b width"]:
    """1 above 0, else 0; backwards, the slope of the sigmoid."""
    soft = torch.sigmoid(values)
    return soft + ((values > 0).to(soft.dtype) - soft).detach()
