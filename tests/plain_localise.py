"""Proposals and fusion written out a second time, plainly: one class of one video at a time, numbers and loops alone.

It shares no code with wtal; constants stand here as docs/method.md has them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

MARGIN, POWER, SHORTEST = 0.0785, 0.9, 2
Proposal = tuple[float, float, float, float]  # start, end, contrast, inner
Segment = tuple[float, float, float]  # start, end, score


def plain_proposals(scores: Sequence[float], thresholds: Sequence[float]) -> list[Proposal]:
    """Every run above each threshold, with the mean inside and what it is more than the mean around it."""
    count, total = len(scores), [0.0]
    for score in scores:
        total.append(total[-1] + score)
    found = []
    for threshold in thresholds:
        start = None
        for place in range(count + 1):
            if place < count and scores[place] > threshold:
                start = place if start is None else start
            elif start is not None:
                if place - start >= SHORTEST:
                    found.append(plain_proposal(total, start, place))
                start = None
    return found


def plain_proposal(total: Sequence[float], start: int, end: int) -> Proposal:
    """A run [start, end) of snippets whose scores add up to `total`."""
    count = len(total) - 1
    margin = MARGIN * (end - start) ** POWER
    inner_end = min(end + 1, count)
    inner = (total[inner_end] - total[start]) / (inner_end - start)
    left = max(0, math.floor(start - margin))
    right = max(min(count - 1, math.floor(end + margin + 1)), inner_end)
    around = (start - left) + (right - inner_end)
    mass = total[start] - total[left] + total[right] - total[inner_end]
    return float(start), float(end + 1), inner - (mass / around if around else 0.0), inner


def plain_gaussian(proposals: Sequence[Proposal], overlap: float, temperature: float) -> list[Segment]:
    """Gaussian weighted fusion, segments by falling score."""
    left = sorted(proposals, key=lambda proposal: -proposal[2])
    fused = []
    while left:
        leader, members, others = left[0], [left[0]], []
        for one in left[1:]:
            shared = max(0.0, min(one[1], leader[1]) - max(one[0], leader[0]) + 1)
            (members if shared / (one[1] - one[0] + 1) > overlap else others).append(one)
        most = max(one[3] for one in members)
        weights = [math.exp((one[3] - most) / temperature) for one in members]
        whole = sum(weights)
        start, end, score = (
            sum(weight * one[part] for weight, one in zip(weights, members)) / whole for part in range(3)
        )
        fused.append((start, end, score))
        left = others
    return sorted(fused, key=lambda segment: -segment[2])


def plain_nms(proposals: Sequence[Proposal], tiou: float) -> list[Segment]:
    """Non-maximum suppression, segments by falling score."""
    left = sorted(proposals, key=lambda proposal: -proposal[2])
    kept = []
    while left:
        best, others = left[0], []
        for one in left[1:]:
            shared = min(one[1], best[1]) - max(one[0], best[0])
            union = (one[1] - one[0]) + (best[1] - best[0]) - shared
            if shared <= 0 or shared / union <= tiou:
                others.append(one)
        kept.append(best[:3])
        left = others
    return kept
