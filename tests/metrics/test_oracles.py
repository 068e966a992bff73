"""Each metric equals its double loop."""

from __future__ import annotations

from importlib import import_module

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.metrics.oracles import CHECKS


@pytest.mark.parametrize("name", CHECKS)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_metric_equals_its_double_loop(name, seed):
    for check in CHECKS[name]:
        check(import_module(f"nearkin.metrics.{name}"), seed)
