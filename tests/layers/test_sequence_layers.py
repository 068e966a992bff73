"""The blocks of sequence models: equal to torch's own, blind to what they may not see, alike packed and padded."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from nearkin.layers.attention_block import AttentionBlock  # noqa: E402
from nearkin.layers.grid import Grid  # noqa: E402
from nearkin.layers.gru_block import GruBlock  # noqa: E402
from nearkin.layers.item_table import ItemTable, cosine_scores  # noqa: E402
from nearkin.layers.sequence_nets import attention_net, gru_net  # noqa: E402

LENGTHS = ([5], [3, 3], [4, 1, 2], [1, 1, 7, 2])


def made(seed: int, lengths: list[int], dim: int) -> tuple[torch.Tensor, Grid]:
    states = torch.randn(sum(lengths), dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return states, Grid.of(torch.tensor(lengths))


def shaken(module: nn.Module, seed: int) -> nn.Module:
    """All weights random, those that begin at 0 as well."""
    random = torch.Generator().manual_seed(seed)
    for each in module.parameters():
        each.data = torch.randn(each.shape, generator=random, dtype=torch.float64) * 0.5
    return module.double().eval()


@pytest.mark.parametrize("lengths", LENGTHS)
def test_packed_and_side_by_side_are_the_same_tokens(lengths):
    states, grid = made(0, lengths, 3)
    spread = grid.spread(states)
    assert spread.shape == (len(lengths), max(lengths), 3)
    assert torch.equal(grid.packed(spread), states)
    assert torch.equal(spread[grid.there()], states)
    assert (spread[~grid.there()] == 0).all()
    assert torch.equal(spread[torch.arange(len(lengths)), torch.tensor(lengths) - 1], states[grid.last])
    assert grid.columns.tolist() == [place for length in lengths for place in range(length)]


@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("heads", [1, 2])
def test_attention_is_that_of_torch(lengths, causal, heads):
    states, grid = made(1, lengths, 4)
    block = shaken(AttentionBlock(4, heads, reach=3, causal=causal), 2)
    theirs = nn.MultiheadAttention(4, heads, batch_first=True).double().eval()
    theirs.in_proj_weight.data, theirs.in_proj_bias.data = block.asking.weight.data, block.asking.bias.data
    theirs.out_proj.weight.data, theirs.out_proj.bias.data = block.out.weight.data, block.out.bias.data
    padded = grid.spread(block.before_attention(states))
    mask = loops(block, grid).flatten(0, 1)
    wanted = grid.packed(theirs(padded, padded, padded, attn_mask=mask, need_weights=False)[0])
    torch.testing.assert_close(block.out(block._attention(block.before_attention(states), grid)), wanted)


def loops(block: AttentionBlock, grid: Grid) -> torch.Tensor:
    """The bias of each head, place and place looked at, one by one: [b, heads, t, t]."""
    mask = torch.full((len(grid.lengths), block.heads, grid.width, grid.width), -torch.inf, dtype=torch.float64)
    for row, length in enumerate(grid.lengths.tolist()):
        for head in range(block.heads):
            for i in range(grid.width):
                for j in range(grid.width):
                    if block.causal and j <= i:
                        mask[row, head, i, j] = block.bias[head, min(i - j, block.reach - 1)]
                    if not block.causal and j < length:
                        mask[row, head, i, j] = block.bias[head, max(-block.reach + 1, min(i - j, block.reach - 1)) + block.reach - 1]
    return mask


@pytest.mark.parametrize("make", [lambda: attention_net(4, 2, 2, length=6, dropout=0.3, causal=True), lambda: gru_net(4, 2, dropout=0.3)])
def test_nobody_looks_ahead(make):
    states, grid = made(3, [6, 4], 4)
    net = shaken(make(), 4)
    changed = states.clone()
    changed[[4, 5, 9]] = torch.randn(3, 4, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    before, after = net(states, grid), net(changed, grid)
    torch.testing.assert_close(before[[0, 1, 2, 3, 6, 7, 8]], after[[0, 1, 2, 3, 6, 7, 8]])
    assert (before[[4, 5, 9]] != after[[4, 5, 9]]).all()


@pytest.mark.parametrize("causal", [True, False])
def test_a_sequence_is_read_alike_alone_and_beside_others(causal):
    net = shaken(attention_net(4, 2, 2, length=6, dropout=0.3, causal=causal), 5)
    states, grid = made(6, [2, 6, 3], 4)
    for start, stop in ((0, 2), (2, 8), (8, 11)):
        alone = net(states[start:stop], Grid.of(torch.tensor([stop - start])))
        torch.testing.assert_close(alone, net(states, grid)[start:stop])


def test_what_is_hidden_is_not_seen():
    net = shaken(attention_net(4, 2, 1, length=6, dropout=0.0, causal=False), 7)
    states, grid = made(8, [3, 2], 4)
    hidden = torch.tensor([False, True, False, False, True])
    changed = torch.where(hidden[:, None], states.flip(1) * 3, states)
    torch.testing.assert_close(net(states, grid, hidden), net(changed, grid, hidden))
    assert not torch.allclose(net(states, grid), net(changed, grid))


def test_gru_is_that_of_torch():
    states, grid = made(9, [4, 1, 2], 4)
    block = shaken(GruBlock(4), 10)
    for start, stop in ((0, 4), (4, 5), (5, 7)):
        read, _ = block.gru(block.before(states[start:stop])[None])
        torch.testing.assert_close(block(states, grid)[start:stop], states[start:stop] + block.out(read[0]))


def test_items_are_rows_and_what_they_are_made_of():
    start, content = torch.randn(5, 3), torch.randn(5, 2)
    plain, mixed = ItemTable(start), ItemTable(start, content)
    assert torch.equal(plain(), start)
    torch.testing.assert_close(mixed(), start)
    assert mixed.rows.square().sum() < start.square().sum()  # content tells a part of it
    mixed.of_content.weight.data.normal_()
    torch.testing.assert_close(mixed(), mixed.rows + content @ mixed.of_content.weight.T)
    assert "content" not in mixed.state_dict()


def test_scores_are_scaled_cosines():
    states, items = torch.randn(4, 3), torch.randn(5, 3)
    asked, held = cosine_scores(states, items, 16.0)
    wanted = 16 * nn.functional.cosine_similarity(states[:, None], items[None], dim=2)
    torch.testing.assert_close(asked @ held.T, wanted)


def test_the_gradient_of_scaled_cosines_is_that_of_torch():
    gradients = []
    for ours in (True, False):
        items = torch.randn(6, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64).requires_grad_(True)
        units = cosine_scores(items.detach(), items, 4.0)[1] if ours else nn.functional.normalize(items, dim=1)
        (units * torch.arange(18).reshape(6, 3)).sum().backward()
        gradients.append(items.grad)
    torch.testing.assert_close(*gradients)
