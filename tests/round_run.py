"""A round of training on a tiny store, for the tests of training: its settings, its command, and what it leaves."""

from __future__ import annotations

import dataclasses
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wtal.base.files import to_json, write_text
from wtal.base.schema import from_mapping, to_mapping
from wtal.cli import main
from wtal.data.kinds.prepare import prepare
from wtal.data.kinds.synthetic_settings import SyntheticData
from wtal.suite.plan import plan_files, read_suite
from wtal.suite.step_settings import RoundSettings
from wtal.suite.training_settings import CollapseSettings

ROOT = Path(__file__).resolve().parents[1]


def tiny_round(round_index: int = 0, variant: str = "base_nms") -> RoundSettings:
    suite = read_suite(ROOT / "config/tiny.yaml")
    return from_mapping(RoundSettings, plan_files(suite)[f"{variant}/round{round_index}.json"], file="tiny")


def tiny_store(folder: Path) -> Path:
    prepare(SyntheticData(kind="synthetic", train_videos=8, test_videos=4, feature_size=8), folder)
    return folder


def settings_file(folder: Path, settings: RoundSettings, **changes: Any) -> Path:
    path = folder / "round.json"
    write_text(path, to_json(to_mapping(dataclasses.replace(settings, **changes))))
    return path


def collapse_file(folder: Path, settings: CollapseSettings) -> Path:
    path = folder / "collapse.json"
    write_text(path, to_json(to_mapping(settings)))
    return path


def train(store: Path, settings: Path, out: Path, *more: str) -> list[str]:
    return ["train", "--settings", str(settings), "--data", str(store), "--seed", "0", "--out", str(out), *more]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str], *words: str) -> None:
    """The command ends with code 2 and one sentence that has these words."""
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1, error
    assert "Traceback" not in error
    for word in words:
        assert word in error


def label_file(folder: Path) -> Path:
    path = folder / "labels.json"
    write_text(path, to_json(plan_files(read_suite(ROOT / "config/tiny.yaml"))["optimised/labels1.json"]))
    return path


def killed(arguments: list[str], when: Callable[[], bool]) -> list[str]:
    """The command of a job that was started and killed as soon as `when` held; the same starts it again."""
    command = [sys.executable, "-m", "wtal", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not when() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return command


def taken_up(command: list[str], folder: Path) -> dict[str, bytes]:
    """What a folder holds once the job that was killed there is started again and has gone on where it was."""
    done = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "resuming in epoch" in done.stderr
    for leftover in folder.glob(".*"):
        leftover.unlink()  # what a kill in the middle of a write left under a temporary name
    return contents(folder)
