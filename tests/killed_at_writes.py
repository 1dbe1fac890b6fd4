"""A training command killed at each of its writes, and started again: what then happened, as JSON.

`python killed_at_writes.py FOLDER train …` runs the command in forks of one process, so that torch is loaded once; the
command lacks `--out`. A write is whatever gives a file its name or takes it away.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import wtal.localise.scores_file
import wtal.training.round_job  # noqa: F401
from wtal.base.errors import InputError
from wtal.cli import main
from wtal.training.checkpoint import read_checkpoint
from wtal.training.trainer import Trainer

WRITES = ("replace", "unlink", "rmdir")
OUTPUTS = ("checkpoint.pt", "scores_test.npz", "scores_train.npz", "training.csv")


def forked(action: Callable[[], int]) -> int:
    """Do something in a process of its own, silently; how it ended, a signal as a negative number."""
    process = os.fork()
    if process == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        code = 70
        try:
            code = action()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def run(command: list[str], out: Path, log: Path, kill_before: int | None = None) -> int:
    """Train into a folder; every write and every visit becomes a line of the log. Killed before that many writes."""
    writes = 0
    lines = log.open("a", buffering=1)

    def watched(name: str) -> Callable[..., Any]:
        call = getattr(os, name)

        def watching(path: Any, *more: Any, **options: Any) -> Any:
            nonlocal writes
            if "dir_fd" in options or os.path.lexists(path):
                writes += 1
                if writes == kill_before:
                    os.kill(os.getpid(), signal.SIGKILL)
                lines.write(json.dumps(["write", name]) + "\n")
            return call(path, *more, **options)

        return watching

    visit = Trainer._learn

    def visiting(trainer: Trainer, chosen: list[int], epoch: Any, *more: Any) -> None:
        visit(trainer, chosen, epoch, *more)
        lines.write("".join(json.dumps(["visit", [epoch.epoch, video]]) + "\n" for video in chosen))

    for name in WRITES:
        setattr(os, name, watched(name))
    Trainer._learn = visiting  # type: ignore[method-assign]
    return main([*command, "--out", str(out)])


def logged(log: Path, kind: str) -> list[Any]:
    """What was logged of one kind."""
    return [value for word, value in map(json.loads, log.read_text().splitlines()) if word == kind]


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a folder; another folder in it counts by its name."""
    return {path.name: path.read_bytes() if path.is_file() else b"" for path in folder.iterdir()}


def resumed_from(folder: Path) -> int | None:
    """How many visits the resume file has behind it; none where there is no file."""
    try:
        return int(read_checkpoint(folder / "resume.pt")[0]["progress"]["samples"])
    except InputError:
        return None


def main_of_this_file(folder: Path, command: list[str]) -> None:
    """Print the visits of the undisturbed command, and what became of one that was killed, for each of its writes."""
    log = folder / "whole.log"
    assert forked(lambda: run(command, folder / "whole", log)) == 0
    whole = contents(folder / "whole")
    numbers = range(1, len(logged(log, "write")) + 1)
    killed = [killed_and_again(folder, command, number, whole) for number in numbers]
    print(json.dumps({"names": sorted(whole), "visits": logged(log, "visit"), "killed": killed}))


def killed_and_again(folder: Path, command: list[str], number: int, whole: dict[str, bytes]) -> dict[str, Any]:
    """What became of the command that was killed before a write and started again."""
    out, again = folder / f"killed{number}", folder / f"again{number}.log"
    killed = forked(lambda: run(command, out, folder / f"killed{number}.log", number))
    left = contents(out) if out.is_dir() else {}
    return {
        "killed": killed,
        "left": sorted(left),
        "has_outputs": {name: left.get(name) for name in OUTPUTS} == whole,
        "resumed_from": resumed_from(out),
        "code": forked(lambda: run(command, out, again)),
        "visits": logged(again, "visit"),
        "same": contents(out) == whole,
    }


if __name__ == "__main__":
    main_of_this_file(Path(sys.argv[1]), sys.argv[2:])
