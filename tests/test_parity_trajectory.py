"""Whole training runs replayed: the proof that the chain is the published method. See data/parity/README.md."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from wtal.base.records import Instances, VideoScores
from wtal.base.timebase import cut_to_grid
from wtal.evaluate import EvaluationOptions, SnippetProtocol, evaluate_detections
from wtal.evaluate.score.classification import classification_mean
from wtal.localise.detect import detect
from wtal.localise.fusion.gaussian import GaussianFusion
from wtal.localise.labels.file import PseudoLabels
from wtal.localise.labels.make import INFEASIBLE, pseudo_labels
from wtal.localise.labels.optimised import OptimisedLabels
from wtal.methods.batch import ArrayVideos
from wtal.methods.contract import Use
from wtal.methods.label_loss import RoundLabels
from wtal.methods.rskp.method import Rskp
from wtal.methods.rskp.settings import RskpSettings
from wtal.suite import method_settings as s
from wtal.suite.file import VariantEntry
from wtal.suite.plan import Variant, label_settings, round_settings
from wtal.suite.step_settings import DetectSettings
from wtal.suite.training_settings import Until
from wtal.training.rng import generators_of
from wtal.training.score import score_videos
from wtal.training.trainer import Trainer

PARAMETERS = {
    "embedding.weight": "feature_embedding.0.weight",
    "embedding.bias": "feature_embedding.0.bias",
    "prototypes": "mu",
    "class_centres": "ac_center",
    "foreground_centre": "fg_center",
}
LOSSES = {
    "fore": "foreground",
    "back": "background",
    "att": "attention",
    "spl": "consistency",
    "pseudo": "label",
    "total": "total",
}


def method_of(stored: dict[str, Any]) -> s.MethodSettings:
    """The settings of a stored run in our words."""
    code = stored["variant"] == "code"
    used = [piece for piece in stored["label_use"] if piece["target"] == "newest minus previous"]
    rates = zip(stored["learning_rate_last_epoch"], stored["learning_rate_value"])
    weights = stored["loss_weight"]
    label_weight = re.fullmatch(r"min\(([\d.]+) \* ([\d.]+)\*\*\(epoch - \d+\), ([\d.]+)\)", weights["pseudo"])
    assert label_weight is not None, weights["pseudo"]
    start, growth, limit = map(float, label_weight.groups())
    return s.MethodSettings(
        preset="code" if code else "paper",
        base=RskpSettings(
            embedding_size=stored["embedding_size"],
            prototypes=stored["prototypes"],
            em_iterations=stored["em_iterations"],
            random_walk_weight=stored["random_walk_weight"],
            responsibility_scale=stored["responsibility_scale"],
            cosine_scale=stored["cosine_scale"],
            dropout=stored["dropout"],
            memory_slots=stored["memory_slots"],
            memory_from_epoch=stored["memory_used_from_epoch"],
            memory_index=stored["memory_index"],
            foreground_weight=weights["fore"],
            background_weight=weights["back"],
            attention_weight=weights["att"],
            consistency_weight=tuple(
                Until(until=piece["epochs"][1] + 1, value=piece["weight"]) for piece in weights["spl"]
            ),
            consistency_temperature=stored["spl_temperature"],
            consistency_memory_share=stored["spl_target_mix"]["memory"],
            memory_branch_weight=stored["memory_branch_weight"],
            label_original_share=stored["label_loss_mix"]["original"],
            video_original_share=stored["detection"]["video_score_mix"],
            label_snippet_original_share=stored["label_snippet_score_mix"],
            detection_snippet_original_share=stored["detection"]["snippet_score_mix"],
        ),
        training=s.TrainingSettings(
            epochs=stored["epochs"],
            learning_rate=tuple(Until(until=until, value=value) for until, value in rates),
            adam_betas=tuple(stored["optimiser"]["betas"]),
            weight_decay=stored["optimiser"]["weight_decay"],
            videos_per_step=stored["videos_per_step"],
            shuffle=False,
        ),
        proposals=s.ProposalSettings(
            thresholds=tuple(stored["thresholds"]),
            class_threshold=stored["class_threshold"],
            margin_factor=stored["margin_factor"],
            margin_power=stored["margin_power"],
            minimum_length=stored["minimum_length"],
        ),
        labels=s.LabelSettings(
            refresh_epochs=tuple(stored["label_refresh_before_epoch"]),
            first_used_epoch=next(p["epochs"][0] for p in stored["label_use"] if p["target"] == "newest"),
            fusion=GaussianFusion(overlap=stored["fusion_overlap"]),
            fusion_temperatures=tuple(stored["fusion_temperature"]),
            maker=OptimisedLabels(),
            classes=stored["label_classes"],
            weight=s.LabelWeight(start=start, growth=growth, limit=limit),
        ),
        delta=s.DeltaSettings(
            mode="on", scale=tuple(s.From(epoch=piece["epochs"][0], value=piece["scale"]) for piece in used)
        ),
        detection=s.DetectionSettings(
            fusion=GaussianFusion(
                overlap=stored["fusion_overlap"], temperature=stored["detection"]["fusion_temperature"]
            ),
        ),
    )


@dataclass(frozen=True)
class Run:
    """A stored run and what is needed to repeat it."""

    stored: dict[str, np.ndarray]
    settings: dict[str, Any]
    variant: Variant

    @property
    def train(self) -> list[int]:
        return self.settings["train_videos"]

    def videos(self, indices: list[int]) -> ArrayVideos:
        labels = np.stack([self.stored[f"video{index}/label"] > 0 for index in indices])
        return ArrayVideos([self.stored[f"video{index}/features"] for index in indices], labels)

    def scores(self, prefix: str, indices: list[int]) -> VideoScores:
        rows = [self.stored[f"{prefix}/video{index}/snippet_score"] for index in indices]
        offsets = np.concatenate([[0], np.cumsum([len(entry) for entry in rows])])
        snippet = np.concatenate(rows)
        names = tuple(map(str, indices))
        return VideoScores(names, offsets, snippet, self.stored[f"{prefix}/video_score"], snippet[:, 0])


VARIANTS = ("code", "paper")
LOADED: dict[Path, Run] = {}


@pytest.fixture(params=VARIANTS)
def run(request: pytest.FixtureRequest, parity: Path) -> Run:
    path = parity / f"trajectory_{request.param}.npz"
    if path not in LOADED:
        with np.load(path, allow_pickle=False) as archive:
            stored = {key: archive[key] for key in archive.files}
        settings = json.loads(str(stored["settings"]))
        entry = VariantEntry(title=settings["variant"])
        method = method_of(settings)
        LOADED[path] = Run(stored, settings, Variant("run", entry, method, len(method.labels.refresh_epochs)))
    return LOADED[path]


def relative(found: object, stored: np.ndarray) -> float:
    """Largest difference, of the largest magnitude stored."""
    return float(np.abs(np.asarray(found) - stored).max() / np.abs(stored).max())


class Replay:
    """A run trained again by our public functions; labels are the stored ones or our own."""

    def __init__(self, run: Run, *, own_labels: bool, packed: bool = True) -> None:
        self.run, self.own_labels = run, own_labels
        self.videos = run.videos(run.train)
        torch.set_num_threads(1)
        first = self.round(0, packed)
        self.network = Rskp(run.settings["feature_size"], run.settings["n_classes"], first.base, None)
        initial = {ours: run.stored[f"initial/param/{theirs}"] for ours, theirs in PARAMETERS.items()}
        parameters = {name: torch.from_numpy(value) for name, value in initial.items()}
        self.network.load_state_dict(self.network.state_dict() | parameters)
        streams = generators_of("replay", "run", 0, 0, torch.device("cpu"))
        self.trainer = Trainer(self.network, self.videos, first, streams)
        self.parameters: list[dict[str, np.ndarray]] = []
        self.memory: list[tuple[np.ndarray, np.ndarray]] = []
        self.losses: list[dict[str, list[float]]] = []
        self.refreshes: list[VideoScores] = []
        self.labels: list[PseudoLabels] = []
        self.train(packed)

    def round(self, index: int, packed: bool) -> Any:
        return round_settings("replay", self.run.variant, index)

    def train(self, packed: bool) -> None:
        per_video: list[list[np.ndarray]] = []
        for index in range(self.run.variant.rounds + 1):
            if index:
                streams = generators_of("replay", "run", 0, index, torch.device("cpu"))
                self.trainer.begin_round(self.round(index, packed), streams)
                self.refreshes.append(self.score(self.videos, self.run.train, "labels"))
                per_video.append(self.round_labels(index))
            labels = RoundLabels(per_video[-1], per_video[-2] if len(per_video) > 1 else None) if index else None
            self.trainer.run(labels, after_epoch=self.record)

    def round_labels(self, index: int) -> list[np.ndarray]:
        if not self.own_labels:
            return [self.run.stored[f"round{index}/video{video}/label"] for video in self.run.train]
        labels = pseudo_labels(self.refreshes[-1], self.videos.video_labels, label_settings(self.run.variant, index))
        self.labels.append(labels)
        return [labels.label[labels.rows(place)] for place in range(len(self.run.train))]

    def record(self, epoch: object, log: Any) -> None:
        self.parameters.append({name: value.detach().numpy().copy() for name, value in self.network.named_parameters()})
        memory = self.network.memory
        self.memory.append((memory.prototypes.numpy().copy(), memory.scores.numpy().copy()))
        self.losses.append({name: list(values) for name, values in log.losses.items()})

    def score(self, videos: ArrayVideos, indices: list[int], use: Use) -> VideoScores:
        return score_videos(self.network, videos, tuple(map(str, indices)), use)

    def test_scores(self) -> VideoScores:
        indices = self.run.settings["test_videos"]
        return self.score(self.run.videos(indices), indices, "detection")


REPLAYS: dict[tuple[int, bool], Replay] = {}


def replay_of(run: Run, *, own_labels: bool) -> Replay:
    """Each run is trained once for all tests that look at it."""
    key = (id(run), own_labels)
    if key not in REPLAYS:
        REPLAYS[key] = Replay(run, own_labels=own_labels)
    return REPLAYS[key]


def detections_of(run: Run, scores: VideoScores) -> Any:
    method = run.variant.method
    settings = DetectSettings(proposals=method.proposals, detection=method.detection, report_best_test_epoch=False)
    classes = tuple(run.stored["classes"].tolist())
    return detect(scores, classes, settings, run.settings["snippets_per_second"])


def ground_truth(run: Run) -> Instances:
    indices = run.settings["test_videos"]
    counts = [len(run.stored[f"video{index}/segment_classes"]) for index in indices]
    seconds = np.concatenate([run.stored[f"video{index}/segments_seconds"].reshape(-1, 2) for index in indices])
    return Instances(
        videos=tuple(map(str, indices)),
        classes=tuple(run.stored["classes"].tolist()),
        video=np.repeat(np.arange(len(indices)), counts),
        class_index=np.concatenate([run.stored[f"video{index}/segment_classes"] for index in indices]).astype(np.int64),
        start=seconds[:, 0].astype(np.float64),
        end=seconds[:, 1].astype(np.float64),
    )


def map_of(run: Run, detections: Any) -> np.ndarray:
    options = EvaluationOptions(
        protocol=SnippetProtocol(),
        tiou=tuple(run.settings["tiou"]),
        snippets_per_second=run.settings["snippets_per_second"],
        missing_class="zero_all",
    )
    return np.asarray(evaluate_detections(detections, ground_truth(run), options).mean)


def test_parity_level_1_training_with_the_stored_labels_follows_every_parameter_and_loss(run: Run) -> None:
    replay = replay_of(run, own_labels=False)
    for epoch, parameters in enumerate(replay.parameters):
        for ours, theirs in PARAMETERS.items():
            stored = run.stored[f"after_epoch/param/{theirs}"][epoch]
            assert relative(parameters[ours], stored) < 1e-5, f"{ours} after epoch {epoch}"
        for found, name in zip(replay.memory[epoch], ("memory_mu", "memory_score")):
            np.testing.assert_allclose(found, run.stored[f"after_epoch/{name}"][epoch], atol=1e-5, rtol=0)
        for theirs, ours in LOSSES.items():
            each = np.array(replay.losses[epoch][ours])
            limit = 1e-6 if theirs == "pseudo" else 2e-5
            assert abs(each.mean() - run.stored[f"loss/{theirs}"][epoch]) < limit, f"{theirs} of epoch {epoch}"
            limit = 1e-6 if theirs == "pseudo" else 1e-4
            np.testing.assert_allclose(each, run.stored[f"loss_each/{theirs}"][epoch], atol=limit, rtol=0)


def test_parity_level_1_scores_detections_and_map_are_the_stored_ones(run: Run) -> None:
    replay = replay_of(run, own_labels=False)
    for index, scores in enumerate(replay.refreshes, start=1):
        stored = run.scores(f"round{index}", run.train)
        np.testing.assert_allclose(scores.snippet_score, stored.snippet_score, atol=1e-5, rtol=0)
        np.testing.assert_allclose(scores.video_score, stored.video_score, atol=1e-5, rtol=0)
    scores = replay.test_scores()
    stored = run.scores("test", run.settings["test_videos"])
    np.testing.assert_allclose(scores.snippet_score, stored.snippet_score, atol=1e-5, rtol=0)
    np.testing.assert_allclose(scores.video_score, stored.video_score, atol=1e-5, rtol=0)
    detections = detections_of(run, scores)
    check_detections(run, detections)
    np.testing.assert_allclose(map_of(run, detections), run.stored["mAP_percent"], atol=1e-6, rtol=0)
    labels = run.videos(run.settings["test_videos"]).video_labels
    found = classification_mean(scores.video_score[:, :-1], labels)
    assert abs(found - float(run.stored["classification_mAP_percent"])) < 1e-4


def check_detections(run: Run, detections: Any) -> None:
    """Same number, and by class, video and falling score the same bounds and scores, whatever order each is in."""
    rate, stored = run.settings["snippets_per_second"], run.stored
    number = np.array([int(name) for name in detections.videos])[detections.video]
    found = {
        "class": detections.class_index,
        "video": number,
        "start": detections.start * rate,
        "end": detections.end * rate,
        "score": detections.score,
    }
    assert len(detections) == len(stored["detection/score"])
    order = np.lexsort((-found["score"], found["video"], found["class"]))
    stored_order = np.lexsort((-stored["detection/score"], stored["detection/video"], stored["detection/class"]))
    for name, values in found.items():
        limit = 1e-4 if name in ("start", "end", "score") else 0
        expected = stored[f"detection/{name}"][stored_order]
        np.testing.assert_allclose(values[order], expected, atol=limit, rtol=0, err_msg=name)


def stored_labels(run: Run, index: int) -> np.ndarray:
    return np.concatenate([run.stored[f"round{index}/video{video}/label"] for video in run.train])


def test_parity_level_2_the_label_path_from_the_stored_scores(run: Run) -> None:
    videos = run.videos(run.train)
    for index in range(1, run.variant.rounds + 1):
        scores = run.scores(f"round{index}", run.train)
        labels = pseudo_labels(scores, videos.video_labels, label_settings(run.variant, index))
        check_instances(run, index, labels)
        status = run.stored[f"round{index}/lp_status"]
        np.testing.assert_array_equal(labels.status, np.where(status > 0, INFEASIBLE, status))
        assert labels.violation[status == 0].max(initial=0.0) < 1e-6
        check_label_entries(run, index, labels)


def check_instances(run: Run, index: int, labels: PseudoLabels) -> None:
    names = ("segment_class", "segment_start", "segment_end", "segment_score")
    video = np.array(run.train)[labels.segment_video]
    found = np.stack([video, *(getattr(labels, name) for name in names)], axis=1)
    stored = run.stored[f"round{index}/instances"]
    assert found.shape == stored.shape
    order_found, order_stored = (np.lexsort((-rows[:, 4], rows[:, 1], rows[:, 0])) for rows in (found, stored))
    found, stored = found[order_found], stored[order_stored]
    np.testing.assert_array_equal(found[:, :2], stored[:, :2])
    np.testing.assert_allclose(found[:, 2:4], stored[:, 2:4], atol=1e-4, rtol=0)
    np.testing.assert_allclose(found[:, 4], stored[:, 4], atol=1e-6, rtol=0)
    np.testing.assert_array_equal(cut_to_grid(found[:, 2:4]), cut_to_grid(stored[:, 2:4]))


def check_label_entries(run: Run, index: int, labels: PseudoLabels) -> None:
    """The centre lies a little off where the published solver stopped; what that one did not solve is not compared."""
    is_solved = run.stored[f"round{index}/lp_status"] <= 0
    counted = np.repeat(is_solved, np.diff(labels.offsets), axis=0)
    signed = np.where(counted, labels.label.astype(np.float64) - stored_labels(run, index).astype(np.float64), 0.0)
    difference = np.abs(signed)
    sums = [np.abs(signed[labels.rows(place)].sum(axis=0)).max() for place in range(len(run.train))]
    assert max(sums) < 1e-6
    assert difference.max() < 0.06
    assert difference.mean() < 5e-4
    columns = [
        difference[labels.rows(place), column].max()
        for place, column in zip(*np.nonzero(run.stored[f"round{index}/lp_status"] == 0))
    ]
    assert not columns or np.mean(np.array(columns) < 2e-3) >= 0.5


def first_epoch_learnt_from_unsolved(run: Run) -> int:
    """The epoch from which labels count that are each solver's own; the number of epochs where every one is solved."""
    refresh = run.variant.method.labels.refresh_epochs
    unsolved = [
        epoch for index, epoch in enumerate(refresh, start=1) if (run.stored[f"round{index}/lp_status"] > 0).any()
    ]
    return min(unsolved, default=run.variant.method.training.epochs)


