"""W-TALC against stored values of its published code: outputs, losses, gradients, twelve steps, scores and segments.

See data/parity/methods/README.md.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from stored_method import CPU, LOGITS, LOSSES, SCORES, StoredMethod, close, losses_of, read_stored

from wtal.base.records import Detections, Instances
from wtal.evaluate import AmbiguousIntervals, EvaluationOptions, WtalcProtocol, evaluate_detections
from wtal.localise.propose import proposals_of_class
from wtal.methods.action_logits import min_max_over_time
from wtal.methods.batch import batch_of
from wtal.methods.contract import Losses
from wtal.methods.wtalc.network import Wtalc
from wtal.methods.wtalc.settings import WtalcSettings
from wtal.suite.method_settings import ProposalSettings


class Stored(StoredMethod):
    """The file of W-TALC."""

    def rows(self, prefix: str, step: int | None, chosen: np.ndarray) -> list[np.ndarray]:
        """Windows of longer videos."""
        lengths = [len(self.videos.features(video)) for video in chosen]
        longest, starts = self.settings["segments"], self.of_step(f"{prefix}/start", step)
        return [start + np.arange(min(length, longest)) for start, length in zip(starts, lengths)]

    def network(self) -> Wtalc:
        """The network with the stored parameters."""
        names = ("top_k_divisor", "coactivity_weight", "coactivity_margin")
        settings = WtalcSettings(
            embedding_size=self.settings["embed_width"],
            dropout=self.settings["dropout_here"],
            classification_weight=self.settings["class_weight"],
            **{name: self.settings[name] for name in names},
        )
        network = Wtalc(self.settings["feature_width"], self.settings["classes"], settings)
        self.load(network)
        return network


@pytest.fixture(scope="module")
def stored(parity: Path) -> Stored:
    return read_stored(Stored, parity, "wtalc")


def test_parity_embedding_and_logits(stored: Stored) -> None:
    batch = stored.batch("batch")
    output = stored.network()(batch)
    np.testing.assert_array_equal(batch.lengths.numpy(), stored.arrays["batch/length"])
    longest = batch.mask.shape[1]
    for found, name in ((output.embedding, "feature"), (output.logits, "logits")):
        expected = stored.arrays[f"forward/{name}"][:, :longest]
        close(found[batch.mask], expected[batch.mask.numpy()], LOGITS)


def losses_are(losses: Losses, stored: Stored, prefix: str, step: int | None = None) -> None:
    found = {"class": losses.parts["classification"], "coactivity": losses.parts["coactivity"], "total": losses.base}
    for name, values in found.items():
        expected = float(stored.of_step(f"{prefix}/{name}", step))
        assert values.mean().item() == pytest.approx(expected, abs=LOSSES), name


def test_parity_losses_and_gradients_of_every_parameter(stored: Stored) -> None:
    network = stored.network()
    losses = losses_of(network, stored.batch("batch"))
    losses_are(losses, stored, "loss")
    losses.base.mean().backward()
    stored.gradients_are(network, "grad")


def test_parity_parameters_over_twelve_steps(stored: Stored) -> None:
    network = stored.network()

    def losses_of_step(step: int) -> Losses:
        losses = losses_of(network, stored.batch("trajectory", step))
        losses_are(losses, stored, "trajectory/loss", step)
        return losses

    stored.trained_alike(network, losses_of_step)


@torch.no_grad()
def test_parity_scores_of_test_videos(stored: Stored) -> None:
    network = stored.network()
    for index in stored.settings["test_videos"]:
        batch = batch_of(stored.videos, [index], CPU)
        found, logits = network.scores(batch, "detection", None), network(batch).logits
        close(logits[0], stored.arrays[f"test/video{index}/logits"], LOGITS)
        close(found.video[0, :-1], stored.arrays[f"test/video{index}/classification_score"], SCORES)
        torch.testing.assert_close(found.snippet[:, :-1], min_max_over_time(logits, batch)[0])


@torch.no_grad()
def test_parity_segments_are_the_runs_above_half_of_the_snippet_scores(stored: Stored) -> None:
    """The published threshold is the midpoint of the least and the most of a class in its video."""
    network, found = stored.network(), []
    settings = ProposalSettings(thresholds=(0.5,), minimum_length=stored.settings["minimum_length"], run_length="plain")
    for index in stored.settings["test_videos"]:
        scores = network.scores(batch_of(stored.videos, [index], CPU), "detection", None).snippet.numpy()
        used = stored.arrays[f"test/video{index}/class_score"] > stored.settings["detection_class_threshold"]
        for label in np.flatnonzero(used):
            runs = proposals_of_class(scores[:, label], settings)
            found += [(label, index, start, end) for start, end in zip(runs.start, runs.end)]
    expected = zip(*(stored.arrays[f"detection/{name}"].tolist() for name in ("class", "video", "start", "end")))
    assert sorted(found) == sorted(expected)


def test_parity_settings_of_the_published_code_are_the_defaults(stored: Stored) -> None:
    ours, constants = WtalcSettings(), stored.settings
    assert ours.dropout == constants["dropout_published"]
    assert ours.classification_weight == constants["class_weight"]
    fields = ("top_k_divisor", "coactivity_weight", "coactivity_margin")
    assert all(getattr(ours, name) == constants[name] for name in fields)
    assert ours.published["weight_decay"] == constants["batch"] * constants["weight_decay"]


def test_parity_mean_average_precision_of_the_published_evaluation(stored: Stored) -> None:
    constants, arrays = stored.settings, stored.arrays
    names, rate = tuple(map(str, constants["test_videos"])), constants["snippets_per_second"]
    place = {video: number for number, video in enumerate(constants["test_videos"])}
    segments = {video: arrays[f"video{video}/segments_seconds"] for video in constants["test_videos"]}
    truth = Instances(
        videos=names,
        classes=tuple(constants["class_names"]),
        video=np.concatenate([np.full(len(rows), place[video]) for video, rows in segments.items()]),
        class_index=np.concatenate([arrays[f"video{video}/segment_classes"] for video in segments]),
        start=np.concatenate([rows[:, 0] for rows in segments.values()]),
        end=np.concatenate([rows[:, 1] for rows in segments.values()]),
    )
    detections = Detections(
        videos=names,
        classes=truth.classes,
        video=np.array([place[video] for video in arrays["detection/video"]]),
        class_index=arrays["detection/class"],
        start=arrays["detection/start"] / rate,
        end=arrays["detection/end"] / rate,
        score=arrays["detection/score"],
    )
    ambiguous = constants["ambiguous"]
    options = EvaluationOptions(
        protocol=WtalcProtocol(),
        tiou=tuple(constants["tiou"]),
        snippets_per_second=rate,
        missing_class="zero_all",
        ambiguous=AmbiguousIntervals(
            tuple(str(each["video"]) for each in ambiguous),
            np.array([each["start_seconds"] for each in ambiguous]),
            np.array([each["end_seconds"] for each in ambiguous]),
        ),
    )
    found = evaluate_detections(detections, truth, options)
    assert found.n_detections == arrays["detection/kept_after_ambiguous"].sum()
    np.testing.assert_allclose(found.mean, arrays["mAP_percent"], atol=1e-6)
    np.testing.assert_allclose(found.per_class[arrays["AP_classes"]].T / 100, arrays["AP"], atol=1e-6)
