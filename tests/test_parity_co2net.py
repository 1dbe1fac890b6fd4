"""CO2-Net and DELU against stored values of the published code: outputs, losses, gradients, twelve steps, detections.

See data/parity/methods/README.md.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from stored_method import CPU, LOGITS, LOSSES, SCORES, StoredMethod, close, losses_of, read_stored

from wtal.localise.detect import detected_classes
from wtal.localise.fusion.soft_nms import SoftNms
from wtal.localise.propose import proposals_of_class
from wtal.methods.batch import ArrayVideos, batch_of
from wtal.methods.co2net.delu import snippet_uncertainty, uncertainty_weight
from wtal.methods.co2net.network import Co2Net
from wtal.methods.co2net.output import CrossModalOutput
from wtal.methods.co2net.settings import Co2NetSettings, DeluSettings
from wtal.methods.contract import Losses
from wtal.suite.method_settings import ProposalSettings

BOUNDS, COMPARED = 1e-9, 1e-3  # below the latter a score after soft suppression depends on near ties
KINDS: dict[str, Any] = {"co2net": Co2NetSettings, "delu": DeluSettings}
NAMES = {"base": "class", "suppressed": "class_suppressed", "uncertainty": "uncertainty_guide"}  # where they differ


class Stored(StoredMethod):
    """The file of CO2-Net or of DELU."""

    def stored_name(self, parameter: str) -> str:
        """What the file calls a parameter."""
        return parameter.replace(".whole.", ".global.")

    def network_settings(self, **changes: object) -> Any:
        """The settings of the released code with the constants that are stored."""
        stored, kind = self.settings, KINDS[self.kind]
        values: dict[str, object] = {
            **kind.presets["code"],
            "first_stream": stored["stream_width"],
            "attention_size": stored["attention_width"],
            "hidden_size": stored["feature_width"],
            "leaky_slope": stored["leaky_slope"],
            "filter_dropout": stored["dropout_here"],
            "dropout": stored["dropout_here"],
            "top_k_divisor": stored["top_k_divisor"],
            "score_top_k_divisor": stored["test_top_k_divisor"],
            "label_epsilon": stored["label_sum_epsilon"],
            "coactivity_margin": stored["coactivity_margin"],
            **{f"{name}_weight": stored["weights"][name] for name in ("coactivity", "mutual", "sparsity", "guide")},
        }
        if self.kind == "delu":
            values |= {
                "evidential_weight": stored["weights"]["evidential"],
                "uncertainty_weight": stored["weights"]["uncertainty_guide"],
                "evidence_divisor": stored["evidence_top_k_divisor"],
                "evidence_clip": stored["evidence_clip"],
                "uncertainty_amplitude": stored["amplitude"],
                "uncertainty_epochs": stored["max_iterations"],
            }
        return kind(**{**values, **changes})

    def network(self, **changes: object) -> Co2Net:
        """The network with the stored parameters."""
        settings = self.network_settings(**changes)
        network: Co2Net = settings.network(self.settings["feature_width"], self.settings["classes"], None)
        self.load(network)
        return network

    @property
    def iteration(self) -> int:
        """That of the stored losses, which for CO2-Net do not depend on it."""
        return int(self.settings.get("iteration", 0))


@pytest.fixture(scope="module", params=list(KINDS))
def stored(parity: Path, request: pytest.FixtureRequest) -> Stored:
    return read_stored(Stored, parity, request.param)


@pytest.fixture(scope="module")
def delu(parity: Path) -> Stored:
    return read_stored(Stored, parity, "delu")


def parts_are(losses: Losses, stored: Stored, prefix: str, step: int | None = None) -> None:
    """Each loss and their weighted sum, as the mean over the batch."""
    for name, value in {**losses.parts, "total": losses.base}.items():
        expected = float(stored.of_step(f"{prefix}/{NAMES.get(name, name)}", step))
        assert value.mean().item() == pytest.approx(expected, abs=LOSSES), name


def test_parity_attentions_features_and_logits(stored: Stored) -> None:
    output = stored.network()(stored.batch("batch"))
    for name, found in zip(("attention_rgb", "attention_flow"), output.attentions):
        close(found, stored.arrays[f"forward/{name}"], SCORES)
    close(output.attention, stored.arrays["forward/attention"], SCORES)
    close(output.features, stored.arrays["forward/feature"], LOGITS)
    close(output.logits, stored.arrays["forward/logits"], LOGITS)
    close(output.suppressed, stored.arrays["forward/suppressed_logits"], LOGITS)


def test_parity_losses_and_gradients_of_every_parameter(stored: Stored) -> None:
    network = stored.network()
    losses = losses_of(network, stored.batch("batch"), stored.iteration)
    parts_are(losses, stored, "loss")
    losses.base.mean().backward()
    stored.gradients_are(network, "grad")


def test_parity_parameters_over_twelve_steps(stored: Stored) -> None:
    network = stored.network()

    def losses_of_step(step: int) -> Losses:
        iteration = int(stored.arrays["trajectory/iteration"][step])
        losses = losses_of(network, stored.batch("trajectory", step), iteration)
        parts_are(losses, stored, "trajectory/loss", step)
        return losses

    stored.trained_alike(network, losses_of_step)


def test_parity_plain_rank_of_uncertainty(delu: Stored) -> None:
    network = delu.network(uncertainty_rank="rank")
    losses = losses_of(network, delu.batch("batch"), delu.iteration)
    expected = float(delu.arrays["plain_rank/loss/uncertainty_guide"])
    assert losses.parts["uncertainty"].mean().item() == pytest.approx(expected, abs=LOSSES)
    total = losses.base.mean()
    assert total.item() == pytest.approx(float(delu.arrays["plain_rank/loss/total"]), abs=LOSSES)
    total.backward()
    delu.gradients_are(network, "plain_rank/grad")


def test_parity_uncertainty_and_its_weights(delu: Stored) -> None:
    batch, settings = delu.batch("batch"), delu.network_settings()
    output = delu.network()(batch)
    close(snippet_uncertainty(output, settings), delu.arrays["uncertainty/snippet"], SCORES)
    curve = delu.arrays["uncertainty/curve"]
    progress = delu.iteration / settings.uncertainty_epochs
    for way in ("rank", "argsort"):
        chosen = dataclasses.replace(settings, uncertainty_rank=way)
        found = uncertainty_weight(output, batch, progress, chosen)
        close(found, curve[delu.arrays[f"uncertainty/{way}"]], SCORES)


@pytest.mark.parametrize("way", ["rank", "argsort"])
def test_parity_guide_at_other_times(delu: Stored, way: str) -> None:
    network, batch = delu.network(uncertainty_rank=way), delu.batch("batch")
    prefix = f"uncertainty/guide_loss_{way}/iteration_"
    times = [int(key.removeprefix(prefix)) for key in delu.arrays if key.startswith(prefix)]
    assert times
    for iteration in times:
        found = losses_of(network, batch, iteration).parts["uncertainty"].mean().item()
        assert found == pytest.approx(float(delu.arrays[f"{prefix}{iteration}"]), abs=LOSSES)


def test_parity_scores_of_test_videos(stored: Stored) -> None:
    network, n_classes = stored.network(), stored.settings["classes"]
    for index in stored.settings["test_videos"]:
        batch = batch_of(stored.videos, [index], CPU)
        own = {key: stored.arrays[f"test/video{index}/{key}"] for key in ("logits", "attention", "video_score")}
        with torch.no_grad():
            found = network.scores(batch, "detection", None)
            close(network(batch).logits[0], own["logits"], LOGITS)
        close(found.attention, own["attention"], SCORES)
        close(found.video[0, :n_classes], own["video_score"], SCORES)
        shares = np.exp(own["logits"])
        expected = shares / shares.sum(axis=1, keepdims=True) * own["attention"][:, None]
        close(found.snippet, expected, LOGITS)


def proposal_settings(stored: Stored) -> ProposalSettings:
    """The proposals of the released code."""
    return ProposalSettings(
        source="attention",
        thresholds=tuple(stored.settings["attention_thresholds"]),
        first_snippet="lost",
        class_threshold=stored.settings["class_threshold"],
        class_fallback="best",
        run_length="plain",
        margin_factor=stored.settings["outer_margin"],
        margin_power=1.0,
        minimum_length=1,
        video_score_weight=stored.settings["score_weight"],
    )


def detected(
    stored: Stored, logits: NDArray[np.float64], attention: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Video score [C]; proposals and what soft-NMS makes of them, both class, start, end and score [P, 4]."""
    network, settings = stored.network(), proposal_settings(stored)
    rows, seen = (torch.from_numpy(np.asarray(values, dtype=np.float64))[None] for values in (logits, attention))
    batch = batch_of(ArrayVideos([np.zeros((len(logits), 1), np.float32)], stored.videos.video_labels[:1]), [0], CPU)
    video = network.video_score(CrossModalOutput(rows, rows, (seen, seen)), batch)[0, :-1].numpy()
    fusion = SoftNms(sigma=stored.settings["soft_nms_sigma"], floor=None, negative="decayed", added_length=1.0)
    before, after = [np.zeros((0, 4))], [np.zeros((0, 4))]
    for number in detected_classes(video, settings):
        scores = np.asarray(attention) * np.asarray(logits)[:, number]  # what the released code scores by
        made = proposals_of_class(scores, settings, attention, float(video[number]))
        fused = fusion(made)
        label = np.full(len(made), number)
        before.append(np.stack([label, made.start, made.end, made.contrast], axis=1))
        after.append(np.stack([label, fused.start, fused.end, fused.score], axis=1))
    return video, np.concatenate(before), np.concatenate(after)


