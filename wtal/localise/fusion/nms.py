"""Non-maximum suppression: the best of each group of proposals."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np

from wtal.base.overlap import temporal_iou
from wtal.base.ranges import Doc, Ge, Gt, Lt, settings
from wtal.base.records import Proposals, Segments
from wtal.suite.contracts import Fusion


@settings
class Nms(Fusion):
    """The best of each group of proposals whose tIoU with it is above the limit; the others are dropped."""

    title: ClassVar[str] = "NMS"
    kind: Literal["nms"] = "nms"
    tiou: Annotated[float, Gt(0), Lt(1), Doc("tIoU with a better proposal above which one is dropped")] = 0.45
    added_length: Annotated[
        float,
        Ge(0),
        Doc("snippets added to each length in tIoU; released codes add 1 in their unit"),
    ] = 0.0

    def __call__(self, proposals: Proposals) -> Segments:
        """Segments by falling contrast, which is their score."""
        start, end = proposals.start, proposals.end + self.added_length
        remaining = np.argsort(-proposals.contrast, kind="stable")
        kept = []
        while len(remaining):
            best, others = remaining[0], remaining[1:]
            kept.append(best)
            remaining = others[temporal_iou(start[best], end[best], start[others], end[others]) <= self.tiou]
        chosen = proposals.take(np.array(kept, dtype=np.intp))
        return Segments(chosen.start, chosen.end, chosen.contrast)
