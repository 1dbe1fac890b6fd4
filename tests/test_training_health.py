"""Collapse and early stopping: the signs, what is said, what is kept, and that nothing but training data is seen."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from round_run import (
    ROOT,
    collapse_file,
    contents,
    killed,
    label_file,
    refused,
    settings_file,
    taken_up,
    tiny_round,
    tiny_store,
    train,
)

from wtal.base.errors import CollapseError, InputError, SettingError
from wtal.base.files import read_rows
from wtal.base.records import VideoScores, training_columns
from wtal.cli import main
from wtal.data.kinds.prepare import prepare
from wtal.data.kinds.synthetic_settings import SyntheticData
from wtal.data.store.read import read_store
from wtal.localise.scores_file import write_scores
from wtal.methods.batch import ArrayVideos
from wtal.suite.plan import read_suite, suite_from_mapping
from wtal.suite.step_settings import EpochSettings, RoundSettings
from wtal.suite.training_settings import CollapseSettings, EarlyStopping, TrainingSettings, Until
from wtal.training.checkpoint import read_checkpoint
from wtal.training.health import EpochHealth, HealthWatch, collapse_warnings
from wtal.training.held_out import held_out_videos
from wtal.training.rng import generators_of
from wtal.training.trainer import Trainer

TRAINING_COLUMNS = training_columns(("foreground", "background", "attention", "consistency"))

CLASSES = ("jump", "run", "swim")
SOUND = EpochHealth(
    epoch=9,
    classification_loss=2.0,
    attention=0.4,
    spread=0.2,
    largest_class=1,
    class_share=0.4,
    labelled_share=0.35,
)
STOP = CollapseSettings(action="stop")


def health(epoch: int, loss: float = 2.0, **changes: float) -> EpochHealth:
    return dataclasses.replace(SOUND, epoch=epoch, classification_loss=loss, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"attention": 0.02}, "mean attention is 0.020, so almost nothing is taken for an action"),
        ({"attention": 0.99}, "mean attention is 0.990, so almost everything is taken for an action"),
        ({"spread": 0.001}, "attention is constant, with a standard deviation of 0.0010 within a video"),
        ({"class_share": 0.97}, "run scores highest in 97% of the videos, and 35% carry it"),
    ],
)
def test_each_sign_of_a_collapse_is_named(changes: dict[str, float], words: str) -> None:
    assert collapse_warnings(SOUND, STOP, CLASSES) == ()
    assert collapse_warnings(health(9, **changes), STOP, CLASSES) == (words,)


def test_a_class_that_most_videos_carry_may_score_highest_in_most() -> None:
    assert collapse_warnings(health(9, class_share=0.95, labelled_share=0.85), STOP, CLASSES) == ()
    assert collapse_warnings(health(9, class_share=1.0, labelled_share=1.0), STOP, ("jump",)) == ()


def test_training_stops_after_so_many_collapsed_epochs_in_a_row_and_not_before() -> None:
    watch = HealthWatch(STOP, None, 30, CLASSES)
    for epoch in range(5):
        assert watch.take(health(epoch, attention=0.01)).warnings == ()  # nothing is learnt yet
    assert watch.take(health(5, attention=0.01)).warnings
    assert watch.take(health(6, attention=0.01)).warnings
    assert not watch.take(health(7)).warnings  # it recovers
    watch.take(health(8, attention=0.01))
    watch.take(health(9, spread=0.0))
    with pytest.raises(CollapseError, match=r"epochs 8 to 10: training has collapsed: mean attention .*; try a lower"):
        watch.take(health(10, attention=0.01))


def test_a_round_shorter_than_that_stops_at_its_end_and_a_warning_never_stops() -> None:
    with pytest.raises(CollapseError, match=r"^epoch 20: training has collapsed"):
        HealthWatch(STOP, None, 1, CLASSES).take(health(20, attention=0.99))
    watch = HealthWatch(CollapseSettings(), None, 30, CLASSES)
    assert all(watch.take(health(epoch, attention=0.01)).warnings for epoch in range(5, 30))


def test_early_stopping_ends_a_round_when_no_epoch_was_better_for_its_patience() -> None:
    watch = HealthWatch(STOP, EarlyStopping(patience=3, minimum_improvement=0.1), 30, CLASSES)
    losses = [3.0, 2.5, 2.45, 2.3, 2.25, 2.21, 2.4]
    verdicts = [watch.take(health(epoch, loss)) for epoch, loss in enumerate(losses)]
    assert [verdict.is_best for verdict in verdicts] == [True, True, False, True, False, False, False]
    assert [verdict.ends_round for verdict in verdicts] == [False] * 6 + [True]
    assert watch.best == health(3, 2.3)


def test_a_collapsed_epoch_is_never_the_best() -> None:
    watch = HealthWatch(STOP, EarlyStopping(patience=9), 30, CLASSES)
    watch.take(health(0, 3.0))
    assert not watch.take(health(1, 1.0, attention=0.01)).is_best
    assert watch.take(health(2, 2.5)).is_best


def test_early_stopping_and_the_epoch_best_on_the_test_set_exclude_each_other() -> None:
    rate = (Until(until=3, value=0.1),)
    with pytest.raises(SettingError, match="one rule says which epoch counts"):
        TrainingSettings(
            epochs=3, learning_rate=rate, report_best_test_epoch=True, early_stopping=EarlyStopping(patience=2)
        )


def test_the_configured_activitynet_suites_stop_on_collapse_and_stop_early() -> None:
    for name in ("activitynet12", "activitynet13"):
        for variant in read_suite(ROOT / f"config/{name}.yaml").variants.values():
            assert variant.method.training.collapse.action == "stop"
            assert variant.method.training.early_stopping is not None
            assert not variant.method.training.report_best_test_epoch


def test_unknown_keys_and_wrong_ranges_of_these_settings_are_refused_by_name() -> None:
    for change, words in [
        ({"collapse": {"acton": "stop"}}, r"method\.training\.collapse\.acton"),
        ({"collapse": {"action": "halt"}}, r"method\.training\.collapse\.action: expected .*warn.*stop.*; got 'halt'"),
        ({"collapse": {"class_share": 1.5}}, r"method\.training\.collapse\.class_share: expected a number in \[0, 1\]"),
        ({"early_stopping": {"patience": 0}}, r"method\.training\.early_stopping\.patience: expected .*1 or above"),
    ]:
        values = yaml.safe_load((ROOT / "config/tiny.yaml").read_text())
        values["method"]["training"] |= change
        with pytest.raises(InputError, match=words):
            suite_from_mapping(values, "some.yaml")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_store(tmp_path_factory.mktemp("store") / "data")


def steady() -> RoundSettings:
    """The settings of a round whose epochs differ in their learning rate alone."""
    settings = tiny_round()
    base = dataclasses.replace(settings.base, memory_from_epoch=None, consistency_weight=(Until(until=1, value=1.0),))
    return dataclasses.replace(settings, base=base)


def long_epochs(count: int, rate: float) -> tuple[EpochSettings, ...]:
    first = tiny_round().epochs[0]
    return tuple(dataclasses.replace(first, epoch=number, learning_rate=rate) for number in range(count))


def test_a_run_that_really_collapses_ends_in_one_sentence_and_leaves_no_result(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wild = settings_file(tmp_path, steady(), epochs=long_epochs(20, 3.0))
    stops = ("--collapse", str(collapse_file(tmp_path, STOP)))
    assert main(train(store, wild, tmp_path / "wild", *stops)) == 2
    *lines, sentence = capsys.readouterr().err.splitlines()
    assert all(line.startswith(("warning: epoch", "epoch ")) for line in lines)
    assert "training has collapsed" in sentence
    assert "try a lower training.learning_rate" in sentence
    assert sorted(path.name for path in (tmp_path / "wild").glob("*")) == []
    assert main(train(store, wild, tmp_path / "warned")) == 0
    assert "warning: epoch" in capsys.readouterr().err


def test_an_early_stopped_round_is_the_round_that_never_went_beyond_its_best_epoch(store: Path, tmp_path: Path) -> None:
    stopping = EarlyStopping(patience=4, held_out_share=0)
    early = {"epochs": long_epochs(60, 0.02), "early_stopping": stopping}
    assert main(train(store, settings_file(tmp_path, tiny_round(), **early), tmp_path / "early")) == 0
    rows = list(read_rows(tmp_path / "early/training.csv", TRAINING_COLUMNS))
    kept = [int(row["epoch"]) for row in rows if row["kept"] == "1"]
    assert len(kept) == 1
    assert len(rows) == kept[0] + 5 < 60  # it stopped, four epochs after the one it kept
    whole = settings_file(tmp_path, tiny_round(), epochs=long_epochs(kept[0] + 1, 0.02))
    assert main(train(store, whole, tmp_path / "whole")) == 0
    for name in ("scores_train.npz", "scores_test.npz"):
        assert (tmp_path / "early" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    first, second = (read_checkpoint(tmp_path / name / "checkpoint.pt")[0] for name in ("early", "whole"))
    for key in ("epoch", "samples", "order"):
        assert first["progress"][key] == second["progress"][key]
    assert all(torch.equal(first["model"][name], second["model"][name]) for name in second["model"])
    assert sorted(contents(tmp_path / "early")) == sorted(contents(tmp_path / "whole"))


def test_a_round_with_held_out_videos_ends_with_the_epoch_that_is_best_on_them(store: Path, tmp_path: Path) -> None:
    early = {"epochs": long_epochs(80, 0.01), "early_stopping": EarlyStopping(patience=5, held_out_share=0.25)}
    assert main(train(store, settings_file(tmp_path, tiny_round(), **early), tmp_path / "out")) == 0
    rows = list(read_rows(tmp_path / "out/training.csv", TRAINING_COLUMNS))
    losses = [float(row["held_out_loss"]) for row in rows]
    kept = [int(row["epoch"]) for row in rows if row["kept"] == "1"]
    assert kept == [int(np.argmin(losses))]
    assert len(rows) == kept[0] + 6 < 80
    content, _ = read_checkpoint(tmp_path / "out/checkpoint.pt")
    assert content["progress"]["samples"] == 6 * (kept[0] + 1)  # two of the eight videos are held out


def test_nothing_is_learnt_from_a_video_that_is_held_out() -> None:
    stream = np.random.default_rng(0)
    arrays = [stream.normal(size=(20, 12)).astype(np.float32) for _ in range(6)]
    labels = np.eye(3, dtype=np.bool_)[[0, 1, 2, 0, 1, 2]]
    settings = dataclasses.replace(tiny_round(), epochs=tiny_round().epochs[:8])  # the memory is filled and used
    assert any(epoch.epoch >= settings.base.memory_from_epoch for epoch in settings.epochs)
    trained = []
    for other in (arrays[4], np.ones((33, 12), dtype=np.float32)):
        videos = ArrayVideos([*arrays[:4], other, arrays[5]], labels)
        streams = generators_of("test", "paired", 0, 0, torch.device("cpu"))
        method = settings.base.network(12, 3, streams.initial)
        Trainer(method, videos, settings, streams, held_out=[4]).run()
        trained.append(method.state_dict())
    assert all(torch.equal(trained[0][name], trained[1][name]) for name in trained[0])


@given(
    hnp.arrays(np.bool_, st.tuples(st.integers(1, 25), st.integers(1, 4))), st.floats(0, 0.5), st.integers(0, 2**32 - 1)
)
def test_held_out_videos_are_few_and_leave_every_class_a_video(labels: np.ndarray, share: float, seed: int) -> None:
    chosen = held_out_videos(labels, share, np.random.default_rng(seed))
    assert len(chosen) <= max(1 if share else 0, round(share * len(labels)))
    assert chosen == sorted(set(chosen))
    rest = np.delete(labels, chosen, axis=0)
    assert (rest.any(axis=0) == labels.any(axis=0)).all()
    assert chosen == held_out_videos(labels, share, np.random.default_rng(seed))


def test_a_share_that_cannot_be_held_out_is_refused_before_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = SyntheticData(kind="synthetic", train_videos=2, test_videos=2, classes=3, feature_size=8)
    prepare(data, tmp_path / "data")
    found = read_store(tmp_path / "data")
    alone = found.video_labels[found.videos("train")].sum(axis=0) == 1
    assert found.video_labels[found.videos("train")][:, alone].any(axis=1).all()  # each has a class no other has
    early = settings_file(tmp_path, tiny_round(), early_stopping=EarlyStopping(patience=2))
    refused(train(tmp_path / "data", early, tmp_path / "out"), capsys, "held_out_share", "or a share of 0")


def test_a_collapse_after_a_sound_epoch_ends_the_round_with_that_epoch(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    calm, wild = long_epochs(10, 0.003), long_epochs(20, 3.0)
    stopping = EarlyStopping(patience=50)
    changes = {"epochs": calm + wild[10:], "collapse": STOP.deciding(stopping), "early_stopping": stopping}
    assert main(train(store, settings_file(tmp_path, steady(), **changes), tmp_path / "out")) == 0
    error = capsys.readouterr().err
    assert "training has collapsed" in error
    rows = list(read_rows(tmp_path / "out/training.csv", TRAINING_COLUMNS))
    kept = [int(row["epoch"]) for row in rows if row["kept"] == "1"]
    assert f"the round ends with the state after epoch {kept[0]}," in error
    assert kept[0] <= int(rows[-1]["epoch"]) - STOP.epochs < 20 - STOP.epochs


def test_a_killed_job_with_early_stopping_ends_in_the_same_bytes(store: Path, tmp_path: Path) -> None:
    early = {"epochs": long_epochs(80, 0.005), "early_stopping": EarlyStopping(patience=30)}
    settings = settings_file(tmp_path, tiny_round(), **early)
    assert main(train(store, settings, tmp_path / "whole")) == 0
    resume = tmp_path / "killed/resume.pt"

    def is_under_way() -> bool:
        return resume.is_file() and read_checkpoint(resume)[0]["progress"]["epoch"] >= 3

    command = killed(train(store, settings, tmp_path / "killed", "--resume-every", "0"), is_under_way)
    assert resume.is_file()
    assert (tmp_path / "killed/best.pt").is_file()
    assert taken_up(command, tmp_path / "killed") == contents(tmp_path / "whole")


def score_file(store: Path, path: Path, snippet: float) -> Path:
    found = read_store(store)
    names, offsets = found.video_names("train"), found.offsets("train")
    n_columns = len(found.classes) + 1
    snippets = np.full((int(offsets[-1]), n_columns), snippet, dtype=np.float32)
    snippets[offsets[:-1]] = 0  # so that a proposal over the rest has a contrast
    video = np.full((len(names), n_columns), 0.5, dtype=np.float32)
    write_scores(path, VideoScores(names, offsets, snippets, video, snippets[:, 0]), found.classes)
    return path


@pytest.mark.parametrize(
    ("snippet", "words"), [(0.0, "100% of the labels are empty"), (0.6, "100% of the labels cover their whole video")]
)
def test_labels_that_are_empty_or_as_wide_as_their_videos_stop_the_run_before_they_are_written(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], snippet: float, words: str
) -> None:
    scores = score_file(store, tmp_path / "scores.npz", snippet)
    settings, out = label_file(tmp_path), tmp_path / "labels.npz"
    command = ["solve-labels", "--settings", str(settings), "--scores", str(scores), "--data", str(store)]
    command += ["--out", str(out)]
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"maker": {"kind": "naive"}}))
    stops = ("--collapse", str(collapse_file(tmp_path, STOP)))
    refused(
        [*command, *stops],
        capsys,
        words,
        "labels of round 1, before epoch 10",
        "training has collapsed; try fewer epochs",
    )
    assert not out.exists()
    assert main(command) == 0
    assert f"warning: labels of round 1, before epoch 10: {words}" in capsys.readouterr().err
    assert out.exists()
