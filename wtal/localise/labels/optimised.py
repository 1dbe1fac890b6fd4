"""Optimised labels: each is the solution of a linear programme that its segments pose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

from wtal.base.ranges import Doc, settings
from wtal.base.timebase import Rounding
from wtal.localise.labels.programme import Infeasible, Solution, label_programme, solve_label_programmes
from wtal.suite.contracts import LabelMaker, LabelRequest, SnippetLabel


@settings
class OptimisedLabels(LabelMaker):
    """The least label whose contrast over each segment is the segment's score.

    Source: docs/method.md#pseudo-labels-as-an-optimisation-problem.
    """

    presets: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "paper": {"infeasible": "elastic", "rounding": "floor"},
        "code": {"infeasible": "last_iterate", "rounding": "truncate"},
    }
    is_signed: ClassVar[bool] = False
    kind: Literal["optimised"] = "optimised"
    solution: Annotated[Solution, Doc("of the optima: their analytic centre, a vertex, the least norm")] = "centre"
    infeasible: Annotated[
        Infeasible, Doc("where there is no solution: slack at a high price, or as the released code has it")
    ] = "elastic"
    rounding: Annotated[Rounding, Doc("of bounds to whole snippets; truncate repeats the released code")] = "floor"

    def __call__(self, requests: Sequence[LabelRequest]) -> list[SnippetLabel]:
        """A label in [0, 1] for each request, in their order; programmes of similar size are solved together."""
        programmes = [
            label_programme(request.segments, request.n_snippets, request.outer_margin, self.rounding)
            for request in requests
        ]
        return solve_label_programmes(programmes, self.solution, self.infeasible)
