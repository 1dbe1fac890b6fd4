"""CO2-Net and DELU train in paired steps, learn classes, are killed and go on, and find proposals from attention."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from round_run import contents, killed, settings_file, taken_up, tiny_round, tiny_store, train

from wtal.base.files import read_rows, to_json, write_text
from wtal.base.schema import to_mapping
from wtal.cli import main
from wtal.data.store.read import read_store
from wtal.localise.fusion.soft_nms import SoftNms
from wtal.methods.co2net.settings import Co2NetSettings, CrossModalSettings, DeluSettings
from wtal.suite.method_settings import DetectionSettings, ProposalSettings
from wtal.suite.step_settings import DetectSettings, RoundSettings

SMALL = {"attention_size": 8, "hidden_size": 16, "dropout": 0.3, "filter_dropout": 0.3}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_store(tmp_path_factory.mktemp("store") / "data")


def paired_round(base: CrossModalSettings, n_epochs: int) -> RoundSettings:
    """A round of steps of two pairs and a video, 20 snippets of each."""
    settings = tiny_round(variant="basnet")
    epochs = tuple(dataclasses.replace(settings.epochs[0], epoch=k, learning_rate=0.01) for k in range(n_epochs))
    changes = {"epochs": epochs, "videos_per_step": 5, "pairs": 2, "sampled_snippets": 20, "weight_decay": 1e-3}
    return dataclasses.replace(settings, base=base, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [Co2NetSettings, DeluSettings])
def test_paired_training_finds_the_classes_of_its_videos_and_detects_by_attention(
    kind: type[CrossModalSettings], store: Path, tmp_path: Path
) -> None:
    settings = settings_file(tmp_path, paired_round(kind(**SMALL), 60))  # type: ignore[arg-type]
    out = tmp_path / "out"
    assert main(train(store, settings, out)) == 0
    names = ["coactivity", "mutual", "sparsity", "guide"] + ["evidential", "uncertainty"] * (kind is DeluSettings)
    rows = list(read_rows(out / "training.csv", [f"loss_{name}" for name in names]))
    assert all(float(row["loss_coactivity"]) > 0 for row in rows)
    with np.load(out / "scores_train.npz") as archive:
        best = archive["video_score"][:, :-1].argmax(axis=1)
    opened = read_store(store)
    assert opened.video_labels[opened.videos("train")][np.arange(len(best)), best].mean() > 0.7
    proposals = ProposalSettings(
        source="attention",
        thresholds=(0.1, 0.3, 0.5, 0.7),
        class_threshold=1.0,
        class_fallback="best",
        run_length="plain",
    )
    detect = DetectSettings(
        proposals=proposals, detection=DetectionSettings(fusion=SoftNms(floor=None)), report_best_test_epoch=False
    )
    write_text(tmp_path / "detect.json", to_json(to_mapping(detect)))
    command = ["detect", "--settings", str(tmp_path / "detect.json"), "--data", str(store)]
    command += ["--scores", str(out / "scores_test.npz"), "--rounds", str(tmp_path / "rounds.npz")]
    assert main([*command, "--detections", str(tmp_path / "detections.json")]) == 0
    results = json.loads((tmp_path / "detections.json").read_text())["results"]
    classes = [{each["label"] for each in found} for found in results.values()]
    assert all(len(found) <= 1 for found in classes)  # no class reaches the threshold: the best one alone
    assert any(classes)


def test_a_killed_round_of_pairs_goes_on_and_ends_in_the_same_bytes(store: Path, tmp_path: Path) -> None:
    settings = settings_file(tmp_path, paired_round(DeluSettings(**SMALL), 60))  # type: ignore[arg-type]
    assert main(train(store, settings, tmp_path / "whole")) == 0
    resume = tmp_path / "killed/resume.pt"
    command = killed(train(store, settings, tmp_path / "killed", "--resume-every", "0"), resume.is_file)
    assert resume.is_file()
    assert taken_up(command, tmp_path / "killed") == contents(tmp_path / "whole")
