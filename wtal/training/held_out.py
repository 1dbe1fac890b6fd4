"""Training videos that are not learnt from, so that early stopping sees overfitting without a test video."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from wtal.methods.batch import Videos, scoring_batches
from wtal.methods.contract import Method
from wtal.suite.step_settings import EpochSettings


def held_out_videos(labels: NDArray[np.bool_], share: float, rng: np.random.Generator) -> list[int]:
    """At most a share of the videos, drawn by chance, rising; every class keeps a video that is learnt from.

    labels: video-level labels [V, C]. At least one video is aimed at where the share is above 0. Videos without a
    label stay in training: a loss on background alone would not show overfitting to a class.
    """
    wanted = max(1, round(share * len(labels))) if share else 0
    left, chosen = labels.sum(axis=0), list[int]()
    for video in rng.permutation(len(labels)).tolist():
        if len(chosen) == wanted:
            break
        if labels[video].any() and (left[labels[video]] > 1).all():
            left = left - labels[video]
            chosen.append(video)
    return sorted(chosen)


@torch.no_grad()
def held_out_loss(method: Method, videos: Videos, chosen: Sequence[int], epoch: EpochSettings) -> float:
    """The loss that early stopping compares, mean over the chosen videos, no dropout."""
    batches = scoring_batches(videos, chosen, method.device)
    parts = [method.losses(batch, epoch, None, None).compared.double().cpu().numpy() for batch in batches]
    return float(np.concatenate(parts).mean())
