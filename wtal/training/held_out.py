"""Training videos that are not learnt from, so that early stopping sees overfitting without a test video."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from wtal.methods.batch import Pack, Videos, scoring_packs
from wtal.methods.rskp.losses import video_losses
from wtal.methods.rskp.network import Network
from wtal.suite.method_settings import LossSettings


def held_out_videos(labels: NDArray[np.bool_], share: float, stream: np.random.Generator) -> list[int]:
    """At most a share of the videos, drawn by chance, rising; every class keeps a video that is learnt from.

    labels: video-level labels [V, C]. At least one video is aimed at where the share is above 0. Videos without a
    label stay in training: a loss on background alone would not show overfitting to a class.
    """
    wanted = max(1, round(share * len(labels))) if share else 0
    left, chosen = labels.sum(axis=0), list[int]()
    for video in stream.permutation(len(labels)).tolist():
        if len(chosen) == wanted:
            break
        if labels[video].any() and (left[labels[video]] > 1).all():
            left = left - labels[video]
            chosen.append(video)
    return sorted(chosen)


@torch.no_grad()
def held_out_loss(network: Network, videos: Videos, chosen: Sequence[int], settings: LossSettings) -> float:
    """Foreground, background and attention loss as weighted in training, mean over the chosen videos, no dropout."""
    packs = scoring_packs(videos, chosen, network.class_centres.device)
    parts = [_loss(network, some, settings) for some in packs]
    return float(np.concatenate(parts).mean())


def _loss(network: Network, some: Pack, settings: LossSettings) -> NDArray[np.float64]:
    output = network(some)
    losses = video_losses(output.original, output.reallocated, None, some.labels, some.mask, None, settings)
    total: NDArray[np.float64] = losses.total(settings, 0.0, 0.0).double().cpu().numpy()
    return total
