"""The losses of CO2-Net, each [V]: a mean over a video's own snippets. Axes: see `wtal.methods.contract`."""

from __future__ import annotations

import torch
from torch import Tensor

from wtal.methods.batch import Batch
from wtal.methods.co2net.output import CrossModalOutput
from wtal.methods.co2net.settings import CrossModalSettings
from wtal.methods.coactivity import coactivity
from wtal.methods.label_loss import mean_over_snippets
from wtal.methods.snippet_logits import mean_of_largest, pooled_counts, video_cross_entropy


def base_losses(output: CrossModalOutput, batch: Batch, settings: CrossModalSettings) -> dict[str, Tensor]:
    """The losses [V] of CO2-Net by name, unweighted.

    Every video holds background, and none does once it is suppressed; a video without a label has no part in that.
    """
    none, one = (torch.full_like(batch.labels[:, :1], value) for value in (0.0, 1.0))
    suppressed = output.suppressed
    counts = pooled_counts(batch, settings.top_k_divisor)
    with_background, without = (torch.cat([batch.labels, background], dim=1) for background in (one, none))
    first, second = output.attentions
    epsilon = settings.label_epsilon
    mutual = 0.5 * ((first - second.detach()).square() + (second - first.detach()).square())
    return {
        "base": video_cross_entropy(mean_of_largest(output.logits, counts, batch), with_background, epsilon),
        "suppressed": video_cross_entropy(mean_of_largest(suppressed, counts, batch), without, epsilon),
        "coactivity": coactivity(output.features, suppressed[:, :, :-1], batch, settings.coactivity_margin),
        "mutual": mean_over_snippets(mutual, batch.mask),
        "sparsity": mean_over_snippets(output.attention, batch.mask),
        "guide": mean_over_snippets(disagreement(output), batch.mask),
    }


def disagreement(output: CrossModalOutput) -> Tensor:
    """How far [V, T] each attention and their mean are from what the classifier does not take for background."""
    action = 1 - torch.softmax(output.logits, dim=2)[:, :, -1]
    attentions = (output.attention, *output.attentions)
    return torch.stack([(action - attention).abs() for attention in attentions]).mean(dim=0)
