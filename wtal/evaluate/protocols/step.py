"""The protocol that sums precision at the hits."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from wtal.base.ranges import settings

if TYPE_CHECKING:
    from wtal.base.records import Bounds, Floats


@settings
class StepProtocol:
    """Seconds as they are, and precision summed at the hits, without interpolation. Source: W-TALC."""

    is_interpolated: ClassVar[bool] = False
    needs_rate: ClassVar[bool] = False

    kind: Literal["step"] = "step"

    def detection_bounds(self, start: Floats, end: Floats, snippets_per_second: float) -> Bounds:
        """Seconds [N], as they are."""
        return start, end

    def truth_bounds(self, start: Floats, end: Floats, snippets_per_second: float) -> Bounds:
        """Seconds [M], as they are."""
        return start, end
