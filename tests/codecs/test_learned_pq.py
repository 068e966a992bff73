"""The trained module and the codec made of it: the same codes, gradients where they belong, no centre left unused."""

import faiss
import numpy as np
import pytest
import torch
from torch.nn import functional as F

from nearkin.codecs.learned_pq import LearnedPq
from nearkin.codecs.product_quantiser import ProductQuantiser
from nearkin.errors import BadInput, NotFitted, ShapeError
from nearkin.layers.differentiable_pq import DifferentiablePq
from nearkin.tables import Vectors

ROWS = np.random.default_rng(0).normal(size=(1500, 16)).astype(np.float32)


def trained(init, steps=20):
    """A codec, its module after a few steps towards random goals, and the codec made of it."""
    codec = LearnedPq(levels=8, codebook_size=16, init=init, temperature=2.0, seed=1).fit(Vectors(ROWS))
    module, goals = codec.module(), torch.from_numpy(np.roll(ROWS, 1, 0))
    descent = torch.optim.Adam(module.parameters(), lr=0.05)
    for step in range(steps):
        batch = torch.from_numpy(ROWS[step::steps])
        loss = F.mse_loss(module(batch)[1], goals[step::steps])
        descent.zero_grad()
        loss.backward()
        descent.step()
    return codec, module, codec.trained(module)


@pytest.mark.parametrize("init", ["none", "pq", "opq"])
def test_hard_codes_of_the_module_equal_those_of_the_exported_codec_bit_for_bit(init):
    before, module, codec = trained(init)
    rows = torch.from_numpy(ROWS)
    codes = codec(Vectors(ROWS))
    assert (codes.symbols != before(Vectors(ROWS)).symbols).mean() > 0.05  # training did change the codes
    np.testing.assert_array_equal(codes.symbols, module.symbols(rows).numpy())
    turned, quantised = module(rows)
    turn = codec.rotation_ if init == "opq" else np.eye(16)
    np.testing.assert_allclose(quantised.detach().numpy(), codec.decode(codes).rows @ turn.T, atol=1e-4)
    asked = (turned.detach()[:7] @ quantised.detach().T).numpy()
    np.testing.assert_allclose(codec.scores(Vectors(ROWS[:7]), codes), asked, atol=1e-3)


def test_faiss_gives_the_exported_codes_too():
    _, _, codec = trained("pq")
    theirs = faiss.ProductQuantizer(16, 8, 4)
    faiss.copy_array_to_vector(codec.centres_.ravel(), theirs.centroids)
    packed = theirs.compute_codes(ROWS)
    np.testing.assert_array_equal(np.stack([packed & 15, packed >> 4], 2).reshape(-1, 8), codec(Vectors(ROWS)).symbols)


def test_the_start_is_that_of_the_product_quantiser():
    plain = ProductQuantiser(levels=8, codebook_size=16, rotate=True, seed=1).fit(Vectors(ROWS))
    start = LearnedPq(levels=8, codebook_size=16, init="opq", seed=1).fit(Vectors(ROWS))
    np.testing.assert_array_equal(start(Vectors(ROWS)).symbols, plain(Vectors(ROWS)).symbols)


def test_the_gradient_is_that_of_the_soft_choice_and_the_value_that_of_the_hard_one():
    random = torch.Generator().manual_seed(0)
    centres, rows = torch.randn(2, 4, 3, generator=random), torch.randn(5, 6, generator=random, requires_grad=True)
    module = DifferentiablePq(centres, temperature=0.7)
    weights = torch.randn(5, 6, generator=random)
    _, quantised = module(rows)
    (gradient,) = torch.autograd.grad((quantised * weights).sum(), rows, retain_graph=True)
    expected = torch.zeros(5, 6)
    for row in range(5):
        for part in range(2):
            piece = slice(3 * part, 3 * part + 3)
            z = rows[row, piece].detach().clone().requires_grad_()
            distances = torch.stack([(z - centre).square().sum() for centre in centres[part]])
            nearest = centres[part][distances.argmin()]
            torch.testing.assert_close(quantised[row, piece].detach(), nearest)
            soft = (torch.softmax(-distances / 0.7, 0)[:, None] * centres[part]).sum(0)
            (expected[row, piece],) = torch.autograd.grad((soft * weights[row, piece]).sum(), z)
    torch.testing.assert_close(gradient, expected, atol=1e-5, rtol=1e-4)
    (moved,) = torch.autograd.grad((quantised * weights).sum(), module.centres)
    assert (moved.abs().sum(-1) > 0).all()  # even a centre that no row chose feels the soft choice


def test_unused_centres_are_put_to_use():
    far = torch.full((2, 4, 3), 50.0)
    far[:, 0] = 0
    module = DifferentiablePq(far)
    rows = torch.randn(40, 6, generator=torch.Generator().manual_seed(0))
    assert module.reseed(rows) == 6
    assert all(len(torch.unique(column)) == 4 for column in module.symbols(rows).T)
    assert module.reseed(rows) == 0
    assert module.reseed(rows[:1]) <= 2


def test_wrong_settings_and_modules_are_refused():
    with pytest.raises(BadInput, match="none, pq or opq"):
        LearnedPq(init="kmeans")
    with pytest.raises(BadInput, match="temperature"):
        LearnedPq(temperature=0)
    with pytest.raises(BadInput, match="cannot give 16 centres"):
        LearnedPq(levels=8, codebook_size=16, init="none").fit(Vectors(ROWS[:10]))
    with pytest.raises(NotFitted):
        LearnedPq().module()
    with pytest.raises(ShapeError, match="train what"):
        LearnedPq(levels=8, codebook_size=16, init="none").fit(Vectors(ROWS)).trained(DifferentiablePq(torch.zeros(2, 4, 3)))
