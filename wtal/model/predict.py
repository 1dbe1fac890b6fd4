"""Scores from a trained checkpoint, which says itself what it was trained on: of a store, or of unseen videos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from wtal.config import from_mapping
from wtal.data.store import Store
from wtal.errors import InputError
from wtal.model.checkpoint import About, read_checkpoint
from wtal.model.network import Network
from wtal.model.packs import ArrayVideos
from wtal.model.running import check_about, deterministic, videos_of
from wtal.model.score import score_videos
from wtal.model.streams import seed_of
from wtal.records import VideoScores
from wtal.settings import ModelSettings
from wtal.suite import DetectSettings, RoundSettings


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A network ready to score, and what its checkpoint says of it."""

    path: Path
    network: Network
    about: About

    def detection_settings(self) -> DetectSettings:
        """The detection settings that the checkpoint carries. Raises InputError where it carries none."""
        if self.about.detection is None:
            expected = "detection settings (give --settings, such as results/SUITE/settings/VARIANT/detect.json)"
            raise InputError(file=self.path, key="about.detection", expected=expected, got="none")
        return from_mapping(DetectSettings, self.about.detection, file=self.path, key="about.detection")


def load_model(path: Path, device: torch.device) -> TrainedModel:
    """The network of a checkpoint. Raises InputError where the file is damaged or contradicts itself."""
    content, about = read_checkpoint(path)
    settings = from_mapping(ModelSettings, about.model, file=path, key="about.model")
    network = Network(about.feature_size, len(about.classes), settings)
    try:
        network.load_state_dict(content["model"])
    except (RuntimeError, TypeError, AttributeError):
        expected = f"weights for {about.feature_size} features and {len(about.classes)} classes"
        raise InputError(file=path, key="model", expected=expected, got="others") from None
    return TrainedModel(path, network.to(device), about)


def predict_scores(
    model: TrainedModel, names: Sequence[str], features: Sequence[NDArray[Any]], settings: DetectSettings
) -> VideoScores:
    """Snippet and video scores of unseen videos, in order, as `wtal train` makes those of the test videos.

    features: [T, D] each, D the feature size of the checkpoint; finite, and scaled as those of the training were.
    """
    n_classes = len(model.about.classes)
    stored = [np.asarray(rows, dtype=np.float32).astype(model.about.precision, copy=False) for rows in features]
    videos = ArrayVideos(stored, np.zeros((len(features), n_classes), dtype=np.bool_))
    return score_videos(
        model.network,
        videos,
        names,
        snippet_original_share=settings.detection.snippet_original_share,
        video_original_share=settings.proposals.video_original_share,
    )


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
