"""Scores of videos from a trained network: what labels and detections are made from."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray

from wtal.base.records import VideoScores
from wtal.methods.batch import Pack, Videos, scoring_packs
from wtal.methods.rskp.network import Network


@torch.no_grad()
def score_videos(
    network: Network,
    videos: Videos,
    names: Sequence[str],
    *,
    snippet_original_share: float,
    video_original_share: float,
    dropout: torch.Generator | None = None,
) -> VideoScores:
    """Snippet and video scores of every video, in order.

    Snippet score: (c softmax(F_o) + (1 - c) softmax(F_m)) times the original branch's attention; video score: the same
    mixture of the pooled scores. dropout: a stream makes the scores with dropout on, as the released code does for
    labels. Source: docs/method.md#scores-proposals-fusion.
    """
    shares = (snippet_original_share, video_original_share)
    lengths = [len(videos.features(index)) for index in range(videos.n_videos)]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    n_columns = len(network.class_centres)
    snippet = np.empty((offsets[-1], n_columns), dtype=np.float32)
    video = np.empty((videos.n_videos, n_columns), dtype=np.float32)
    attention = np.empty(offsets[-1], dtype=np.float32)
    # The last bit of a score depends on the videos it is packed with. Taken by their names, the same videos are packed
    # alike in whatever order they come: those of a store, and those of a folder that `wtal predict` is given.
    by_name = sorted(range(videos.n_videos), key=lambda index: names[index])
    waiting = iter(by_name)
    for some in scoring_packs(videos, by_name, network.class_centres.device):
        in_pack = list(islice(waiting, some.n_videos))
        of_snippets, video[in_pack], of_attention = _score_pack(network, some, shares, dropout)
        rows = np.concatenate([np.arange(offsets[index], offsets[index + 1]) for index in in_pack])
        snippet[rows], attention[rows] = of_snippets, of_attention
    return VideoScores(tuple(names), offsets, snippet, video, attention)


def _score_pack(
    network: Network, some: Pack, shares: tuple[float, float], dropout: torch.Generator | None
) -> tuple[NDArray[np.float32], ...]:
    """Snippet scores [N, K], video scores [V, K] and attention [N]; what they are made from is gone on return."""
    output = network(some, dropout)
    first, second = output.original, output.reallocated
    of_snippets, of_videos = shares
    mixed = of_snippets * torch.softmax(first.logits, dim=1)
    mixed = mixed + (1 - of_snippets) * torch.softmax(second.logits, dim=1)
    snippet = some.concatenated((mixed * first.attention[:, None, :]).transpose(1, 2))
    pooled = of_videos * torch.softmax(first.agnostic_logits, dim=-1)
    pooled = pooled + (1 - of_videos) * torch.softmax(second.agnostic_logits, dim=-1)
    return snippet.cpu().numpy(), pooled.cpu().numpy(), some.concatenated(first.attention).cpu().numpy()
