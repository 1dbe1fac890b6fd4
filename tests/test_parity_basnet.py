"""BaS-Net against stored values of its published code: outputs, losses, gradients and twelve steps of training.

See data/parity/methods/README.md.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from stored_method import CPU, LOGITS, LOSSES, SCORES, StoredMethod, close, losses_of, read_stored

from wtal.methods.basnet.network import BasNet
from wtal.methods.basnet.settings import BasNetSettings
from wtal.methods.batch import batch_of
from wtal.methods.contract import Losses

SUM = 3e-5  # tolerance of a sum over time, which stands with the values


class Stored(StoredMethod):
    """The file of BaS-Net."""

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
        self.load(network)
        return network


@pytest.fixture(scope="module")
def stored(parity: Path) -> Stored:
    return read_stored(Stored, parity, "basnet")


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
    stored.gradients_are(network, "grad")


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

    def losses_of_step(step: int) -> Losses:
        losses = losses_of(network, stored.batch("trajectory", step))
        for ours, theirs, limit in LOSS_NAMES:
            expected = float(stored.arrays[f"trajectory/loss/{theirs}"][step])
            assert losses.parts[ours].mean().item() == pytest.approx(expected, abs=limit)
        return losses

    stored.trained_alike(network, losses_of_step)


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
