"""Softmax over every item of a catalogue, worked out so that a million items fit."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

NUMBERS, ROWS = 64_000_000, 64  # scores held at once (256 MB), and the most positions: what stays in the cache is faster


def catalogue_softmax(
    states: Float[Tensor, "m d"], items: Float[Tensor, "n d"], targets: Int[Tensor, " m"], without: Int[Tensor, "m g"] | None = None
) -> Float[Tensor, ""]:
    """Cross-entropy of the right item of each position against all items.

    loss = mean_i log sum_j exp(states_i . items_j) - states_i . items_target_i, j over all items but `without_i` (where it is not -1),
    which may not hold the target.
    The gradients are made in the same pass: of some positions at a time the scores are worked out, turned into probabilities where they
    stand, and multiplied back, so that m * n numbers are never held and no product is made twice. Under autocast the products are in
    bfloat16 and the sums in float32.
    Cost: 6 m * n * d operations with gradients, 4 where the items need none; memory `NUMBERS` scores and, for their gradient, a copy of
    the items.
    """
    return _Fused.apply(states, items, targets, without)  # type: ignore[no-any-return]


class _Fused(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, states: Tensor, items: Tensor, targets: Tensor, without: Tensor | None) -> Tensor:
        kind = states.device.type
        product = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else items.dtype
        asked, held = states.detach().to(product), items.detach().to(product)
        gradients = (torch.empty_like(asked), torch.zeros_like(items) if context.needs_input_grad[1] else None)
        wanted = any(context.needs_input_grad)
        total = torch.zeros((), dtype=items.dtype, device=items.device)
        rows = max(1, min(ROWS, NUMBERS // max(1, len(items))))
        with torch.autocast(kind, enabled=False):
            for start in range(0, len(states), rows):
                part = slice(start, start + rows)
                into = (gradients[0][part], gradients[1]) if wanted else None
                total += _some(asked[part], held, targets[part], None if without is None else without[part], into)
        if wanted:
            context.save_for_backward(gradients[0].to(states.dtype), gradients[1])
        return total / len(states)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, Tensor | None, None, None]:
        to_states, to_items = context.saved_tensors
        step = gradients[0] / len(to_states)
        return to_states * step, None if to_items is None else to_items * step, None, None


def _some(states: Tensor, items: Tensor, targets: Tensor, without: Tensor | None, into: tuple[Tensor, Tensor | None] | None) -> Tensor:
    """The summed loss of some positions; their gradients are written to the first tensor, and added to the second, where there is one.

    Scores stand as [n, m], one column a position: the three products are a quarter faster so than as [m, n].
    """
    scores = (items @ states.T).to(torch.promote_types(items.dtype, torch.float32))
    if without is not None:
        position, place = (without >= 0).nonzero(as_tuple=True)
        scores[without[position, place], position] = -torch.inf
    own = scores.gather(0, targets[None])[0]
    top = scores.amax(0)
    parts = scores.sub_(top).exp_()
    whole = parts.sum(0)
    if into:
        _gradients(states, items, targets, parts.to(items.dtype), whole.to(items.dtype)[:, None], *into)
    return (top + whole.log() - own).sum()


def _gradients(
    states: Tensor, items: Tensor, targets: Tensor, parts: Tensor, whole: Tensor, to_states: Tensor, to_items: Tensor | None
) -> None:
    """(parts / whole - one-hot targets) times the items, and its transpose times the states; the wide matrix is not divided itself."""
    torch.mm(parts.T, items, out=to_states).div_(whole).sub_(items[targets])
    if to_items is None:
        return
    if to_items.dtype == states.dtype:
        to_items.addmm_(parts, states / whole)
    else:
        to_items.add_(parts @ (states / whole))
    to_items.index_add_(0, targets, states.to(to_items.dtype), alpha=-1)