def same_segments(found: NDArray[np.float64], expected: NDArray[np.float64], least: float = -np.inf) -> None:
    """The same rows of class, start, end and score as sets; of those with a score below `least` the number alone."""
    assert len(found) == len(expected)
    found, expected = (rows[rows[:, 3] >= least] for rows in (found, expected))
    assert len(found) == len(expected)
    found, expected = (rows[np.lexsort(rows.T[::-1])] for rows in (found, expected))
    np.testing.assert_allclose(found[:, :3], expected[:, :3], atol=BOUNDS, rtol=0)
    np.testing.assert_allclose(found[:, 3], expected[:, 3], atol=LOGITS, rtol=0)


def places(stored: Stored) -> list[str]:
    """Where the file holds attention and logits with the detections that come of them."""
    crafted = {key.rpartition("/")[0] for key in stored.arrays if key.startswith("crafted/")}
    return [*(f"test/video{index}" for index in stored.settings["test_videos"]), *sorted(crafted)]


def test_parity_proposals_and_soft_suppression(stored: Stored) -> None:
    assert any(place.startswith("crafted") for place in places(stored))
    for place in places(stored):
        own = {key: stored.arrays[f"{place}/{key}"] for key in ("logits", "attention")}
        video, before, after = detected(stored, own["logits"], own["attention"])
        np.testing.assert_allclose(video, stored.arrays[f"{place}/video_score"], atol=SCORES, rtol=0)
        same_segments(before, stored.arrays[f"{place}/proposals"])
        same_segments(after, stored.arrays[f"{place}/after_soft_nms"], COMPARED)


