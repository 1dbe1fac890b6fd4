"""Non-maximum suppression: the best of each group of proposals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np

from wtal.base.overlap import temporal_iou
from wtal.base.ranges import Doc, Ge, Gt, Lt, settings
from wtal.base.records import Floats, ManyProposals, ManySegments, Proposals, Segments, offsets_of
from wtal.localise.fusion.turns import chosen_in_turns
from wtal.suite.contracts import Fusion

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
        return self.of_all(ManyProposals.of_one(proposals)).segments

    def of_all(self, proposals: ManyProposals) -> ManySegments:
        """The same of several classes and videos at once."""
        more = self.added_length

        def is_dropped(start: Floats, end: Floats, best_start: Floats, best_end: Floats) -> NDArray[np.bool_]:
            return temporal_iou(best_start, best_end + more, start, end + more) > self.tiou

        choice = chosen_in_turns(proposals, is_dropped)
        places = np.unique(choice.best)
        kept = choice.proposals.take(places)
        counts = np.bincount(choice.pair[places], minlength=len(proposals))
        return ManySegments(Segments(kept.start, kept.end, kept.contrast), offsets_of(counts))
