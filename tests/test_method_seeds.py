"""What must differ differs, and what must be the same is: seeds, streams, rounds, purposes and files."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from round_run import settings_file, tiny_round, tiny_store, train

from wtal.base.files import read_arrays, write_arrays
from wtal.cli import main
from wtal.data.kinds.prepare import prepare
from wtal.data.kinds.synthetic_settings import SyntheticData
from wtal.data.store.read import read_store
from wtal.localise.labels.file import PseudoLabels, write_labels
from wtal.localise.scores_file import read_scores
from wtal.methods.batch import ArrayVideos
from wtal.suite.step_settings import EpochSettings
from wtal.suite.training_settings import EarlyStopping
from wtal.training.checkpoint import read_checkpoint
from wtal.training.predict import load_model
from wtal.training.rng import RandomGenerators, generators_of
from wtal.training.round_job import RoundInputs, RoundJob
from wtal.training.score import score_videos

CPU = torch.device("cpu")
DRAWS: dict[str, Callable[[RandomGenerators], list[float]]] = {
    "initial": lambda streams: torch.rand(4, generator=streams.initial).tolist(),
    "dropout": lambda streams: torch.rand(4, generator=streams.dropout).tolist(),
    "shuffle": lambda streams: streams.shuffle.random(4).tolist(),
    "sampling": lambda streams: streams.sampling.random(4).tolist(),
}


@pytest.mark.parametrize("purpose", DRAWS)
def test_a_stream_repeats_and_differs_by_suite_name_seed_and_round(purpose: str) -> None:
    names = [
        ("s", "v", 3, 1),
        ("t", "v", 3, 1),
        ("s", "w", 3, 1),
        ("s", "v", 4, 1),
        ("s", "v", 3, 2),
        ("s", "v", 3, 11),
        ("s", "v", 31, 1),  # which must not run into the one before
    ]
    draws = [tuple(DRAWS[purpose](generators_of(*name, CPU))) for name in names]
    assert len(set(draws)) == len(names)
    assert draws == [tuple(DRAWS[purpose](generators_of(*name, CPU))) for name in names]


def test_two_purposes_of_one_round_draw_different_numbers() -> None:
    assert len({tuple(draw(generators_of("s", "v", 0, 0, CPU))) for draw in DRAWS.values()}) == len(DRAWS)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_store(tmp_path_factory.mktemp("store") / "data")


def epochs(*rates: float, first: int = 0, **changes: Any) -> tuple[EpochSettings, ...]:
    plain = dataclasses.replace(tiny_round().epochs[0], **changes)
    return tuple(
        dataclasses.replace(plain, epoch=first + number, learning_rate=rate) for number, rate in enumerate(rates)
    )


def ran(store: Path, folder: Path, *more: str, seed: int = 0, round_index: int = 0, **changes: Any) -> int:
    """The exit code of a round of training, by default of two epochs in which nothing is learnt."""
    folder.mkdir(parents=True, exist_ok=True)
    base = tiny_round(round_index, "optimised" if round_index else "base_nms")
    filled = dataclasses.replace(base.base, memory_from_epoch=2)  # at the end of two epochs
    values = {"epochs": epochs(0.0, 0.0), "shuffle": True, "base": filled} | changes
    command = train(store, settings_file(folder, base, **values), folder, *more)
    command[command.index("--seed") + 1] = str(seed)
    return main(command)


def state_of(folder: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Parameters and streams of a round's checkpoint."""
    content, _ = read_checkpoint(folder / "checkpoint.pt")
    return content["model"], content["rng"]


def test_a_run_starts_and_draws_by_its_seed_its_streams_and_its_suite(store: Path, tmp_path: Path) -> None:
    runs: list[dict[str, Any]] = [{}, {"seed": 1}, {"random_group": "own"}, {"suite": "other"}]
    states = []
    for number, changes in enumerate([*runs, {"weight_decay": 0.1}]):
        assert ran(store, tmp_path / str(number), **changes) == 0
        states.append(state_of(tmp_path / str(number)))
    for one in range(len(runs)):
        for other in range(one):
            for name in ("class_centres", "prototypes", "embedding.weight"):
                assert not torch.equal(states[one][0][name], states[other][0][name]), (one, other)
            assert states[one][1]["shuffle"] != states[other][1]["shuffle"]
            assert not torch.equal(states[one][1]["dropout"], states[other][1]["dropout"])
    for name, value in states[0][0].items():  # a variant that shares the streams is paired
        assert torch.equal(value, states[-1][0][name]), name
    assert states[0][1]["shuffle"] == states[-1][1]["shuffle"]


