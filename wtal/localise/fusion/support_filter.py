"""The support filter: proposals that others agree with, as they are."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np

from wtal.base.overlap import temporal_iou
from wtal.base.ranges import Doc, Ge, settings
from wtal.base.records import Proposals, Segments
from wtal.suite.contracts import Fusion


@settings
class SupportFilter(Fusion):
    """Every proposal of a high contrast whose tIoU with all others sums up to enough; nothing is merged.

    Source: docs/labels.md#the-support-filter.
    """

    title: ClassVar[str] = "the support filter"
    kind: Literal["support_filter"] = "support_filter"
    support: Annotated[float, Ge(0), Doc("least sum of a proposal's tIoU with the others")] = 0.2
    score: Annotated[float, Doc("contrast that a proposal is above")] = 0.4

    def __call__(self, proposals: Proposals) -> Segments:
        """Segments in the order of their proposals; their contrast is their score."""
        start, end = proposals.start, proposals.end
        kept = []
        for row in np.flatnonzero(proposals.contrast > self.score):
            tiou = temporal_iou(start[row], end[row], start, end)
            tiou[row] = 0.0
            if tiou.sum() >= self.support:
                kept.append(row)
        chosen = proposals.take(np.array(kept, dtype=np.intp))
        return Segments(chosen.start, chosen.end, chosen.contrast)
