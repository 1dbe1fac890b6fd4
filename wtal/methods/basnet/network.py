"""BaS-Net as a method: a filter of snippets, and one classifier run over the snippets as they are and suppressed.

Source: BaS-Net (Lee, Uh and Byun, AAAI 2020, arXiv 1911.09963); docs/methods.md. Axes: see `wtal.methods.contract`;
the two branches, base and suppressed, are stacked as [2 V, ...] where they go through the classifier together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from wtal.methods.basnet.settings import BasNetSettings
from wtal.methods.batch import Batch
from wtal.methods.contract import Losses, Method, Scores, Use
from wtal.methods.label_loss import BatchLabels, label_loss
from wtal.methods.layers import begin_uniformly
from wtal.methods.snippet_logits import mean_of_largest, video_binary_cross_entropy, video_cross_entropy
from wtal.suite.step_settings import EpochSettings


@dataclass(frozen=True, slots=True)
class BasNetOutput:
    """What the network says of every video of a batch."""

    attention: Tensor  # [V, T] of the filter, 0 beyond the video
    base: Tensor  # [V, T, K] logits of the snippets as they are; beyond the video they mean nothing
    suppressed: Tensor  # [V, T, K] logits of the snippets times attention; beyond the video they mean nothing
    base_video: Tensor  # [V, K] pooled
    suppressed_video: Tensor  # [V, K] pooled


class BasNet(Method):
    """The filter and the classifier."""

    kind: ClassVar[str] = "basnet"
    loss_names: ClassVar[tuple[str, ...]] = ("base", "suppressed", "sparsity")

    def __init__(
        self, feature_size: int, n_classes: int, settings: BasNetSettings, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        self.settings = settings
        hidden = settings.hidden_size
        self.filter_1 = nn.Conv1d(feature_size, settings.filter_size, 1)
        self.filter_2 = nn.Conv1d(settings.filter_size, 1, 1)
        self.cas_1 = nn.Conv1d(feature_size, hidden, 3, padding=1)
        self.cas_2 = nn.Conv1d(hidden, hidden, 3, padding=1)
        self.cas_3 = nn.Conv1d(hidden, n_classes + 1, 1, bias=False)
        begin_uniformly((self.filter_1, self.filter_2, self.cas_1, self.cas_2, self.cas_3), generator)

    def forward(self, batch: Batch, dropout: torch.Generator | None = None) -> BasNetOutput:
        """Both branches of every video of a batch."""
        slope, mask = self.settings.leaky_slope, batch.mask[:, None, :]
        rows = batch.padded(batch.features).transpose(1, 2)
        attention = torch.sigmoid(self.filter_2(leaky_relu(self.filter_1(rows), slope))) * mask
        # Beyond its end a video is zero to every convolution over time, as if it were alone.
        both = torch.cat([rows, attention * rows])
        both = leaky_relu(self.cas_1(both), slope) * torch.cat([mask, mask])
        both = leaky_relu(self.cas_2(both), slope)
        base, suppressed = self.cas_3(self._dropped(both, batch, dropout)).transpose(1, 2).chunk(2)
        pooled = self._pooled(base, batch), self._pooled(suppressed, batch)
        return BasNetOutput(attention[:, 0], base, suppressed, *pooled)

    def _dropped(self, both: Tensor, batch: Batch, rng: torch.Generator | None) -> Tensor:
        """Hidden rows [2 V, H, T] with dropout, drawn video by video, for the base branch and then the suppressed."""
        if rng is None or self.settings.dropout == 0:
            return both
        keep = 1.0 - self.settings.dropout
        size = both.shape[1]
        lengths = batch.lengths.tolist()
        draws = [torch.rand((2, length, size), generator=rng, device=both.device) for length in lengths]
        kept = batch.padded(torch.cat(draws, dim=1).transpose(0, 1) < keep)  # [V, T, 2, H]
        return both * kept.permute(2, 0, 3, 1).flatten(0, 1) / keep

    def _pooled(self, logits: Tensor, batch: Batch) -> Tensor:
        """Mean [V, K] of the largest logits [V, T, K] of each class, a share of a video's own snippets."""
        counts = (self.settings.top_k_share * batch.lengths).long().clamp(min=1)
        return mean_of_largest(logits, counts, batch)

    def losses(
        self, batch: Batch, epoch: EpochSettings, target: BatchLabels | None, dropout: torch.Generator | None
    ) -> Losses:
        """The classification of both branches and the sum of attention. Axes: see `Method`.

        The base branch is taught that every video holds background, the suppressed branch that none does; a video
        without a label has no part in the latter. Labels are learnt by the base branch, which sees every snippet.
        """
        output: BasNetOutput = self(batch, dropout)
        none, one = (torch.full_like(batch.labels[:, :1], value) for value in (0.0, 1.0))
        base = self._classification(output.base_video, torch.cat([batch.labels, one], dim=1))
        suppressed = self._classification(output.suppressed_video, torch.cat([batch.labels, none], dim=1))
        sparsity = output.attention.sum(dim=1)
        parts = {"base": base, "suppressed": suppressed, "sparsity": sparsity}
        return Losses(
            base=base + suppressed + self.settings.attention_weight * sparsity,
            label=label_loss(output.base, target, batch, output.attention),
            compared=(base + suppressed).detach(),
            parts={name: value.detach() for name, value in parts.items()},
            attention=output.attention,
            video_logits=output.suppressed_video,
        )

    def _classification(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss [V] of video logits against labels, both [V, K]; 0 for a video without a label."""
        is_binary = self.settings.classification == "binary"
        return (video_binary_cross_entropy if is_binary else video_cross_entropy)(logits, labels)

    def scores(self, batch: Batch, use: Use, dropout: torch.Generator | None) -> Scores:
        """The suppressed branch alone. Snippet: softmax over classes and background, times attention; video: softmax
        of the pooled logits. Axes: see `Scores`.
        """
        output: BasNetOutput = self(batch, dropout)
        snippet = torch.softmax(output.suppressed, dim=2) * output.attention[:, :, None]
        return Scores(
            snippet=batch.concatenated(snippet),
            video=torch.softmax(output.suppressed_video, dim=1),
            attention=batch.concatenated(output.attention),
        )
