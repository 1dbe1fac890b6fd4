"""Every speed that the project states, as ratios measured side by side: writes benchmarks/README.md and its picture.

    python benchmarks/bench.py [--write]

A quarter of an hour on two cores with nothing else to do. What it runs can be run alone, and says more then.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import evaluate

from wtal.base.code.kernels import use_same_kernels
from wtal.base.files import write_text

HERE = Path(__file__).resolve().parent
SHARED = Path(os.environ.get("WTAL_SHARED", HERE.parents[1] / "shared"))
PICTURE = HERE.parent / "docs/pictures/growth.png"
DEFAULT_SUITE = ("--configfile", "config/hapt.yaml", "--seeds", "0")
# What is measured, and by which script with what.
MEASURED = {
    "training": ("training_speed",),
    "localise": ("localise_speed",),
    "seeds": ("seeds_together",),
    "small suite": ("start_up",),
    "default suite": ("start_up", *DEFAULT_SUITE),
    "video": ("video_extraction",),
    "growth": ("growth", "--figure", str(PICTURE)),
}
HEAD = """# Speed

Written by `python benchmarks/bench.py --write` (`make bench`). Every ratio is of two things measured in one run, in
seconds of the processor on one core, the best of some runs; the aim stands beside it. Nothing here was
measured on a GPU.
"""
WHY_RSKP = """
RSKP falls short by a little, with its memory and with labels by more. Besides its one large layer an epoch has products
of each video's snippets with 8 prototypes, with the slots of the memory and with the class centres of two or three
branches: they are a tenth to a seventh of the layer's operations, run at two thirds of its speed, and are done for the
padding of videos of unlike length too. The rest is random numbers of dropout and passes over memory. With labels the
first batch of an epoch goes backward twice, for the share of the label loss in the gradient.
"""
WHY_LOCALISE = """
The plain loop, `tests/plain_localise.py`, adds up the scores of a class once and takes each mean from those sums; it
finds the same segments, and against it the aim is not reached. A label programme of more than 48 segments is taken
apart into those that share no snippet; HiGHS, which gives vertices, starts from the same reduced programmes.
"""
WHY_SUITE = """
Seeds are not trained together: what that could gain at most is below the aim. The small suite misses its aim: it has
65 jobs that compute for a seventh of a second each, and reading Snakemake's workflow, starting and reporting them takes
more. The default suite meets it.
"""
# Words for a row of training, and the key of training_speed.py.
TRAINING = {
    "RSKP, base": "rskp base",
    "RSKP with its memory": "rskp memory",
    "RSKP with labels": "rskp labels",
    "BaS-Net": "basnet base",
    "CO2-Net": "co2net base",
    "DELU": "delu base",
    "CoLA": "cola base",
    "W-TALC": "wtalc base",
}


def measured(name: str, folder: Path) -> Any:
    """What one script says as JSON; what it prints goes to the terminal."""
    out, (script, *options) = folder / f"{name}.json", MEASURED[name]
    print(f"\n{script}.py", *options, flush=True)
    subprocess.run([sys.executable, str(HERE / f"{script}.py"), "--json", str(out), *options], check=True)
    return json.loads(out.read_text())


def training_rows(found: Any) -> list[str]:
    """An epoch of each base network against the bare products of its layers, and RSKP's against a plain loop."""
    lines = [
        "",
        "## Training",
        "",
        "An epoch at THUMOS14's width (2,048 columns, 219 snippets a video), one thread. Bare products: the layers of",
    ]
    lines += ["the network alone, forward and gradients, of the same shapes (`training_speed.py`).", ""]
    lines += ["| | seconds an epoch | bare products | share of them | aim |", "|---|---:|---:|---:|---:|"]
    for words, key in TRAINING.items():
        spent, bare = found[key]["seconds"], found[key]["bare"]
        lines.append(f"| {words} | {spent:.2f} | {bare:.2f} | {100 * bare / spent:.0f} % | 80 % |")
    plain, ours = found["plain"]["seconds"], found["rskp base"]["seconds"]
    ratio = f"{plain / ours:.2f} times as long; aim: 1.8"
    lines += ["", f"A plain loop over videos takes {plain:.2f} s for an epoch of RSKP's base: {ratio}."]
    lines.append(WHY_RSKP.rstrip("\n"))
    return lines


