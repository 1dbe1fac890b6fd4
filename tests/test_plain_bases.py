"""CoLA and W-TALC learn in the trainer as the others do: rounds, labels, and a killed round that goes on."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from round_run import contents, killed, label_file, settings_file, taken_up, tiny_round, tiny_store, train

from wtal.base.files import read_rows
from wtal.cli import main
from wtal.data.store.read import read_store
from wtal.methods.cola.settings import ColaSettings
from wtal.methods.wtalc.settings import WtalcSettings
from wtal.suite.step_settings import RoundSettings
from wtal.training.checkpoint import read_checkpoint

PAIRED = {"pairs": 1, "pair_replacement": True, "sampling": "crop_pad", "sampled_snippets": 40}
BASES: dict[str, tuple[Any, dict[str, Any]]] = {
    "cola": (ColaSettings(embedding_size=32, dropout=0.3), {"sampling": "perturb", "sampled_snippets": 40}),
    "wtalc": (WtalcSettings(embedding_size=32, dropout=0.3), PAIRED),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_store(tmp_path_factory.mktemp("store") / "data")


def rounds_of(kind: str) -> list[RoundSettings]:
    """Two rounds of training with one of the two; the second learns from labels."""
    base, changes = BASES[kind]
    planned = (tiny_round(0, "basnet"), tiny_round(1, "basnet_optimised"))
    return [dataclasses.replace(settings, base=base, **changes) for settings in planned]


@pytest.mark.parametrize("kind", BASES)
def test_a_class_scores_highest_where_it_is_and_labels_are_learnt(kind: str, store: Path, tmp_path: Path) -> None:
    first, second = rounds_of(kind)
    epochs = tuple(dataclasses.replace(first.epochs[0], epoch=number, learning_rate=0.01) for number in range(40))
    assert main(train(store, settings_file(tmp_path, first, epochs=epochs), tmp_path / "0")) == 0
    with np.load(tmp_path / "0/scores_train.npz") as archive:
        best = archive["video_score"][:, :-1].argmax(axis=1)
    opened = read_store(store)
    assert opened.video_labels[opened.videos("train")][np.arange(len(best)), best].mean() > 0.8
    solve = ["solve-labels", "--settings", str(label_file(tmp_path)), "--data", str(store)]
    labels = tmp_path / "labels.npz"
    assert main([*solve, "--scores", str(tmp_path / "0/scores_train.npz"), "--out", str(labels)]) == 0
    later = tuple(dataclasses.replace(epoch, epoch=40 + number) for number, epoch in enumerate(second.epochs))
    more = ["--checkpoint", str(tmp_path / "0/checkpoint.pt"), "--labels", str(labels)]
    assert main(train(store, settings_file(tmp_path, second, epochs=later), tmp_path / "1", *more)) == 0
    rows = list(read_rows(tmp_path / "1/training.csv", ("loss_label", "label_gradient_share")))
    assert all(float(row["loss_label"]) != 0 for row in rows)
    assert all(0 < float(row["label_gradient_share"]) < 1 for row in rows)
    before, after = (read_checkpoint(tmp_path / name / "checkpoint.pt")[0]["model"] for name in ("0", "1"))
    assert not any(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("kind", BASES)
def test_a_killed_round_ends_in_the_same_bytes(kind: str, store: Path, tmp_path: Path) -> None:
    first = rounds_of(kind)[0]
    epochs = tuple(dataclasses.replace(first.epochs[0], epoch=number) for number in range(60))
    settings = settings_file(tmp_path, first, epochs=epochs)
    assert main(train(store, settings, tmp_path / "whole")) == 0
    resume = tmp_path / "killed/resume.pt"
    command = killed(train(store, settings, tmp_path / "killed", "--resume-every", "0"), resume.is_file)
    assert resume.is_file()
    assert taken_up(command, tmp_path / "killed") == contents(tmp_path / "whole")
