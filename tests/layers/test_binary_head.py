"""The head of BEBR: its sign, its loops, and the hash without them."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from nearkin.layers.binary_head import BinaryHead, Sign


def test_the_sign_has_two_symbols_and_a_clipped_straight_gradient():
    x = torch.tensor([-3.0, -1.0, -0.2, 0.0, -0.0, 0.5, 1.0, 1.5], requires_grad=True)
    signs = Sign.apply(x)
    assert signs.tolist() == [-1, -1, -1, 1, 1, 1, 1, 1]
    (signs * torch.arange(8.0)).sum().backward()
    assert x.grad.tolist() == [0, 1, 2, 3, 4, 5, 6, 0]


@pytest.mark.parametrize("loops", [0, 1, 3])
def test_codes_are_the_loops_of_the_paper(loops):
    torch.manual_seed(0)
    head = BinaryHead(10, 6, loops, 8).eval()
    vectors = F.normalize(torch.randn(5, 10), dim=1)
    code = torch.where(head.first(vectors) >= 0, 1.0, -1.0)
    for i in range(loops):
        told = head.back[i](code)
        told = told / told.norm(dim=1, keepdim=True)
        code = code + torch.where(head.rest[i](vectors - told) >= 0, 1.0, -1.0) / 2 ** (i + 1)
    assert torch.equal(head(vectors), code)
    odd = code * 2**loops
    assert torch.equal(odd, odd.round())
    assert (odd.abs() % 2 == 1).all()
    assert odd.abs().max() <= 2 ** (loops + 1) - 1


def test_one_row_is_coded_in_evaluation_mode_as_among_others():
    torch.manual_seed(0)
    head, vectors = BinaryHead(10, 6, 1, 8), torch.randn(4, 10)
    head(vectors)
    assert torch.equal(head.eval()(vectors[:1]), head(vectors)[:1])


def test_every_part_gets_a_gradient():
    torch.manual_seed(0)
    head = BinaryHead(10, 6, 2, 8)
    head(torch.randn(16, 10)).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in [*head.first.parameters()][-2:])
    assert all(parameter.grad.abs().sum() > 0 for part in (head.back, head.rest) for parameter in [*part.parameters()][-2:])
