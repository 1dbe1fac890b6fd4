"""The protocol that compares whole snippets."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from wtal.base.ranges import settings
from wtal.suite.contracts import ScoringProtocol

if TYPE_CHECKING:
    from wtal.base.records import Bounds, Floats


class WholeSnippets(ScoringProtocol):
    """Bounds as whole snippets: truth rounded, detections cut down."""

    __slots__ = ()
    needs_rate: ClassVar[bool] = True

    def detection_bounds(self, start: Floats, end: Floats, snippets_per_second: float) -> Bounds:
        """Whole snippets [N], cut down to the grid."""
        from wtal.base.timebase import cut_to_grid, to_snippets

        first, last = (cut_to_grid(to_snippets(bound, snippets_per_second)) for bound in (start, end))
        return first.astype(float), last.astype(float)

    def truth_bounds(self, start: Floats, end: Floats, snippets_per_second: float) -> Bounds:
        """Whole snippets [M], the nearest ones."""
        from wtal.base.timebase import round_to_grid

        first, last = (round_to_grid(bound, snippets_per_second) for bound in (start, end))
        return first.astype(float), last.astype(float)


@settings
class SnippetProtocol(WholeSnippets):
    """Whole snippets, truth rounded, detections cut down, and the area under the precision envelope. Source: W-TALC."""

    kind: Literal["snippet"] = "snippet"
