"""Proposals, fusion and pseudo labels on one core: against a plain loop, against HiGHS, and as they grow.

    python benchmarks/localise_speed.py [--videos 210]

Scores are made up: smooth, of THUMOS14's lengths, two classes a video, the thresholds of the published method. The
plain loop, tests/plain_localise.py, takes one class of one video at a time and must find the same. The best of three
runs counts, in seconds of the processor.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import plain_localise

from wtal.base.records import Floats, ManySegments, VideoScores, offsets_of
from wtal.localise.fuse import segments_of_pairs
from wtal.localise.fusion.gaussian import GaussianFusion
from wtal.localise.fusion.nms import Nms
from wtal.localise.labels.optimised import OptimisedLabels
from wtal.localise.propose import outer_margin
from wtal.suite.contracts import LabelRequest
from wtal.suite.method_settings import ProposalSettings

RUNS = 3
SETTINGS = ProposalSettings()
FUSIONS = {
    "Gaussian fusion": (GaussianFusion(), partial(plain_localise.plain_gaussian, overlap=0.25, temperature=0.2)),
    "NMS": (Nms(), partial(plain_localise.plain_nms, tiou=0.45)),
}
LENGTHS = (120, 400, 1000, 2400)  # snippets of the videos that labels are made for


def best_of(function: Callable[[], Any], runs: int = RUNS) -> tuple[float, Any]:
    """The least seconds of the processor that a function takes, and what it gives."""
    found = []
    for _ in range(runs):
        began = time.process_time()
        result = function()
        found.append(time.process_time() - began)
    return min(found), result


def smooth(random: np.random.Generator, count: int) -> Floats:
    """Scores of one class in a video of `count` snippets: a few actions in noise, as a network gives them."""
    quick = np.convolve(random.normal(size=count + 8), np.hanning(9), mode="valid")
    slow = np.convolve(random.normal(size=count + 40), np.hanning(41), mode="valid")
    return 0.06 / (1 + np.exp(1.5 - quick - 0.6 * slow))


def made_up(n_videos: int, n_snippets: float = 340.0) -> VideoScores:
    """Scores of two classes in videos of lengths as THUMOS14's."""
    random = np.random.default_rng(0)
    lengths = np.clip(np.exp(random.normal(0, 0.7, n_videos)), 0.1, 8)
    lengths = np.maximum(16, lengths * n_snippets / lengths.mean()).astype(int)
    columns = [np.concatenate([smooth(random, length) for length in lengths]) for _ in range(2)]
    return VideoScores(
        videos=tuple(f"video_{number:04d}" for number in range(n_videos)),
        offsets=offsets_of(lengths),
        snippet_score=np.stack(columns, axis=1).astype(np.float32),
        video_score=np.ones((n_videos, 2), dtype=np.float32),
        attention=np.ones(int(lengths.sum()), dtype=np.float32),
    )


def pairs_of(scores: VideoScores) -> tuple[list[int], list[int]]:
    """Every video with each of its two classes."""
    count = len(scores.videos)
    return [number for number in range(count) for _ in range(2)], [0, 1] * count


def compared(name: str, scores: VideoScores) -> dict[str, float]:
    """Seconds of all classes of all videos at once, and of a plain loop over them, which must find the same."""
    fusion, plain = FUSIONS[name]
    videos, labels = pairs_of(scores)
    columns = [
        scores.snippet_score[scores.rows(video), label].astype(float).tolist() for video, label in zip(videos, labels)
    ]
    ours, found = best_of(lambda: segments_of_pairs(scores, videos, labels, SETTINGS, fusion))
    theirs, expected = best_of(
        lambda: [plain(plain_localise.plain_proposals(column, SETTINGS.thresholds)) for column in columns], 1
    )
    _check(name, found, expected)
    return {"seconds": ours, "plain": theirs, "pairs": len(videos), "segments": len(found.segments)}


def _check(name: str, found: ManySegments, expected: list[list[plain_localise.Segment]]) -> None:
    for number, segments in enumerate(expected):
        one = found.of(number)
        if len(one) != len(segments):
            raise SystemExit(f"{name}, pair {number}: {len(one)} segments; the plain loop has {len(segments)}")
        columns = np.stack([one.start, one.end, one.score], axis=1)
        np.testing.assert_allclose(columns, np.array(segments).reshape(-1, 3), atol=1e-9)


def label_requests(n_snippets: int, n_videos: int) -> list[LabelRequest]:
    """What labels of two classes in videos of one length are made from."""
    random, lengths = np.random.default_rng(1), np.full(n_videos, n_snippets)
    column = np.stack([np.concatenate([smooth(random, n_snippets) for _ in lengths]) for _ in range(2)], axis=1)
    few = made_up(n_videos)
    scores = VideoScores(few.videos, offsets_of(lengths), column.astype(np.float32), few.video_score, column[:, 0])
    videos, labels = pairs_of(scores)
    found = segments_of_pairs(scores, videos, labels, SETTINGS, GaussianFusion(temperature=0.02))
    margin = partial(outer_margin, settings=SETTINGS)
    return [
        LabelRequest(found.of(number), column[scores.rows(video), label], None, margin)
        for number, (video, label) in enumerate(zip(videos, labels))
        if len(found.of(number))
    ]


def label_seconds(n_snippets: int, n_videos: int = 40) -> dict[str, float]:
    """Seconds a video of pseudo labels for two classes, by the centre and by HiGHS, and the segments that they have."""
    requests = label_requests(n_snippets, n_videos)
    centre = best_of(lambda: OptimisedLabels(solution="centre")(requests))[0] / n_videos
    vertex = best_of(lambda: OptimisedLabels(solution="vertex")(requests), 1)[0] / n_videos
    segments = sum(len(request.segments) for request in requests)
    return {"centre": centre, "highs": vertex, "segments": segments / n_videos}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--videos", type=int, default=210)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results: dict[str, dict[str, float]] = {}
    scores = made_up(options.videos)
    for name in FUSIONS:
        results[name] = found = compared(name, scores)
        print(
            f"proposals and {name} of {found['pairs']:.0f} classes of videos: {1000 * found['seconds']:.1f} ms at "
            f"once, {1000 * found['plain']:.0f} ms in a plain loop: {found['plain'] / found['seconds']:.0f} times"
        )
    for n_snippets in LENGTHS:
        results[f"labels {n_snippets}"] = found = label_seconds(n_snippets)
        print(
            f"labels of a video of {n_snippets} snippets and {found['segments']:.0f} segments: "
            f"{1000 * found['centre']:.2f} ms; HiGHS {1000 * found['highs']:.2f} ms"
        )
    if options.json:
        options.json.write_text(json.dumps(results))


if __name__ == "__main__":
    main()
