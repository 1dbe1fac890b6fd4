"""The network: embedding, prototypes by expectation maximisation, random walk, cosine head.

Source: RSKP (Huang et al., CVPR 2022, arXiv 2203.02925), the base of Zhou et al., CVPR 2023;
docs/method.md#base-model. Axes: V videos, T snippets (padded), F features, D embedding, P prototypes, K = C + 1 with
background last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from wtal.methods.batch import Batch
from wtal.methods.rskp.branches import Branches, Remember
from wtal.methods.rskp.settings import RskpSettings
from wtal.methods.rskp.shares import Units


@dataclass(frozen=True, slots=True)
class BranchOutput:
    """What the head says of one branch: the original, the reallocated or the memory branch."""

    logits: Tensor  # [V, K, T]
    attention: Tensor  # [V, T], 0 where there is no snippet
    agnostic_logits: Tensor  # [V, K] of the video pooled by attention
    class_wise_logits: Tensor  # [V, K] of the video pooled by each class


@dataclass(frozen=True, slots=True)
class NetworkOutput:
    """The branches of a batch, and the prototypes that its videos may put into a memory."""

    prototypes: Tensor  # [V, P, D] without gradient
    original: BranchOutput
    reallocated: BranchOutput
    memory: BranchOutput | None


class Activation(torch.autograd.Function):
    """Rectified rows times dropout, in place: they are the largest tensors of a step."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, kept: Tensor | None, share: float) -> Tensor:
        """rows: [N, D], of which the share is kept where `kept` says so, scaled by its inverse; None: all are."""
        rows.relu_()
        if kept is not None:
            rows.mul_(kept.div_(share))
        ctx.mark_dirty(rows)
        ctx.save_for_backward(rows)
        ctx.share = share
        return rows

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        """Of the rows [N, D] as they were."""
        (rows,) = ctx.saved_tensors
        passed: Tensor = torch.ops.aten.threshold_backward(gradient, rows, 0)
        return (passed if ctx.share == 1 else passed.div_(ctx.share)), None, None


class Network(nn.Module):
    """Embedding, prototypes, random walk and head. Every method takes and returns padded tensors."""

    def __init__(
        self, feature_size: int, n_classes: int, settings: RskpSettings, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        self.settings = settings
        size = settings.embedding_size
        self.embedding = nn.Linear(feature_size, size)
        self.prototypes = nn.Parameter(torch.empty(settings.prototypes, size))
        self.class_centres = nn.Parameter(torch.empty(n_classes + 1, size))
        self.foreground_centre = nn.Parameter(torch.empty(1, size))
        for weight in (self.embedding.weight, self.prototypes, self.class_centres):
            nn.init.xavier_uniform_(weight, generator=generator)
        nn.init.zeros_(self.embedding.bias)
        if not self.class_centres.is_meta:  # arithmetic on shapes alone loads torch's compiler: 0.8 s
            with torch.no_grad():
                self.foreground_centre.copy_(-self.class_centres[-1:])

    def embed(self, batch: Batch, dropout: torch.Generator | None) -> Tensor:
        """Embedding [V, T, D]; dropout, with a generator, is drawn video by video, however they are batched."""
        rows, kept, share = self.embedding(batch.features), None, 1.0
        if dropout is not None and self.settings.dropout > 0:
            share = 1.0 - self.settings.dropout
            kept = torch.empty_like(rows, requires_grad=False)
            for part in torch.split(kept, list(batch.n_snippets)):
                part.uniform_(generator=dropout)
            kept.lt_(share)
        return batch.padded(Activation.apply(rows, kept, share))  # type: ignore[no-untyped-call]

    def forward(
        self,
        batch: Batch,
        dropout: torch.Generator | None = None,
        remember: Remember | None = None,
    ) -> NetworkOutput:
        """Every branch of every video of a batch.

        remember: is told the prototypes [V, P, D] and gives the slots of a memory, from which a third branch walks.
        """
        learnt = self.prototypes, self.class_centres, self.foreground_centre
        rows = self.embed(batch, dropout)
        *stacked, prototypes = Branches.apply(rows, *learnt, batch.mask, self.settings, remember)  # type: ignore[no-untyped-call]
        original, reallocated, *memory = (BranchOutput(*each) for each in zip(*(one.unbind(1) for one in stacked)))
        return NetworkOutput(prototypes, original, reallocated, memory[0] if memory else None)

    def prototype_logits(self, prototypes: Tensor) -> Tensor:
        """Class logits [..., P, K] of prototypes."""
        return self.settings.cosine_scale * (Units.of(prototypes).rows @ Units.of(self.class_centres).rows.T)
