"""Which snippets a visit sees and which videos make a step: what holds for every length and every seed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from round_run import ROOT, contents, killed, settings_file, taken_up, tiny_round, tiny_store, train

from wtal.base.errors import InputError, SettingError
from wtal.cli import main
from wtal.methods.batch import ArrayVideos, Batch
from wtal.methods.contract import Losses
from wtal.methods.label_loss import BatchLabels, RoundLabels
from wtal.methods.sampling import paired_order, sampled_rows, seen_snippets
from wtal.suite.plan import read_suite
from wtal.suite.training_settings import TrainingSettings, Until
from wtal.training.rng import generators_of
from wtal.training.trainer import Trainer

CPU = torch.device("cpu")
SAMPLINGS = ("parts", "crop_pad", "perturb", "uniform")
lengths = st.integers(1, 300)
numbers = st.integers(2, 120)
seeds = st.integers(0, 99)


@given(st.sampled_from(SAMPLINGS), lengths, numbers, seeds)
def test_a_visit_sees_so_many_snippets_of_the_video_and_never_goes_back(
    sampling: str, length: int, number: int, seed: int
) -> None:
    rows = sampled_rows(sampling, length, number, np.random.default_rng(seed))
    seen = np.arange(length) if rows is None else rows
    assert len(seen) == seen_snippets(sampling, length, number)
    assert len(seen) == number or (sampling in ("parts", "crop_pad") and length < number)
    assert seen[0] >= 0
    assert seen[-1] < length
    assert (np.diff(seen) >= 0).all()
    assert rows is None or length != number


@given(st.sampled_from(SAMPLINGS), lengths)
def test_without_a_number_every_snippet_is_seen(sampling: str, length: int) -> None:
    assert sampled_rows(sampling, length, None, np.random.default_rng(0)) is None
    assert seen_snippets(sampling, length, None) == length


@given(lengths, numbers, seeds)
def test_each_sampling_draws_from_its_own_part_of_the_video(length: int, number: int, seed: int) -> None:
    def rows(sampling: str) -> np.ndarray:
        found = sampled_rows(sampling, length, number, np.random.default_rng(seed))
        return np.arange(length) if found is None else found

    grid = np.array([point * length // number for point in range(number)])
    if length != number:
        assert np.array_equal(rows("uniform"), grid)
        assert (rows("perturb") >= grid).all()
        assert (rows("perturb") <= np.append(grid[1:], length - 1)).all()
    if length > number:
        assert (np.diff(rows("crop_pad")) == 1).all()
    if length % number == 0:
        assert (rows("parts") // (length // number)).tolist() == list(range(number))


def test_the_ends_of_every_interval_are_drawn() -> None:
    stream = np.random.default_rng(0)
    drawn = np.array([sampled_rows("perturb", 9, 3, stream) for _ in range(300)])
    assert [set(column.tolist()) for column in drawn.T] == [{0, 1, 2, 3}, {3, 4, 5, 6}, {6, 7, 8}]
    starts = {int(sampled_rows("crop_pad", 9, 6, stream)[0]) for _ in range(100)}  # type: ignore[index]
    assert starts == {0, 1, 2, 3}


LABELS = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0], [0, 0, 0], [0, 1, 0]], dtype=bool)


@given(st.integers(1, 4), st.integers(0, 5), st.booleans(), seeds)
def test_a_paired_step_begins_with_pairs_that_share_a_class(
    pairs: int, others: int, replacement: bool, seed: int
) -> None:
    learnt, per_step = [0, 1, 2, 4, 5, 6], 2 * pairs + others
    order = paired_order(LABELS, learnt, per_step, pairs, np.random.default_rng(seed), with_replacement=replacement)
    assert len(order) == -(-len(learnt) // per_step) * per_step
    assert set(order) <= set(learnt)
    for start in range(0, len(order), per_step):
        for place in range(start, start + 2 * pairs, 2):
            first, second = order[place : place + 2]
            assert (LABELS[first] & LABELS[second]).any()
            assert replacement or first != second


def test_a_pair_with_replacement_may_be_one_video_twice_and_a_class_of_one_video_has_no_other() -> None:
    order = paired_order(LABELS, [3, 5], 4, 2, np.random.default_rng(0), with_replacement=True)
    assert order == [3, 3, 3, 3]
    with pytest.raises(InputError, match="a class with two videos that are learnt from"):
        paired_order(LABELS, [3, 5], 4, 2, np.random.default_rng(0), with_replacement=False)


def test_every_video_comes_in_the_part_of_a_step_that_is_not_paired() -> None:
    stream, every = np.random.default_rng(0), list(range(7))
    orders = [paired_order(LABELS, every, 7, 1, stream, with_replacement=False) for _ in range(50)]
    assert {video for order in orders for video in order[2:]} == set(every)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"sampling": "perturb"}, "sampled_snippets: expected a number where sampling is perturb"),
        ({"batch": "paired", "videos_per_step": 5}, "pairs: expected at most half of videos_per_step, 5; got 3"),
        ({"batch": "paired", "shuffle": False}, "shuffle: expected true where batch is paired"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        TrainingSettings(epochs=1, learning_rate=(Until(until=1, value=0.1),), **changes)  # type: ignore[arg-type]


def test_by_default_nothing_is_sampled_and_an_epoch_visits_every_video_once() -> None:
    settings = tiny_round()
    assert (settings.sampling, settings.sampled_snippets, settings.pairs) == ("parts", None, 0)


def visited(**changes: object) -> list[tuple[Batch, torch.Tensor | None]]:
    """The batches of an epoch and what they learn from; labels are the numbers of their snippets."""
    arrays = [np.arange(length, dtype=np.float32)[:, None] + np.zeros((1, 4), np.float32) for length in (9, 30, 50, 17)]
    some = ArrayVideos(arrays, np.ones((4, 2), dtype=bool))
    base = tiny_round()
    epoch = dataclasses.replace(base.epochs[0], label_weight=1.0)
    settings = dataclasses.replace(base, epochs=(epoch,), **changes)
    streams = generators_of("test", "paired", 0, 0, CPU)
    trainer = Trainer(settings.base.network(4, 2, streams.initial), some, settings, streams)
    seen: list[tuple[Batch, torch.Tensor | None]] = []
    losses = trainer.method.losses

    def noted(batch: Batch, epoch: object, target: BatchLabels | None, dropout: torch.Generator | None) -> Losses:
        seen.append((batch, target))
        return losses(batch, epoch, target, dropout)  # type: ignore[arg-type]

    trainer.method.losses = noted  # type: ignore[assignment]
    trainer.run(RoundLabels([array[:, :3] for array in arrays]))
    return seen


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_labels_take_the_same_rows_as_the_features(sampling: str) -> None:
    for batch, target in visited(sampling=sampling, sampled_snippets=20):
        assert target is not None
        assert torch.equal(batch.padded(batch.features)[:, :, 0], target.values[:, 0])
        lengths_seen = batch.lengths.tolist()
        assert lengths_seen == [20] * len(lengths_seen) or sampling in ("parts", "crop_pad")
        assert max(lengths_seen) <= 20


def test_a_paired_epoch_has_whole_steps() -> None:
    visits = sum(batch.n_videos for batch, _ in visited(videos_per_step=3, pairs=1, pair_replacement=False))
    assert visits == 6


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_store(tmp_path_factory.mktemp("store") / "data")


@pytest.mark.parametrize("variant", ["base_nms", "basnet"])
def test_a_killed_round_of_pairs_and_samples_ends_in_the_same_bytes(variant: str, store: Path, tmp_path: Path) -> None:
    base = tiny_round(variant=variant)
    epochs = tuple(dataclasses.replace(base.epochs[min(number, 8)], epoch=number) for number in range(50))
    changes = {"sampling": "perturb", "sampled_snippets": 30, "pairs": 1, "pair_replacement": True}
    settings = settings_file(tmp_path, base, epochs=epochs, **changes)
    assert main(train(store, settings, tmp_path / "whole")) == 0
    resume = tmp_path / "killed/resume.pt"
    command = killed(train(store, settings, tmp_path / "killed", "--resume-every", "0"), resume.is_file)
    assert resume.is_file()
    assert taken_up(command, tmp_path / "killed") == contents(tmp_path / "whole")


def test_the_published_training_of_a_method_lies_under_what_a_suite_writes() -> None:
    training = read_suite(ROOT / "config/tiny.yaml").variants["basnet"].method.training
    assert (training.sampling, training.sampled_snippets) == ("perturb", 64)
    assert (training.adam_betas, training.videos_per_step) == ((0.9, 0.999), 4)
    assert read_suite(ROOT / "config/tiny.yaml").variants["base"].method.training.adam_betas == (0.9, 0.99)
