"""Folders that processes hold while they work in them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from wtal.base.errors import InputError
from wtal.base.staging import alone_in

HOLD = """
import sys
from pathlib import Path
from wtal.base.staging import alone_in, is_first_in
folder = Path(sys.argv[2])
if sys.argv[1] == "alone":
    with alone_in(folder):
        print("held", flush=True)
        sys.stdin.read()
else:
    print(is_first_in(folder), flush=True)
    sys.stdin.read()
"""


def other(how: str, folder: Path) -> subprocess.Popen[str]:
    """A process that holds a folder until its input ends, or it is killed."""
    command = [sys.executable, "-c", HOLD, how, str(folder)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def ended(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_a_second_process_is_told_who_works_in_a_folder_and_a_killed_one_holds_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "round0"
    first = other("alone", folder)
    assert said(first) == "held"
    sentence = f"no other job is at work; got process {first.pid}, which holds it"
    with pytest.raises(InputError, match=sentence), alone_in(folder):
        pass
    ended(first)
    with alone_in(folder):
        assert list(folder.iterdir()) == []
    with alone_in(folder):
        pass


def test_the_first_run_in_a_folder_is_told_so_once_all_others_have_ended(tmp_path: Path) -> None:
    first = other("join", tmp_path)
    assert said(first) == "True"
    second = other("join", tmp_path)
    assert said(second) == "False"
    ended(first)
    third = other("join", tmp_path)
    assert said(third) == "False"
    ended(second)
    ended(third)
    fourth = other("join", tmp_path)
    assert said(fourth) == "True"
    ended(fourth)
