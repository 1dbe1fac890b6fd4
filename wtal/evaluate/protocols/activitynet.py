"""The protocol of ActivityNet's own evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from wtal.base.ranges import settings

if TYPE_CHECKING:
    from wtal.base.records import Bounds, Floats


@settings
class ActivityNetProtocol:
    """Seconds as they are, and the area under the precision envelope. Source: ActivityNet's evaluation."""

    is_interpolated: ClassVar[bool] = True
    needs_rate: ClassVar[bool] = False

    kind: Literal["activitynet"] = "activitynet"

    def detection_bounds(self, start: Floats, end: Floats, snippets_per_second: float) -> Bounds:
        """Seconds [N], as they are."""
        return start, end

    def truth_bounds(self, start: Floats, end: Floats, snippets_per_second: float) -> Bounds:
        """Seconds [M], as they are."""
        return start, end
