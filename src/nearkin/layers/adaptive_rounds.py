"""Search in rounds: what was shown in the earlier ones changes what the next one reads, and who it takes the reader to be."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nearkin.layers.grid import Grid


class FrequencyFilter(nn.Module):
    """norm(x + dropout(inverse(W * fourier(x)))) along a list: float [..., s, d] -> the same; W: complex [s // 2 + 1, d], learned.

    Cost: s log s * d. Source: Zhou et al., "Filter-enhanced MLP is all you need", WWW 2022.
    """

    def __init__(self, size: int, dim: int, *, dropout: float = 0.0, gain: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(size // 2 + 1, dim, 2) * 0.02)
        self.dropout, self.norm = nn.Dropout(dropout), scaled_norm(dim, gain)

    def forward(self, rows: Tensor) -> Tensor:
        spectrum = torch.fft.rfft(rows.float(), dim=-2, norm="ortho") * torch.view_as_complex(self.weight.float())
        return self.norm(rows + self.dropout(torch.fft.irfft(spectrum, n=rows.shape[-2], dim=-2, norm="ortho")))


class ItemAdapter(nn.Module):
    """The items of a history seen in the light of those shown so far: norm(E + dropout(softmax(E C^T / sqrt(d)) C)).

    E: float [b, t, d]; shown: float [b, r, s, d], r earlier rounds of s items, each round through the filter (where there is one), then
    C [b, r * s, d]; there: bool [b, r, s], what was really shown. A row that was shown nothing gets norm(E). Cost: b * t * r * s * d.
    """

    def __init__(self, size: int, dim: int, *, filtered: bool = True, dropout: float = 0.0, gain: float = 1.0) -> None:
        super().__init__()
        self.filter = FrequencyFilter(size, dim, dropout=dropout, gain=gain) if filtered else None
        self.dropout, self.norm = nn.Dropout(dropout), scaled_norm(dim, gain)

    def forward(self, history: Tensor, shown: Tensor, there: Tensor) -> Tensor:
        context = (shown if self.filter is None else self.filter(shown)).flatten(1, 2)
        held = there.flatten(1)[:, None]
        scores = history @ context.transpose(1, 2) * context.shape[-1] ** -0.5
        share = scores.masked_fill(~held, torch.finfo(scores.dtype).min).softmax(-1) * held
        return self.norm(history + self.dropout(share @ context))


class UserAdapter(nn.Module):
    """norm(h + W2 dropout(relu(W1 [h; g]))), g the last state of a GRU over the user's vectors of the earlier rounds.

    h: float [b, d], earlier: float [b, r, d] -> float [b, d]. W2 begins at 0, so that the first steps start from the backbone.
    """

    def __init__(self, dim: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.gru = nn.GRU(dim, dim, batch_first=True)
        self.up, self.down = nn.Linear(2 * dim, 2 * dim), nn.Linear(2 * dim, dim)
        self.dropout, self.norm = nn.Dropout(dropout), nn.LayerNorm(dim)
        nn.init.zeros_(self.down.weight)
        nn.init.zeros_(self.down.bias)

    def forward(self, state: Tensor, earlier: Tensor) -> Tensor:
        before = self.gru(earlier)[1][0]
        inner = self.dropout(F.relu(self.up(torch.cat([state, before], 1))))
        return self.norm(state + self.dropout(self.down(inner)))


class AdaptiveRounds(nn.Module):
    """Any network that reads a history, asked in rounds with an adapter before it and one behind it.

    Called with table [n, d] (what is read), units [n, d] (what is scored with), items int64 [m] of packed histories, their grid, hidden
    (bool [m] or None, as the network takes it) and barred (bool [b, n], never shown). Gives for each round the user's vectors, float
    [b, d], and the items shown, int64 [b, size], -1 where none was left. What is shown is a hard choice: no gradient goes through it.
    In the first round nothing was shown, and both adapters are passed by.
    Cost: `rounds` times the network's, and rounds * b * n * d for the choice.
    """

    def __init__(self, net: nn.Module, dim: int, size: int, *, parts: tuple[str, ...], dropout: float = 0.0, gain: float = 1.0) -> None:
        super().__init__()
        self.net, self.size = net, size
        of_items = ItemAdapter(size, dim, filtered="filter" in parts, dropout=dropout, gain=gain)
        self.of_items = of_items if "items" in parts else None
        self.of_user = UserAdapter(dim, dropout=dropout) if "user" in parts else None

    def forward(
        self, table: Tensor, units: Tensor, items: Tensor, grid: Grid, hidden: Tensor | None, barred: Tensor, rounds: int
    ) -> tuple[list[Tensor], list[Tensor]]:
        inputs, barred = table.index_select(0, items), barred.clone()
        states: list[Tensor] = []
        shown: list[Tensor] = []
        for place in range(rounds):
            read = self._adapted(inputs, grid, table, shown)
            state = self.net(read, grid, hidden).index_select(0, grid.last)
            if self.of_user is not None and states:
                state = self.of_user(state, torch.stack(states, 1))
            states.append(state)
            shown.append(chosen(state.detach(), units, barred, self.size))
            if place + 1 < rounds:
                bar(barred, shown[-1])
        return states, shown

    def _adapted(self, inputs: Tensor, grid: Grid, table: Tensor, shown: list[Tensor]) -> Tensor:
        if self.of_items is None or not shown:
            return inputs
        rows = torch.stack(shown, 1)
        context = table[rows.clamp_min(0)] * (rows >= 0)[..., None]
        return grid.packed(self.of_items(grid.spread(inputs), context, rows >= 0))


def chosen(states: Tensor, units: Tensor, barred: Tensor, size: int) -> Tensor:
    """The best items of each state that are not barred, best first: int64 [b, size], -1 where there are fewer."""
    scores = (F.normalize(states, dim=1) @ units.detach().T).masked_fill_(barred, -torch.inf)
    found = scores.topk(min(size, scores.shape[1]), dim=1)
    return F.pad(found.indices.masked_fill(found.values == -torch.inf, -1), (0, size - found.values.shape[1]), value=-1)


def bar(barred: Tensor, shown: Tensor) -> None:
    """Never show these again; -1 is nothing."""
    owner, place = (shown >= 0).nonzero(as_tuple=True)
    barred[owner, shown[owner, place]] = True


def scaled_norm(dim: int, gain: float) -> nn.LayerNorm:
    """A layer norm whose rows begin with this root mean square: that of the item table, which the network is used to."""
    norm = nn.LayerNorm(dim)
    nn.init.constant_(norm.weight, gain)
    return norm
