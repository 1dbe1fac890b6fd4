"""Gaussian weighted fusion: one segment for each cluster of proposals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np

from wtal.base.ranges import Doc, Gt, Lt, settings
from wtal.base.records import ManyProposals, ManySegments, Proposals, Segments
from wtal.localise.fusion.turns import turns
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
        rows, first = clusters_of_pairs(proposals, self.overlap)
        found = proposals.proposals
        columns = np.stack([found.start, found.end, found.contrast], axis=1)
        size = np.diff(first)
        fused = np.zeros((len(size), 3))
        for n_members in np.unique(
            size
        ):  # those of one size together, so that sums have one order however many there are
            clusters = np.flatnonzero(size == n_members)
            members = rows[first[clusters][:, None] + np.arange(n_members)]
            inner = found.inner[members]
            weight = np.exp((inner - inner.max(axis=1, keepdims=True)) / self.temperature)
            weight /= weight.sum(axis=1, keepdims=True)
            fused[clusters] = (weight[:, None, :] @ columns[members])[:, 0]
        clusters_before = np.searchsorted(first, proposals.offsets)
        return ManySegments(Segments(fused[:, 0], fused[:, 1], fused[:, 2]), clusters_before)


def greedy_clusters(proposals: Proposals, overlap: float) -> list[NDArray[np.intp]]:
    """Rows [n] of each cluster, its leader first: the best remaining proposal and all that overlap it enough.

    overlap: share of the member's own length, counted in whole snippets with both ends included. Ties of the contrast
    keep their order.
    """
    rows, first = clusters_of_pairs(ManyProposals.of_one(proposals), overlap)
    return np.split(rows, first[1:-1]) if len(rows) else []


def clusters_of_pairs(proposals: ManyProposals, overlap: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows [P] of the clusters of one pair after the other, and where in them each begins and the last ends [n + 1]."""
    start, end = proposals.proposals.start, proposals.proposals.end
    length = end - start + 1

    def overlaps(rows: NDArray[np.intp], leader: NDArray[np.intp]) -> NDArray[np.bool_]:
        shared = np.minimum(end[rows], end[leader]) - np.maximum(start[rows], start[leader]) + 1
        joins: NDArray[np.bool_] = np.maximum(shared, 0) / length[rows] > overlap
        return joins

    found = list(turns(proposals, overlaps))
    if not found:
        return np.zeros(0, dtype=np.intp), np.zeros(1, dtype=np.intp)
    rows, leader = (np.concatenate(parts) for parts in zip(*found))
    pair = np.repeat(np.arange(len(proposals)), np.diff(proposals.offsets))
    order = np.argsort(pair[rows], kind="stable")  # by pair, then by turn
    rows, leader = rows[order], leader[order]
    is_first = rows == leader
    return rows, np.append(np.flatnonzero(is_first), len(rows))
