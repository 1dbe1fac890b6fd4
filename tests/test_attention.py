"""benchmarks/attention.py: on which side of the truth attention falls."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scripts import script

attention = script("benchmarks/attention.py")


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=12))
def test_the_share_is_that_of_all_pairs(rows: list[tuple[int, bool]]) -> None:
    values, inside = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    pairs = [(one, other) for one in values[inside] for other in values[~inside]]
    shares = [1.0 if one > other else 0.5 if one == other else 0.0 for one, other in pairs]
    found = attention.share_in_order(values, inside)
    if pairs:
        assert math.isclose(found, float(np.mean(shares)), abs_tol=1e-12)
    else:
        assert math.isnan(found)
