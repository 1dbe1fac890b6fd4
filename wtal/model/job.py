"""One round of training as a job: files in, files out, resumed where a killed job left off."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from wtal.config import to_mapping
from wtal.data.store import Store
from wtal.errors import InputError
from wtal.files import digest_of_file, digest_of_value, write_rows
from wtal.model.checkpoint import About, read_checkpoint, write_checkpoint
from wtal.model.network import Network
from wtal.model.packs import ArrayVideos
from wtal.model.predict import load_model
from wtal.model.score import score_videos
from wtal.model.streams import seed_of, streams_of
from wtal.model.train import EpochLog, RoundLabels, Trainer
from wtal.records import TRAINING_COLUMNS, VideoScores
from wtal.suite import DetectSettings, EpochSettings, RoundSettings

WARM_UP = 5  # epochs of a run that say nothing about a collapse yet
CLOSED, OPEN = 0.1, 0.95  # mean attention beyond which nothing, or everything, is taken for an action


@dataclass(frozen=True, slots=True)
class RoundInputs:
    """What a round is trained from. Labels are arrays [T, K] for each training video."""

    store: Store
    settings: RoundSettings
    seed: int
    previous: Path | None = None  # checkpoint of the round before
    labels: RoundLabels | None = None
    label_files: Sequence[Path] = ()  # where the labels came from, so that a resumed job is held to the same ones
    detection: DetectSettings | None = None  # for the checkpoint to carry, so that prediction needs no other file


@dataclass(frozen=True, slots=True)
class EpochScores:
    """Scores of the test videos after one epoch."""

    epoch: int
    scores: VideoScores


@dataclass(slots=True)
class RoundResult:
    """What a round ends with."""

    train_scores: VideoScores
    test_scores: VideoScores
    epoch_scores: list[EpochScores]
    rows: list[list[Any]] = field(default_factory=list)  # of training.csv


def device_of(name: Literal["auto", "cpu", "cuda"]) -> torch.device:
    """The device that a name stands for. Raises InputError for cuda where there is none."""
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError(file="--device", expected="cpu or auto where no CUDA device is found", got="cuda")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def videos_of(store: Store, subset: Literal["train", "test"]) -> ArrayVideos:
    """The videos of a subset, their features checked once and then mapped as they are, 16 or 32 bits wide."""
    indices = store.videos(subset)
    arrays = []
    for index in indices:
        first, count = int(store.first_row[index]), len(store.features(int(index)))
        arrays.append(store.rows[first : first + count])
    return ArrayVideos(arrays, store.video_labels[indices])


class RoundJob:
    """Trains one round and leaves a resume file behind while it runs."""

    def __init__(self, inputs: RoundInputs, folder: Path, device: torch.device, resume_every: float) -> None:
        self.inputs, self.folder, self.resume_every = inputs, folder, resume_every
        settings, store = inputs.settings, inputs.store
        self.streams = streams_of(settings.suite, settings.streams, inputs.seed, settings.round_index, device)
        network = Network(store.feature_size, len(store.classes), settings.model, self.streams.initial).to(device)
        self.train_videos, self.test_videos = videos_of(store, "train"), videos_of(store, "test")
        self.trainer = Trainer(network, self.train_videos, settings, self.streams)
        self.about = self._start()
        self.rows: list[list[Any]] = []
        self.epoch_scores: list[EpochScores] = []
        self.saved_at = time.monotonic()
        self.identity = self._identity()

    def _start(self) -> About:
        """Take up the round before, if there is one, and say what this round's checkpoint is about."""
        settings, store = self.inputs.settings, self.inputs.store
        before = ""
        if self.inputs.previous is not None:
            content, about = read_checkpoint(self.inputs.previous)
            check_about(about, store, self.inputs.previous, settings)
            before = about.settings_digest
            # The streams in a checkpoint belong to its round; this round has its own.
            self.trainer.restore({**content, "streams": self.streams.state()})
            self.trainer.begin_round(settings, self.streams)
        return About(
            classes=store.classes,
            feature_size=store.feature_size,
            snippets_per_second=store.snippets_per_second,
            round_index=settings.round_index,
            settings_digest=digest_of_value([before, to_mapping(settings), self.inputs.seed]),
            model=to_mapping(settings.model),
            detection=None if self.inputs.detection is None else to_mapping(self.inputs.detection),
        )

    def _identity(self) -> str:
        files = [path for path in (self.inputs.previous, *self.inputs.label_files) if path is not None]
        digests = [digest_of_file(path) for path in files]
        return digest_of_value([self.about.settings_digest, self.inputs.store.meta.files, digests])

    @property
    def resume_file(self) -> Path:
        """Where the state of a running job is kept."""
        return self.folder / "resume.pt"

    def run(self) -> RoundResult:
        """Train, score, and write the checkpoint. Raises CollapseError, InputError."""
        settings = self.inputs.settings
        with deterministic(self.trainer.device):
            self._resume()
            self.trainer.run(self.inputs.labels, after_step=self._maybe_save, after_epoch=self._after_epoch)
            result = RoundResult(
                train_scores=self._scores("train", settings.label_snippet_share),
                test_scores=self._scores("test", settings.detection_snippet_share),
                epoch_scores=self.epoch_scores,
                rows=self.rows,
            )
        write_checkpoint(self.folder / "checkpoint.pt", {"about": self.about.to_json(), **self.trainer.state()})
        write_rows(self.folder / "training.csv", TRAINING_COLUMNS, self.rows)
        self.resume_file.unlink(missing_ok=True)
        return result

    def _scores(self, subset: Literal["train", "test"], share: float) -> VideoScores:
        return score_videos(
            self.trainer.network,
            self.train_videos if subset == "train" else self.test_videos,
            self.inputs.store.video_names(subset),
            snippet_original_share=share,
            video_original_share=self.inputs.settings.video_original_share,
        )

    def _after_epoch(self, epoch: EpochSettings, log: EpochLog) -> None:
        n_classes = len(self.inputs.store.classes)
        counts = np.bincount(log.best_class, minlength=n_classes)
        values = [log.mean(name) for name in ("total", "foreground", "background", "attention", "consistency", "label")]
        attention = float(np.mean(log.attention))
        values += [log.label_gradient_share, attention, float(np.mean(log.entropy)), counts.max() / counts.sum()]
        self.rows.append([epoch.epoch, epoch.learning_rate, *(format(value, ".6g") for value in values)])
        for warning in collapse_warnings(epoch.epoch, attention, counts / counts.sum()):
            print(warning, file=sys.stderr, flush=True)
        if self.inputs.settings.keeps_epoch_scores:
            scores = self._scores("test", self.inputs.settings.detection_snippet_share)
            self.epoch_scores.append(EpochScores(epoch.epoch, scores))

    def _maybe_save(self) -> None:
        if time.monotonic() - self.saved_at < self.resume_every:
            return
        kept = [[entry.epoch, *map(torch.from_numpy, _arrays(entry.scores))] for entry in self.epoch_scores]
        content = {"about": self.about.to_json(), "identity": self.identity, "rows": self.rows, "epoch_scores": kept}
        write_checkpoint(self.resume_file, {**content, **self.trainer.state()})
        self.saved_at = time.monotonic()

    def _resume(self) -> None:
        if not self.resume_file.is_file():
            return
        try:
            content, _ = read_checkpoint(self.resume_file)
        except InputError as error:
            print(f"starting over: {error}", file=sys.stderr)
            return
        if content.get("identity") != self.identity:
            print(f"starting over: {self.resume_file} belongs to other settings or inputs", file=sys.stderr)
            return
        self.trainer.restore(content)
        self.rows = content["rows"]
        names, offsets = self.inputs.store.video_names("test"), self.inputs.store.offsets("test")
        for epoch, snippet, video, attention in content["epoch_scores"]:
            scores = VideoScores(names, offsets, snippet.numpy(), video.numpy(), attention.numpy())
            self.epoch_scores.append(EpochScores(epoch, scores))
        progress = self.trainer.progress
        print(f"resuming in epoch {progress.epoch}, {progress.position} videos in", file=sys.stderr)


