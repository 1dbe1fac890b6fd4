"""W-TALC as a method: linear logits of snippets, pooled for a video, and the co-activity of pairs.

Source: W-TALC (Paul, Roy and Roy-Chowdhury, ECCV 2018, arXiv 1807.10418); docs/methods.md. Axes: see
`wtal.methods.contract`; E is the width of the embedding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from wtal.methods.action_logits import min_max_over_time, with_zero_background
from wtal.methods.batch import Batch
from wtal.methods.coactivity import coactivity
from wtal.methods.contract import Losses, Method, Scores, Use
from wtal.methods.label_loss import BatchLabels, label_loss
from wtal.methods.layers import uniform_rows
from wtal.methods.snippet_logits import mean_of_largest, video_cross_entropy
from wtal.methods.wtalc.settings import WtalcSettings
from wtal.suite.step_settings import EpochSettings


@dataclass(frozen=True, slots=True)
class WtalcOutput:
    """What the network says of every video of a batch."""

    embedding: Tensor  # [V, T, E] after dropout, 0 beyond the video
    logits: Tensor  # [V, T, C] of the action classes, 0 beyond the video
    video: Tensor  # [V, C] pooled


class Wtalc(Method):
    """An embedding of snippets and a classifier of them."""

    kind: ClassVar[str] = "wtalc"
    loss_names: ClassVar[tuple[str, ...]] = ("classification", "coactivity")

    def __init__(
        self, feature_size: int, n_classes: int, settings: WtalcSettings, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        self.settings = settings
        self.embed = nn.Linear(feature_size, settings.embedding_size)
        self.classifier = nn.Linear(settings.embedding_size, n_classes)
        for layer in (self.embed, self.classifier):
            nn.init.xavier_uniform_(layer.weight, generator=generator)
            nn.init.zeros_(layer.bias)

    def forward(self, batch: Batch, dropout: torch.Generator | None = None) -> WtalcOutput:
        """Embedding and logits of every video of a batch."""
        embedding = self._dropped(torch.relu(self.embed(batch.features)), batch, dropout)
        logits = batch.padded(self.classifier(embedding))
        counts = -(-batch.lengths // self.settings.top_k_divisor)
        return WtalcOutput(batch.padded(embedding), logits, mean_of_largest(logits, counts, batch))

    def _dropped(self, rows: Tensor, batch: Batch, rng: torch.Generator | None) -> Tensor:
        """Rows [N, E] with dropout, drawn video by video."""
        if rng is None or self.settings.dropout == 0:
            return rows
        keep = 1.0 - self.settings.dropout
        return rows * (uniform_rows(batch, rows.shape[1], rng) < keep) / keep

    def losses(
        self, batch: Batch, epoch: EpochSettings, target: BatchLabels | None, dropout: torch.Generator | None
    ) -> Losses:
        """The classification of videos and the co-activity of pairs. Axes: see `Method`.

        A video without a label has no part in either. Labels are learnt by the logits beside a background of 0. In
        place of attention stands the largest logit of a snippet, from the least to the most of its video.
        """
        output: WtalcOutput = self(batch, dropout)
        classification = video_cross_entropy(output.video, batch.labels)
        of_pairs = coactivity(output.embedding, output.logits, batch, self.settings.coactivity_margin)
        weighted = self.settings.classification_weight * classification + self.settings.coactivity_weight * of_pairs
        return Losses(
            base=weighted,
            label=label_loss(with_zero_background(output.logits), target, batch),
            compared=classification.detach(),
            parts={"classification": classification.detach(), "coactivity": of_pairs.detach()},
            attention=min_max_over_time(output.logits.detach().amax(dim=2), batch),
            video_logits=with_zero_background(output.video),
        )

    def scores(self, batch: Batch, use: Use, dropout: torch.Generator | None) -> Scores:
        """Snippet: logits from the least to the most of a class in its video, and of background the softmax beside a
        background of 0; video: softmax of pooled logits, background 0; no attention. Axes: see `Scores`.
        """
        output: WtalcOutput = self(batch, dropout)
        background = torch.softmax(with_zero_background(output.logits), dim=2)[:, :, -1:]
        snippet = batch.concatenated(torch.cat([min_max_over_time(output.logits, batch), background], dim=2))
        return Scores(
            snippet=snippet,
            video=with_zero_background(torch.softmax(output.video, dim=1)),
            attention=torch.ones_like(snippet[:, 0]),
        )
