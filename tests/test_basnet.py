"""BaS-Net goes through what RSKP goes through: rounds, labels, Δ, resume, early stopping, prediction."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from round_run import ROOT, contents, killed, settings_file, taken_up, tiny_round, tiny_store, train

from wtal.base.errors import InputError
from wtal.base.files import read_rows, read_yaml, to_json, write_text
from wtal.cli import main
from wtal.data.store.read import read_store
from wtal.methods.basnet.settings import BasNetSettings
from wtal.suite.file import method_of
from wtal.suite.plan import plan_files, read_suite
from wtal.suite.training_settings import EarlyStopping
from wtal.training.checkpoint import read_checkpoint

TINY = ROOT / "config/tiny.yaml"
VARIANT = "basnet_delta"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_store(tmp_path_factory.mktemp("store") / "data")


@pytest.fixture(scope="module")
def run(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rounds 0 to 2 of BaS-Net, the last with Δ."""
    folder = tmp_path_factory.mktemp("run")
    suite = read_suite(TINY)
    planned = plan_files(suite)
    owners = [suite.nodes[VARIANT, index].owner for index in range(3)]
    for name, value in {f"round{index}": planned[f"{owners[index]}/round{index}.json"] for index in range(3)}.items():
        write_text(folder / f"{name}.json", to_json(value))
    write_text(folder / "detect.json", to_json(planned[f"{VARIANT}/detect.json"]))
    detection = ("--detection", str(folder / "detect.json"))
    assert main(train(store, folder / "round0.json", folder / "0", *detection)) == 0
    for index in (1, 2):
        before, labels = folder / str(index - 1), folder / f"labels{index}.npz"
        write_text(folder / "labels.json", to_json(planned[f"{owners[index]}/labels{index}.json"]))
        solve = ["solve-labels", "--settings", str(folder / "labels.json"), "--data", str(store)]
        assert main([*solve, "--scores", str(before / "scores_train.npz"), "--out", str(labels)]) == 0
        more = ["--checkpoint", str(before / "checkpoint.pt"), "--labels", str(labels), *detection]
        more += ["--previous-labels", str(folder / "labels1.npz")] if index == 2 else []
        assert main(train(store, folder / f"round{index}.json", folder / str(index), *more)) == 0
    return folder


def test_labels_are_learnt_in_rounds_and_with_delta(run: Path) -> None:
    columns = ("epoch", "loss_base", "loss_suppressed", "loss_sparsity", "loss_label", "label_gradient_share")
    for index in range(3):
        rows = list(read_rows(run / str(index) / "training.csv", columns))
        assert all(np.isfinite(float(row["loss_base"])) for row in rows)
        assert all((float(row["loss_label"]) != 0) == (index > 0) for row in rows)
    first, last = (read_checkpoint(run / name / "checkpoint.pt")[0]["model"] for name in ("0", "2"))
    assert not any(torch.equal(first[name], last[name]) for name in first)


def test_training_scores_a_class_highest_where_it_is(run: Path, store: Path) -> None:
    with np.load(run / "2/scores_train.npz") as archive:
        best = archive["video_score"][:, :-1].argmax(axis=1)
    opened = read_store(store)
    assert opened.video_labels[opened.videos("train")][np.arange(len(best)), best].mean() > 0.8


def test_prediction_gives_the_detections_of_the_suite(run: Path, store: Path, tmp_path: Path) -> None:
    opened = read_store(store)
    (tmp_path / "features").mkdir()
    for number, name in zip(opened.videos("test"), opened.video_names("test")):
        np.save(tmp_path / "features" / f"{name}.npy", opened.features(int(number)))
    suite = [
        "detect",
        "--settings",
        str(run / "detect.json"),
        "--data",
        str(store),
        "--rounds",
        str(tmp_path / "r.npz"),
    ]
    suite += ["--scores", str(run / "2/scores_test.npz"), "--detections", str(tmp_path / "suite.json")]
    assert main(suite) == 0
    one = ["predict", "--checkpoint", str(run / "2/checkpoint.pt"), "--features", str(tmp_path / "features")]
    assert main([*one, "--out", str(tmp_path / "predicted.json")]) == 0
    assert (tmp_path / "predicted.json").read_bytes() == (tmp_path / "suite.json").read_bytes()
    assert any(json.loads((tmp_path / "suite.json").read_text())["results"].values())


def test_a_killed_round_goes_on_and_ends_in_the_same_bytes(store: Path, tmp_path: Path) -> None:
    base = tiny_round(variant="basnet")
    epochs = tuple(dataclasses.replace(base.epochs[0], epoch=number) for number in range(60))
    settings = settings_file(tmp_path, base, epochs=epochs)
    assert main(train(store, settings, tmp_path / "whole")) == 0
    resume = tmp_path / "killed/resume.pt"
    command = killed(train(store, settings, tmp_path / "killed", "--resume-every", "0"), resume.is_file)
    assert resume.is_file()
    assert taken_up(command, tmp_path / "killed") == contents(tmp_path / "whole")


def test_early_stopping_ends_a_round_with_its_best_epoch(store: Path, tmp_path: Path) -> None:
    base = tiny_round(variant="basnet")
    epochs = tuple(dataclasses.replace(base.epochs[0], epoch=number, learning_rate=0.02) for number in range(80))
    changes = {"epochs": epochs, "early_stopping": EarlyStopping(patience=4, held_out_share=0.25)}
    assert main(train(store, settings_file(tmp_path, base, **changes), tmp_path / "out")) == 0
    rows = list(read_rows(tmp_path / "out/training.csv", ("epoch", "kept", "held_out_loss")))
    kept = [int(row["epoch"]) for row in rows if row["kept"] == "1"]
    assert kept == [int(np.argmin([float(row["held_out_loss"]) for row in rows]))]
    assert len(rows) == kept[0] + 5 < 80


def test_no_round_is_shared_between_methods() -> None:
    suite = read_suite(TINY)
    for node in suite.nodes.values():
        kinds = {suite.variants[name].method.base.kind for name in (node.variant, node.owner)}
        assert len(kinds) == 1, node
    assert suite.nodes["basnet_optimised", 0].owner == "basnet"
    assert suite.nodes["basnet_delta", 1].owner == "basnet_optimised"


def test_a_variant_of_another_method_inherits_none_of_the_keys_of_the_first_and_has_presets_of_its_own() -> None:
    method = read_yaml(TINY)["method"]
    small = {"kind": "basnet", "hidden_size": 8}
    assert method_of(method, {"base": small}, "x").base == BasNetSettings(hidden_size=8)
    code = method_of(method, {"preset": "code", "base": small}, "x").base
    assert code == BasNetSettings(hidden_size=8, classification="binary")
    with pytest.raises(InputError, match=r"base\.prototypes: expected a known key"):
        method_of(method, {"base": {**small, "prototypes": 4}}, "x")
