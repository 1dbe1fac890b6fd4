"""A long round loses nothing: killed at any write it goes on, and what it keeps does not grow with its epochs."""

from __future__ import annotations

import dataclasses
import gc
import json
import signal
import subprocess
import sys
import time
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from killed_at_writes import OUTPUTS
from round_run import ROOT, contents, settings_file, tiny_round, tiny_store, train

from wtal.base.files import read_json
from wtal.base.schema import from_mapping
from wtal.cli import main
from wtal.data.store.read import Store, read_store
from wtal.localise.scores_file import read_epoch_scores
from wtal.suite.step_settings import EpochSettings, RoundSettings
from wtal.suite.training_settings import EarlyStopping
from wtal.training import round_job as job
from wtal.training.epoch_scores import EpochScores
from wtal.training.round_job import RoundInputs, RoundJob

NO_TIME = ("--resume-every", "0")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_store(tmp_path_factory.mktemp("store") / "data")


def epochs(count: int) -> tuple[EpochSettings, ...]:
    first = tiny_round().epochs[0]
    return tuple(dataclasses.replace(first, epoch=number) for number in range(count))


def test_a_round_killed_at_any_of_its_writes_repeats_no_visit_that_was_saved(store: Path, tmp_path: Path) -> None:
    changes = {"keeps_epoch_scores": True, "early_stopping": EarlyStopping(patience=9)}
    settings = settings_file(tmp_path, tiny_round(), epochs=epochs(2), **changes)
    command = train(store, settings, tmp_path / "unused", *NO_TIME)
    place = command.index("--out")
    del command[place : place + 2]
    helper = [sys.executable, str(ROOT / "tests/killed_at_writes.py"), str(tmp_path), *command]
    done = subprocess.run(helper, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["names"] == sorted(OUTPUTS)
    for number, one in enumerate(found["killed"], start=1):
        where = f"killed before write {number}, leaving {one['left']}"
        assert one["killed"] == -9, where
        assert (one["code"], one["same"]) == (0, True), where
        if not one["has_outputs"]:
            assert one["visits"] == found["visits"][one["resumed_from"] or 0 :], where
            assert (one["resumed_from"] is None) == (number == 1), where  # from the first save on there is one
    saved = [one for one in found["killed"] if one["resumed_from"]]
    assert {len(set(OUTPUTS) & set(one["left"])) for one in saved} == set(range(len(OUTPUTS) + 1))
    assert any(one["has_outputs"] for one in saved)  # a resume file left behind by a round that was whole does no harm


STOPPED_WITHIN = 10  # seconds; two on a machine that has nothing else to do


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_round_that_is_stopped_says_that_the_same_command_goes_on(
    store: Path, tmp_path: Path, number: signal.Signals
) -> None:
    settings = settings_file(tmp_path, tiny_round(), epochs=epochs(12))
    command = [sys.executable, "-m", "wtal", *train(store, settings, tmp_path / "out", *NO_TIME)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    line = next(line for line in process.stderr if "(3 of 12)" in line)
    assert line.startswith("epoch 2")
    began = time.monotonic()
    process.send_signal(number)
    *_, last = process.communicate(timeout=60)[1].splitlines()
    assert time.monotonic() - began < STOPPED_WITHIN
    assert (last, process.returncode) == ("wtal train: stopped; the same command goes on where it was", 128 + number)
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert again.returncode == 0
    assert "resuming in epoch" in again.stderr
    assert main(train(store, settings, tmp_path / "whole")) == 0
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


class Killed(BaseException):
    """Stands for a kill."""


def run_until(monkeypatch: pytest.MonkeyPatch, epoch: int, command: list[str]) -> None:
    """Train, and be killed with the last of an epoch's steps saved and the scores after it not yet made."""
    after_epoch = RoundJob._after_epoch

    def killing(self: RoundJob, settings: EpochSettings, log: Any) -> bool:
        if settings.epoch == epoch:
            raise Killed
        return after_epoch(self, settings, log)

    with monkeypatch.context() as patched:
        patched.setattr(RoundJob, "_after_epoch", killing)
        with pytest.raises(Killed):
            main(command)


def test_the_resume_file_does_not_grow_with_the_epochs_whose_scores_are_kept(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_file(tmp_path, tiny_round(), epochs=epochs(14), keeps_epoch_scores=True)
    sizes = {}
    for epoch in (2, 12):
        run_until(monkeypatch, epoch, train(store, settings, tmp_path / f"until{epoch}", *NO_TIME))
        sizes[epoch] = (tmp_path / f"until{epoch}/resume.pt").stat().st_size
        kept = sorted(path.name for path in (tmp_path / f"until{epoch}/epoch_scores").iterdir())
        assert kept == sorted(f"epoch{number}.npz" for number in range(epoch))
    one_epoch = 4 * sum(array.size for array in arrays_of(tmp_path / "until12/epoch_scores/epoch3.npz"))
    row_of_the_curve = 600
    assert row_of_the_curve < one_epoch / 10
    assert sizes[12] - sizes[2] < 10 * row_of_the_curve


def arrays_of(path: Path) -> list[np.ndarray]:
    with np.load(path) as archive:
        return [archive[name] for name in ("snippet_score", "video_score", "attention")]


def test_no_more_than_two_epochs_scores_are_in_memory(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive: list[weakref.ref[np.ndarray]] = []
    most = 0

    def counted(scores: Any) -> Any:
        nonlocal most
        gc.collect()
        alive.append(weakref.ref(scores.snippet_score))
        most = max(most, sum(reference() is not None for reference in alive))
        return scores

    score, read = job.score_videos, EpochScores.read
    monkeypatch.setattr(job, "score_videos", lambda *given, **named: counted(score(*given, **named)))
    monkeypatch.setattr(EpochScores, "read", lambda self, epoch: counted(read(self, epoch)))
    settings = settings_file(tmp_path, tiny_round(), epochs=epochs(9), keeps_epoch_scores=True)
    assert main(train(store, settings, tmp_path / "out")) == 0
    assert len(alive) == 9 + 2 + 9  # made after each epoch, made at the end, gathered
    assert most <= 2 + 2  # those of the round itself, training and test, beside
    kept = list(read_epoch_scores(tmp_path / "out/scores_test.npz"))
    assert [epoch for epoch, _ in kept] == list(range(9))


def test_a_resume_file_of_other_settings_and_its_epochs_leave_no_trace(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keeps = {"keeps_epoch_scores": True, "early_stopping": EarlyStopping(patience=9)}
    long = settings_file(tmp_path, tiny_round(), epochs=epochs(9), **keeps)
    run_until(monkeypatch, 7, train(store, long, tmp_path / "out", *NO_TIME))
    short = settings_file(tmp_path, tiny_round(), epochs=epochs(3), weight_decay=0.01, **keeps)
    assert main(train(store, short, tmp_path / "fresh")) == 0
    capsys.readouterr()
    assert main(train(store, short, tmp_path / "out")) == 0
    assert "starting over: " in capsys.readouterr().err
    assert contents(tmp_path / "out") == contents(tmp_path / "fresh")


@pytest.mark.parametrize("place", [0.01, 0.3, 0.6, 0.999])
def test_a_resume_file_with_one_bit_flipped_is_started_over(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], place: float
) -> None:
    settings = settings_file(tmp_path, tiny_round(), epochs=epochs(3))
    assert main(train(store, settings, tmp_path / "whole")) == 0
    command = train(store, settings, tmp_path / "out", *NO_TIME)
    run_until(monkeypatch, 2, command)
    path = tmp_path / "out/resume.pt"
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 4
    path.write_bytes(content)
    capsys.readouterr()
    assert main(command) == 0
    assert "starting over: " in capsys.readouterr().err
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


@pytest.mark.parametrize("spoiled", ["missing", "cut short", "of another run"])
def test_epochs_that_are_not_those_of_the_resume_file_are_made_again(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], spoiled: str
) -> None:
    settings = settings_file(tmp_path, tiny_round(), epochs=epochs(5), keeps_epoch_scores=True)
    assert main(train(store, settings, tmp_path / "whole")) == 0
    command = train(store, settings, tmp_path / "out", *NO_TIME)
    run_until(monkeypatch, 3, command)
    path = tmp_path / "out/epoch_scores/epoch1.npz"
    if spoiled == "missing":
        path.unlink()
    elif spoiled == "cut short":
        path.write_bytes(path.read_bytes()[:-200])
    else:
        with np.load(path) as archive:
            np.savez(path, **{**archive, "identity": np.array("another")})
    capsys.readouterr()
    assert main(command) == 0
    assert "starting over: " in capsys.readouterr().err
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_a_job_opens_without_reading_a_feature_and_checks_each_video_once(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[int] = []
    mapped = Store.mapped
    monkeypatch.setattr(Store, "mapped", lambda self, index: (used.append(index), mapped(self, index))[1])
    settings = from_mapping(RoundSettings, read_json(settings_file(tmp_path, tiny_round())), file="round.json")
    inputs = RoundInputs(read_store(store), settings, seed=0)
    opened = RoundJob(inputs, tmp_path / "out", torch.device("cpu"), 20)
    assert used == []
    opened.run()
    assert sorted(used) == list(range(8 + 4))


def test_features_that_were_damaged_are_not_learnt_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tiny_store(tmp_path / "data")
    found = read_store(data)
    number = int(found.videos("train")[5])
    rows = np.lib.format.open_memmap(data / "features.npy", mode="r+")
    rows[int(found.first_row[number]) + 1, 3] += 1
    rows.flush()
    capsys.readouterr()
    assert main(train(data, settings_file(tmp_path, tiny_round()), tmp_path / "out")) == 2
    assert f"{found.names[number]}: expected the features that were prepared" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
