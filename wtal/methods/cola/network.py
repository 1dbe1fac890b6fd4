"""CoLA as a method: class activations of snippets, their sum as actionness, and a contrast of snippets.

Source: CoLA (Zhang et al., CVPR 2021, arXiv 2103.16392); docs/methods.md. Axes: see `wtal.methods.contract`; E is the
width of the embedding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from wtal.methods.action_logits import min_max_over_time, with_zero_background
from wtal.methods.batch import Batch
from wtal.methods.cola.contrast import contrast_losses, contrast_sets
from wtal.methods.cola.settings import ColaSettings
from wtal.methods.contract import Losses, Method, Scores, Use
from wtal.methods.label_loss import BatchLabels, label_loss
from wtal.methods.layers import begin_uniformly, uniform_rows
from wtal.methods.snippet_logits import mean_of_largest, pooled_counts, video_binary_cross_entropy, video_cross_entropy
from wtal.suite.step_settings import EpochSettings


@dataclass(frozen=True, slots=True)
class ColaOutput:
    """What the network says of every video of a batch."""

    embedding: Tensor  # [V, T, E] before dropout, 0 beyond the video
    activation: Tensor  # [V, T, C] of the action classes, 0 or above, 0 beyond the video
    video: Tensor  # [V, C] pooled activations

    @property
    def actionness(self) -> Tensor:
        """[V, T] the sum of the activations of all classes."""
        return self.activation.sum(dim=2)


@dataclass(frozen=True, slots=True)
class Draws:
    """What chance says of a batch; factors with a mean of 1."""

    kept: Tensor  # [V, T, E] of the embedding
    easy: Tensor  # [V, T] of the snippets among which clear ones are looked for


class Cola(Method):
    """An embedding over time and a classifier of its snippets."""

    kind: ClassVar[str] = "cola"
    loss_names: ClassVar[tuple[str, ...]] = ("classification", "contrast_action", "contrast_background")

    def __init__(
        self, feature_size: int, n_classes: int, settings: ColaSettings, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        self.settings = settings
        size, near, far = settings.embedding_size, settings.embedding_kernel, settings.classifier_kernel
        self.embed = nn.Conv1d(feature_size, size, near, padding=near // 2)
        self.classifier = nn.Conv1d(size, n_classes, far, padding=far // 2, bias=False)
        layers = [self.embed, self.classifier]
        if settings.class_convolution:
            self.smooth = nn.Conv1d(n_classes, n_classes, 7, dilation=2, padding=6, groups=n_classes, bias=False)
            layers.append(self.smooth)
        begin_uniformly(layers, generator)

    def forward(self, batch: Batch, draws: Draws | None = None) -> ColaOutput:
        """Embedding and activations of every video of a batch."""
        rows, mask = batch.padded(batch.features).transpose(1, 2), batch.mask[:, None, :]
        # Beyond its end a video is zero to every convolution over time, as if it were alone.
        embedding = torch.relu(self.embed(rows)) * mask
        seen = embedding if draws is None else embedding * draws.kept.transpose(1, 2)
        activation = self.classifier(seen) * mask
        if self.settings.class_convolution:
            activation = self.smooth(activation) * mask
        activation = torch.relu(activation).transpose(1, 2)
        pooled = mean_of_largest(activation, pooled_counts(batch, self.settings.easy_divisor), batch)
        return ColaOutput(embedding.transpose(1, 2), activation, pooled)

    def _drawn(self, batch: Batch, rng: torch.Generator | None) -> Draws | None:
        """Dropout of the embedding and of snippets, drawn video by video."""
        if rng is None:
            return None
        columns = self.settings.embedding_size + 1  # the last is of the snippet itself
        drawn = batch.padded(uniform_rows(batch, columns, rng))
        keep, easy = 1 - self.settings.dropout, 1 - self.settings.easy_dropout
        return Draws((drawn[:, :, :-1] < keep) / keep, (drawn[:, :, -1] < easy) / easy)

    def losses(
        self, batch: Batch, epoch: EpochSettings, target: BatchLabels | None, dropout: torch.Generator | None
    ) -> Losses:
        """The classification of videos and the contrast of their snippets. Axes: see `Method`.

        A video without a label has no part in either. Labels are learnt by the activations beside a background of 0.
        """
        draws = self._drawn(batch, dropout)
        output: ColaOutput = self(batch, draws)
        has_label = batch.labels.any(dim=1)
        classification = self._classification(output.video, batch.labels)
        easy = torch.ones_like(output.actionness) if draws is None else draws.easy
        sets = contrast_sets(output.actionness, easy, batch, self.settings)
        contrasts = contrast_losses(output.embedding, sets, self.settings.temperature)
        of_action, of_background = (loss * has_label for loss in contrasts)
        parts = (classification, of_action, of_background)
        return Losses(
            base=classification + self.settings.contrast_weight * (of_action + of_background),
            label=label_loss(with_zero_background(output.activation), target, batch),
            compared=classification.detach(),
            parts={name: loss.detach() for name, loss in zip(self.loss_names, parts)},
            attention=min_max_over_time(output.actionness.detach(), batch),
            video_logits=with_zero_background(output.video),
        )

    def _classification(self, pooled: Tensor, labels: Tensor) -> Tensor:
        """The loss [V] of pooled activations against labels, both [V, C]; 0 for a video without a label."""
        is_binary = self.settings.classification == "binary"
        return (video_binary_cross_entropy if is_binary else video_cross_entropy)(pooled, labels)

    def scores(self, batch: Batch, use: Use, dropout: torch.Generator | None) -> Scores:
        """Snippet: activations, and attention: actionness, each from the least to the most of its video; video: softmax
        of pooled activations, background 0. A snippet's background is what it lacks of attention. Axes: see `Scores`.
        """
        output: ColaOutput = self(batch, self._drawn(batch, dropout))
        snippet = batch.concatenated(min_max_over_time(output.activation, batch))
        attention = batch.concatenated(min_max_over_time(output.actionness, batch))
        video = torch.softmax(output.video, dim=1)
        return Scores(
            snippet=torch.cat([snippet, 1 - attention[:, None]], dim=1),
            video=with_zero_background(video),
            attention=attention,
        )
