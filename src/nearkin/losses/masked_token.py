"""Hidden tokens to be guessed from what stands around them."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor


def masked_token(scores: Float[Tensor, "b t v"], targets: Int[Tensor, "b t"]) -> Float[Tensor, ""]:
    """Cross-entropy over the vocabulary at the hidden places only.

    targets: the token that was hidden, -1 where none was. loss = mean over hidden places of -log softmax(scores)[target]; with no place
    hidden it is 0 and still back-propagates. For a large vocabulary, pick the hidden places first and take `catalogue_softmax`.
    Source: Devlin et al. 2019.
    """
    hidden = targets >= 0
    total = F.cross_entropy(scores[hidden], targets[hidden], reduction="sum")
    return total / hidden.sum().clamp_min(1)
