"""Training videos without any label are used as background: by the losses, the memory, the labels and the health."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from round_run import settings_file, tiny_round, train
from test_training import CPU, fill_memory, trainer_of, videos, with_memory

from wtal.base.files import to_json, write_text
from wtal.base.schema import from_mapping, to_mapping
from wtal.cli import main
from wtal.data.kinds.synthetic import synthetic_data_set
from wtal.data.kinds.synthetic_settings import SyntheticData
from wtal.data.store.read import read_store
from wtal.data.store.write import write_store
from wtal.localise.labels.file import read_labels
from wtal.localise.labels.naive import NaiveLabels
from wtal.localise.labels.optimised import OptimisedLabels
from wtal.localise.labels.programme import Solution
from wtal.methods.batch import ArrayVideos, batch_of
from wtal.methods.label_loss import RoundLabels
from wtal.methods.rskp.losses import video_losses
from wtal.methods.rskp.memory import memory_rows, padded_slots
from wtal.methods.rskp.settings import RskpSettings
from wtal.suite.plan import plan_files, read_suite
from wtal.suite.step_settings import LabelRoundSettings
from wtal.training.health import health_of
from wtal.training.held_out import held_out_videos
from wtal.training.trainer import EpochLog, Trainer

ROOT = Path(__file__).resolve().parents[1]
BACKGROUND = (0, 3)  # videos without a label among the seven


def with_background() -> ArrayVideos:
    some = videos()
    labels = some.video_labels.copy()
    labels[list(BACKGROUND)] = False
    assert labels.any(axis=0).all()
    return ArrayVideos(some.arrays, labels)


def trained(per_step: int, memory_index: str = "label") -> tuple[Trainer, EpochLog]:
    """A trainer after one epoch with memory and labels whose gradients were summed and never used, and its log."""
    some = with_background()
    base = tiny_round()
    epoch = dataclasses.replace(base.epochs[0], epoch=1, label_weight=10.0)
    settings = dataclasses.replace(base, epochs=(epoch,), videos_per_step=per_step, shuffle=False)
    trainer = trainer_of(with_memory(settings, memory_index=memory_index), some)
    fill_memory(trainer, some)
    trainer.optimiser.step = lambda rate: None  # type: ignore[method-assign]
    trainer.optimiser.clear = lambda: None  # type: ignore[method-assign]
    targets = [np.full((len(array), 4), 0.1) * some.video_labels[n].any() for n, array in enumerate(some.arrays)]
    logs: list[EpochLog] = []
    trainer.run(RoundLabels(targets), after_epoch=lambda epoch, log: logs.append(log) is not None)
    return trainer, logs[0]


@pytest.mark.parametrize("memory_index", ["label", "class_zero"])
def test_packs_with_background_give_the_gradients_of_one_video_after_the_other(memory_index: str) -> None:
    (alone, _), (packed, _) = (trained(count, memory_index) for count in (1, 7))
    gradients = {name: value.grad.numpy() for name, value in alone.method.named_parameters()}
    largest = max(np.abs(value).max() for value in gradients.values())
    for name, value in packed.method.named_parameters():
        scale = max(np.abs(gradients[name]).max(), 0.01 * largest)
        assert np.abs(value.grad.numpy() - gradients[name]).max() < 3e-6 * scale, name  # rounding in 32 bits
    torch.testing.assert_close(alone.method.memory.prototypes, packed.method.memory.prototypes)


def test_background_leaves_the_memory_as_it_is() -> None:
    some = with_background()
    kept = [number for number in range(some.n_videos) if number not in BACKGROUND]
    labelled = ArrayVideos([some.arrays[number] for number in kept], some.video_labels[kept])
    epoch = dataclasses.replace(tiny_round().epochs[0], epoch=1)
    settings = with_memory(dataclasses.replace(tiny_round(), epochs=(epoch,)), dropout=0.0)
    banks = []
    for own in (some, labelled):
        trainer = trainer_of(settings, own)
        fill_memory(trainer, own)
        for index in range(own.n_videos):
            before = trainer.method.memory.scores.clone()
            trainer.method.losses(batch_of(own, [index], CPU), epoch, None, trainer.rng.dropout)
            assert own.video_labels[index].any() or torch.equal(trainer.method.memory.scores, before)
        banks.append(trainer.method.memory)
    assert torch.equal(banks[0].prototypes, banks[1].prototypes)
    assert torch.equal(banks[0].scores, banks[1].scores)


def test_the_losses_of_background_are_those_of_section_2_without_a_memory_branch() -> None:
    some, settings = with_background(), RskpSettings()
    trainer = trainer_of(with_memory(tiny_round()), some)
    both = batch_of(some, [0, 1], CPU)
    fill_memory(trainer, some)
    rows = [memory_rows(label, "label") for label in both.labels.tolist()]
    slots = padded_slots([trainer.method.memory.read(own) for own in rows])
    output = trainer.method(both, remember=lambda prototypes: slots)
    branches = output.original, output.reallocated
    seen = video_losses(*branches, output.memory, both.labels, both.mask, None, settings)
    without = video_losses(*branches, None, both.labels, both.mask, None, settings)
    assert seen.foreground[0] == 0
    assert seen.consistency[0] == without.consistency[0]
    expected = sum(-torch.log_softmax(branch.class_wise_logits[0], dim=0)[-1] for branch in branches)
    torch.testing.assert_close(seen.background[0], expected)
    for name in ("foreground", "background", "consistency"):  # the other video has a memory branch in each
        assert getattr(seen, name)[1] != getattr(without, name)[1]


def test_the_share_of_the_label_loss_is_that_of_the_first_pack_with_a_label() -> None:
    assert trained(1)[1].label_gradient_share > 0.01


def test_what_background_looks_like_most_is_no_sign_of_one_class_everywhere() -> None:
    labels = np.zeros((10, 2), dtype=bool)
    labels[[0, 1], [0, 1]] = True
    assert len(trained(7)[1].best_class) == with_background().n_videos - len(BACKGROUND)
    log = EpochLog(compared=[1.0], attention=[0.5], spread=[0.3], entropy=[0.5], best_class=[0, 1])
    health = health_of(tiny_round().epochs[0], log, labels, None)
    assert (health.class_share, health.labelled_share) == (0.5, 0.5)


def test_background_is_not_held_out() -> None:
    labels = np.zeros((20, 2), dtype=bool)
    labels[[0, 1, 2, 3], [0, 0, 1, 1]] = True
    chosen = held_out_videos(labels, 0.5, np.random.default_rng(0))
    assert sorted(labels[chosen].any(axis=1)) == [True, True]
    labels[[1, 3]] = False
    assert held_out_videos(labels, 0.5, np.random.default_rng(0)) == []


# Through the commands


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny store in which two training videos have no label."""
    data = synthetic_data_set(SyntheticData(kind="synthetic", train_videos=8, test_videos=4, feature_size=8))
    videos = [
        dataclasses.replace(video, instances=()) if video.name in ("train_0006", "train_0007") else video
        for video in data.videos
    ]
    folder = tmp_path_factory.mktemp("store") / "data"
    write_store(folder, dataclasses.replace(data, videos=videos))
    return folder


