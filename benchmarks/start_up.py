"""How much of a suite's core seconds goes into anything but computation, with the worker and without.

    python benchmarks/start_up.py [--configfile config/tiny.yaml] [--seeds 0 1] [--cores 2]

Runs the whole suite twice in copies of the project. What is computed is measured in the run without a worker: of each
job the processor time between its start and its end, less that of imports. All else is outside: the start of Python,
imports, shells, forks and Snakemake itself. Ends with 1 where the results of both runs are not the same bytes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("Snakefile", "workflow", "profiles", "config", "wtal", "snakemake_logger_plugin_one_line", "pyproject.toml")
TIMED = (
    "benchmarks",
    "provenance.json",
    "digests.json",
    "report.html",
)  # hold the times of the steps, or their digests
# Laid before all else on the path of each job: notes its processor time after the start, and that of imports.
METER = """
import atexit, builtins, importlib, json, os, sys, time

started, depth, spent = time.process_time(), 0, 0.0

def metered(function):
    def call(*arguments, **options):
        global depth, spent
        depth += 1
        begun = time.process_time()
        try:
            return function(*arguments, **options)
        finally:
            depth -= 1
            if not depth:
                spent += time.process_time() - begun
    return call

def note():
    if os.path.basename(sys.argv[0]) == "wtal":
        with open(os.path.join({folder!r}, str(os.getpid())), "w") as file:
            json.dump(time.process_time() - started - spent, file)

builtins.__import__, importlib.import_module = metered(builtins.__import__), metered(importlib.import_module)
atexit.register(note)
"""


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a suite: seconds on the clock, processor seconds of all processes, and those of what was computed."""

    wall: float
    processor: float
    computed: float


def run(copy: Path, options: argparse.Namespace, *, with_worker: bool) -> Run:
    """The whole suite in a copy of the project; what was computed is 0 with a worker, whose jobs no meter is in."""
    for name in COPIED:
        path = ROOT / name
        (shutil.copytree if path.is_dir() else shutil.copy)(path, copy / name)
    meter, notes = copy / "meter", copy / "notes"
    meter.mkdir(), notes.mkdir()
    (meter / "sitecustomize.py").write_text(METER.format(folder=str(notes)))
    paths = [str(copy)] if with_worker else [str(meter), str(copy)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    command = ["-m", "snakemake", "--cores", str(options.cores), "--configfile", options.configfile, "--quiet", "all"]
    if options.seeds:
        command += ["--config", f"seeds={options.seeds}"]
    begun = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, *command, *([] if with_worker else ["--no-hooks"])], cwd=copy, env=environment
    )
    _, status, used = os.wait4(process.pid, 0)
    wall, process.returncode = time.monotonic() - begun, os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the suite did not end well: {process.returncode}")
    computed = sum(json.loads(path.read_text()) for path in notes.iterdir())
    return Run(wall, used.ru_utime + used.ru_stime, computed)


def results_of(copy: Path) -> dict[str, bytes]:
    """Every file of the suite's results that holds no times."""
    root = copy / "results"
    files = [path for path in root.rglob("*") if path.is_file()]
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in files
        if not set(path.relative_to(root).parts) & set(TIMED)
    }


def main() -> int:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--configfile", default="config/tiny.yaml")
    parser.add_argument("--seeds", type=int, nargs="+", help="in place of the suite's own")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        copies = {name: Path(folder) / name for name in ("without", "with")}
        runs = {}
        for name, copy in copies.items():
            copy.mkdir()
            runs[name] = run(copy, options, with_worker=name == "with")
        are_same = results_of(copies["with"]) == results_of(copies["without"])
    computed = runs["without"].computed
    print(f"{options.configfile}, {options.cores} cores; computed in {computed:.1f} core seconds\n")
    print("| worker | seconds | core seconds | outside computation |\n|---|---:|---:|---:|")
    for name, each in runs.items():
        print(f"| {name} | {each.wall:.1f} | {each.processor:.1f} | {100 * (1 - computed / each.processor):.0f} % |")
    if options.json:
        found = {name: {"seconds": each.wall, "core": each.processor} for name, each in runs.items()}
        options.json.write_text(json.dumps({"computed": computed, "same": are_same, **found}))
    print("\nthe results are the same bytes" if are_same else "\nTHE RESULTS DIFFER")
    return int(not are_same)


if __name__ == "__main__":
    sys.exit(main())
