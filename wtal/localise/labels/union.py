"""Union labels: a snippet is of every class that has a segment there, and else background."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

import numpy as np

from wtal.base.ranges import Doc, settings
from wtal.base.records import Floats
from wtal.base.timebase import Rounding
from wtal.localise.labels.naive import snippets_inside
from wtal.suite.contracts import LabelMaker, LabelRequest, SnippetLabel, VideoLabel, VideoRequest


@settings
class UnionLabels(LabelMaker):
    """1 on the union of a class's segments, whatever they score, background elsewhere; each snippet's row sums to 1.

    Source: the labels of ASM-Loc (He et al., CVPR 2022); docs/labels.md#union.
    """

    presets: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "paper": {"rounding": "floor"},
        "code": {"rounding": "truncate"},
    }
    is_signed: ClassVar[bool] = False
    kind: Literal["union"] = "union"
    rounding: Annotated[Rounding, Doc("of bounds to whole snippets; truncate repeats the released code")] = "floor"

    def __call__(self, requests: Sequence[LabelRequest]) -> list[SnippetLabel]:
        """The union of each request, in their order."""
        return [SnippetLabel(self.label(request)) for request in requests]

    def label(self, request: LabelRequest) -> Floats:
        """1 [T] where a segment is."""
        inside = snippets_inside(request.segments, request.n_snippets, self.rounding)
        return np.where(inside.any(axis=0), 1.0, 0.0)

    def of_video(self, request: VideoRequest, made: VideoLabel) -> VideoLabel:
        """Background where nothing is painted, and rows divided by their sums."""
        label = made.label.copy()
        label[~label.any(axis=1), -1] = 1.0
        return VideoLabel(label / label.sum(axis=1, keepdims=True), made.weight)
