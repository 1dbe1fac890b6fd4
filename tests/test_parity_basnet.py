"""BaS-Net against stored values of its published code: outputs, losses, gradients and twelve steps of training.

See data/parity/methods/README.md.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from round_run import tiny_round

from wtal.methods.basnet.network import BasNet
from wtal.methods.basnet.settings import BasNetSettings
from wtal.methods.batch import ArrayVideos, Batch, batch_of
from wtal.methods.contract import Losses
from wtal.training.adam import Adam

CPU = torch.device("cpu")
SCORES, LOGITS, LOSSES, SUM, PARAMETERS = 2e-6, 1e-5, 3e-6, 3e-5, 3e-6  # tolerances that stand with the values


@dataclass(frozen=True)
class Stored:
    """The file, its constants, and the videos in it."""

    arrays: dict[str, np.ndarray]
    settings: dict[str, Any]
    videos: ArrayVideos

    def batch(self, prefix: str, step: int | None = None) -> Batch:
        """The batch, or that of one step."""
        chosen, rows = self.arrays[f"{prefix}/video"], self.arrays[f"{prefix}/index"]
        if step is not None:
            chosen, rows = chosen[step], rows[step]
        return batch_of(self.videos, chosen.tolist(), CPU, list(rows))

    def network(self, classification: str = "binary") -> BasNet:
        """The network with the stored parameters."""
        sizes = {"filter_size": self.settings["filter_width"], "hidden_size": self.settings["hidden_width"]}
        settings = BasNetSettings(
            **sizes,
            leaky_slope=self.settings["leaky_slope"],
            dropout=self.settings["dropout_here"],
            top_k_share=1 / self.settings["top_k_divisor"],
            attention_weight=self.settings["attention_weight"],
            classification=classification,
        )
        network = BasNet(self.settings["feature_width"], self.settings["classes"], settings)
        network.load_state_dict({name: torch.from_numpy(self.arrays[f"param/{name}"]) for name in network.state_dict()})
        return network


@pytest.fixture(scope="module")
def stored(parity: Path) -> Stored:
    with np.load(parity / "methods/basnet.npz", allow_pickle=False) as archive:
        arrays = {key: archive[key] for key in archive.files}
    settings = json.loads(str(arrays["settings"]))
    numbers = range(len(settings["lengths"]))
    features = [arrays[f"video{index}/features"] for index in numbers]
    return Stored(
        arrays, settings, ArrayVideos(features, np.stack([arrays[f"video{index}/label"] > 0 for index in numbers]))
    )


def close(found: torch.Tensor, expected: np.ndarray, limit: float) -> None:
    np.testing.assert_allclose(found.detach().numpy(), expected, atol=limit, rtol=0)


def losses_of(network: BasNet, batch: Batch) -> Losses:
    return network.losses(batch, tiny_round().epochs[0], None, None)


def test_parity_attention_and_both_branches(stored: Stored) -> None:
    output = stored.network()(stored.batch("batch"))
    close(output.attention, stored.arrays["forward/attention"], SCORES)
    for name in ("base", "suppressed"):
        close(getattr(output, name), stored.arrays[f"forward/class_activation_{name}"], LOGITS)
        video = torch.softmax(getattr(output, f"{name}_video"), dim=1)
        close(video, stored.arrays[f"forward/video_score_{name}"], SCORES)


def test_parity_losses_and_gradients_of_every_parameter(stored: Stored) -> None:
    network = stored.network()
    losses = losses_of(network, stored.batch("batch"))
    for ours, theirs, limit in LOSS_NAMES:
        assert losses.parts[ours].mean().item() == pytest.approx(float(stored.arrays[f"loss/{theirs}"]), abs=limit)
    total = losses.base.mean()
    assert total.item() == pytest.approx(float(stored.arrays["loss/total"]), abs=LOSSES)
    total.backward()
    for name, parameter in network.named_parameters():
        expected = stored.arrays[f"grad/{name}"]
        close(parameter.grad, expected, max(2e-6, 1e-5 * float(np.abs(expected).max())))


LOSS_NAMES = (
    ("base", "class_base", LOSSES),
    ("suppressed", "class_suppressed", LOSSES),
    ("sparsity", "attention_sum", SUM),
)


def test_parity_cross_entropy_is_the_plain_form(stored: Stored) -> None:
    losses = losses_of(stored.network("cross_entropy"), stored.batch("batch"))
    for name in ("base", "suppressed"):
        expected = float(stored.arrays[f"loss/class_{name}_cross_entropy"])
        assert losses.parts[name].mean().item() == pytest.approx(expected, abs=LOSSES)


def test_parity_parameters_over_twelve_steps(stored: Stored) -> None:
    network = stored.network()
    adam = Adam(network.parameters(), tuple(stored.settings["betas"]), stored.settings["weight_decay"])
    for step in range(stored.settings["steps"]):
        losses = losses_of(network, stored.batch("trajectory", step))
        for ours, theirs, limit in LOSS_NAMES:
            expected = float(stored.arrays[f"trajectory/loss/{theirs}"][step])
            assert losses.parts[ours].mean().item() == pytest.approx(expected, abs=limit)
        losses.base.mean().backward()
        adam.step(stored.settings["learning_rate"])
        adam.clear()
        if step == 0:
            parameters_are(network, stored, "after_step_1")
    parameters_are(network, stored, "final")


def parameters_are(network: BasNet, stored: Stored, when: str) -> None:
    for name, parameter in network.named_parameters():
        close(parameter, stored.arrays[f"trajectory/{when}/{name}"], PARAMETERS)


def test_parity_scores_of_test_videos(stored: Stored) -> None:
    network = stored.network()
    for index in stored.settings["test_videos"]:
        rows = stored.arrays[f"test/video{index}/index"]
        batch = batch_of(stored.videos, [index], CPU, [rows])
        own = {key: stored.arrays[f"test/video{index}/{key}"] for key in TEST_KEYS}
        with torch.no_grad():
            found = network.scores(batch, "detection", None)
            close(network(batch).suppressed[0], own["class_activation_suppressed"], LOGITS)
        close(found.video[0], own["video_score"], SCORES)
        close(found.attention, own["attention"], SCORES)
        shares = np.exp(own["class_activation_suppressed"])
        expected = shares / shares.sum(axis=1, keepdims=True) * own["attention"][:, None]
        close(found.snippet, expected, LOGITS)


TEST_KEYS = ("video_score", "class_activation_suppressed", "attention")


def test_parity_settings_of_the_published_code_are_the_preset(stored: Stored) -> None:
    ours = BasNetSettings(**BasNetSettings.presets["code"])
    assert ours.dropout == stored.settings["dropout_published"]
    fields = ("leaky_slope", "attention_weight")
    assert all(getattr(ours, name) == stored.settings[name] for name in fields)
    assert dataclasses.replace(ours, classification="cross_entropy") == BasNetSettings()
