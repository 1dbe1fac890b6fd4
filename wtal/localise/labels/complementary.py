"""Complementary labels: which classes a snippet is surely not of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

import numpy as np

from wtal.base.ranges import Doc, Ge, settings
from wtal.base.records import Floats
from wtal.suite.contracts import LabelKind, LabelMaker, LabelRequest, SnippetLabel, VideoLabel, VideoRequest


@settings
class ComplementaryLabels(LabelMaker):
    """1 for what a snippet is not: classes that the video has not, and where scores are sure, those that score less.

    Source: after ProCL (TCSVT 2024), from snippet scores instead of logits; docs/labels.md#complementary.
    """

    label_kind: ClassVar[LabelKind] = "complementary"
    is_signed: ClassVar[bool] = False
    kind: Literal["complementary"] = "complementary"
    entropy: Annotated[
        float, Ge(0), Doc("in nats, of a video's classes and background; below it a snippet is sure")
    ] = 0.69

    def __call__(self, requests: Sequence[LabelRequest]) -> list[SnippetLabel]:
        """Nothing: segments have no part in these labels."""
        return [SnippetLabel(np.zeros(request.n_snippets)) for request in requests]

    def of_video(self, request: VideoRequest, made: VideoLabel) -> VideoLabel:
        """Ones for what is excluded, of the video's classes and background only where the snippet is sure."""
        background = request.scores.shape[1] - 1
        classes = request.classes[request.classes != background]
        # What classes leave of 1; background's own score, times attention, is least where background is surest.
        rest = 1 - request.scores[:, :background].sum(axis=1, keepdims=True)
        share = np.exp(_over_time(np.hstack([request.scores[:, classes], rest])))
        share /= share.sum(axis=1, keepdims=True)
        is_sure = -(share * np.log(share)).sum(axis=1) < self.entropy
        label = np.ones_like(made.label)
        label[:, [*classes, background]] = is_sure[:, None] & (share < 1 / share.shape[1])
        return VideoLabel(label, made.weight)


def _over_time(scores: Floats) -> Floats:
    """Scores [T, N] moved and scaled to [0, 1] over the video, each column by itself; 0 where one is flat."""
    low, high = scores.min(axis=0, initial=np.inf), scores.max(axis=0, initial=-np.inf)
    scaled: Floats = np.where(high > low, scores - low, 0.0) / np.where(high > low, high - low, 1.0)
    return scaled
