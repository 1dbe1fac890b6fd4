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
EPOCHS = 6000  # of the first round of the slow suite, so that there is time to disturb it


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


def slow_copy(folder: Path, snippets: str = "[120, 160]") -> ProjectCopy:
    """The project, with many epochs in the first round of the small suite, of videos that may be longer."""
    copy = copy_project(folder)
    slow = SMALL.replace("epochs: 6,", f"epochs: {EPOCHS + 2},").replace("{until: 6", f"{{until: {EPOCHS + 2}")
    slow = slow.replace("[3, 4]", f"[{EPOCHS}, {EPOCHS + 1}]").replace("{epoch: 4", f"{{epoch: {EPOCHS + 1}")
    slow = slow.replace("[30, 40]", snippets)
    (copy.folder / "config/small.yaml").write_text(slow)
    return copy


@dataclass(frozen=True)
class Run:
    """Snakemake at work in a copy. What it prints goes to a file: nobody empties a pipe while a test waits."""

    process: subprocess.Popen[str]
    log: Path

    def end(self, expected: int = 0) -> str:
        """Wait for it; what it printed. It must exit with `expected`."""
        code = self.process.wait(timeout=LONGEST)
        printed = self.log.read_text()
        assert code == expected, printed
        return printed


def start(copy: ProjectCopy, *options: str, target: str = f"{ROUND}/checkpoint.pt") -> Run:
    """Through Slurm, one round or what else is asked for."""
    command = ["snakemake", *([target] if target else []), *PROFILE, *options, "--configfile", "config/small.yaml"]
    log = copy.folder / "run.log"
    with log.open("w") as printed:
        process = subprocess.Popen(
            command, cwd=copy.folder, env=copy.environment(), text=True, stdout=printed, stderr=subprocess.STDOUT
        )
    return Run(process, log)


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