def test_parity_level_3_the_whole_chain_with_our_own_labels(run: Run) -> None:
    replay = replay_of(run, own_labels=True)
    refresh, end = run.variant.method.labels.refresh_epochs, first_epoch_learnt_from_unsolved(run)
    for epoch, parameters in enumerate(replay.parameters[:end]):
        is_before = epoch <= refresh[0]
        for ours, theirs in PARAMETERS.items():
            stored = run.stored[f"after_epoch/param/{theirs}"][epoch]
            assert relative(parameters[ours], stored) < (1e-5 if is_before else 2e-3), f"{ours} after epoch {epoch}"
        for theirs, ours in LOSSES.items():
            mean = np.mean(replay.losses[epoch][ours])
            loose = 2e-2 if theirs == "total" else 5e-3
            limit = (1e-6 if theirs == "pseudo" else 2e-5) if is_before else loose
            assert abs(mean - run.stored[f"loss/{theirs}"][epoch]) < limit, f"{theirs} of epoch {epoch}"
    for index, (epoch, labels) in enumerate(zip(refresh, replay.labels), start=1):
        if epoch < end:
            difference = np.abs(labels.label - stored_labels(run, index))
            assert difference.max() < 0.06
            assert difference.mean() < 5e-4
    if end < len(replay.parameters):
        return
    scores = replay.test_scores()
    stored_scores = run.scores("test", run.settings["test_videos"])
    np.testing.assert_allclose(scores.snippet_score, stored_scores.snippet_score, atol=2e-3, rtol=0)
    np.testing.assert_allclose(scores.video_score, stored_scores.video_score, atol=2e-3, rtol=0)
    found = map_of(run, detections_of(run, scores))
    np.testing.assert_allclose(found, run.stored["mAP_percent"], atol=0.5, rtol=0)
