"""Training videos round by round: scores, proposals with their clusters and weights, segments, labels, Δ.

What round r learns from: the scores after round r - 1, the proposals and segments made of them, the labels made of
those. A proposal is [start, end, contrast, cluster, weight in it], bounds in seconds; a cluster of -1 is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wtal.base.records import Floats, Instances, Proposals, VideoScores
from wtal.localise.fusion.gaussian import GaussianFusion, greedy_clusters
from wtal.localise.labels.file import read_labels
from wtal.localise.propose import proposals_in
from wtal.report.explorer.packing import packed, packed_signed
from wtal.report.explorer.systems import scores_of
from wtal.report.figures.clips import choose_clips
from wtal.report.inputs.plan import Plan
from wtal.report.inputs.truth import Truth
from wtal.suite.contracts import Fusion
from wtal.suite.method_settings import MethodSettings
from wtal.suite.paths import LABELS, TRAIN_SCORES, SuitePaths

SHOWN = 12  # training videos
MOST_PROPOSALS = 60  # of a class in a round, by falling contrast


def training_videos(plan: Plan, truth: Truth, results: Path) -> list[dict[str, Any]]:
    """Some training videos of the whole method's first seed, chosen by rule; none where it has no label rounds."""
    entry, method = plan.file.variants[plan.whole_method], plan.method(plan.whole_method)
    if not entry.rounds:
        return []
    names = choose_clips(truth.instances, SHOWN)
    videos = [_head(truth, name) for name in names]
    before: Floats | None = None
    for index in range(1, entry.rounds + 1):
        folders = [
            SuitePaths(results).round(entry.owners[each], plan.file.seeds[0], each) for each in (index - 1, index)
        ]
        scores = scores_of(folders[0] / TRAIN_SCORES, truth.instances)
        labels = read_labels(folders[1] / LABELS)[0].shown()
        for name, video in zip(names, videos):
            video["rounds"].append(_round(scores, name, video["classes"], method, index, truth, (labels, before)))
        before = labels
    return videos


def _head(truth: Truth, name: str) -> dict[str, Any]:
    instances: Instances = truth.instances
    rows = np.flatnonzero(instances.video == instances.videos.index(name))
    columns = zip(instances.class_index[rows].tolist(), instances.start[rows], instances.end[rows])
    held = [[label, round(float(start), 2), round(float(end), 2)] for label, start, end in columns]
    classes = sorted({row[0] for row in held})
    return {"name": name, "seconds": round(truth.seconds[name], 2), "truth": held, "classes": classes, "rounds": []}


def _round(
    scores: VideoScores,
    name: str,
    classes: Sequence[int],
    method: MethodSettings,
    index: int,
    truth: Truth,
    labels: tuple[Floats, Floats | None],
) -> dict[str, Any]:
    number, rate = scores.videos.index(name), truth.snippets_per_second
    rows, (newest, before) = scores.rows(number), labels
    fusion = method.labels.fusion_of(index)
    own = newest[rows][:, list(classes)].astype(np.float64)
    change = np.zeros_like(own) if before is None else own - before[rows][:, list(classes)]
    ceilings = float(np.abs(own).max(initial=0.0)), float(np.abs(change).max(initial=0.0))
    found = {
        "scores": [packed(scores.snippet_score[rows, label]) for label in classes],
        "labels": [packed(own[:, lane], ceilings[0]) for lane in range(len(classes))],
        "label_ceiling": float(f"{ceilings[0]:.3g}"),
        "proposals": [
            _proposals(proposals_in(scores, number, label, method.proposals), fusion, rate) for label in classes
        ],
        "segments": [
            _segments(proposals_in(scores, number, label, method.proposals), fusion, rate) for label in classes
        ],
    }
    if before is not None:
        found["delta"] = [packed_signed(change[:, lane], ceilings[1]) for lane in range(len(classes))]
        found["delta_ceiling"] = float(f"{ceilings[1]:.3g}")
    return found


def _proposals(proposals: Proposals, fusion: Fusion, rate: float) -> list[list[float]]:
    cluster = np.full(len(proposals), -1, dtype=np.int64)
    weight = np.zeros(len(proposals))
    if isinstance(fusion, GaussianFusion):
        for number, rows in enumerate(greedy_clusters(proposals, fusion.overlap)):
            raw = np.exp((proposals.inner[rows] - proposals.inner[rows].max()) / fusion.temperature)
            cluster[rows], weight[rows] = number, raw / raw.sum()
    order = np.argsort(-proposals.contrast, kind="stable")[:MOST_PROPOSALS]
    return [
        [
            round(float(proposals.start[row] / rate), 2),
            round(float(proposals.end[row] / rate), 2),
            round(float(proposals.contrast[row]), 3),
            int(cluster[row]),
            round(float(weight[row]), 3),
        ]
        for row in order
    ]


def _segments(proposals: Proposals, fusion: Fusion, rate: float) -> list[list[float]]:
    fused = fusion(proposals)
    columns = zip(fused.start / rate, fused.end / rate, fused.score)
    return [[round(float(start), 2), round(float(end), 2), round(float(score), 3)] for start, end, score in columns]
