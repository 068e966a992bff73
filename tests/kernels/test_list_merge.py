"""What one rising list lacks of another."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin.kernels.list_merge import left_out

NUMBERS = st.lists(st.integers(0, 30), unique=True).map(lambda values: np.array(sorted(values), np.int64))


@settings(deadline=None)  # the first call may compile
@given(NUMBERS, NUMBERS)
def test_what_is_left_out_is_what_is_in_no_place_of_the_other(numbers, others):
    np.testing.assert_array_equal(left_out(numbers, others), ~np.isin(numbers, others))
