"""One round of training as a job: files in, files out, resumed where a killed job left off."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from wtal.base.errors import CollapseError, InputError
from wtal.base.files import digest_of_file, digest_of_value, remove_unfinished, write_rows
from wtal.base.progress import EpochProgress
from wtal.base.records import VideoScores, training_columns
from wtal.base.schema import from_mapping, to_mapping
from wtal.base.seeds import seed_of
from wtal.data.store.read import Store
from wtal.methods.label_loss import RoundLabels
from wtal.suite.paths import CHECKPOINT, ROUND_FILES, TRAINING
from wtal.suite.step_settings import DetectSettings, EpochSettings, RoundSettings
from wtal.suite.training_settings import CollapseSettings
from wtal.training.checkpoint import About, read_checkpoint, write_checkpoint
from wtal.training.epoch_scores import EpochScores
from wtal.training.health import EpochHealth, HealthWatch, health_of
from wtal.training.held_out import held_out_loss, held_out_videos
from wtal.training.rng import generators_of
from wtal.training.runtime import StoreVideos, check_about, deterministic, keep_freed_memory
from wtal.training.score import score_videos
from wtal.training.trainer import EpochLog, Trainer

logger = logging.getLogger(__name__)

FILES = (*ROUND_FILES, "resume.pt", "best.pt")


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
    collapse: CollapseSettings = CollapseSettings()  # what warns of a collapse, or stops; the settings' part rules it


@dataclass(slots=True)
class RoundResult:
    """What a round ends with."""

    train_scores: VideoScores
    test_scores: VideoScores
    epoch_scores: Iterator[tuple[int, VideoScores]]  # of the test videos after each epoch, where they are kept


class RoundJob:
    """Trains one round and leaves behind what a killed job is taken up from, until `clear` is called."""

    def __init__(self, inputs: RoundInputs, folder: Path, device: torch.device, resume_every: float) -> None:
        self.inputs, self.folder, self.resume_every = inputs, folder, resume_every
        settings, store = inputs.settings, inputs.store
        self.rng = generators_of(settings.suite, settings.random_group, inputs.seed, settings.round_index, device)
        method = settings.base.network(store.feature_size, len(store.classes), self.rng.initial).to(device)
        self.train_videos, self.test_videos = StoreVideos(store, "train"), StoreVideos(store, "test")
        self.trainer = Trainer(method, self.train_videos, settings, self.rng, self._held_out())
        self.about = self._start()
        values = {**to_mapping(inputs.collapse), **settings.collapse}
        collapse = from_mapping(CollapseSettings, values, file=settings.suite, key="collapse")
        self.watch = HealthWatch(collapse, settings.early_stopping, len(settings.epochs), store.classes)
        self.rows: list[list[Any]] = []  # of training.csv
        self.saved_at = self.epoch_began_at = time.monotonic()
        self.identity = self._identity()
        names, offsets = store.video_names("test"), store.offsets("test")
        self.epoch_scores = EpochScores(folder / "epoch_scores", self.identity, names, offsets)
        self.scored_epochs: list[int] = []

    def _held_out(self) -> list[int]:
        """The training videos that early stopping looks at, the same in every round. Raises InputError where none."""
        settings, labels = self.inputs.settings, self.train_videos.video_labels
        if settings.early_stopping is None or settings.early_stopping.held_out_share == 0:
            return []
        seed = seed_of(settings.suite, settings.random_group, self.inputs.seed, "held out")
        chosen = held_out_videos(labels, settings.early_stopping.held_out_share, np.random.default_rng(seed))
        if not chosen:
            key, got = "early_stopping.held_out_share", "a class of a single video in each of them"
            expected = "training videos that can be held out, or a share of 0"
            raise InputError(file=settings.suite, key=key, expected=expected, got=got)
        return chosen

    def _start(self) -> About:
        """Take up the round before, if there is one, and say what this round's checkpoint is about."""
        settings, store = self.inputs.settings, self.inputs.store
        before = ""
        if self.inputs.previous is not None:
            content, about = read_checkpoint(self.inputs.previous)
            check_about(about, store, self.inputs.previous, settings)
            before = about.settings_digest
            # The generators in a checkpoint belong to its round; this round has its own.
            self.trainer.restore({**content, "rng": self.rng.state()})
            self.trainer.begin_round(settings, self.rng)
        return About(
            classes=store.classes,
            feature_size=store.feature_size,
            snippets_per_second=store.snippets_per_second,
            round_index=settings.round_index,
            settings_digest=digest_of_value([before, to_mapping(settings), self.inputs.seed]),
            base=to_mapping(settings.base),
            detection=None if self.inputs.detection is None else to_mapping(self.inputs.detection),
            streams=store.meta.streams,
            precision="float16" if store.rows.dtype.itemsize == 2 else "float32",
            origin=store.meta.origin,
        )

    def _identity(self) -> str:
        files = [path for path in (self.inputs.previous, *self.inputs.label_files) if path is not None]
        digests = [digest_of_file(path) for path in files]
        device = self.trainer.device.type  # the generators of one kind are none for another
        return digest_of_value([self.about.settings_digest, self.inputs.store.meta.files, digests, device])

    @property
    def resume_file(self) -> Path:
        """Where the state of a running job is kept."""
        return self.folder / "resume.pt"

    @property
    def best_file(self) -> Path:
        """Where the state after the best epoch so far is kept, with early stopping."""
        return self.folder / "best.pt"

    def run(self) -> RoundResult:
        """Train, score, and write checkpoint and training curve; the scores are the caller's to write, before `clear`.

        Raises CollapseError where training cannot go on, InputError where a file cannot be read or written.
        """
        keep_freed_memory()
        with deterministic(self.trainer.device):
            self._resume()
            self._train()
            result = RoundResult(
                train_scores=self._scores("train"),
                test_scores=self._scores("test"),
                epoch_scores=self.epoch_scores.gathered(self.scored_epochs),
            )
        write_checkpoint(self.folder / CHECKPOINT, {"about": self.about.to_json(), **self.trainer.state()})
        write_rows(self.folder / TRAINING, training_columns(self.trainer.method.loss_names), self.rows)
        return result

    def clear(self) -> None:
        """Remove what a killed job is taken up from, once every file of the round is whole in its place."""
        self.resume_file.unlink(missing_ok=True)  # first: without the others it would be good for nothing
        self.best_file.unlink(missing_ok=True)
        self.epoch_scores.remove()
        for name in FILES:
            remove_unfinished(self.folder / name)

    def _train(self) -> None:
        """Train the round, and go back to its best epoch where early stopping asks for it."""
        self.epoch_began_at = time.monotonic()
        try:
            self.trainer.run(self.inputs.labels, after_step=self._maybe_save, after_epoch=self._after_epoch)
        except CollapseError as error:
            if self.watch.best is None:
                raise
            logger.warning(f"warning: {error}")
        kept = self.rows[-1][0]
        if self.watch.best is not None:
            kept = self.watch.best.epoch
            n_held_out = len(self.trainer.held_out)
            videos = f"{n_held_out} training videos held out" if n_held_out else "the training videos"
            logger.info(f"the round ends with the state after epoch {kept}, its best on {videos}")
            self.trainer.restore(read_checkpoint(self.best_file)[0])
        self.rows = [[*row[:-1], int(row[0] == kept)] for row in self.rows]

    def _scores(self, subset: Literal["train", "test"]) -> VideoScores:
        names = self.inputs.store.video_names(subset)
        if subset == "train":
            scores = score_videos(self.trainer.method, self.train_videos, names, "labels")
        else:
            scores = score_videos(self.trainer.method, self.test_videos, names, "detection")
        if not all(np.isfinite(values).all() for values in _arrays(scores)):
            sentence = f"after epoch {self.trainer.progress.epoch - 1} the scores are no longer numbers"
            raise CollapseError(f"{sentence}; try a lower learning rate or a lower label weight")
        return scores

    def _after_epoch(self, epoch: EpochSettings, log: EpochLog) -> bool:
        health = self._health(epoch, log)
        values = [log.mean(name) for name in ("total", *self.trainer.method.loss_names, "label")]
        values += [log.label_gradient_share, health.attention, float(np.mean(log.entropy)), health.spread]
        values += [health.class_share, health.classification_loss if self.trainer.held_out else np.nan]
        self.rows.append([epoch.epoch, epoch.learning_rate, *(format(value, ".6g") for value in values), 0])
        self._say(epoch, log.mean("total"))
        verdict = self.watch.take(health)
        for warning in verdict.warnings:
            logger.warning(f"warning: {warning}")
        if verdict.is_best:
            about = {"about": self.about.to_json(), "identity": self.identity}
            write_checkpoint(self.best_file, {**about, **self.trainer.state()})
        if self.inputs.settings.keeps_epoch_scores:
            self.epoch_scores.write(epoch.epoch, self._scores("test"))
            self.scored_epochs.append(epoch.epoch)
        return verdict.ends_round

    def _say(self, epoch: EpochSettings, loss: float) -> None:
        """A line on an epoch that ended, with its seconds: since the one before, or since training was taken up."""
        now, epochs = time.monotonic(), self.inputs.settings.epochs
        position = epoch.epoch - epochs[0].epoch + 1
        logger.info(EpochProgress(epoch.epoch, position, len(epochs), loss, now - self.epoch_began_at).line())
        self.epoch_began_at = now

    def _health(self, epoch: EpochSettings, log: EpochLog) -> EpochHealth:
        trainer = self.trainer
        seen = held_out_loss(trainer.method, self.train_videos, trainer.held_out, epoch) if trainer.held_out else None
        return health_of(epoch, log, self.train_videos.video_labels, seen)

    def _maybe_save(self) -> None:
        if time.monotonic() - self.saved_at < self.resume_every:
            return
        content = {"about": self.about.to_json(), "identity": self.identity, "rows": self.rows}
        content["health"] = [list(astuple(health)) for health in self.watch.history]
        write_checkpoint(self.resume_file, {**content, **self.trainer.state()})
        self.saved_at = time.monotonic()

    def _resume(self) -> None:
        if not self.resume_file.is_file():
            return
        try:
            content, _ = read_checkpoint(self.resume_file)
        except InputError as error:
            logger.info(f"starting over: {error}")
            return
        if content.get("identity") != self.identity:
            logger.info(f"starting over: {self.resume_file} belongs to other settings or inputs")
            return
        scored = [row[0] for row in content["rows"]] if self.inputs.settings.keeps_epoch_scores else []
        if not self._has_epochs(scored):
            return
        for values in content["health"]:
            self.watch.take(EpochHealth(*values))
        if self.watch.best is not None and not self._has_best(self.watch.best.epoch):
            logger.info(f"starting over: {self.best_file} is not of this run")
            self.watch.forget()
            return
        self.trainer.restore(content)
        self.rows, self.scored_epochs = content["rows"], scored
        progress = self.trainer.progress
        logger.info(f"resuming in epoch {progress.epoch}, {progress.position} videos in")

    def _has_epochs(self, epochs: list[int]) -> bool:
        """Whether the test scores after these epochs are there, of which those that follow will be made again."""
        try:
            for _ in self.epoch_scores.gathered(epochs):
                pass
        except InputError as error:
            logger.info(f"starting over: {error}")
            return False
        return True

    def _has_best(self, epoch: int) -> bool:
        """Whether the best state is there, of this epoch or of a later one that will be reached again."""
        try:
            content, _ = read_checkpoint(self.best_file)
        except InputError:
            return False
        return content.get("identity") == self.identity and content["progress"]["epoch"] > epoch


def _arrays(scores: VideoScores) -> tuple[NDArray[np.float32], ...]:
    return scores.snippet_score, scores.video_score, scores.attention
