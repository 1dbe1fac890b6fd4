"""A whole suite through a real Slurm of one node: its results are those of a local run, byte by byte."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))
from project_copy import ProjectCopy, copy_project

SCRIPT = Path(__file__).with_name("slurm.sh")
MEASURED = ("benchmarks/", "provenance.json", "report.html", "digests.json")
LONGEST = 1500  # seconds
SUITE = ("snakemake", "--configfile", "config/small.yaml")
PROFILE = ("--workflow-profile", "profiles/slurm")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The variables by which Slurm's commands find it; skipped, with the reason, where it cannot be set up."""
    if os.environ.get("WTAL_SLURM") != "1":
        pytest.skip("starts daemons as root and takes minutes: WTAL_SLURM=1 asks for it")
    absent = [name for name in ("slurmctld", "slurmd", "munged", "sbatch") if shutil.which(name) is None]
    if absent:
        pytest.skip(f"{', '.join(absent)} not here: apt-get install slurm-wlm munge")
    if os.geteuid() != 0:
        pytest.skip("setting up Slurm takes root")
    folder = tmp_path_factory.mktemp("slurm")
    done = subprocess.run(["bash", str(SCRIPT), "up", str(folder)], capture_output=True, text=True, check=False)
    try:
        if done.returncode:
            pytest.skip(f"Slurm could not be set up: {done.stderr.strip().splitlines()[-1:]}")
        yield {"SLURM_CONF": str(folder / "slurm.conf")}
    finally:
        subprocess.run(["bash", str(SCRIPT), "down", str(folder)], check=False)


def results(copy: ProjectCopy) -> dict[str, bytes]:
    """Every file of the suite but those that hold measured times and memory, or a sum of such."""
    root = copy.folder / "results/small"
    paths = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {name: path.read_bytes() for path in paths if not (name := str(path.relative_to(root))).startswith(MEASURED)}


def run(copy: ProjectCopy, *options: str) -> str:
    done = subprocess.run(
        [*SUITE, *options],
        cwd=copy.folder,
        env=copy.environment(),
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_suite_through_slurm_gives_the_bytes_of_a_local_run(cluster: dict[str, str], tmp_path: Path) -> None:
    local, remote = copy_project(tmp_path / "local"), copy_project(tmp_path / "remote")
    remote = ProjectCopy(remote.folder, cluster)
    run(local, "--cores", "1")
    profile = remote.folder / "profiles/slurm/config.yaml"
    profile.write_text(profile.read_text() + "  slurm_partition: second\n")
    process = remote.start(*SUITE, *PROFILE)
    partition = ""
    end = time.monotonic() + 120
    while not partition and time.monotonic() < end:
        command = ["squeue", "--noheader", "--format=%P"]
        partition = subprocess.run(
            command, env=remote.environment(), capture_output=True, text=True, check=False
        ).stdout
        time.sleep(0.5)
    config = remote.folder / "config/small.yaml"
    config.write_text(config.read_text().replace("epochs: 6", "epochs: 5"))
    printed, _ = process.communicate(timeout=LONGEST)
    assert process.returncode == 0, printed
    assert partition.split() == ["second"]
    n_submitted = printed.count("has been submitted with SLURM jobid")
    assert n_submitted < printed.count("rule ") / 2, "jobs are submitted in groups"
    here, there = results(local), results(remote)
    assert here.keys() == there.keys()
    assert [name for name in here if here[name] != there[name]] == []
