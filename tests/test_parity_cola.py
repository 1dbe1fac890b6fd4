"""CoLA against stored values of its published code: outputs, sets of snippets, losses, gradients and twelve steps.

See data/parity/methods/README.md.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stored_method import CPU, LOGITS, LOSSES, SCORES, StoredMethod, close, losses_of, read_stored

from wtal.methods.batch import batch_of
from wtal.methods.cola.contrast import contrast_losses, contrast_sets, rings
from wtal.methods.cola.network import Cola
from wtal.methods.cola.settings import ColaSettings
from wtal.methods.contract import Losses

SETS = ("easy_action", "easy_background", "hard_action", "hard_background")


class Stored(StoredMethod):
    """The file of CoLA."""

    def network(self, **changes: object) -> Cola:
        """The network with the stored parameters."""
        names = ("easy_divisor", "hard_divisor", "small_element", "large_element", "temperature", "contrast_weight")
        values: dict[str, Any] = {name: self.settings[name] for name in names}
        values |= {"embedding_size": self.settings["hidden_width"], **ColaSettings.presets["code"], **changes}
        dropout = self.settings["dropout_here"]
        settings = ColaSettings(dropout=dropout, easy_dropout=dropout, **values)
        network = Cola(self.settings["feature_width"], self.settings["classes"], settings)
        self.load(network)
        return network


@pytest.fixture(scope="module")
def stored(parity: Path) -> Stored:
    return read_stored(Stored, parity, "cola")


def test_parity_embedding_and_activations(stored: Stored) -> None:
    output = stored.network()(stored.batch("batch"))
    close(output.embedding, stored.arrays["forward/embedding"], LOGITS)
    close(output.activation, stored.arrays["forward/class_activation"], LOGITS)
    close(output.actionness, stored.arrays["forward/actionness"], LOGITS)
    close(torch.softmax(output.video, dim=1), stored.arrays["forward/video_score"], SCORES)


@pytest.mark.parametrize("fill", ["any", "members"])
def test_parity_rings_and_the_snippets_chosen(stored: Stored, fill: str) -> None:
    network, batch = stored.network(ring_fill=fill), stored.batch("batch")
    actionness = network(batch).actionness
    for found, name in zip(rings(actionness, batch, network.settings), ("inner", "outer")):
        np.testing.assert_array_equal(found.numpy(), stored.arrays[f"select/{name}_ring"] > 0)
    sets = contrast_sets(actionness, torch.ones_like(actionness), batch, network.settings)
    for name in SETS:
        chosen = getattr(sets, name).index.sort(dim=1).values
        np.testing.assert_array_equal(chosen.numpy(), stored.arrays[f"select/{name}_index"])


@pytest.mark.parametrize("fill", ["any", "members"])
def test_parity_losses_and_gradients_of_every_parameter(stored: Stored, fill: str) -> None:
    network = stored.network(ring_fill=fill)  # every ring here has snippets enough
    losses = losses_of(network, stored.batch("batch"))
    for ours, theirs in LOSS_NAMES:
        assert losses.parts[ours].mean().item() == pytest.approx(float(stored.arrays[f"loss/{theirs}"]), abs=LOSSES)
    total = losses.base.mean()
    assert total.item() == pytest.approx(float(stored.arrays["loss/total"]), abs=LOSSES)
    total.backward()
    stored.gradients_are(network, "grad")


LOSS_NAMES = (
    ("classification", "action"),
    ("contrast_action", "contrast_action"),
    ("contrast_background", "contrast_background"),
)


def test_parity_contrast_where_snippets_are_left_out(stored: Stored) -> None:
    network, batch = stored.network(), stored.batch("batch")
    output = network(batch)
    sets = contrast_sets(output.actionness, torch.from_numpy(stored.arrays["masked/mask"]), batch, network.settings)
    for name in ("easy_action", "easy_background"):
        chosen = getattr(sets, name).index.sort(dim=1).values
        np.testing.assert_array_equal(chosen.numpy(), stored.arrays[f"masked/select/{name}_index"])
    contrasts = contrast_losses(output.embedding, sets, network.settings.temperature)
    for found, name in zip(contrasts, ("action", "background")):
        assert found.mean().item() == pytest.approx(float(stored.arrays[f"masked/loss/contrast_{name}"]), abs=LOSSES)
    contrast = network.settings.contrast_weight * (contrasts[0] + contrasts[1]).mean()
    total = losses_of(stored.network(contrast_weight=0.0), batch).base.mean().item() + contrast.item()
    assert total == pytest.approx(float(stored.arrays["masked/loss/total"]), abs=LOSSES)
    (network._classification(output.video, batch.labels).mean() + contrast).backward()
    stored.gradients_are(network, "masked/grad")


def test_parity_cross_entropy_is_the_plain_form(stored: Stored) -> None:
    losses = losses_of(stored.network(classification="cross_entropy"), stored.batch("batch"))
    expected = float(stored.arrays["loss/action_cross_entropy"])
    assert losses.parts["classification"].mean().item() == pytest.approx(expected, abs=LOSSES)
    assert losses.base.mean().item() == pytest.approx(float(stored.arrays["loss/total_cross_entropy"]), abs=LOSSES)


def test_parity_parameters_over_twelve_steps(stored: Stored) -> None:
    network = stored.network()

    def losses_of_step(step: int) -> Losses:
        losses = losses_of(network, stored.batch("trajectory", step))
        contrast = losses.parts["contrast_action"] + losses.parts["contrast_background"]
        found = {"action": losses.parts["classification"], "contrast": contrast, "total": losses.base}
        for name, values in found.items():
            expected = float(stored.arrays[f"trajectory/loss/{name}"][step])
            assert values.mean().item() == pytest.approx(expected, abs=LOSSES)
        return losses

    stored.trained_alike(network, losses_of_step)


@torch.no_grad()
def test_parity_scores_of_test_videos(stored: Stored) -> None:
    network, every = stored.network(), stored.settings["upsampling"]
    for index in stored.settings["test_videos"]:
        prefix = f"test/video{index}/"
        own = {key.removeprefix(prefix): value for key, value in stored.arrays.items() if key.startswith(prefix)}
        batch = batch_of(stored.videos, [index], CPU, [own["index"]])
        found, output = network.scores(batch, "detection", None), network(batch)
        close(output.activation[0], own["class_activation"], LOGITS)
        close(output.actionness[0], own["actionness"], LOGITS)
        close(found.video[0, :-1], own["video_score"], SCORES)
        seen = np.flatnonzero(found.video[0, :-1].numpy() >= stored.settings["class_threshold"])
        assert (seen if len(seen) else [int(found.video.argmax())]) == pytest.approx(own["classes"])
        if "upsampled_actionness" in own:
            close(found.snippet[:, own["classes"]], own["upsampled_class_activation"][::every], SCORES)
            close(found.attention, own["upsampled_actionness"][::every], SCORES)


def test_parity_settings_of_the_published_code_are_the_preset(stored: Stored) -> None:
    ours = ColaSettings(**ColaSettings.presets["code"])
    assert [ours.dropout, ours.easy_dropout] == stored.settings["dropout_published"]
    fields = ("easy_divisor", "hard_divisor", "small_element", "large_element", "temperature", "contrast_weight")
    assert all(getattr(ours, name) == stored.settings[name] for name in fields)
    assert dataclasses.replace(ours, **ColaSettings.presets["paper"]) == ColaSettings()
