"""Soft non-maximum suppression: every proposal, with a score that decays beside better ones."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np

from wtal.base.overlap import temporal_iou
from wtal.base.ranges import Doc, Ge, Gt, Share, settings
from wtal.base.records import Proposals, Segments
from wtal.suite.contracts import Fusion


@settings
class SoftNms(Fusion):
    """Every proposal, its score decayed by exp(-tIoU^2 / sigma) for each better one already kept.

    Source: Bodla et al., ICCV 2017, the Gaussian form.
    """

    title: ClassVar[str] = "soft-NMS"
    kind: Literal["soft_nms"] = "soft_nms"
    sigma: Annotated[float, Gt(0), Doc("of the decay; smaller decays more")] = 0.3
    floor: Annotated[
        Share | None, Doc("share of the top score; segments decayed below it are dropped; null: none is")
    ] = 0.001
    negative: Annotated[
        Literal["kept", "decayed"], Doc("a score below 0; decayed, which raises it, repeats released codes")
    ] = "kept"
    added_length: Annotated[
        float,
        Ge(0),
        Doc("snippets added to each length in tIoU; released codes add 1 in their unit"),
    ] = 0.0

    def __call__(self, proposals: Proposals) -> Segments:
        """Segments by falling score after decay."""
        if not len(proposals):
            return Segments.none()
        start, end = proposals.start, proposals.end + self.added_length
        score = proposals.contrast.copy()
        floor = -np.inf if self.floor is None else self.floor * max(score.max(), 0.0)
        remaining = np.arange(len(proposals))
        kept, scores = [], []
        while len(remaining):
            position = int(np.argmax(score[remaining]))
            best = remaining[position]
            if score[best] < floor:
                break
            kept.append(best)
            scores.append(score[best])
            remaining = np.delete(remaining, position)
            tiou = temporal_iou(start[best], end[best], start[remaining], end[remaining])
            decay = np.exp(-(tiou**2) / self.sigma)
            score[remaining] *= np.where((score[remaining] > 0) | (self.negative == "decayed"), decay, 1.0)
        chosen = proposals.take(np.array(kept, dtype=np.intp))
        return Segments(chosen.start, chosen.end, np.array(scores, dtype=np.float64))