def test_parity_detections_of_the_network_itself(stored: Stored) -> None:
    network, found = stored.network(), []
    for index in stored.settings["test_videos"]:
        with torch.no_grad():
            output = network(batch_of(stored.videos, [index], CPU))
        _, _, after = detected(stored, output.logits[0].numpy(), output.attention[0].numpy())
        is_kept = after[:, 2] - after[:, 1] > stored.settings["minimum_length_exclusive"]
        for interval in stored.settings["ambiguous"]:
            if interval["video"] == index:
                rate = stored.settings["snippets_per_second"]
                first, last = (round(interval[key] * rate) for key in ("start_seconds", "end_seconds"))
                is_kept &= (after[:, 2] <= first) | (after[:, 1] >= last)
        found.append(np.column_stack([np.full(is_kept.sum(), index), after[is_kept]]))
    rows = np.concatenate(found)
    columns = [stored.arrays[f"detection/{key}"] for key in ("video", "class", "start", "end", "score")]
    expected = np.stack([column.astype(np.float64) for column in columns], axis=1)
    for index in stored.settings["test_videos"]:
        same_segments(rows[rows[:, 0] == index, 1:], expected[expected[:, 0] == index, 1:], COMPARED)


def test_parity_settings_of_the_published_code_are_the_preset(stored: Stored) -> None:
    ours, stands = KINDS[stored.kind](**KINDS[stored.kind].presets["code"]), stored.network_settings()
    assert [ours.dropout, ours.filter_dropout] == list(stored.settings["dropout_published"].values())
    sizes = {"first_stream", "attention_size", "hidden_size", "dropout", "filter_dropout", "uncertainty_epochs"}
    names = [field.name for field in dataclasses.fields(ours) if field.name not in sizes]
    assert {name: getattr(ours, name) for name in names} == {name: getattr(stands, name) for name in names}
    training = ours.published
    assert training["learning_rate"][0]["value"] == stored.settings["learning_rate"]
    decay = stored.settings["batch"] * stored.settings["weight_decay"]
    assert (training["adam_betas"], training["weight_decay"]) == (stored.settings["betas"], pytest.approx(decay))
    assert (training["videos_per_step"], training["pairs"]) == (stored.settings["batch"], stored.settings["pairs"])
