"""Time and memory of the evaluator, beside a plain loop over detections measured in the same run.

    python benchmarks/evaluate.py [--thumos14 FOLDER --detections FILE.json]

Without the two files the first table is made on detections of the same number and kind. Every case runs in a process
of its own; the best of three runs counts. Loading, importing and the whole command are measured apart from the core.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from wtal.base.records import Detections, Instances
from wtal.evaluate import EvaluationOptions, evaluate_detections, evaluate_matches, match_detections
from wtal.evaluate.diagnose.diagnose import diagnose_matches
from wtal.evaluate.read.detections import read_detections
from wtal.evaluate.read.ground_truth import read_ground_truth
from wtal.evaluate.score.thresholds import thresholds_from_text
from wtal.evaluate.score.uncertainty import draw_videos, resampled_means
from wtal.evaluate.write_detections import write_detections

THUMOS14 = {"n_videos": 212, "n_classes": 20, "n_instances": 3358, "n_detections": 31587, "tiou": "0.1:0.7:0.1"}
ACTIVITYNET = {"n_videos": 4427, "n_classes": 200, "n_instances": 6836, "tiou": "0.5:0.95:0.05"}
SIZES = (10_000, 31_623, 100_000, 316_228, 1_000_000)
NAIVE_UP_TO = 100_000
SECONDS = 200.0  # length of every made-up video
HEAD = """The best of three runs or more, each case in a process of its own. The plain loop over detections runs
beside it and must give the same figures. Loading, importing and the whole command are measured apart from the core,
which is matching and AP. Published evaluators take 10 to 52 seconds on these detections.
"""


def naive_map(detections: Detections, truth: Instances, thresholds: tuple[float, ...]) -> float:
    """The mean AP in percent by a loop over classes, detections and thresholds, as evaluators commonly go."""
    table = []
    for label in np.unique(truth.class_index):
        rows = np.flatnonzero(detections.class_index == label)
        rows = rows[np.argsort(-detections.score[rows], kind="stable")]
        of_class = np.flatnonzero(truth.class_index == label)
        correct = np.zeros((len(thresholds), len(rows)), dtype=bool)
        is_taken = np.zeros((len(thresholds), len(truth)), dtype=bool)
        for place, row in enumerate(rows):
            instances = of_class[truth.video[of_class] == detections.video[row]]
            shared = np.minimum(detections.end[row], truth.end[instances])
            shared = shared - np.maximum(detections.start[row], truth.start[instances])
            lengths = (detections.end[row] - detections.start[row]) + (truth.end[instances] - truth.start[instances])
            tiou = np.where(shared > 0, shared / (lengths - shared), 0.0)
            for number, threshold in enumerate(thresholds):
                for best in np.argsort(-tiou, kind="stable"):
                    if tiou[best] < threshold:
                        break
                    if not is_taken[number, instances[best]]:
                        is_taken[number, instances[best]] = correct[number, place] = True
                        break
        for number in range(len(thresholds)):
            hits = np.flatnonzero(correct[number])
            precision = (np.arange(len(hits)) + 1) / (hits + 1)
            table.append(np.maximum.accumulate(precision[::-1]).sum() / len(of_class))
    return 100 * float(np.mean(table))


def made_up(n_videos: int, n_classes: int, n_instances: int, n_detections: int) -> tuple[Detections, Instances]:
    """Ground truth and detections of which about half lie near an instance."""
    random = np.random.default_rng(0)
    videos, classes = tuple(f"v_{i}" for i in range(n_videos)), tuple(f"class {i}" for i in range(n_classes))
    video = np.sort(random.integers(n_videos, size=n_instances))
    label = random.integers(n_classes, size=n_videos)[video]
    start = random.random(n_instances) * SECONDS * 0.8
    truth = Instances(videos, classes, video, label, start, start + 1 + random.random(n_instances) * SECONDS * 0.2)
    near = random.integers(n_instances, size=n_detections)
    is_near = random.random(n_detections) < 0.5
    found_start = truth.start[near] + random.normal(size=n_detections) * 3
    found_end = found_start + (truth.end - truth.start)[near] * random.uniform(0.5, 1.5, n_detections)
    found_label = np.where(is_near, label[near], random.integers(n_classes, size=n_detections))
    score = random.random(n_detections)
    return Detections(videos, classes, video[near], found_label, found_start, found_end, score), truth


def numbered_as(detections: Detections, truth: Instances) -> Detections:
    """The same detections with videos and classes numbered as in the ground truth."""
    video = np.array([truth.videos.index(name) for name in detections.videos])[detections.video]
    label = np.array([truth.classes.index(name) for name in detections.classes])[detections.class_index]
    bounds = detections.start, detections.end, detections.score
    return Detections(truth.videos, truth.classes, video, label, *bounds)


def best_of(times: int, work: Callable[[], Any]) -> tuple[float, Any]:
    """The least time in seconds over several runs, and the last result."""
    seconds, result = [], None
    for _ in range(times):
        begin = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - begin)
    return min(seconds), result


def peak_megabytes() -> float:
    """The most memory this process has held."""
    status = Path("/proc/self/status")
    if status.is_file():  # of this program alone; the other figure starts from its parent's
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure_size(n_detections: int) -> dict[str, Any]:
    """One made-up case of ActivityNet's size."""
    shape = {key: value for key, value in ACTIVITYNET.items() if key != "tiou"}
    detections, truth = made_up(**shape, n_detections=n_detections)  # type: ignore[arg-type]
    options = EvaluationOptions(tiou=thresholds_from_text(str(ACTIVITYNET["tiou"])))
    before = peak_megabytes()
    core, result = best_of(3, lambda: evaluate_detections(detections, truth, options))
    memory = peak_megabytes()
    naive = None
    if n_detections <= NAIVE_UP_TO:
        naive, mean = best_of(1, lambda: naive_map(detections, truth, options.tiou))
        if abs(mean - result.headline) > 1e-9:
            raise SystemExit(f"the two evaluators differ: {mean} and {result.headline}")
    return {"n": n_detections, "core": core, "naive": naive, "memory": memory, "added": memory - before}


