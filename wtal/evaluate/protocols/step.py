"""The protocol that sums precision at the hits."""

from __future__ import annotations

from typing import ClassVar, Literal

from wtal.base.ranges import settings
from wtal.suite.contracts import ScoringProtocol


@settings
class StepProtocol(ScoringProtocol):
    """Seconds as they are, and precision summed at the hits, without interpolation. Source: W-TALC."""

    is_interpolated: ClassVar[bool] = False

    kind: Literal["step"] = "step"
