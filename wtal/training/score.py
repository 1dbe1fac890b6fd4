"""Scores of videos from a trained method: what labels and detections are made from."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np
import torch

from wtal.base.records import VideoScores, offsets_of
from wtal.methods.batch import Videos, scoring_batches
from wtal.methods.contract import Method, Use


@torch.no_grad()
def score_videos(
    method: Method, videos: Videos, names: Sequence[str], use: Use, dropout: torch.Generator | None = None
) -> VideoScores:
    """Snippet and video scores of every video, in order.

    use: what is made from them. dropout: a generator makes the scores with dropout on, as the released code does for
    labels. Source: docs/method.md#scores-proposals-fusion.
    """
    lengths = [len(videos.features(index)) for index in range(videos.n_videos)]
    offsets = offsets_of(lengths)
    n_columns = videos.video_labels.shape[1] + 1
    snippet = np.empty((offsets[-1], n_columns), dtype=np.float32)
    video = np.empty((videos.n_videos, n_columns), dtype=np.float32)
    attention = np.empty(offsets[-1], dtype=np.float32)
    # The last bit of a score depends on the videos it is batched with. Taken by their names, the same videos are
    # batched alike in whatever order they come: those of a store, and those of a folder that `wtal predict` is given.
    by_name = sorted(range(videos.n_videos), key=lambda index: names[index])
    waiting = iter(by_name)
    for batch in scoring_batches(videos, by_name, method.device):
        chosen = list(islice(waiting, batch.n_videos))
        rows = np.concatenate([np.arange(offsets[index], offsets[index + 1]) for index in chosen])
        scores = method.scores(batch, use, dropout)
        snippet[rows], attention[rows] = scores.snippet.cpu().numpy(), scores.attention.cpu().numpy()
        video[chosen] = scores.video.cpu().numpy()
        del scores  # what it is made from goes before the next batch comes
    return VideoScores(tuple(names), offsets, snippet, video, attention)
