"""Faulty input of every kind: one sentence that names it, exit code 2, and nothing left behind. docs/reliability.md."""

from __future__ import annotations

import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from array_faults import array_faults, checkpoint_faults, feature_faults
from good_inputs import MOST_LETTERS, SECONDS, Fault, Good, make_good_inputs, outcome_of
from run_faults import option_faults, output_faults, run_faults
from text_faults import path_faults, text_faults, value_faults

FAULTS = [
    *text_faults(),
    *path_faults(),
    *value_faults(),
    *array_faults(),
    *checkpoint_faults(),
    *feature_faults(),
    *output_faults(),
    *option_faults(),
    *run_faults(),
]
LEAST_FAULTS = 300
MOST_MEMORY = 3 << 30  # bytes, of which torch alone maps a good part
AS_PROCESSES = (
    "detections in JSON: endless device",
    "suite: named pipe",
    "checkpoint: named pipe",
    "scores: names that unpack to 160 GB",
    "suite: bomb",
    "HDF5: 119 GB that are not there",
)


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory) -> Good:
    return make_good_inputs(tmp_path_factory.mktemp("good"))


@pytest.fixture(autouse=True)
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    shutil.rmtree(tmp_path)


def check_sentence(fault: Fault, command: str, code: object, said: str) -> None:
    assert code == 2, said
    assert said.startswith(f"wtal {command}: "), said
    assert "\n" not in said
    assert "Traceback" not in said
    assert len(said) <= MOST_LETTERS
    assert said.isprintable()
    assert re.search(fault.words, said), said


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_faulty_input_is_refused_in_a_sentence_and_leaves_nothing(fault: Fault, good: Good, tmp_path: Path) -> None:
    arguments = fault.breaks(good, tmp_path)
    outcome = outcome_of(arguments, tmp_path)
    check_sentence(fault, arguments[0], outcome.code, outcome.said)
    assert outcome.new_files == ()


def test_the_table_has_every_fault_once_and_enough_of_them() -> None:
    names = [fault.name for fault in FAULTS]
    assert len(names) >= LEAST_FAULTS
    assert sorted(set(names)) == sorted(names)


def _little_memory() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))


@pytest.mark.parametrize("name", AS_PROCESSES)
def test_a_process_with_little_memory_says_the_same(name: str, good: Good, tmp_path: Path) -> None:
    fault = next(fault for fault in FAULTS if fault.name == name)
    arguments = fault.breaks(good, tmp_path)
    command = [sys.executable, "-m", "wtal", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=SECONDS, preexec_fn=_little_memory, check=False
    )
    check_sentence(fault, arguments[0], done.returncode, done.stderr.rstrip("\n"))
