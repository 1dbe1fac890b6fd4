"""Gaussian weighted fusion: one segment for each cluster of proposals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np

from wtal.base.ranges import Doc, Gt, Lt, settings
from wtal.base.records import Proposals, Segments
from wtal.suite.contracts import Fusion

if TYPE_CHECKING:
    from numpy.typing import NDArray


@settings
class GaussianFusion(Fusion):
    """One segment a cluster: start, end and score are means weighted by exp(inner / temperature).

    Source: Gaussian weighted fusion of Zhou et al., CVPR 2023; docs/method.md#scores-proposals-fusion.
    """

    title: ClassVar[str] = "Gaussian fusion"
    kind: Literal["gaussian"] = "gaussian"
    overlap: Annotated[
        float, Gt(0), Lt(1), Doc("share of a proposal's length above which it joins a better one's cluster")
    ] = 0.25
    temperature: Annotated[float, Gt(0), Doc("tau of the weights; smaller trusts the inner score more")] = 0.2

    def __call__(self, proposals: Proposals) -> Segments:
        """Segments in the order in which their clusters were formed."""
        columns = np.stack([proposals.start, proposals.end, proposals.contrast], axis=1)
        fused = np.zeros((0, 3))
        means = []
        for rows in greedy_clusters(proposals, self.overlap):
            inner = proposals.inner[rows]
            weight = np.exp((inner - inner.max()) / self.temperature)
            means.append((weight / weight.sum()) @ columns[rows])
        if means:
            fused = np.stack(means)
        return Segments(fused[:, 0], fused[:, 1], fused[:, 2])


def greedy_clusters(proposals: Proposals, overlap: float) -> list[NDArray[np.intp]]:
    """Rows [n] of each cluster, its leader first: the best remaining proposal and all that overlap it enough.

    overlap: share of the member's own length, counted in whole snippets with both ends included. Ties of the contrast
    keep their order.
    """
    clusters = []
    remaining = np.argsort(-proposals.contrast, kind="stable")
    start, end = proposals.start, proposals.end
    while len(remaining):
        leader = remaining[0]
        shared = np.minimum(end[remaining], end[leader]) - np.maximum(start[remaining], start[leader]) + 1
        joins = np.maximum(shared, 0) / (end[remaining] - start[remaining] + 1) > overlap
        joins[0] = True
        clusters.append(remaining[joins])
        remaining = remaining[~joins]
    return clusters
