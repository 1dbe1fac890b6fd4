"""A Slurm of one node for tests, and runs of the small suite through it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))
from project_copy import SMALL, ProjectCopy, copy_project

SCRIPT = Path(__file__).with_name("slurm.sh")
# As documented, but asked sooner whether a job has ended.
PROFILE = ("--workflow-profile", "profiles/slurm", "--slurm-init-seconds-before-status-checks", "2")
ROUND = "results/small/base/seed0/round0"
TRAINING_LOG = "logs/small/train/base_seed0_round0.log"
LONGEST = 1500  # seconds
# Of the first round of the slow suite: there is time to disturb it, or it never ends.
SOME, ENDLESS = 1800, 20_000


@dataclass(frozen=True)
class Cluster:
    """What was set up, by slurm.sh in a folder."""

    folder: Path

    def control(self, action: str) -> None:
        subprocess.run(["bash", str(SCRIPT), action, str(self.folder)], check=True, stdout=subprocess.DEVNULL)

    def ask(self, *command: str) -> list[str]:
        """What one of Slurm's commands prints, word by word."""
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()

    def jobs(self, what: str = "%i") -> list[str]:
        """Of all that wait or run, what squeue's format names: their numbers."""
        return self.ask("squeue", "--noheader", f"--format={what}")


@contextmanager
def cluster_in(folder: Path) -> Iterator[Cluster]:
    """Set it up, and take it down; the test is skipped, with the reason, where that cannot be."""
    if os.environ.get("WTAL_SLURM") != "1":
        pytest.skip("starts daemons as root and takes minutes: WTAL_SLURM=1 asks for it")
    absent = [name for name in ("slurmctld", "slurmd", "munged", "sbatch") if shutil.which(name) is None]
    if absent:
        pytest.skip(f"{', '.join(absent)} not here: apt-get install slurm-wlm munge")
    if os.geteuid() != 0:
        pytest.skip("setting up Slurm takes root")
    done = subprocess.run(["bash", str(SCRIPT), "up", str(folder)], capture_output=True, text=True, check=False)
    try:
        if done.returncode:
            pytest.skip(f"Slurm could not be set up: {done.stderr.strip().splitlines()[-1:]}")
        yield Cluster(folder)
    finally:
        subprocess.run(["bash", str(SCRIPT), "down", str(folder)], check=False)


def slow_copy(folder: Path, epochs: int = SOME) -> ProjectCopy:
    """The project, with so many epochs in the first round of the small suite."""
    copy = copy_project(folder)
    last = f"{{until: {epochs + 2}"
    slow = SMALL.replace("epochs: 6,", f"epochs: {epochs + 2},").replace("{until: 6", last)
    slow = slow.replace("[3, 4]", f"[{epochs}, {epochs + 1}]").replace("{epoch: 4", f"{{epoch: {epochs + 1}")
    (copy.folder / "config/small.yaml").write_text(slow)
    return copy


def start(copy: ProjectCopy, *options: str) -> subprocess.Popen[str]:
    """One round through Slurm."""
    target = f"{ROUND}/checkpoint.pt"
    return copy.start("snakemake", target, *PROFILE, *options, "--configfile", "config/small.yaml")


def end_of(process: subprocess.Popen[str], expected: int = 0) -> str:
    """What it printed; it must exit with `expected`."""
    printed, _ = process.communicate(timeout=LONGEST)
    assert process.returncode == expected, printed
    return printed


def until(holds: Callable[[], object], seconds: float = 240) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.2)


def epochs_of(copy: ProjectCopy) -> list[int]:
    """The epochs that the log of the round's training names."""
    log = copy.folder / TRAINING_LOG
    lines = log.read_text().splitlines() if log.is_file() else []
    return [int(line.split()[1]) for line in lines if line.startswith("epoch ") and line.endswith(" s")]
