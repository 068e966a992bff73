"""Softmax over every item of a catalogue, worked out so that a million items fit."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

NUMBERS, ROWS = 64_000_000, 256  # scores held at once (256 MB), and the most positions: more are no faster


def catalogue_softmax(states: Float[Tensor, "m d"], items: Float[Tensor, "n d"], targets: Int[Tensor, " m"]) -> Float[Tensor, ""]:
    """Cross-entropy of the right item of each position against all items.

    loss = mean_i log sum_j exp(states_i . items_j) - states_i . items_target_i
    The gradients are made in the same pass: of some positions at a time the scores are worked out, turned into probabilities where they
    stand, and multiplied back, so that m * n numbers are never held and no product is made twice. Under autocast the products are in
    bfloat16 and the sums in float32.
    Cost: 6 m * n * d operations with gradients; memory `NUMBERS` scores and, for the gradient, a copy of the items.
    """
    return _Fused.apply(states, items, targets)  # type: ignore[no-any-return]


class _Fused(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, states: Tensor, items: Tensor, targets: Tensor) -> Tensor:
        kind, wanted = states.device.type, context.needs_input_grad[:2]
        product = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else states.dtype
        with torch.autocast(kind, enabled=False):
            asked, held = states.detach().to(product), items.detach().to(product)
            to_states = torch.empty_like(states, dtype=asked.dtype) if any(wanted) else None
            to_items = torch.zeros_like(items) if any(wanted) else None
            total = states.new_zeros((), dtype=torch.promote_types(states.dtype, torch.float32))
            rows = max(1, min(ROWS, NUMBERS // max(1, len(items))))
            for start in range(0, len(states), rows):
                part = slice(start, start + rows)
                total += _some(asked[part], held, targets[part], None if to_states is None else to_states[part], to_items)
        if to_states is not None:
            context.save_for_backward(to_states.to(states.dtype), to_items)
            context.count = len(states)
        return total / len(states)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        to_states, to_items = context.saved_tensors
        step = gradients[0] / context.count
        return to_states * step, to_items * step, None


def _some(states: Tensor, items: Tensor, targets: Tensor, to_states: Tensor | None, to_items: Tensor | None) -> Tensor:
    """The summed loss of some positions; their gradients are written to one tensor and added to the other."""
    scores = (states @ items.T).to(torch.promote_types(states.dtype, torch.float32))
    own = scores.gather(1, targets[:, None])[:, 0]
    top = scores.amax(1, keepdim=True)
    chances = scores.sub_(top).exp_()
    whole = chances.sum(1, keepdim=True)
    if to_states is not None and to_items is not None:
        chances = chances.div_(whole).to(items.dtype)
        torch.mm(chances, items, out=to_states).sub_(items[targets])
        add = torch.mm(chances.T, states) if chances.dtype != to_items.dtype else None
        to_items.add_(add) if add is not None else to_items.addmm_(chances.T, states)
        to_items.index_add_(0, targets, states.to(to_items.dtype), alpha=-1)
    return (top[:, 0] + whole[:, 0].log() - own).sum()
