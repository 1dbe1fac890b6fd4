"""A run that is killed at any time: the same command goes on, nothing typed between; a live one is not disturbed."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from project_copy import ProjectCopy, copy_project

COMMAND = ("snakemake", "--configfile", "config/small.yaml", "--cores", "2", "results/small/base/seed0/metrics.json")


def until(holds: object, seconds: float = 120) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.05)


def started(copy: ProjectCopy) -> subprocess.Popen[str]:
    """The whole suite, which takes long enough to be killed, as the leader of a group of its own."""
    return subprocess.Popen(
        COMMAND[:-1],
        cwd=copy.folder,
        env=copy.environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def test_a_killed_run_goes_on_and_a_live_one_is_refused_its_folder_twice(tmp_path: Path) -> None:
    copy = copy_project(tmp_path / "killed")
    locks = copy.folder / ".snakemake/locks"
    first = started(copy)
    until(lambda: any(locks.glob("*.lock")))
    second = copy.run(*COMMAND, expected=1)
    assert "cannot be locked" in second or "LockException" in second
    assert "without unlocking" not in second
    assert any(locks.glob("*.lock"))
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert any(locks.glob("*.lock"))
    again = copy.run(*COMMAND)
    assert "The run that locked this folder has ended without unlocking it; this one goes on." in again
    assert (copy.folder / COMMAND[-1]).is_file()
    assert not any(locks.glob("*.lock"))
