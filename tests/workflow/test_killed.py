"""A run that is killed at any time: the same command goes on, nothing typed between; a live one is not disturbed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from project_copy import ProjectCopy, copy_project

COMMAND = ("snakemake", "--configfile", "config/small.yaml", "--cores", "2", "results/small/base/seed0/metrics.json")


STOPPED_WITHIN = 10  # seconds; two on a machine that has nothing else to do


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


RUN = (sys.executable, "-m", "wtal", "run", "small", "--log-format", "plain", "--", "--cores", "1")


def run_started(copy: ProjectCopy, line: str) -> subprocess.Popen[str]:
    """`wtal run`, once it has said a line with this in it."""
    process = copy.start(*RUN)
    assert process.stdout is not None
    for said in process.stdout:
        if line in said:
            return process
    raise AssertionError(f"it ended without {line!r}")


def test_wtal_run_is_stopped_refused_and_killed_and_goes_on_by_the_same_command(tmp_path: Path) -> None:
    copy = copy_project(tmp_path / "runs")
    for number in (signal.SIGTERM, signal.SIGINT):
        process = run_started(copy, "25 jobs on 1 core")
        began = time.monotonic()
        process.send_signal(number)
        said, _ = process.communicate(timeout=60)
        seconds = time.monotonic() - began
        assert process.returncode == 128 + number
        assert "`wtal run small` goes on where it was" in said.splitlines()[-1]
        assert seconds < STOPPED_WITHIN
        until(lambda: not copy.processes(), 20)

    live = run_started(copy, "1 of ")
    printed = copy.run(*RUN, expected=2)
    sentence = (
        "expected a folder in which no other run makes the same files (once it has ended, the same command goes on)"
    )
    assert printed.splitlines()[-1] == f"wtal run: {copy.folder}: {sentence}; got one that is at work"
    assert "unlock" not in printed

    os.kill(live.pid, signal.SIGKILL)  # of the first process alone: the others have to die with it
    live.wait()
    until(lambda: not copy.processes(), 20)
    again = copy.run(*RUN)
    assert "The run that locked this folder has ended without unlocking it; this one goes on." in again
    assert "the page: results/small/report.html" in again
