"""From overlapping proposals to segments: Gaussian weighted fusion, and NMS and soft-NMS to compare it with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wtal.base.overlap import temporal_iou
from wtal.base.records import Proposals, Segments
from wtal.suite.method_settings import Fusion, ProposalSettings


def fuse(proposals: Proposals, fusion: Fusion, temperature: float, settings: ProposalSettings) -> Segments:
    """Segments of one class in one video, in the order in which they were formed.

    temperature: tau of the Gaussian weights; NMS and soft-NMS do not use it.
    """
    if fusion == "gaussian":
        return gaussian_fusion(proposals, temperature, settings)
    if fusion == "nms":
        return nms(proposals, settings)
    return soft_nms(proposals, settings)


def greedy_clusters(proposals: Proposals, overlap: float) -> list[NDArray[np.intp]]:
    """Rows of each cluster, its leader first: the best remaining proposal and all that overlap it enough.

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


def gaussian_fusion(proposals: Proposals, temperature: float, settings: ProposalSettings) -> Segments:
    """One segment a cluster: start, end and score are means weighted by exp(inner / temperature).

    Source: Gaussian weighted fusion of Zhou et al., CVPR 2023; docs/method.md#scores-proposals-fusion.
    """
    columns = np.stack([proposals.start, proposals.end, proposals.contrast], axis=1)
    fused = np.zeros((0, 3))
    means = []
    for rows in greedy_clusters(proposals, settings.overlap):
        inner = proposals.inner[rows]
        weight = np.exp((inner - inner.max()) / temperature)
        means.append((weight / weight.sum()) @ columns[rows])
    if means:
        fused = np.stack(means)
    return Segments(fused[:, 0], fused[:, 1], fused[:, 2])


def nms(proposals: Proposals, settings: ProposalSettings) -> Segments:
    """The best of each group of proposals whose tIoU with it is above the limit; the others are dropped."""
    remaining = np.argsort(-proposals.contrast, kind="stable")
    kept = []
    while len(remaining):
        kept.append(remaining[0])
        remaining = remaining[1:][_tiou(proposals, remaining[0], remaining[1:]) <= settings.nms_tiou]
    chosen = proposals.take(np.array(kept, dtype=np.intp))
    return Segments(chosen.start, chosen.end, chosen.contrast)


def soft_nms(proposals: Proposals, settings: ProposalSettings) -> Segments:
    """Every proposal, its score decayed by exp(-tIoU^2 / sigma) for each better one already kept.

    A negative contrast is not decayed (that would raise it). Source: Bodla et al., ICCV 2017, the Gaussian form.
    """
    if not len(proposals):
        return Segments.none()
    score = proposals.contrast.copy()
    floor = settings.soft_nms_floor * max(score.max(), 0.0)
    remaining = np.arange(len(proposals))
    kept, scores = [], []
    while len(remaining):
        place = int(np.argmax(score[remaining]))
        best = remaining[place]
        if score[best] < floor:
            break
        kept.append(best)
        scores.append(score[best])
        remaining = np.delete(remaining, place)
        decay = np.exp(-(_tiou(proposals, best, remaining) ** 2) / settings.soft_nms_sigma)
        score[remaining] = np.where(score[remaining] > 0, score[remaining] * decay, score[remaining])
    chosen = proposals.take(np.array(kept, dtype=np.intp))
    return Segments(chosen.start, chosen.end, np.array(scores, dtype=np.float64))


def _tiou(proposals: Proposals, one: np.intp, others: NDArray[np.intp]) -> NDArray[np.float64]:
    start, end = proposals.start, proposals.end
    return temporal_iou(start[one], end[one], start[others], end[others])
