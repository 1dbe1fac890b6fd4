"""Attention labels: attention is taught what it said itself when the round before had ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

import numpy as np

from wtal.base.ranges import Doc, Ge, Gt, Lt, settings
from wtal.suite.contracts import (
    LabelKind,
    LabelMaker,
    LabelRequest,
    LabelTarget,
    SnippetLabel,
    VideoLabel,
    VideoRequest,
)


@settings
class AttentionLabels(LabelMaker):
    """Attention of the scores as it is (soft), or whether it is above a threshold (hard); none in a background video.

    Source: the pseudo ground truth of TSCN (Zhai et al., ECCV 2020); docs/labels.md#attention.
    """

    target: ClassVar[LabelTarget] = "attention"
    label_kind: ClassVar[LabelKind] = "positive"
    is_signed: ClassVar[bool] = False
    kind: Literal["attention"] = "attention"
    form: Annotated[Literal["soft", "hard"], Doc("attention as it is, or 1 above the threshold and else 0")] = "hard"
    threshold: Annotated[float, Gt(0), Lt(1), Doc("of hard labels")] = 0.5
    margin: Annotated[float, Ge(0), Lt(0.5), Doc("hard labels of snippets nearer to the threshold weigh 0")] = 0.0

    def __call__(self, requests: Sequence[LabelRequest]) -> list[SnippetLabel]:
        """Nothing: segments have no part in these labels."""
        return [SnippetLabel(np.zeros(request.n_snippets)) for request in requests]

    def of_video(self, request: VideoRequest, made: VideoLabel) -> VideoLabel:
        """What attention is to be, under each class of the video; what it leaves of 1 under background."""
        goal, weight = request.attention, made.weight
        if self.form == "hard":
            weight = weight * (np.abs(goal - self.threshold) >= self.margin)[:, None]
            goal = (goal > self.threshold).astype(np.float64)
        if not len(request.classes):
            goal, weight = np.zeros(len(goal)), made.weight
        label = np.zeros_like(made.label)
        label[:, request.classes] = goal[:, None]
        label[:, -1] = 1 - goal
        return VideoLabel(label, weight)
