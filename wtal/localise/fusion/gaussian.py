"""Gaussian weighted fusion: one segment for each cluster of proposals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np

from wtal.base.ranges import Doc, Gt, Lt, settings
from wtal.base.records import Floats, ManyProposals, ManySegments, Proposals, Segments, offsets_of
from wtal.localise.fusion.turns import Choice, chosen_in_turns
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
        return self.of_all(ManyProposals.of_one(proposals)).segments

    def of_all(self, proposals: ManyProposals) -> ManySegments:
        """The same of several classes and videos at once."""
        choice = _clusters(proposals, self.overlap)
        ranked = choice.proposals
        by_cluster = np.argsort(choice.best, kind="stable")
        places, size = np.unique(choice.best, return_counts=True)  # of the leaders, by pair, then by turn
        first = offsets_of(size)[:-1]
        columns = np.stack([ranked.start, ranked.end, ranked.contrast], axis=1)
        fused = np.zeros((len(size), 3))
        # Those of one size together, so that sums have one order however many there are.
        for n_members in np.unique(size):
            clusters = np.flatnonzero(size == n_members)
            members = by_cluster[first[clusters][:, None] + np.arange(n_members)]
            inner = ranked.inner[members]
            weight = np.exp((inner - inner.max(axis=1, keepdims=True)) / self.temperature)
            weight /= weight.sum(axis=1, keepdims=True)
            fused[clusters] = (weight[:, None, :] @ columns[members])[:, 0]
        counts = np.bincount(choice.pair[places], minlength=len(proposals))
        return ManySegments(Segments(fused[:, 0], fused[:, 1], fused[:, 2]), offsets_of(counts))


def greedy_clusters(proposals: Proposals, overlap: float) -> list[NDArray[np.intp]]:
    """Rows [n] of each cluster, its leader first: the best remaining proposal and all that overlap it enough.

    overlap: share of the member's own length, counted in whole snippets with both ends included. Ties of the contrast
    keep their order.
    """
    best = _clusters(ManyProposals.of_one(proposals), overlap).best
    rows = np.argsort(-proposals.contrast, kind="stable")
    return [rows[best == leader] for leader in np.unique(best)]


def _clusters(proposals: ManyProposals, overlap: float) -> Choice:
    """With which leader each proposal of several pairs goes."""

    def overlaps(start: Floats, end: Floats, leader_start: Floats, leader_end: Floats) -> NDArray[np.bool_]:
        shared = np.minimum(end, leader_end) - np.maximum(start, leader_start) + 1
        joins: NDArray[np.bool_] = np.maximum(shared, 0) / (end - start + 1) > overlap
        return joins

    return chosen_in_turns(proposals, overlaps)
