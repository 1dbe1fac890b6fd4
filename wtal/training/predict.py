"""Scores from a trained checkpoint, which says itself what it was trained on: of a store, or of videos to predict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from wtal.base.errors import InputError
from wtal.base.members import OneOf
from wtal.base.records import VideoScores
from wtal.base.schema import from_mapping
from wtal.base.seeds import seed_of
from wtal.data.store.read import Store
from wtal.methods.batch import ArrayVideos
from wtal.methods.contract import Method, Use
from wtal.suite.contracts import BaseSettings
from wtal.suite.step_settings import DetectSettings, RoundSettings
from wtal.training.checkpoint import About, read_checkpoint
from wtal.training.runtime import StoreVideos, check_about, deterministic
from wtal.training.score import score_videos

BASE: Any = Annotated[BaseSettings, OneOf("wtal.methods")]


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A method ready to score, and what its checkpoint says of it."""

    path: Path
    method: Method
    about: About

    def detection_settings(self) -> DetectSettings:
        """The detection settings that the checkpoint carries. Raises InputError where it carries none."""
        if self.about.detection is None:
            expected = "detection settings (give --settings, such as results/SUITE/settings/VARIANT/detect.json)"
            raise InputError(file=self.path, key="about.detection", expected=expected, got="none")
        return from_mapping(DetectSettings, self.about.detection, file=self.path, key="about.detection")


def load_model(path: Path, device: torch.device) -> TrainedModel:
    """The method of a checkpoint. Raises InputError where the file is damaged or contradicts itself."""
    content, about = read_checkpoint(path)
    settings: BaseSettings = from_mapping(BASE, about.base, file=path, key="about.base")
    _check_weights(path, settings, about, content["model"])
    method = settings.network(about.feature_size, len(about.classes), None)
    method.load_state_dict(content["model"])
    return TrainedModel(path, method.to(device), about)


def _check_weights(path: Path, settings: BaseSettings, about: About, weights: Any) -> None:
    """Refuse weights that are not those of this network, or not finite, before memory is taken for it."""
    expected = f"weights for {about.feature_size} features and {len(about.classes)} classes"
    try:
        with torch.device("meta"):  # shapes alone: settings may name sizes that no machine has memory for
            wanted = settings.network(about.feature_size, len(about.classes), None).state_dict()
    except (RuntimeError, TypeError, ValueError) as error:
        raise InputError(file=path, key="about.base", expected=expected, got=error) from None
    if not isinstance(weights, dict) or set(weights) != set(wanted):
        raise InputError(file=path, key="model", expected=expected, got="others")
    for name, weight in weights.items():
        if not isinstance(weight, torch.Tensor) or weight.shape != wanted[name].shape:
            raise InputError(file=path, key="model", expected=expected, got="others")
        if not torch.isfinite(weight).all():
            raise InputError(file=path, key=f"model.{name}", expected="finite weights", got="NaN or infinity")


def predict_scores(model: TrainedModel, names: Sequence[str], features: Sequence[NDArray[Any]]) -> VideoScores:
    """Snippet and video scores of videos to predict, in order, as `wtal train` makes those of the test videos.

    For the same videos they are the same to the last bit; for some of them, packed otherwise, to the last but one.
    features: [T, D] each, D the feature size of the checkpoint; finite, and scaled as those of the training were.
    Raises InputError where they do not fit the precision of those.
    """
    n_classes = len(model.about.classes)
    arrays = [_as_stored(model.about, name, rows) for name, rows in zip(names, features)]
    videos = ArrayVideos(arrays, np.zeros((len(features), n_classes), dtype=np.bool_))
    with deterministic(model.method.device):
        return score_videos(model.method, videos, names, "detection")


def _as_stored(about: About, name: str, rows: NDArray[Any]) -> NDArray[Any]:
    """The features of a video no more precise than those of the training were in their store."""
    if rows.dtype.itemsize <= np.dtype(about.precision).itemsize:
        return rows
    with np.errstate(over="ignore"):
        rounded = rows.astype(about.precision)
    if not np.isfinite(rounded).all():
        expected = f"features within {about.precision}, as which those of the training were stored"
        raise InputError(file=name, expected=expected, got=f"{np.abs(rows).max():g}")
    return rounded


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
        seed = seed_of(settings.suite, settings.random_group, dropout_seed, settings.round_index, "label dropout")
        dropout = torch.Generator(device).manual_seed(seed)
    with deterministic(device):
        use: Use = "labels" if subset == "train" else "detection"
        return score_videos(model.method, StoreVideos(store, subset), store.video_names(subset), use, dropout)
