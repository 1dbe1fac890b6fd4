"""The transcript of docs/own-data.md does what it shows, as a new user would run it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "own-data.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)


def steps(block: str) -> list[tuple[str, str]]:
    """Each command of a console block with what it prints; "..." stands for anything."""
    parts = re.split(r"^\$ (.*)\n", block, flags=re.MULTILINE)[1:]
    return list(zip(parts[::2], parts[1::2]))


def pattern(expected: str) -> str:
    return r"[\s\S]*".join(re.escape(part) for part in expected.strip().split("...")) + r"\s*"


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A fresh checkout, as far as the commands need it, and its environment."""
    folder = tmp_path_factory.mktemp("user")
    for name in ("Snakefile", "workflow", "profiles", "wtal", "snakemake_logger_plugin_one_line"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "config").mkdir()
    commands = folder / "commands"
    commands.mkdir()
    (commands / "wtal").write_text(f'#!/bin/sh\nexec {sys.executable} -m wtal "$@"\n')
    (commands / "wtal").chmod(0o755)
    path = os.pathsep.join([str(commands), str(Path(sys.executable).parent), os.environ["PATH"]])
    return folder, {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "LC_ALL": "C"}


def run(command: str, user: tuple[Path, dict[str, str]]) -> subprocess.CompletedProcess[str]:
    folder, environment = user
    return subprocess.run(
        ["/bin/sh", "-c", command], cwd=folder, env=environment, text=True, capture_output=True, check=False
    )


def test_the_transcript_of_ones_own_data_prints_what_it_says(user: tuple[Path, dict[str, str]]) -> None:
    folder = user[0]
    (folder / "example.py").write_text(blocks("python")[0])
    work, refusals = blocks("console")[:2]
    for command, expected in steps(work):
        done = run(command, user)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        assert re.fullmatch(pattern(expected), done.stdout + ("" if "snakemake" in command else done.stderr)), (
            done.stdout
        )
    assert (folder / "results" / "mine" / "report.html").is_file()
    for command, expected in steps(refusals):
        done = run(command, user)
        assert done.returncode == (2 if expected else 0), f"{command}\n{done.stdout}\n{done.stderr}"
        assert re.fullmatch(pattern(expected), done.stdout + done.stderr), done.stderr
    assert not (folder / "config" / "other.yaml").exists()
    _predicting_a_test_video_repeats_the_detections_of_the_suite(user)


def _predicting_a_test_video_repeats_the_detections_of_the_suite(user: tuple[Path, dict[str, str]]) -> None:
    folder = user[0]
    features = folder / "made-up" / "features" / "test_0002.npy"
    checkpoint = "results/mine/optimised_delta/seed0/round4/checkpoint.pt"
    done = run(f"wtal predict --checkpoint {checkpoint} --features {features} --out again.json", user)
    assert done.returncode == 0, done.stderr
    again = json.loads((folder / "again.json").read_text())["results"]
    suite = json.loads((folder / "results/mine/optimised_delta/seed0/detections.json").read_text())["results"]
    ours, theirs = again["test_0002"], suite["test_0002"]
    assert [row["label"] for row in ours] == [row["label"] for row in theirs]
    for key in ("segment", "score"):  # float32 scores of another batch
        np.testing.assert_allclose([row[key] for row in ours], [row[key] for row in theirs], rtol=1e-4)
