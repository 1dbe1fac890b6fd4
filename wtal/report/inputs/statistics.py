"""Mean and deviation of numbers over seeds."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike


def mean_and_deviation(values: ArrayLike) -> tuple[float, float]:
    """Mean and sample standard deviation of numbers [S]; NaN entries are left out, one value alone has no deviation."""
    known = np.asarray(values, dtype=np.float64)
    known = known[~np.isnan(known)]
    mean = float(known.mean()) if len(known) else math.nan
    return mean, float(known.std(ddof=1)) if len(known) > 1 else math.nan
