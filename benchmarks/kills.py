"""Runs of a tiny suite, killed at random instants: the same command again ends in the bytes of an undisturbed run.

    python benchmarks/kills.py [KILLS] [--workers 2] [--seed 0]

Each run has a folder of its own and is killed once, or every third of them twice, by SIGKILL: all of its processes,
or the one alone that was started, with which the others must die. Nothing is typed in between. A run whose lock was
left must say that it goes on. Ends with 1 where a result differs, a run fails, or a process lives on; such a folder is
kept and named.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/workflow"))
from project_copy import ProjectCopy, copy_project

COMMAND = (sys.executable, "-m", "wtal", "run", "small", "--log-format", "plain", "--", "--cores", "1")
GOES_ON = "The run that locked this folder has ended without unlocking it; this one goes on."
TWICE = 1 / 3  # of the runs
PATIENCE = 10.0  # seconds in which all processes of a killed run must have gone
# Seconds and memory of jobs differ from run to run: these files, and what other files say of them.
MEASURED = "benchmarks"
MEASURES = {
    "provenance.json": rb'"(memory_mb|seconds)": [0-9.]+',
    "digests.json": rb'"provenance.json": "[0-9a-f]{64}"',
    "report.html": rb"Time and memory:.*?</details>",
}


@dataclass
class Soak:
    """What has come out so far."""

    wanted: int
    project: Path  # copied once, so that work on the project meanwhile is in no run
    whole: dict[str, str]  # sha256 of each file of the undisturbed run
    seconds: float  # that it took
    kills: int = 0
    runs: int = 0
    faults: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def digests(copy: ProjectCopy) -> dict[str, str]:
    """sha256 of each result by its path, without what was measured."""
    results, found = copy.folder / "results/small", {}
    for path in results.rglob("*"):
        if path.is_file() and MEASURED not in path.parts:
            name, content = str(path.relative_to(results)), path.read_bytes()
            if name in MEASURES:
                content, n_left_out = re.subn(MEASURES[name], b"", content, flags=re.DOTALL)
                assert n_left_out, f"{name} says nothing that was measured"
            found[name] = hashlib.sha256(content).hexdigest()
    return found


def started(copy: ProjectCopy) -> subprocess.Popen[bytes]:
    """The command, its output in a file: nobody reads a pipe while it is being killed."""
    with (copy.folder / "printed").open("wb") as printed:
        return subprocess.Popen(
            COMMAND,
            cwd=copy.folder,
            env=copy.environment(),
            stdout=printed,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def killed(copy: ProjectCopy, process: subprocess.Popen[bytes], *, whole: bool) -> str:
    """Kill all processes of a run, or the first alone; what is wrong where any of them goes on."""
    process.kill()
    end = time.monotonic() + PATIENCE
    while left := copy.processes():
        if time.monotonic() > end:
            return f"processes {left} live on"
        for each in left if whole else ():
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        time.sleep(0.02)
    process.wait()
    return ""


def copied(project: Path, folder: Path) -> ProjectCopy:
    """The project as it was at the beginning."""
    shutil.copytree(project, folder)
    return ProjectCopy(folder)


def sequence(folder: Path, chance: random.Random, soak: Soak) -> tuple[int, str]:
    """A run that is killed once or twice and then left alone: how often, and what is wrong at its end."""
    copy, n_kills, was_locked = copied(soak.project, folder), 0, False
    for _ in range(1 + (chance.random() < TWICE)):
        process = started(copy)
        with suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0, soak.seconds))
        if process.returncode is not None:  # it had ended before
            break
        fault = killed(copy, process, whole=chance.random() < 0.5)
        n_kills += 1
        was_locked = any((copy.folder / ".snakemake/locks").glob("*.lock"))
        if fault:
            return n_kills, fault
    else:
        process = started(copy)
    code = process.wait()
    printed = (copy.folder / "printed").read_text()
    if code:
        return n_kills, f"exit code {code}"
    if was_locked and n_kills and GOES_ON not in printed:
        return n_kills, "it did not say that it goes on"
    found = digests(copy)
    other = sorted(name for name in soak.whole.keys() | found.keys() if soak.whole.get(name) != found.get(name))
    return n_kills, f"other bytes: {', '.join(other[:5])}" if other else ""


def work(folder: Path, seed: int, soak: Soak) -> None:
    """Run after run, until there were as many kills as wanted."""
    while True:
        with soak.lock:
            if soak.kills >= soak.wanted:
                return
            number, soak.runs = soak.runs, soak.runs + 1
        mine = folder / f"run{number}"
        n_kills, fault = sequence(mine, random.Random(f"{seed}/{number}"), soak)
        with soak.lock:
            soak.kills += n_kills
            if fault:
                soak.faults.append(f"{mine}: {fault}")
            print(f"run {number}: killed {n_kills} times: {fault or 'the same bytes'} ({soak.kills} kills)", flush=True)
        if not fault:
            shutil.rmtree(mine)


def main() -> int:
    """Kill, and say what became of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("kills", metavar="KILLS", nargs="?", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2, help="runs at a time (default: 2)")
    parser.add_argument("--seed", type=int, default=0, help="of the instants")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="wtal-kills-")).resolve()
    project = copy_project(folder / "project").folder
    undisturbed = copied(project, folder / "undisturbed")
    began = time.monotonic()
    if code := started(undisturbed).wait():
        print((undisturbed.folder / "printed").read_text(), f"the undisturbed run: exit code {code}", sep="\n")
        return 1
    soak = Soak(options.kills, project, digests(undisturbed), time.monotonic() - began)
    print(f"undisturbed: {len(soak.whole)} files in {soak.seconds:.0f} s", flush=True)
    with ThreadPoolExecutor(options.workers) as pool:
        for each in [pool.submit(work, folder, options.seed, soak) for _ in range(options.workers)]:
            each.result()
    minutes = (time.monotonic() - began) / 60
    print(
        f"{soak.kills} kills of {soak.runs} runs, seed {options.seed}, {minutes:.0f} min: {len(soak.faults)} at fault"
    )
    print(*soak.faults, sep="\n", end="\n" if soak.faults else "")
    if not soak.faults:
        shutil.rmtree(folder)
    return int(bool(soak.faults))


if __name__ == "__main__":
    sys.exit(main())