def flat_labels(store: Path, path: Path, value: float = 0.0) -> Path:
    """Labels of the training videos that are the same number everywhere."""
    data = read_store(store)
    offsets, n_classes = data.offsets("train"), len(data.classes)
    names, none = data.video_names("train"), np.zeros(0)
    shape = (len(names), n_classes + 1)
    labels = PseudoLabels(
        videos=names,
        offsets=offsets,
        label=np.full((int(offsets[-1]), n_classes + 1), value, dtype=np.float32),
        weight=np.ones((int(offsets[-1]), n_classes + 1), dtype=np.float32),
        target="logits",
        kind="positive",
        segment_video=none.astype(np.int64),
        segment_class=none.astype(np.int64),
        segment_start=none,
        segment_end=none,
        segment_score=none,
        status=np.zeros(shape, dtype=np.int8),
        violation=np.zeros(shape, dtype=np.float32),
    )
    write_labels(path, labels, data.classes)
    return path


def ramp_labels(store: Path, path: Path) -> Path:
    """Labels that differ by snippet and class."""
    arrays = read_arrays(flat_labels(store, path))
    arrays["label"] = np.random.default_rng(0).random(arrays["label"].shape).astype(np.float32)
    write_arrays(path, arrays)
    return path


@pytest.fixture(scope="module")
def first_round(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("first")
    assert ran(store, folder) == 0
    return folder


def later(
    store: Path, folder: Path, first_round: Path, labels: Path, *more: str, rates: tuple[float, ...], **changes: Any
) -> int:
    """The exit code of a round 1 from a first round and a file of labels."""
    how = {"label_weight": 1.0, "is_delta": changes.pop("is_delta", False)}
    files = ("--checkpoint", str(first_round / "checkpoint.pt"), "--labels", str(labels), *more)
    return ran(store, folder, *files, round_index=1, epochs=epochs(*rates, first=2, **how), **changes)


def test_another_round_draws_other_numbers_than_the_one_before(store: Path, first_round: Path, tmp_path: Path) -> None:
    labels = flat_labels(store, tmp_path / "labels.npz")
    assert later(store, tmp_path / "second", first_round, labels, rates=(0.0, 0.0)) == 0
    before, after = state_of(first_round)[1], state_of(tmp_path / "second")[1]
    assert before["shuffle"] != after["shuffle"]  # of as many draws each
    assert not torch.equal(before["dropout"], after["dropout"])
    # And whatever that one drew: here it was shorter.
    assert ran(store, tmp_path / "short", epochs=epochs(0.0)) == 0
    assert later(store, tmp_path / "again", tmp_path / "short", labels, rates=(0.0, 0.0)) == 0
    again = state_of(tmp_path / "again")[1]
    assert again["shuffle"] == after["shuffle"]
    assert torch.equal(again["dropout"], after["dropout"])


def test_a_round_begins_with_an_empty_memory(store: Path, first_round: Path, tmp_path: Path) -> None:
    labels = flat_labels(store, tmp_path / "labels.npz")
    files = ("--checkpoint", str(first_round / "checkpoint.pt"), "--labels", str(labels))
    assert ran(store, tmp_path / "second", *files, round_index=1, epochs=epochs(0.0)) == 0  # too short to fill it
    scores = [
        read_checkpoint(one / "checkpoint.pt")[0]["model"]["memory.scores"]
        for one in (first_round, tmp_path / "second")
    ]
    assert [bool((score > 0).any()) for score in scores] == [True, False]


def test_scores_for_labels_and_for_detection_have_their_own_shares(store: Path, tmp_path: Path) -> None:
    shares = {"label_snippet_original_share": 1.0, "detection_snippet_original_share": 0.25}
    base = dataclasses.replace(tiny_round().base, video_original_share=0.5, **shares)
    assert ran(store, tmp_path, base=base) == 0
    method, data = load_model(tmp_path / "checkpoint.pt", CPU).method, read_store(store)
    for subset, share in (("train", 1.0), ("test", 0.25)):
        indices, names = data.videos(subset), data.video_names(subset)
        videos = ArrayVideos([data.features(int(index)) for index in indices], data.video_labels[indices])
        method.settings = dataclasses.replace(
            base, label_snippet_original_share=share, detection_snippet_original_share=share
        )
        expected = score_videos(method, videos, names, "labels")
        command = ["score", "--settings", str(tmp_path / "round.json"), "--data", str(store), "--seed", "0"]
        command += ["--subset", subset, "--checkpoint", str(tmp_path / "checkpoint.pt"), "--out"]
        assert main([*command, str(tmp_path / "again.npz")]) == 0
        for name in (f"scores_{subset}.npz", "again.npz"):
            found, _ = read_scores(tmp_path / name)
            np.testing.assert_allclose(found.snippet_score, expected.snippet_score, atol=1e-6)
            np.testing.assert_allclose(found.video_score, expected.video_score, atol=1e-6)


def test_delta_learns_from_the_newest_labels_less_the_previous_ones(
    store: Path, first_round: Path, tmp_path: Path
) -> None:
    newest, none = ramp_labels(store, tmp_path / "new.npz"), flat_labels(store, tmp_path / "none.npz")
    whole, delta, back = (tmp_path / name for name in ("whole", "delta", "back"))
    assert later(store, whole, first_round, newest, rates=(0.01, 0.01)) == 0
    previous = ("--previous-labels", str(none))
    assert later(store, delta, first_round, newest, *previous, rates=(0.01, 0.01), is_delta=True) == 0
    previous = ("--previous-labels", str(newest))
    assert later(store, back, first_round, none, *previous, rates=(0.01, 0.01), is_delta=True) == 0
    for name, value in state_of(whole)[0].items():
        assert torch.equal(value, state_of(delta)[0][name]), name
    assert not torch.equal(state_of(back)[0]["class_centres"], state_of(whole)[0]["class_centres"])


def test_scores_with_dropout_differ_by_seed_round_and_streams_and_repeat(
    store: Path, first_round: Path, tmp_path: Path
) -> None:
    def scores(seed: int = 0, dropout: bool = True, **changes: Any) -> bytes:
        settings = settings_file(tmp_path, tiny_round(), **changes)
        command = ["score", "--settings", str(settings), "--data", str(store), "--seed", str(seed)]
        command += ["--checkpoint", str(first_round / "checkpoint.pt"), "--out", str(tmp_path / "scores.npz")]
        assert main([*command, *(["--dropout"] if dropout else [])]) == 0
        return (tmp_path / "scores.npz").read_bytes()

    different = [scores(), scores(1), scores(round_index=1), scores(random_group="own"), scores(suite="other")]
    different.append(scores(dropout=False))
    assert len(set(different)) == len(different)
    assert scores() == different[0]
    assert scores(7, dropout=False) == different[-1]


def test_held_out_videos_differ_by_seed_and_streams_and_stay_the_same_in_every_round(store: Path) -> None:
    def held_out(seed: int = 0, **changes: Any) -> tuple[int, ...]:
        stopping = EarlyStopping(patience=1, held_out_share=0.5)
        settings = dataclasses.replace(tiny_round(), early_stopping=stopping, **changes)
        inputs = RoundInputs(read_store(store), settings, seed)
        return tuple(RoundJob(inputs, store.parent / "none", CPU, 1e9).trainer.held_out)

    assert held_out() == held_out() == held_out(round_index=1)
    assert len({held_out(seed) for seed in range(6)}) > 2
    assert len({held_out(random_group=name) for name in "abcdef"}) > 2
    assert len({held_out(suite=name) for name in "abcdef"}) > 2


def test_what_a_stopped_job_left_is_taken_up_by_the_same_job_alone(
    store: Path, first_round: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels, other_labels = flat_labels(store, tmp_path / "a.npz"), flat_labels(store, tmp_path / "b.npz", 0.5)
    other_round, other_store = tmp_path / "other", tmp_path / "store"
    assert ran(store, other_round, seed=5) == 0
    prepare(SyntheticData(kind="synthetic", train_videos=8, test_videos=3, feature_size=8), other_store)
    wild = (0.01, 1e30, 0.01)  # the second epoch ends in numbers that are none
    often = ("--resume-every", "0")

    def said(
        folder: Path, data: Path = store, checkpoint: Path = first_round, used: Path = labels, **changes: Any
    ) -> str:
        changes = {"rates": wild} | changes
        assert later(data, folder, checkpoint, used, *often, **changes) == 2
        return capsys.readouterr().err

    for number, changes in enumerate(
        (
            {"seed": 1},
            {"weight_decay": 0.1},
            {"random_group": "own"},
            {"suite": "another"},
            {"rates": (0.02, 1e30, 0.01)},
            {"used": other_labels},
            {"checkpoint": other_round},
            {"data": other_store},
        )
    ):
        folder = tmp_path / f"run{number}"
        assert "resuming" not in said(folder)
        assert (folder / "resume.pt").is_file()
        assert "resuming in epoch" in said(folder)
        assert "starting over" in said(folder, **changes), changes