def localise_rows(found: Any) -> list[str]:
    """Proposals and fusion against a plain loop, labels against HiGHS."""
    lines = [
        "",
        "## Proposals, fusion, labels",
        "",
        "| | ours | beside it | ratio | aim |",
        "|---|---:|---:|---:|---:|",
    ]
    for name in ("Gaussian fusion", "NMS"):
        ours, plain, pairs = found[name]["seconds"], found[name]["plain"], found[name]["pairs"]
        lines.append(
            f"| proposals and {name}, {pairs:.0f} classes of 210 videos at once | {1000 * ours:.1f} ms | plain loop "
            f"{1000 * plain:.0f} ms | {plain / ours:.0f} | 30 |"
        )
    for key, entry in found.items():
        if key.startswith("labels"):
            n_snippets = int(key.split()[1])
            lines.append(
                f"| labels of a video of {n_snippets:,} snippets, {entry['segments']:.0f} segments | "
                f"{1000 * entry['centre']:.2f} ms | HiGHS {1000 * entry['highs']:.2f} ms | "
                f"{entry['highs'] / entry['centre']:.1f} | |"
            )
    lines.append(WHY_LOCALISE.rstrip("\n"))
    return lines


def other_rows(seeds: Any, starts: dict[str, Any], video: Any) -> list[str]:
    """Seeds in one batch, what of a suite is no computation, and extraction."""
    lines = ["", "## A suite as a whole", "", "| | measured | aim |", "|---|---:|---:|"]
    for name, entry in seeds.items():
        ratio = entry["alone"] / entry["together"]
        lines.append(f"| eight seeds in one batch at the width of {name}, at most | {ratio:.2f} times as fast | 1.5 |")
    for suite in ("the small suite", "the default suite, one seed,"):
        start = starts[suite]
        for name in ("with", "without"):
            outside = 1 - start["computed"] / start[name]["core"]
            lines.append(
                f"| {suite} {name} a warm worker: core seconds outside computation | {100 * outside:.0f} % of "
                f"{start[name]['core']:.0f} | 25 % |"
            )
    share = ", ".join(f"{name} {100 * part:.0f} %" for name, part in video["share"].items())
    lines.append(
        f"| features of video, 640 × 360 at 30 a second ({share}) | {video['times']:.1f} times real time | 5 |"
    )
    lines.append(WHY_SUITE.rstrip("\n"))
    return lines


def growth_rows(found: Any) -> list[str]:
    """How time and memory grow."""
    lines = ["", "## Growth", "", "![time and memory against size](../docs/pictures/growth.png)", ""]
    lines += [
        "| step, and what grows | from | to | seconds | exponent | MB at the end |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, entry in found.items():
        lines.append(
            f"| {name} | {entry['sizes'][0]:,} | {entry['sizes'][-1]:,} | {entry['seconds'][0]:.3f} to "
            f"{entry['seconds'][-1]:.2f} | {entry['seconds_exponent']:.2f} | {entry['megabytes'][-1]:.0f} |"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="write benchmarks/README.md")
    options = parser.parse_args()
    use_same_kernels()  # those that every command uses
    with tempfile.TemporaryDirectory() as folder:
        found = {name: measured(name, Path(folder)) for name in MEASURED}
    thumos14, detections = SHARED / "thumos14", SHARED / "published_detections/pmil_base_thumos14_test.json"
    is_there = thumos14.is_dir() and detections.is_file()
    load = f"Processes at work in the quarter of an hour before, on average: {os.getloadavg()[2]:.1f}."
    lines = [HEAD, evaluate.machine(), load, *training_rows(found["training"])]
    lines += localise_rows(found["localise"])
    starts = {"the small suite": found["small suite"], "the default suite, one seed,": found["default suite"]}
    lines += other_rows(found["seeds"], starts, found["video"])
    lines += [*growth_rows(found["growth"]), "", "## The evaluator", "", evaluate.HEAD]
    lines += evaluate.tables(*((thumos14, detections) if is_there else (None, None)))
    page = "\n".join(lines).rstrip("\n") + "\n"
    if options.write:
        write_text(HERE / "README.md", page)
    else:
        print(page)


if __name__ == "__main__":
    main()
