"""`wtal run`: the views of a run from its events, the time that is left, signals, and the rows of the end."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import os
import re
import shutil
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from round_run import settings_file, tiny_round, tiny_store, train

from wtal.base.files import to_json, write_text
from wtal.base.progress import EpochProgress
from wtal.cli import main
from wtal.cli.live.ending import end_rows
from wtal.cli.live.follow import SnakemakeRun, read_epochs
from wtal.cli.live.measured import seconds_of_rules
from wtal.cli.live.screen import screen
from wtal.cli.live.state import RunState, duration
from wtal.cli.live.views import JsonView, PlainView, RunEnd
from wtal.suite.paths import SuitePaths
from wtal.suite.plan import plan_files, read_suite

ROOT = Path(__file__).resolve().parents[1]
HEADER = "s\th:m:s\tmax_rss\tmax_vms"


def started(job: int, rule: str, time: float, log: str = "", **wildcards: str) -> dict[str, Any]:
    about = {"job": job, "rule": rule, "wildcards": wildcards, "log": [log] if log else []}
    return {"event": "started", **about, "benchmark": None, "threads": 1, "time": time}


@pytest.fixture
def events(tmp_path: Path) -> list[dict[str, Any]]:
    """Of a run of seven jobs on two cores: one is done, one failed, and a training job is in its third epoch of ten."""
    (tmp_path / "bad.log").write_text("".join(f"line {number}\n" for number in range(40)) + "wtal detect: no scores\n")
    (tmp_path / "train.log").write_text(EpochProgress(42, 3, 10, 1.25, 2.0).line() + "\n")
    return [
        {"event": "cores", "cores": 2, "time": 100.0},
        {"event": "plan", "jobs": {"prepare": 1, "train_base": 3, "detect": 2, "suite": 1}, "time": 100.0},
        started(1, "prepare", 100.0),
        {"event": "finished", "job": 1, "time": 104.0},
        {"event": "progress", "done": 1, "total": 7, "time": 104.0},
        started(2, "train_base", 104.0, str(tmp_path / "train.log"), variant="base", seed="0", round="0"),
        started(3, "detect", 104.0, str(tmp_path / "bad.log"), variant="base", seed="0"),
        {"event": "failed", "job": 3, "rule": "detect", "log": [str(tmp_path / "bad.log")], "time": 105.0},
        {"event": "failed", "job": 3, "rule": "detect", "log": [str(tmp_path / "bad.log")], "time": 105.1},
    ]


def fed(events: list[dict[str, Any]], view: Any = None, **earlier: float) -> RunState:
    """The state after some events, each of which was shown where it says something new."""
    state = RunState(earlier)
    for event in events:
        if state.take(event) and view is not None:
            view.event(event, state)
    read_epochs(state)
    return state


def test_time_left_is_seconds_of_a_rule_times_the_jobs_left(events: list[dict[str, Any]]) -> None:
    state = fed(events[:5], train_base=30.0, detect=5.0)
    left = state.time_left(104.0)
    assert left is not None
    assert (left.seconds, left.unmeasured) == ((3 * 30 + 2 * 5) / 2, ())
    assert left.words() == "about 50 s left"


def test_jobs_that_nobody_measured_make_the_time_left_a_least_one(events: list[dict[str, Any]]) -> None:
    left = fed(events[:5], train_base=30.0).time_left(104.0)
    assert left is not None
    assert left.words() == "at least 45 s left"
    assert left.unmeasured == ("detect",)
    assert fed(events[:4]).time_left(104.0) is None


def test_a_training_job_tells_by_its_epochs_how_long_it_and_its_like_take(events: list[dict[str, Any]]) -> None:
    left = fed(events).time_left(107.0)  # after 3 s, 3 of 10 epochs: 7 s, and two more of 10 s, on two cores
    assert left is not None
    assert left.seconds == pytest.approx((7 + 2 * 10) / 2)


def test_what_this_run_measured_counts_before_an_earlier_run(events: list[dict[str, Any]]) -> None:
    again = [{"event": "plan", "jobs": {"prepare": 3}, "time": 100.0}, *events[2:4]]
    left = fed(again, prepare=100.0).time_left(104.0)
    assert left is not None
    assert left.seconds == pytest.approx(8.0)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "0 s"), (98, "98 s"), (150, "2 min"), (5940, "99 min"), (7800, "2 h 10 min")]
)
def test_a_time_is_said_no_finer_than_it_is_sure(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_plain_lines_name_each_job_and_the_end_of_a_failed_ones_log(
    events: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    fed(events, PlainView(), train_base=30.0)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "7 jobs on 2 cores: 1 prepare, 3 train_base, 2 detect"
    assert lines[1] == "1 of 7  prepare  4 s; at least 45 s left"
    assert lines[2] == "failed: detect  variant base  seed 0"
    assert lines[-1].strip() == "wtal detect: no scores"
    assert sum("line 39" in line for line in lines) == 1
    assert not any("line 20" in line for line in lines)


def test_json_lines_are_an_object_for_each_event(
    events: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    view = JsonView()
    state = fed(events, view, train_base=30.0)
    view.tick(state, 110.0)
    view.tick(state, 120.0)  # no epoch ended since
    view.end(RunEnd(1, 5.0, "", (), None, "1 failed; `wtal run` goes on"))
    printed = capsys.readouterr()
    found = [json.loads(line) for line in printed.out.splitlines()]
    kinds = ["progress", "job_started", "job_finished", "progress", "job_started", "job_started", "job_failed"]
    kinds += ["progress", "end"]
    assert [each["event"] for each in found] == kinds
    assert found[2]["seconds"] == 4
    assert found[3] == {"event": "progress", "time": 104.0, "done": 1, "total": 7, "seconds_left": 45.0} | {
        "unmeasured": ["detect"],
        "training": [],
    }
    assert found[6]["log_lines"][-1] == "wtal detect: no scores"
    assert found[-2]["training"] == [{"job": 2, "epoch": 42, "position": 3, "of": 10, "loss": 1.25}]
    assert found[-1] == {"event": "end", "exit_code": 1, "seconds": 5.0, "results": None, "page": None}
    assert "goes on" in printed.err


def test_the_screen_shows_bar_time_epoch_loss_and_failures(events: list[dict[str, Any]]) -> None:
    state = fed(events)
    console = Console(file=io.StringIO(), width=100, force_terminal=True, color_system=None)
    console.print(screen(state, 107.0))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "1 of 7 jobs, at least" in text
    assert "1 failed" in text
    assert re.search(r"train_base  variant base  seed 0  round 0 +3 s +epoch 42 \(3 of 10\)  loss 1\.25", text)
    assert "━" in text


def test_an_epoch_line_is_read_as_it_was_written() -> None:
    said = EpochProgress(12, 3, 10, 0.123457, 1.25)
    assert EpochProgress.newest(["resuming in epoch 3, 0 videos in", said.line(), "warning: epoch 12: odd"]) == said
    assert EpochProgress.newest([]) is None


def test_training_says_a_line_an_epoch_and_the_losses_of_its_curve(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = tiny_round().epochs[0]
    epochs = tuple(dataclasses.replace(first, epoch=number) for number in (0, 1, 2))
    settings = settings_file(tmp_path, tiny_round(), epochs=epochs)
    assert main(train(tiny_store(tmp_path / "data"), settings, tmp_path / "out")) == 0
    said = [EpochProgress.newest([line]) for line in capsys.readouterr().err.splitlines()]
    rows = csv.DictReader((tmp_path / "out/training.csv").read_text().splitlines())
    assert [each and (each.epoch, each.position, each.of) for each in said] == [(0, 1, 3), (1, 2, 3), (2, 3, 3)]
    assert [each and each.loss for each in said] == [float(row["loss_total"]) for row in rows]


def test_seconds_of_rules_come_from_the_benchmarks_of_an_earlier_run(tmp_path: Path) -> None:
    rows = {"prepare": 4, "train/a_seed0_round0": 10, "train/b_seed0_round0": 20, "train/a_seed0_round1": 6}
    for name, seconds in rows.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.tsv").write_text(f"{HEADER}\n{seconds}\t0:00:04\tNA\t1\n")
    (tmp_path / "train/broken_seed0_round0.tsv").write_text("")
    found = seconds_of_rules(tmp_path)
    assert (found["prepare"], found["train_base"], found["train_round"], found["train_delta"]) == (4, 15, 6, 6)
    assert seconds_of_rules(tmp_path / "nowhere") == {}


def test_the_rows_of_the_end_are_those_of_the_ablation_table(tmp_path: Path) -> None:
    source = ROOT / "results/hapt/ablation.csv"
    if not source.is_file():
        pytest.skip("the suite was not run and its results were not pulled")
    plan = plan_files(read_suite(ROOT / "config/hapt.yaml"))["report.json"]
    write_text(tmp_path / "settings/report.json", to_json(plan))
    shutil.copy(source, tmp_path)
    about, rows = end_rows(SuitePaths(tmp_path))
    assert about.startswith("mAP@0.1:0.7, percent; protocol activitynet, 10 seeds; settings ")
    assert [row.title for row in rows] == [
        "base + NMS",
        "optimised labels from Gaussian fusion, Δ (the whole method)",
        "difference",
    ]
    with source.open(newline="") as stream:
        table = {row["variant"]: row for row in csv.DictReader(stream)}
    base, whole = table["base_nms"], table["optimised_delta"]
    low, high = (f"{float(whole[name]):.1f}".replace("-", "−") for name in ("base_low", "base_high"))
    assert [row.text() for row in rows] == [
        *(f"{float(row['mean']):.1f} ± {float(row['sd']):.1f}" for row in (base, whole)),
        f"{float(whole['base_difference']):+.1f} [{low}, {high}]".replace("-", "−"),
    ]
    assert end_rows(SuitePaths(tmp_path / "nowhere")) == ("", [])


class Recorded:
    """A view that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.texts: list[str] = []

    def event(self, event: Any, state: RunState) -> None:
        self.events.append(event["event"])

    def said(self, text: str, *, is_error: bool) -> None:
        self.texts.append(text)

    def tick(self, state: RunState, now: float) -> None:
        pass

    def end(self, end: RunEnd) -> None:
        pass


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module `snakemake` that writes the events that a test has put into a file, then does what the test says."""
    (tmp_path / "snakemake.py").write_text(
        "import os, pathlib, signal, sys, time\n"
        "options = sys.argv\n"
        "here = pathlib.Path(__file__).parent\n"
        "with open(options[options.index('--logger-one-line-events') + 1], 'w') as stream:\n"
        "    stream.write((here / 'events').read_text())\n"
        "exec((here / 'then').read_text())\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    return tmp_path


def test_a_run_passes_events_texts_and_the_exit_code_on(fake: Path, events: list[dict[str, Any]]) -> None:
    (fake / "events").write_text("".join(json.dumps(event) + "\n" for event in events))
    (fake / "then").write_text("print('from snakemake', flush=True)\nsys.exit(7)")
    view, state = Recorded(), RunState({})
    assert SnakemakeRun(["--cores", "1"]).follow(state, view) == 7
    assert view.events == [event["event"] for event in events[:-1]]  # a failure is told once
    assert "".join(view.texts) == "from snakemake\n"
    assert list(state.failed) == [3]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
@pytest.mark.parametrize("ends", ["by itself", "never"])
def test_a_signal_reaches_snakemake_which_is_killed_where_it_does_not_end(
    fake: Path, number: signal.Signals, ends: str
) -> None:
    (fake / "events").write_text("")
    heard = "(here / 'heard').write_text('yes'), sys.exit(1)" if ends == "by itself" else "None"
    (fake / "then").write_text(
        f"signal.signal(signal.SIGINT, lambda *_: ({heard}))\nprint('up', flush=True)\n"
        + "while True: time.sleep(0.05)"
    )

    class Stopping(Recorded):
        def said(self, text: str, *, is_error: bool) -> None:
            super().said(text, is_error=is_error)
            if len(self.texts) == 1:  # once: a later signal could come when nobody waits for it any more
                threading.Timer(0.05, os.kill, (os.getpid(), number)).start()

    before = signal.getsignal(number)
    assert SnakemakeRun([]).follow(RunState({}), Stopping()) == 128 + number
    assert signal.getsignal(number) == before
    assert (fake / "heard").exists() == (ends == "by itself")
