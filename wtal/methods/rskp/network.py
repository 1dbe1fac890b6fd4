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

from wtal.methods.batch import Batch
from wtal.methods.rskp.settings import RskpSettings

EPSILON = 1e-9
POOLING_EPSILON = 1e-5


@dataclass(frozen=True, slots=True)
class BranchOutput:
    """What the head says of one branch: the original, the reallocated or the memory branch."""

    logits: Tensor  # [V, K, T]
    attention: Tensor  # [V, T], 0 where there is no snippet
    agnostic_logits: Tensor  # [V, K] of the video pooled by attention
    class_wise_logits: Tensor  # [V, K] of the video pooled by each class


@dataclass(frozen=True, slots=True)
class Embedding:
    """Snippets as the network sees them, with what their cosines are scaled by."""

    rows: Tensor  # [V, T, D]
    norms: Tensor  # [V, T] 1 / (|row| + epsilon)

    @staticmethod
    def of(rows: Tensor) -> Embedding:
        """The embedding of these rows [V, T, D]."""
        return Embedding(rows, InverseNorm.apply(rows))  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class NetworkOutput:
    """The two branches of a batch and what the memory needs of it."""

    embedding: Embedding
    prototypes: Tensor  # [V, P, D]
    original: BranchOutput
    reallocated: BranchOutput


class InverseNorm(torch.autograd.Function):
    """1 / (|row| + epsilon) of the last axis; written out because it is half of a step's memory traffic otherwise."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        """[..., D] to [...]."""
        length = torch.linalg.vector_norm(rows, dim=-1)
        inverse: Tensor = 1.0 / (length + EPSILON)
        ctx.save_for_backward(rows, length, inverse)
        return inverse

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        """[...] to [..., D]."""
        rows, length, inverse = ctx.saved_tensors
        scale = torch.where(length > 0, -gradient * inverse * inverse / length, 0.0)
        product: Tensor = rows * scale[..., None]
        return product


def unit(rows: Tensor) -> Tensor:
    """Rows [..., D] divided by (their Euclidean length + epsilon); a zero row stays zero."""
    lengths: Tensor = torch.linalg.vector_norm(rows, dim=-1, keepdim=True)
    return rows / (lengths + EPSILON)


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
        with torch.no_grad():
            self.foreground_centre.copy_(-self.class_centres[-1:])

    def embed(self, batch: Batch, dropout: torch.Generator | None) -> Tensor:
        """Embedding [V, T, D]; dropout, with a generator, is drawn video by video, however they are batched."""
        rows = self.embedding(batch.features).relu_()
        if dropout is not None and self.settings.dropout > 0:
            keep = 1.0 - self.settings.dropout
            draws = torch.empty_like(rows, requires_grad=False)
            for part in torch.split(draws, batch.lengths.tolist()):
                part.uniform_(generator=dropout)
            rows = rows * draws.lt_(keep).div_(keep)  # in place: these are the largest tensors of a step
        return batch.padded(rows)

    def responsibilities(
        self, embedding: Embedding, prototypes: Tensor, mask: Tensor, is_slot: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Z [V, P, T], a softmax over the prototypes, and the same normalised over time.

        is_slot: [V, P], false for prototypes that only pad.
        """
        product = (embedding.rows @ unit(prototypes).transpose(1, 2)).transpose(1, 2).contiguous()
        similarity = product * (self.settings.responsibility_scale * embedding.norms)[:, None, :]
        if is_slot is not None:
            similarity = similarity.masked_fill(~is_slot[:, :, None], -torch.inf)
        share = torch.softmax(similarity, dim=1) * mask[:, None, :]
        return share, share / (share.sum(dim=2, keepdim=True) + EPSILON)

    def fit_prototypes(self, embedding: Embedding, mask: Tensor) -> Tensor:
        """Prototypes [V, P, D] of each video by expectation maximisation, from the learnt start."""
        prototypes = self.prototypes.expand(len(embedding.rows), -1, -1)
        for _ in range(self.settings.em_iterations):
            _, over_time = self.responsibilities(embedding, prototypes, mask)
            prototypes = over_time @ embedding.rows
        return prototypes

    def random_walk(
        self, embedding: Embedding, prototypes: Tensor, mask: Tensor, is_slot: Tensor | None = None
    ) -> Embedding:
        """(1 - w) (I - w^2 A)^-1 (w Z'mu + X) with A = Z'Zn, solved through the P x P system (Woodbury).

        prototypes: mu [V, P, D]. mask: [V, T]. is_slot: [V, P], false for prototypes that only pad.
        """
        weight = self.settings.random_walk_weight
        share, over_time = self.responsibilities(embedding, prototypes, mask, is_slot)
        small = over_time @ share.transpose(1, 2)
        gathered = weight * (small @ prototypes) + over_time @ embedding.rows
        identity = torch.eye(small.shape[1], dtype=small.dtype, device=small.device)
        solved = torch.linalg.solve(identity - weight**2 * small, gathered)
        walked = torch.baddbmm(
            embedding.rows,
            share.transpose(1, 2),
            weight * prototypes + weight**2 * solved,
            beta=1 - weight,
            alpha=1 - weight,
        )
        return Embedding.of(walked)

    def head(self, embedding: Embedding, mask: Tensor) -> BranchOutput:
        """Snippet logits, attention and the two pooled video scores, with the same centres for every branch.

        mask: [V, T].
        """
        scale = self.settings.cosine_scale
        centres = unit(self.class_centres)
        n_columns = len(centres)
        product = embedding.rows @ torch.cat([centres, unit(self.foreground_centre)]).T
        cosine = product.transpose(1, 2).contiguous() * (scale * embedding.norms)[:, None, :]
        weights = torch.sigmoid(cosine) * mask[:, None, :]  # [V, K + 1, T], the attention last
        pooled = unit((weights @ embedding.rows) / (weights.sum(dim=2)[..., None] + POOLING_EPSILON))
        agnostic = scale * (pooled[:, n_columns] @ centres.T)
        class_wise = scale * (pooled[:, :n_columns] * centres).sum(dim=2)
        return BranchOutput(cosine[:, :n_columns], weights[:, n_columns], agnostic, class_wise)

    def forward(self, batch: Batch, dropout: torch.Generator | None = None) -> NetworkOutput:
        """Original and reallocated branch of every video of a batch."""
        embedding = Embedding.of(self.embed(batch, dropout))
        prototypes = self.fit_prototypes(embedding, batch.mask)
        return NetworkOutput(
            embedding=embedding,
            prototypes=prototypes,
            original=self.head(embedding, batch.mask),
            reallocated=self.head(self.random_walk(embedding, prototypes, batch.mask), batch.mask),
        )

    def memory_branch(self, output: NetworkOutput, batch: Batch, slots: Tensor, is_slot: Tensor) -> BranchOutput:
        """The head on the random walk from the memory's prototypes, slots [V, S, D], of which is_slot [V, S] count."""
        return self.head(self.random_walk(output.embedding, slots, batch.mask, is_slot), batch.mask)

    def prototype_logits(self, prototypes: Tensor) -> Tensor:
        """Class logits [..., P, K] of prototypes."""
        return self.settings.cosine_scale * (unit(prototypes) @ unit(self.class_centres).T)
