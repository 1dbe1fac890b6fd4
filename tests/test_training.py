"""Training: packs, streams, memory, resuming, and what is refused."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from round_run import (
    ROOT,
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

from wtal.base.errors import CollapseError, InputError
from wtal.base.seeds import seed_of
from wtal.cli import main
from wtal.data.kinds.prepare import prepare
from wtal.data.kinds.synthetic_settings import SyntheticData
from wtal.localise.scores_file import read_epoch_scores, read_scores
from wtal.methods.batch import ArrayVideos, batch_of, groups_of, scoring_batches
from wtal.methods.label_loss import RoundLabels
from wtal.methods.rskp.branches import Passed
from wtal.methods.rskp.memory import MemoryBank, memory_rows
from wtal.methods.rskp.network import Network
from wtal.methods.rskp.settings import RskpSettings
from wtal.suite.step_settings import EpochSettings, RoundSettings
from wtal.training.checkpoint import read_checkpoint, sealed
from wtal.training.rng import generators_of
from wtal.training.trainer import Trainer

CPU = torch.device("cpu")


def videos(n_videos: int = 7, seed: int = 0) -> ArrayVideos:
    stream = np.random.default_rng(seed)
    arrays = [stream.normal(size=(int(stream.integers(9, 40)), 12)).astype(np.float32) for _ in range(n_videos)]
    labels = stream.random((n_videos, 3)) < 0.5
    labels[np.arange(n_videos), np.arange(n_videos) % 3] = True
    return ArrayVideos(arrays, labels)


def trainer_of(settings: RoundSettings, some: ArrayVideos, seed: int = 0) -> Trainer:
    streams = generators_of("test", "paired", seed, settings.round_index, CPU)
    method = settings.base.network(some.arrays[0].shape[1], some.video_labels.shape[1], streams.initial)
    return Trainer(method, some, settings, streams)


def with_memory(settings: RoundSettings, *, memory: bool = True, **changes: object) -> RoundSettings:
    """The same, with a memory that is used from epoch 1 on, or never."""
    base = dataclasses.replace(settings.base, memory_from_epoch=1 if memory else None, **changes)
    return dataclasses.replace(settings, base=base)


def fill_memory(trainer: Trainer, some: ArrayVideos) -> None:
    """Put every video into the memory as the epoch before its first use does."""
    before = dataclasses.replace(trainer.settings.epochs[0], epoch=0)
    trainer.method.end_epoch(before, scoring_batches(some, range(some.n_videos), CPU))


def gradients_of(per_step: int, *, memory: bool) -> dict[str, np.ndarray]:
    """Gradients of one epoch over all videos, in packs of some size, before any step."""
    some = videos()
    base = tiny_round()
    epoch = dataclasses.replace(base.epochs[0], epoch=1, label_weight=10.0, label_scale=2.0)
    settings = dataclasses.replace(base, epochs=(epoch,), videos_per_step=per_step, shuffle=False)
    trainer = trainer_of(with_memory(settings, memory=memory), some)
    fill_memory(trainer, some)
    trainer.optimiser.step = lambda rate: None  # type: ignore[method-assign]
    trainer.optimiser.clear = lambda: None  # type: ignore[method-assign]
    targets = [np.random.default_rng(1).normal(size=(len(array), 4)) for array in some.arrays]
    trainer.run(RoundLabels(targets))
    return {name: value.grad.numpy().copy() for name, value in trainer.method.named_parameters()}


@pytest.mark.parametrize("memory", [False, True])
def test_packed_videos_give_the_gradients_of_one_video_after_the_other(memory: bool) -> None:
    alone, packed = gradients_of(1, memory=memory), gradients_of(7, memory=memory)
    for name, gradient in alone.items():
        # The prototypes' gradient is a sum of cancelling terms, so it is held to the largest gradient of all.
        scale = max(np.abs(gradient).max(), 0.01 * max(np.abs(value).max() for value in alone.values()))
        assert np.abs(packed[name] - gradient).max() < 1e-6 * scale, name


def test_gradients_of_a_step_that_an_epoch_cuts_are_carried_into_the_next_one() -> None:
    some = videos(5)
    base = tiny_round()
    epochs = tuple(dataclasses.replace(base.epochs[0], epoch=number) for number in range(4))
    steps = []
    trainer = trainer_of(dataclasses.replace(base, epochs=epochs, videos_per_step=4), some)
    step = trainer.optimiser.step
    trainer.optimiser.step = lambda rate: (steps.append(trainer.progress.samples), step(rate))  # type: ignore
    trainer.run()
    assert steps == [4, 8, 12, 16, 20]


def test_streams_differ_by_every_part_of_their_name_and_repeat() -> None:
    seeds = {seed_of("a", "b", 0, 0, "x"), seed_of("a", "b", 1, 0, "x"), seed_of("a", "b", 0, 1, "x"), seed_of("ab")}
    assert len(seeds) == 4
    first, second = (generators_of("s", "v", 3, 2, CPU) for _ in range(2))
    assert torch.equal(torch.rand(5, generator=first.dropout), torch.rand(5, generator=second.dropout))
    assert first.shuffle.permutation(9).tolist() == second.shuffle.permutation(9).tolist()


def test_dropout_is_drawn_video_by_video_however_they_are_packed() -> None:
    some = videos(3)
    network = Network(12, 3, RskpSettings(embedding_size=8, dropout=0.5), torch.Generator().manual_seed(0))
    together = network.embed(batch_of(some, [0, 1, 2], CPU), torch.Generator().manual_seed(1))
    stream = torch.Generator().manual_seed(1)
    for index, array in enumerate(some.arrays):
        alone = network.embed(batch_of(some, [index], CPU), stream)
        torch.testing.assert_close(together[index, : len(array)], alone[0, : len(array)])


def test_packs_hold_no_more_padded_snippets_than_they_may_and_every_video_once() -> None:
    some = videos(7)
    groups = list(groups_of(some, range(7), 60))
    assert [index for group in groups for index in group] == list(range(7))
    assert all(len(group) == 1 or max(len(some.arrays[i]) for i in group) * len(group) <= 60 for group in groups)
    assert list(groups_of(some, range(7), 60, lambda length: 5)) == [list(range(7))]


def test_sampled_training_sees_so_many_snippets_and_their_labels() -> None:
    some = videos(4)
    base = tiny_round()
    epoch = dataclasses.replace(base.epochs[0], label_weight=1.0)
    trainer = trainer_of(dataclasses.replace(base, epochs=(epoch,), sampled_snippets=5), some)
    trainer.run(RoundLabels([np.ones((len(array), 4)) for array in some.arrays]))
    assert np.isfinite(trainer.optimiser.means[0].numpy()).all()


def test_the_random_walk_through_the_small_system_equals_the_dense_inverse() -> None:
    some = batch_of(videos(1), [0], CPU)
    network = Network(12, 3, RskpSettings(embedding_size=8, dropout=0.0), torch.Generator().manual_seed(0)).double()
    some = dataclasses.replace(some, features=some.features.double())
    rows = network.embed(some, None).detach()
    learnt = [each.detach() for each in (network.prototypes, network.class_centres, network.foreground_centre)]
    passed = Passed.of(rows, *learnt, some.mask, network.settings)
    weight = network.settings.random_walk_weight
    n_snippets = int(some.lengths[0])
    share, over_time = passed.walks.shares.share[0, 0], passed.walks.shares.over_time[0, 0]
    inverse = torch.linalg.inv(torch.eye(n_snippets, dtype=torch.float64) - weight**2 * share.T @ over_time)
    dense = (1 - weight) * inverse @ (weight * share.T @ passed.fit.prototypes[0] + rows[0])
    torch.testing.assert_close((1 - weight) * (rows[0] + share.T @ passed.walks.moved[0]), dense)


def test_an_empty_memory_takes_uniform_shares_and_class_zero_takes_row_zero_for_every_class() -> None:
    bank = MemoryBank(3, 2, 4)
    assert memory_rows([0, 1, 1], "label") == [1, 2]
    assert memory_rows([0, 1, 1], "class_zero") == [0, 0]
    assert bank.read([0, 0]).shape == (4, 4)
    probabilities = torch.tensor([[0.9, 0.1, 0.0], [0.5, 0.1, 0.0]])
    bank.update([0, 0], torch.tensor([[1.0] * 4, [2.0] * 4]), probabilities)
    assert bank.scores[0].tolist() == pytest.approx([0.9, 0.9])  # put in twice, the best prototype holds two slots


def test_a_loss_that_is_no_number_stops_with_the_epoch_and_what_to_try() -> None:
    some = videos(4)
    some.arrays[2][:] = 3e38
    with pytest.raises(CollapseError, match=r"epoch 0: .* no longer a number; try a lower learning rate"):
        trainer_of(tiny_round(), some).run()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_store(tmp_path_factory.mktemp("store") / "data")


def test_two_runs_of_a_round_give_the_same_bytes_and_another_seed_gives_others(store: Path, tmp_path: Path) -> None:
    settings = settings_file(tmp_path, tiny_round())
    assert main(train(store, settings, tmp_path / "a")) == 0
    assert main(train(store, settings, tmp_path / "b")) == 0
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    arguments = train(store, settings, tmp_path / "c")
    arguments[arguments.index("--seed") + 1] = "1"
    assert main(arguments) == 0
    assert contents(tmp_path / "a")["scores_test.npz"] != contents(tmp_path / "c")["scores_test.npz"]


def test_keeping_the_test_scores_of_every_epoch_changes_nothing_else(store: Path, tmp_path: Path) -> None:
    for name, keeps in (("without", False), ("with", True)):
        settings = settings_file(tmp_path, tiny_round(), keeps_epoch_scores=keeps)
        assert main(train(store, settings, tmp_path / name)) == 0
    for name in ("training.csv", "scores_train.npz"):
        assert (tmp_path / "with" / name).read_bytes() == (tmp_path / "without" / name).read_bytes()
    plain, kept = (read_scores(tmp_path / name / "scores_test.npz")[0] for name in ("without", "with"))
    assert np.array_equal(plain.snippet_score, kept.snippet_score)
    assert np.array_equal(plain.attention, kept.attention)
    states = [read_checkpoint(tmp_path / name / "checkpoint.pt")[0]["model"] for name in ("without", "with")]
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert len(list(read_epoch_scores(tmp_path / "with" / "scores_test.npz"))) == len(tiny_round().epochs)


def test_a_killed_job_is_taken_up_where_it_was_and_ends_in_the_same_bytes(store: Path, tmp_path: Path) -> None:
    base = tiny_round()
    epochs = tuple(dataclasses.replace(base.epochs[min(number, 8)], epoch=number) for number in range(60))
    settings = settings_file(tmp_path, base, epochs=epochs, keeps_epoch_scores=True)
    assert main(train(store, settings, tmp_path / "whole")) == 0
    resume = tmp_path / "killed/resume.pt"
    command = killed(train(store, settings, tmp_path / "killed", "--resume-every", "0"), resume.is_file)
    assert resume.is_file()
    assert not (tmp_path / "killed/checkpoint.pt").exists()
    content, _ = read_checkpoint(resume)
    assert content["progress"]["samples"] > 0
    assert taken_up(command, tmp_path / "killed") == contents(tmp_path / "whole")


def test_a_disk_that_is_full_gets_one_sentence_and_no_checkpoint(store: Path, tmp_path: Path) -> None:
    command = train(store, settings_file(tmp_path, tiny_round()), tmp_path / "out")
    code = (
        "import resource, sys; from wtal.cli import main; "
        f"resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000)); sys.exit(main({command}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2, done.stderr
    *epochs, sentence = done.stderr.splitlines()
    assert all(line.startswith("epoch ") for line in epochs)
    assert "checkpoint.pt: expected a path that can be written" in sentence
    assert not (tmp_path / "out").exists()


def test_a_resume_file_of_other_settings_is_not_taken_up(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_file(tmp_path, tiny_round())
    out = tmp_path / "run"
    out.mkdir()
    (out / "resume.pt").write_bytes(b"half a file")
    assert main(train(store, settings, out)) == 0
    assert "starting over" in capsys.readouterr().err
    assert not (out / "resume.pt").exists()


def test_rounds_want_the_files_of_the_round_before(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = settings_file(tmp_path, tiny_round())
    refused(train(store, first, tmp_path / "x", "--checkpoint", "a.pt"), capsys, "--checkpoint", "nothing in round 0")
    later = settings_file(tmp_path, tiny_round(1, "optimised"))
    refused(train(store, later, tmp_path / "x"), capsys, "--checkpoint", "a file from round 1 on")
    assert not (tmp_path / "x").exists()


def test_a_checkpoint_that_is_broken_or_of_other_data_is_refused(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = settings_file(tmp_path, tiny_round())
    assert main(train(store, first, tmp_path / "r0")) == 0
    capsys.readouterr()
    later = settings_file(tmp_path, tiny_round(1, "optimised"))
    whole = tmp_path / "r0/checkpoint.pt"
    broken = tmp_path / "broken.pt"
    labels = tmp_path / "labels.npz"
    for content in (whole.read_bytes()[:2000], b"", b"PK\x03\x04 nothing", os.urandom(300)):
        broken.write_bytes(content)
        more = ("--checkpoint", str(broken), "--labels", str(labels))
        refused(train(store, later, tmp_path / "x", *more), capsys, "labels.npz" if not labels.exists() else "broken")
    solve = ["solve-labels", "--settings", str(label_file(tmp_path)), "--scores", str(tmp_path / "r0/scores_train.npz")]
    assert main([*solve, "--data", str(store), "--out", str(labels)]) == 0
    capsys.readouterr()
    broken.write_bytes(whole.read_bytes()[:2000])
    refused(train(store, later, tmp_path / "x", "--checkpoint", str(broken), "--labels", str(labels)), capsys, "broken")
    other = tmp_path / "other"
    prepare(SyntheticData(kind="synthetic", train_videos=8, test_videos=4, feature_size=9), other)
    more = ("--checkpoint", str(whole), "--labels", str(labels))
    refused(train(other, later, tmp_path / "x", *more), capsys, "feature_size", "expected 18; got 16")
    skipped = settings_file(tmp_path, tiny_round(1, "optimised"), round_index=2)
    refused(train(store, skipped, tmp_path / "x", *more), capsys, "round_index")
    assert not (tmp_path / "x").exists() or not any((tmp_path / "x").iterdir())


def test_a_hostile_checkpoint_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.system, (f"touch {tmp_path / 'hit'}",)

    path = tmp_path / "hostile.pt"
    torch.save({"format": "wtal checkpoint 4", "about": Hostile()}, path)
    path.write_bytes(sealed(path.read_bytes()))
    with pytest.raises(InputError, match=r"cannot be read \(UnpicklingError\)"):
        read_checkpoint(path)
    assert not (tmp_path / "hit").exists()


def test_labels_of_other_videos_and_broken_score_files_are_refused(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = settings_file(tmp_path, tiny_round())
    assert main(train(store, first, tmp_path / "r0")) == 0
    capsys.readouterr()
    scores = tmp_path / "r0/scores_test.npz"  # of the test videos, where those of the training videos belong
    solve = ["solve-labels", "--settings", str(label_file(tmp_path)), "--data", str(store)]
    out = tmp_path / "labels.npz"
    refused([*solve, "--scores", str(scores), "--out", str(out)], capsys, "the store's train videos")
    cut = tmp_path / "cut.npz"
    cut.write_bytes(scores.read_bytes()[:3000])
    refused([*solve, "--scores", str(cut), "--out", str(out)], capsys, "cut.npz", "whole .npz")
    refused([*solve, "--scores", str(tmp_path / "none.npz"), "--out", str(out)], capsys, "none.npz", "No such file")
    with np.load(tmp_path / "r0/scores_train.npz") as archive:
        arrays = dict(archive)
    arrays["snippet_score"][3, 1] = np.nan
    np.savez(cut, **arrays)
    refused([*solve, "--scores", str(cut), "--out", str(out)], capsys, "snippet_score", "NaN")
    file_in_the_way = tmp_path / "file"
    file_in_the_way.write_text("")
    good = ["--scores", str(tmp_path / "r0/scores_train.npz"), "--out", str(file_in_the_way / "labels.npz")]
    refused([*solve, *good], capsys, "a path that can be written")
    assert not out.exists()


def test_settings_of_another_kind_are_refused_with_the_nearest_key(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = json.loads(settings_file(tmp_path, tiny_round()).read_text())
    values["video_per_step"] = values.pop("videos_per_step")
    path = tmp_path / "round.json"
    path.write_text(json.dumps(values))
    refused(train(store, path, tmp_path / "x"), capsys, "video_per_step", "did you mean 'videos_per_step'?")


def test_epochs_of_a_round_are_those_between_its_refreshes() -> None:
    later = tiny_round(1, "optimised")
    assert [epoch.epoch for epoch in later.epochs] == [10, 11, 12, 13]
    assert isinstance(later.epochs[0], EpochSettings)