def labels_of(store: Path, scores: Path, folder: Path, **changes: object) -> Path:
    """Pseudo labels of round 1 as `wtal solve-labels` writes them."""
    planned = plan_files(read_suite(ROOT / "config/tiny.yaml"))["optimised/labels1.json"]
    settings = dataclasses.replace(from_mapping(LabelRoundSettings, planned, file="tiny"), **changes)
    write_text(folder / "labels.json", to_json(to_mapping(settings)))
    out = folder / "labels.npz"
    command = ["solve-labels", "--settings", str(folder / "labels.json"), "--scores", str(scores)]
    assert main([*command, "--data", str(store), "--out", str(out)]) == 0
    return out


@pytest.mark.parametrize("memory_index", ["label", "class_zero"])
def test_two_rounds_train_with_background_and_its_labels_are_zero(
    store: Path, tmp_path: Path, memory_index: str
) -> None:
    first = dataclasses.replace(tiny_round(), videos_per_step=3)
    first = dataclasses.replace(first, base=dataclasses.replace(first.base, memory_index=memory_index))
    assert any(epoch.epoch >= first.base.memory_from_epoch for epoch in first.epochs)
    assert main(train(store, settings_file(tmp_path, first), tmp_path / "r0")) == 0
    scores = tmp_path / "r0/scores_train.npz"
    rows = slice(*read_store(store).offsets("train")[[5, 7]])
    for maker in (NaiveLabels(), *(OptimisedLabels(solution=name) for name in get_args(Solution))):
        labels, _ = read_labels(labels_of(store, scores, tmp_path, maker=maker))
        assert not labels.label[rows].any(), maker
        assert (labels.status[5:7] == -1).all()
        assert labels.label.any()
    assert np.isfinite(read_labels(labels_of(store, scores, tmp_path, classes="score"))[0].label).all()
    second = dataclasses.replace(tiny_round(1, "optimised"), base=first.base, videos_per_step=3)
    labels = labels_of(store, scores, tmp_path)
    more = ("--checkpoint", str(tmp_path / "r0/checkpoint.pt"), "--labels", str(labels))
    assert main(train(store, settings_file(tmp_path, second), tmp_path / "r1", *more)) == 0
    dropped = tmp_path / "dropped.npz"
    command = ["score", "--settings", str(tmp_path / "round.json"), "--data", str(store)]
    command += ["--checkpoint", str(tmp_path / "r1/checkpoint.pt"), "--subset", "train", "--dropout", "--seed", "0"]
    assert main([*command, "--out", str(dropped)]) == 0
