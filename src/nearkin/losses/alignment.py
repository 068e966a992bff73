"""Vectors of a graph and vectors of texts about the same things, brought together: by contrast, or by decoding."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor


def contrastive_alignment(
    nodes: Float[Tensor, "b d"], texts: Float[Tensor, "c d"], own: Int[Tensor, " b"], *, temperature: float = 0.2
) -> Float[Tensor, ""]:
    """Node i should be most like its own text, which is row own_i; all other rows of texts are its negatives.

    texts: already mapped to the space of the nodes. Compared by cosine.
    loss = mean_i -log exp(s_i,own_i) / sum over all j of exp(s_ij), s_ij = cosine(node_i, text_j) / temperature
    Cost: b * c * d. Source: RLMRec-Con (Ren et al., WWW 2024).
    """
    return F.cross_entropy(F.normalize(nodes, dim=1) @ F.normalize(texts, dim=1).T / temperature, own)


def generative_alignment(
    decoded: Float[Tensor, "b p"], texts: Float[Tensor, "b p"], same: Int[Tensor, " b"], *, temperature: float = 0.5
) -> Float[Tensor, ""]:
    """What was decoded for a hidden node should be most like the text of that node among those of all hidden nodes.

    same: the text behind each row; rows with the text of row i are no negatives of it. Compared by cosine.
    loss = mean_i -log exp(s_ii) / (exp(s_ii) + sum over j with another text than i of exp(s_ij)); s as above
    Source: RLMRec-Gen (Ren et al., WWW 2024); ours: equal texts are left out of the sum.
    """
    place = torch.arange(len(decoded), device=decoded.device)
    scores = F.normalize(decoded, dim=1) @ F.normalize(texts, dim=1).T / temperature
    copies = (same[:, None] == same) & (place[:, None] != place)
    return F.cross_entropy(scores.masked_fill(copies, -torch.inf), place)
