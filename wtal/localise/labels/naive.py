"""Naive labels: the score of each segment on its own snippets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np

from wtal.base.ranges import Doc, settings
from wtal.base.records import Floats, Segments
from wtal.base.timebase import Rounding, cut_to_grid
from wtal.suite.contracts import LabelMaker, LabelRequest, SnippetLabel

if TYPE_CHECKING:
    from numpy.typing import NDArray


@settings
class NaiveLabels(LabelMaker):
    """The alternative of the ablation: each segment's score on its own snippets."""

    presets: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "paper": {"rounding": "floor"},
        "code": {"rounding": "truncate"},
    }

    kind: Literal["naive"] = "naive"
    overlap: Annotated[Literal["mean", "maximum"], Doc("of the scores, where segments overlap")] = "mean"
    rounding: Annotated[Rounding, Doc("of bounds to whole snippets; truncate repeats the released code")] = "floor"

    def __call__(self, requests: Sequence[LabelRequest]) -> list[SnippetLabel]:
        """A label for each request, in their order; each is what was asked for."""
        return [SnippetLabel(self.label(request.segments, request.n_snippets)) for request in requests]

    def label(self, segments: Segments, n_snippets: int) -> Floats:
        """The label [T] of one class in one video; 0 where there is no segment."""
        inside = snippets_inside(segments, n_snippets, self.rounding)
        covered = inside.any(axis=0)
        if self.overlap == "maximum":
            highest = np.where(inside, segments.score[:, None], -np.inf).max(axis=0, initial=-np.inf)
            return np.where(covered, highest, 0.0)
        mean: Floats = segments.score @ inside / np.maximum(inside.sum(axis=0), 1)
        return mean


def snippets_inside(segments: Segments, n_snippets: int, rounding: Rounding) -> NDArray[np.bool_]:
    """Whether each snippet lies in each segment, [S, T]."""
    start, end = cut_to_grid(segments.start, rounding), cut_to_grid(segments.end, rounding)
    snippet = np.arange(n_snippets)
    inside: NDArray[np.bool_] = (snippet >= start[:, None]) & (snippet < end[:, None])
    return inside
