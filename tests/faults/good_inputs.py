"""Whole inputs of every kind, made once, of which the faults are made; and how a command with a faulty one is run."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from report_run import make_run, suite_values
from round_run import ROOT, settings_file, tiny_round, tiny_store, train

from wtal.base.files import to_json, write_text
from wtal.cli import main
from wtal.suite.plan import plan_files, read_suite

MOST_LETTERS = 900  # of a sentence, whatever was got
SECONDS = 60  # after which a command counts as hanging, on however busy a machine
TRUTH = {
    "database": {
        "v1": {"subset": "test", "duration": 30.0, "annotations": [{"label": "run", "segment": [1.0, 5.0]}]},
        "v2": {"subset": "test", "duration": 30.0, "annotations": [{"label": "jump", "segment": [2.0, 6.0]}]},
    }
}
FOUND = {
    "results": {
        "v1": [{"label": "run", "segment": [1.0, 5.0], "score": 0.9}],
        "v2": [{"label": "jump", "segment": [2.0, 6.0], "score": 0.8}],
    }
}
TABLE = "video,label,start,end,score\nv1,run,1,5,0.9\nv2,jump,2,6,0.8\n"
MANIFEST = "dataset: mine\ntitle: t\nlicence: l\ncitation: c\nfiles:\n  - {path: a.bin, sources: ['manual:by hand']}\n"


@dataclass(frozen=True, slots=True)
class Good:
    """Where the whole inputs lie."""

    folder: Path

    def __truediv__(self, name: str) -> Path:
        return self.folder / name


def make_good_inputs(folder: Path) -> Good:
    """Write them all; a network is trained for a few epochs."""
    good = Good(folder)
    for name, value in (("gt.json", TRUTH), ("det.json", FOUND), ("empty.json", {})):
        write_text(good / name, json.dumps(value))
    write_text(good / "det.csv", TABLE)
    write_text(good / "names.json", json.dumps(["run", "jump"]))
    write_text(good / "m.yaml", MANIFEST)
    rows = np.random.default_rng(0).random((40, 16)).astype(np.float32)
    (folder / "features").mkdir()
    for video in ("v1", "v2", "v3"):
        np.save(folder / f"features/{video}.npy", rows)
    write_text(good / "own.csv", "video,label,start,end,subset\nv1,run,1,5,train\nv2,run,2,6,test\nv3,run,2,6,train\n")
    for name, value in plan_files(read_suite(ROOT / "config/tiny.yaml")).items():
        write_text(folder / "settings" / name, to_json(value))
    store = tiny_store(folder / "data")
    settings = tiny_round()
    path = settings_file(folder, dataclasses.replace(settings, epochs=settings.epochs[:2]))
    detection = str(good / "settings/base/detect.json")
    _run(*train(store, path, folder / "round0", "--detection", detection))
    _run(
        *("solve-labels", "--settings", f"{folder}/settings/naive/labels1.json", "--data", str(store)),
        *("--scores", f"{folder}/round0/scores_train.npz", "--out", f"{folder}/labels.npz"),
    )
    _run(*detect(good, good / "round0/scores_test.npz", folder))
    run = make_run(folder / "run", suite_values(evaluation={"bootstrap_resamples": 10}))
    of_run = ("--report", f"{run}/settings/report.json", "--results", f"{run}", "--out", f"{run}")
    _run("tables", *of_run, "--data", f"{run}/data")
    (run / "figures").mkdir()
    return good


def _run(*arguments: str) -> None:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as told:
        code = main(arguments)
    if code:
        raise RuntimeError(told.getvalue())


def detect(good: Good, scores: Path, out: Path) -> list[str]:
    """The arguments of `wtal detect`."""
    files = ["--scores", str(scores), "--detections", f"{out}/detections.json", "--rounds", f"{out}/rounds.npz"]
    return ["detect", "--settings", f"{good / 'settings/base/detect.json'}", "--data", f"{good / 'data'}", *files]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended."""

    code: object
    said: str
    new_files: tuple[str, ...]


@contextlib.contextmanager
def ended_in_time() -> Any:
    """Raise TimeoutError in the block where it does not end."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"not ended in {SECONDS} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def outcome_of(arguments: Sequence[str], folder: Path) -> Outcome:
    """Run a command in this process, in which `folder` is the working folder; its exceptions go through."""
    before, told = _files(folder), io.StringIO()
    with ended_in_time(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(told):
        try:
            code: object = main(arguments)
        except SystemExit as end:
            code = end.code
    return Outcome(code, told.getvalue().rstrip("\n"), tuple(sorted(_files(folder) - before)))


def _files(folder: Path) -> set[str]:
    """Each path below a folder, a file with its time and size, so that one that was written anew counts as new."""
    return {f"{path.relative_to(folder)}{_look(path)}" for path in folder.rglob("*")}


def _look(path: Path) -> str:
    found = path.lstat()
    return "" if path.is_dir() else f" {found.st_mtime_ns} {found.st_size} {found.st_mode}"


Breaker = Callable[[Good, Path], list[str]]  # writes faulty inputs into a folder; the arguments of the command


@dataclass(frozen=True, slots=True)
class Fault:
    """One faulty input: what is wrong, how it is made, and words that the sentence must have."""

    name: str
    breaks: Breaker
    words: str = ""
