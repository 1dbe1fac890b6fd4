"""How time and memory of each step grow with its input, over two orders of magnitude, with the exponents.

    python benchmarks/growth.py [--figure docs/pictures/growth.png]

Each case runs in a process of its own: seconds of the processor, the best of two runs, and what memory the step took
beyond what the process had before it. The exponent is that of a straight line through the upper half of the sizes on
logarithmic axes, where fixed costs are small.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from wtal.localise.fuse import segments_of_pairs
from wtal.localise.fusion.gaussian import GaussianFusion

SIZES = (1, 3, 10, 30, 100)  # times the smallest


def _localised(n_videos: int, n_snippets: int, n_classes: int) -> Callable[[], Any]:
    import localise_speed as speed

    scores = speed.made_up(n_videos, n_snippets)
    videos = [number for number in range(n_videos) for _ in range(n_classes)]
    labels = [number % 2 for number in range(n_classes)] * n_videos
    return lambda: segments_of_pairs(scores, videos, labels, speed.SETTINGS, GaussianFusion())


def _labels(n_snippets: int) -> Callable[[], Any]:
    import localise_speed as speed

    from wtal.localise.labels.optimised import OptimisedLabels

    requests = speed.label_requests(n_snippets, 4)
    return lambda: OptimisedLabels()(requests)


def _trained(n_videos: int, n_snippets: int, n_features: int) -> Callable[[], Any]:
    import torch
    import training_speed as speed

    torch.set_num_threads(1)
    videos = speed.made_up(n_videos, n_snippets, n_features)
    return lambda: speed.epoch_of(speed.trainer_of("rskp", videos, "base", embedding_size=128))


def _scored(n_detections: int, n_videos: int) -> Callable[[], Any]:
    import evaluate as speed

    from wtal.evaluate import EvaluationOptions, evaluate_detections

    detections, truth = speed.made_up(n_videos, 200, 2 * n_videos, n_detections)
    return lambda: evaluate_detections(detections, truth, EvaluationOptions(tiou=(0.5, 0.75, 0.95)))


# What grows: the smallest size, and the step of a size.
CASES: dict[str, tuple[int, Callable[[int], Callable[[], Any]]]] = {
    "detection, videos": (5, lambda size: _localised(size, 340, 2)),
    "detection, snippets": (100, lambda size: _localised(8, size, 2)),
    "detection, classes": (1, lambda size: _localised(8, 340, size)),
    "labels, snippets and segments": (120, _labels),
    "training, videos": (5, lambda size: _trained(size, 90, 80)),
    "training, snippets": (30, lambda size: _trained(8, size, 80)),
    "training, features": (32, lambda size: _trained(8, 90, size)),
    "evaluation, detections": (10_000, lambda size: _scored(size, 4_427)),
    "evaluation, videos": (50, lambda size: _scored(100_000, size)),
}


def measured(case: str, size: int) -> tuple[float, float]:
    """Seconds, and MB beyond what there was before, of a case; in this process."""
    import localise_speed as speed

    step = CASES[case][1](size)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = step() if case.startswith("training") else speed.best_of(step, 2)[0]
    return seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def exponent(sizes: list[int], values: list[float]) -> float:
    """The slope of a line through the upper half of the points on logarithmic axes."""
    upper = slice(len(sizes) // 2, None)
    return float(np.polyfit(np.log(sizes[upper]), np.log(np.maximum(values[upper], 1e-9)), 1)[0])


def draw(found: dict[str, dict[str, Any]], path: Path) -> None:
    """Time against size, each over its smallest, with the exponents."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(10, 5.2), layout="constrained")
    for axis, key, words in zip(axes, ("seconds", "megabytes"), ("seconds of a core", "MB beyond the start")):
        for number, (case, entry) in enumerate(found.items()):
            label = f"{case}: {entry[f'{key}_exponent']:.1f}"
            style = ("-", "--", ":")[number % 3]
            axis.loglog(entry["times"], np.maximum(entry[key], 1e-3), style, marker="o", markersize=3, label=label)
        axis.set(xlabel="size, times the smallest", ylabel=words)
        axis.legend(
            fontsize=7, title="exponent", title_fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2
        )
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--case", choices=list(CASES))
    parser.add_argument("--size", type=int)
    options = parser.parse_args()
    if options.case:
        print(json.dumps(measured(options.case, options.size)))
        return
    found: dict[str, dict[str, Any]] = {}
    for case, (smallest, _) in CASES.items():
        run = partial(subprocess.run, capture_output=True, text=True, check=True)
        sizes = [smallest * times for times in SIZES]
        lines = [run([sys.executable, __file__, "--case", case, "--size", str(size)]).stdout for size in sizes]
        seconds, megabytes = map(list, zip(*(json.loads(line.splitlines()[-1]) for line in lines)))
        found[case] = {
            "times": list(SIZES),
            "sizes": sizes,
            "seconds": seconds,
            "megabytes": megabytes,
            "seconds_exponent": exponent(sizes, seconds),
            "megabytes_exponent": exponent(sizes, megabytes),
        }
        print(
            f"{case:<30}{sizes[0]:>8,} to {sizes[-1]:>9,}: {seconds[0]:7.3f} to {seconds[-1]:7.2f} s, exponent "
            f"{found[case]['seconds_exponent']:.2f}; {megabytes[0]:6.0f} to {megabytes[-1]:6.0f} MB"
        )
    if options.figure:
        draw(found, options.figure)
    if options.json:
        options.json.write_text(json.dumps(found))


if __name__ == "__main__":
    main()