def _arrays(scores: VideoScores) -> tuple[NDArray[np.float32], ...]:
    return scores.snippet_score, scores.video_score, scores.attention


def check_about(about: About, store: Store, path: Path, settings: RoundSettings | None = None) -> None:
    """Refuse a checkpoint of other classes, features, rate, network or round, in a sentence."""
    expected: dict[str, Any] = {
        "classes": store.classes,
        "feature_size": store.feature_size,
        "snippets_per_second": store.snippets_per_second,
    }
    if settings is not None:
        expected |= {"round_index": settings.round_index - 1, "model": to_mapping(settings.model)}
    for key, value in expected.items():
        if getattr(about, key) != value:
            raise InputError(file=path, key=key, expected=str(value), got=getattr(about, key))


def collapse_warnings(epoch: int, attention: float, class_share: NDArray[np.float64]) -> list[str]:
    """Sentences that say how an epoch looks like the start of a collapse; none where it does not.

    attention: mean over videos; class_share: of videos whose best class this is [C].
    """
    if epoch < WARM_UP:
        return []
    warnings = []
    if attention < CLOSED:
        warnings.append(f"epoch {epoch}: mean attention fell to {attention:.3f}, almost nothing is taken for an action")
    if attention > OPEN:
        warnings.append(f"epoch {epoch}: mean attention rose to {attention:.3f}, almost all is taken for an action")
    if len(class_share) > 2 and class_share.max() > 0.9:
        best, share = int(class_share.argmax()), class_share.max()
        warnings.append(f"epoch {epoch}: class number {best} has the highest score in {share:.0%} of the videos")
    hint = "; try a lower learning rate, a lower cosine scale or more epochs before the labels"
    return [f"warning: {sentence}{hint}" for sentence in warnings]


@contextmanager
def deterministic(device: torch.device) -> Iterator[None]:
    """The same bytes from the same machine: fixed algorithms, one thread unless the environment asks for more."""
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    if device.type == "cuda":  # on a processor all that is used here is deterministic as it is
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
    torch.set_flush_denormal(True)  # gradients full of denormal numbers would make a step several times slower
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def score_from_checkpoint(
    path: Path,
    store: Store,
    settings: RoundSettings,
    subset: Literal["train", "test"],
    dropout_seed: int | None,
    device: torch.device,
) -> VideoScores:
    """Scores of a subset by the network of a checkpoint; with a seed, dropout stays on, as in the released code."""
    model = load_model(path, device)
    check_about(model.about, store, path)
    dropout = None
    if dropout_seed is not None:
        seed = seed_of(settings.suite, settings.streams, dropout_seed, settings.round_index, "label dropout")
        dropout = torch.Generator(device).manual_seed(seed)
    with deterministic(device):
        return score_videos(
            model.network,
            videos_of(store, subset),
            store.video_names(subset),
            snippet_original_share=(
                settings.label_snippet_share if subset == "train" else settings.detection_snippet_share
            ),
            video_original_share=settings.video_original_share,
            dropout=dropout,
        )
