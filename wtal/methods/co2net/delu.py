"""DELU as a method: CO2-Net with the evidence for a class in a video, and a guide that is weighted by uncertainty.

Source: DELU (Chen, Gao, Yang and Xu, ECCV 2022); docs/methods.md. Axes: see `wtal.methods.contract`; C classes.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from wtal.methods.batch import Batch
from wtal.methods.co2net.losses import disagreement
from wtal.methods.co2net.network import Co2Net
from wtal.methods.co2net.output import CrossModalOutput
from wtal.methods.co2net.settings import DeluSettings
from wtal.methods.label_loss import mean_over_snippets
from wtal.methods.snippet_logits import pooled_counts
from wtal.suite.step_settings import EpochSettings


class Delu(Co2Net):
    """The network of CO2-Net with two more losses."""

    kind: ClassVar[str] = "delu"
    loss_names: ClassVar[tuple[str, ...]] = (*Co2Net.loss_names, "evidential", "uncertainty")
    settings: DeluSettings

    def parts(self, output: CrossModalOutput, batch: Batch, epoch: EpochSettings) -> dict[str, Tensor]:
        """Each loss [V] by its name, unweighted."""
        settings = self.settings
        weight = uncertainty_weight(output, batch, min(1.0, epoch.epoch / settings.uncertainty_epochs), settings)
        return {
            **super().parts(output, batch, epoch),
            "evidential": evidential_loss(output, batch, settings),
            "uncertainty": mean_over_snippets(weight * disagreement(output), batch.mask),
        }


def evidential_loss(output: CrossModalOutput, batch: Batch, settings: DeluSettings) -> Tensor:
    """How little evidence [V] there is for a video's classes in its snippets of most attention; 0 without a class.

    The evidence of each class is one parameter of a Dirichlet distribution. A class counts the more the less evidence
    it has, and all of them the less, the less certain the video is.
    """
    counts = pooled_counts(batch, settings.evidence_divisor)
    most = int(counts.max())
    place = output.attention.masked_fill(~batch.mask, -1.0).topk(most, dim=1).indices
    chosen = output.suppressed[:, :, :-1].take_along_dim(place[:, :, None], dim=1)
    is_chosen = torch.arange(most, device=place.device) < counts[:, None]
    mean = chosen.masked_fill(~is_chosen[:, :, None], 0.0).sum(dim=1) / counts[:, None]
    parameters = raised(mean, settings)  # [V, C]
    total = parameters.sum(dim=1, keepdim=True)
    certainty = 1 - (mean.shape[1] / total).detach()
    share = batch.labels / parameters
    share = share / share.sum(dim=1, keepdim=True).clamp(min=torch.finfo(share.dtype).tiny)
    target = certainty * batch.labels.sum(dim=1, keepdim=True) * share
    return (target * (total.log() - parameters.log())).sum(dim=1)


def raised(logits: Tensor, settings: DeluSettings) -> Tensor:
    """Dirichlet parameters [..., K] of logits of that shape: their exponentials, which are evidence, plus one."""
    return logits.clamp(-settings.evidence_clip, settings.evidence_clip).exp() + 1


def snippet_uncertainty(output: CrossModalOutput, settings: DeluSettings) -> Tensor:
    """Uncertainty [V, T] of each snippet: classes by the sum of all parameters, that of background among them."""
    return (output.logits.shape[2] - 1) / raised(output.suppressed, settings).sum(dim=2)


def uncertainty_weight(output: CrossModalOutput, batch: Batch, progress: float, settings: DeluSettings) -> Tensor:
    """Weight [V, T] of each snippet in the guide, by the rank of its uncertainty, lowest first.

    progress: share of the training that is over. At 0 unsure snippets weigh more than 1 and sure ones less, at 1 the
    other way round.
    """
    uncertainty = snippet_uncertainty(output, settings).detach()
    rank = uncertainty.masked_fill(~batch.mask, torch.inf).argsort(dim=1, stable=True)
    if settings.uncertainty_rank == "rank":
        rank = rank.argsort(dim=1)
    place = (2 * rank + 1) / batch.lengths[:, None] - 1  # from -1 to 1
    return settings.uncertainty_amplitude * torch.tanh(place * (1 - 2 * progress)) + 1
