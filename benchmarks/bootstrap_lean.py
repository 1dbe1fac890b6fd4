"""How far the bootstrap leans: whether resampled figures lie off the figure itself, alone and in paired differences.

    python benchmarks/bootstrap_lean.py --thumos14 FOLDER --detections FILE.json

AP rises a little when videos repeat, so the mean over resamples of one system's mAP lies above its mAP. Here it is
measured how much of that stays in the difference of two systems under the same resamples: the file's detections
against the same detections made worse in several ways.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from wtal.base.records import Detections
from wtal.evaluate import EvaluationOptions, evaluate_matches, match_detections
from wtal.evaluate.read.detections import read_detections
from wtal.evaluate.read.ground_truth import read_ground_truth
from wtal.evaluate.score.uncertainty import draw_videos, resampled_means

RESAMPLES = 4000


def made_worse(detections: Detections) -> dict[str, Detections]:
    """The same detections with their bounds or scores disturbed, or a part of them missing."""
    random = np.random.default_rng(0)
    length = detections.end - detections.start
    by = random.normal(size=(2, len(detections)))
    half = random.random(len(detections)) < 0.5
    kept = {name: getattr(detections, name)[half] for name in ("video", "label", "start", "end", "score")}
    shifted = replace(detections, start=detections.start + 0.2 * length, end=detections.end + 0.2 * length)
    jitter = {"start": detections.start + 0.1 * length * by[0], "end": detections.end + 0.1 * length * by[1]}
    return {
        "bounds off by 10 % of the length": replace(detections, **jitter),
        "bounds shifted by 20 % of the length": shifted,
        "scores with noise": replace(detections, score=detections.score + 0.1 * by[0] * detections.score.std()),
        "scores at random": replace(detections, score=random.random(len(detections))),
        "half of the detections": replace(detections, **kept),
    }


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--thumos14", type=Path, required=True, help="folder of the annotation arrays")
    parser.add_argument("--detections", type=Path, required=True, help="detections on THUMOS14's test videos")
    options = parser.parse_args()
    truth, detections = read_ground_truth(options.thumos14, "test").instances, read_detections(options.detections)
    weights = draw_videos(truth.videos, RESAMPLES, "lean")
    results = {}
    for name, system in {"the file": detections, **made_worse(detections)}.items():
        matches = match_detections(system, truth, EvaluationOptions())
        results[name] = evaluate_matches(matches).headline, resampled_means(matches, weights).mean(axis=1)
    point, samples = results["the file"]
    print(f"{RESAMPLES:,} resamples of {len(truth.videos)} videos, mAP over 0.1:0.1:0.7, points\n")
    print("| system | mAP | it leans by | 95 % interval | worse by | the difference leans by | 95 % interval |")
    print("|---|---:|---:|---|---:|---:|---|")
    for name, (value, resampled) in results.items():
        cells = [f"{value:.2f}", f"{resampled.mean() - value:+.2f}", interval(resampled)]
        if name == "the file":
            cells += ["", "", ""]
        else:
            paired = samples - resampled
            cells += [f"{point - value:.2f}", f"{paired.mean() - (point - value):+.2f}", interval(paired)]
        print(f"| {name} | {' | '.join(cells)} |")


def interval(samples: np.ndarray) -> str:
    """The middle 95 % of the resamples."""
    low, high = np.quantile(samples, [0.025, 0.975])
    return f"[{low:.2f}, {high:.2f}]"


if __name__ == "__main__":
    main()
