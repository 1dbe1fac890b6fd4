"""Scores of videos from a trained network: what labels and detections are made from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from wtal.model.network import Network
from wtal.model.packs import SCORING_SNIPPETS, Videos, groups_of, pack
from wtal.records import VideoScores


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
    labels. Source: section 3 of docs/method.md.
    """
    snippet, video, attention, lengths = [], [], [], []
    for chosen in groups_of(videos, range(videos.n_videos), SCORING_SNIPPETS):
        some = pack(videos, chosen, network.class_centres.device)
        output = network(some, dropout)
        first, second = output.original, output.reallocated
        mixed = snippet_original_share * torch.softmax(first.logits, dim=1)
        mixed = mixed + (1 - snippet_original_share) * torch.softmax(second.logits, dim=1)
        snippet.append(some.concatenated((mixed * first.attention[:, None, :]).transpose(1, 2)).cpu().numpy())
        attention.append(some.concatenated(first.attention).cpu().numpy())
        pooled = video_original_share * torch.softmax(first.agnostic_logits, dim=-1)
        pooled = pooled + (1 - video_original_share) * torch.softmax(second.agnostic_logits, dim=-1)
        video.append(pooled.cpu().numpy())
        lengths.extend(some.lengths.tolist())
    return VideoScores(
        videos=tuple(names),
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        snippet_score=np.concatenate(snippet),
        video_score=np.concatenate(video),
        attention=np.concatenate(attention),
    )