def measure_thumos14(folder: Path | None, file: Path | None) -> list[tuple[str, float, str]]:
    """The steps of scoring the published detections, or made-up ones of the same number."""
    options = EvaluationOptions(tiou=thresholds_from_text(str(THUMOS14["tiou"])))
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        if folder is None or file is None:
            shape = {key: value for key, value in THUMOS14.items() if key != "tiou"}
            detections, truth = made_up(**shape)  # type: ignore[arg-type]
            file = Path(temporary) / "detections.json"
            write_detections(file, detections)
        else:
            seconds, truth = best_of(3, lambda: read_ground_truth(folder, "test").instances)
            rows.append(("read the ground truth", seconds, ""))
        seconds, detections = best_of(3, lambda: read_detections(file))
        rows.append(("read the JSON file", seconds, ""))
        core, result = best_of(5, lambda: evaluate_detections(detections, truth, options))
        same = numbered_as(detections, truth)
        naive, mean = best_of(1, lambda: naive_map(same, truth, options.tiou))
        if abs(mean - result.headline) > 1e-9:
            raise SystemExit(f"the two evaluators differ: {mean} and {result.headline}")
        rows.append(("core", core, f"{naive / core:.0f} times as fast as the plain loop"))
        rows.append(("plain loop over detections", naive, "1"))
        matches = match_detections(detections, truth, options)
        seconds, _ = best_of(3, lambda: evaluate_matches(matches))
        rows.append(("of the core: AP from matches", seconds, ""))
        seconds, _ = best_of(3, lambda: diagnose_matches(matches, detections, truth))
        rows.append(("diagnosis from matches", seconds, ""))
        weights = draw_videos(matches.videos, 1000, "benchmark")
        seconds, _ = best_of(1, lambda: resampled_means(matches, weights))
        rows.append(("1,000 bootstrap resamples", seconds, ""))
        seconds, _ = best_of(3, lambda: subprocess.run([sys.executable, "-c", "import wtal.evaluate"], check=True))
        rows.append(("start Python and import", seconds, ""))
        if folder is not None:
            command = [sys.executable, "-m", "wtal", "evaluate", "--detections", str(file), "--dataset", "thumos14"]
            command += ["--ground-truth", str(folder)]
            seconds, _ = best_of(3, lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))
            rows.append(("the command, start to finish", seconds, ""))
    return rows


def machine() -> str:
    """Processor and versions that the figures depend on."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.is_file() else []
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    return f"One core of {model}; Python {platform.python_version()}, NumPy {np.__version__}."


def tables(folder: Path | None, file: Path | None) -> list[str]:
    """Both tables as lines of Markdown."""
    published = folder is not None and file is not None
    lines = [f"{'Published' if published else 'Made-up'} detections on THUMOS14 (31,587), 7 thresholds", ""]
    lines += ["| step | seconds | ratio |", "|---|---:|---|"]
    lines += [f"| {name} | {seconds:.3f} | {note} |" for name, seconds, note in measure_thumos14(folder, file)]
    lines += ["", "Made-up detections on ActivityNet's validation size (4,427 videos, 200 classes), 10 thresholds", ""]
    lines += [
        "| detections n | core, seconds | ns / (n log2 n) | plain loop, seconds | ratio | peak MB | of it the core's |"
    ]
    lines += ["|---:|---:|---:|---:|---:|---:|---:|"]
    for size in SIZES:
        command = [sys.executable, __file__, "--size", str(size)]
        row = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        naive = f"{row['naive']:.1f} | {row['naive'] / row['core']:.0f}" if row["naive"] else "- | -"
        each = 1e9 * row["core"] / (size * np.log2(size))
        lines.append(
            f"| {size:,} | {row['core']:.3f} | {each:.0f} | {naive} | {row['memory']:.0f} | {row['added']:.0f} |"
        )
    return lines


def main() -> None:
    """Print both tables as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--thumos14", type=Path, help="folder of the annotation arrays")
    parser.add_argument("--detections", type=Path, help="detections on THUMOS14's test videos")
    parser.add_argument("--size", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.size:
        print(json.dumps(measure_size(options.size)))
        return
    print("\n".join([HEAD, machine(), "", *tables(options.thumos14, options.detections)]))


if __name__ == "__main__":
    main()
