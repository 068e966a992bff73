"""Each loss equals its loops."""

from __future__ import annotations

from importlib import import_module

import pytest

from tests.losses.oracles import CHECKS


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("name", CHECKS)
def test_loss_equals_its_loops(name, seed):
    for check in CHECKS[name]:
        check(import_module(f"nearkin.losses.{name}"), seed)
