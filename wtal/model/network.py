"""The network: embedding, prototypes by expectation maximisation, random walk, cosine head.

Source: RSKP (Huang et al., CVPR 2022, arXiv 2203.02925), the base of Zhou et al., CVPR 2023; section 1 of
docs/method.md. Axes: V videos, T snippets (padded), F features, D embedding, P prototypes, K = C + 1 with background
last.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from wtal.model.packs import Pack
from wtal.settings import ModelSettings

EPSILON = 1e-9
POOLING_EPSILON = 1e-5


@dataclass(frozen=True, slots=True)
class BranchOutput:
    """What the head says of one branch: the original, the reallocated or the memory branch."""

    logits: Tensor  # [V, T, K]
    attention: Tensor  # [V, T], 0 where there is no snippet
    agnostic_logits: Tensor  # [V, K] of the video pooled by attention
    class_wise_logits: Tensor  # [V, K] of the video pooled by each class


@dataclass(frozen=True, slots=True)
class NetworkOutput:
    """The two branches of a pack and what the memory needs of it."""

    embedding: Tensor  # [V, T, D]
    prototypes: Tensor  # [V, P, D]
    original: BranchOutput
    reallocated: BranchOutput


def inverse_norm(rows: Tensor) -> Tensor:
    """1 / (|row| + epsilon), last axis kept; a cosine is a product scaled by it."""
    return 1.0 / (torch.linalg.vector_norm(rows, dim=-1, keepdim=True) + EPSILON)


def unit(rows: Tensor) -> Tensor:
    """Rows divided by (their Euclidean length + epsilon); a zero row stays zero."""
    return rows * inverse_norm(rows)


class Network(nn.Module):
    """The base model. Every method takes and returns padded tensors."""

    def __init__(
        self, feature_size: int, n_classes: int, settings: ModelSettings, generator: torch.Generator | None = None
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

    def embed(self, pack: Pack, dropout: torch.Generator | None) -> Tensor:
        """Embedding [V, T, D]; dropout, where a stream is given, is drawn video by video, however they are packed."""
        rows = torch.relu(self.embedding(pack.features))
        if dropout is not None and self.settings.dropout > 0:
            keep = 1.0 - self.settings.dropout
            draws = [
                torch.rand((length, rows.shape[1]), generator=dropout, device=rows.device)
                for length in pack.lengths.tolist()
            ]
            rows = rows * ((torch.cat(draws) < keep) / keep)
        return pack.padded(rows)

    def responsibilities(
        self, embedding: Tensor, norms: Tensor, prototypes: Tensor, mask: Tensor, is_slot: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Z [V, T, P], a softmax over the prototypes, and the same normalised over time.

        norms: inverse norms of the embedding [V, T, 1]. is_slot: [V, P], false for prototypes that only pad.
        """
        cosine = (embedding @ unit(prototypes).transpose(1, 2)) * norms
        similarity = self.settings.responsibility_scale * cosine
        if is_slot is not None:
            similarity = similarity.masked_fill(~is_slot[:, None, :], -torch.inf)
        share = torch.softmax(similarity, dim=2) * mask[:, :, None]
        return share, share / (share.sum(dim=1, keepdim=True) + EPSILON)

    def fit_prototypes(self, embedding: Tensor, norms: Tensor, mask: Tensor) -> Tensor:
        """Prototypes [V, P, D] of each video by expectation maximisation, from the learnt start."""
        prototypes = self.prototypes.expand(len(embedding), -1, -1)
        for _ in range(self.settings.em_iterations):
            _, over_time = self.responsibilities(embedding, norms, prototypes, mask)
            prototypes = over_time.transpose(1, 2) @ embedding
        return prototypes

    def random_walk(
        self, embedding: Tensor, norms: Tensor, prototypes: Tensor, mask: Tensor, is_slot: Tensor | None = None
    ) -> Tensor:
        """(1 - w) (I - w^2 A)^-1 (w Z mu + X) [V, T, D] with A = Z Zn', solved through the P x P system (Woodbury)."""
        weight = self.settings.random_walk_weight
        share, over_time = self.responsibilities(embedding, norms, prototypes, mask, is_slot)
        small = over_time.transpose(1, 2) @ share
        gathered = weight * (small @ prototypes) + over_time.transpose(1, 2) @ embedding
        identity = torch.eye(small.shape[1], dtype=small.dtype, device=small.device)
        solved = torch.linalg.solve(identity - weight**2 * small, gathered)
        return (1 - weight) * (embedding + share @ (weight * prototypes + weight**2 * solved))

    def head(self, embedding: Tensor, norms: Tensor, mask: Tensor) -> BranchOutput:
        """Snippet logits, attention and the two pooled video scores, with the same centres for every branch."""
        scale = self.settings.cosine_scale
        centres = unit(self.class_centres)
        n_columns = len(centres)
        cosine = (embedding @ torch.cat([centres, unit(self.foreground_centre)]).T) * (scale * norms)
        logits = cosine[..., :n_columns]
        attention = torch.sigmoid(cosine[..., n_columns]) * mask
        weights = torch.cat([attention[..., None], torch.sigmoid(logits) * mask[..., None]], dim=2)
        pooled = (weights.transpose(1, 2) @ embedding) / (weights.sum(dim=1)[..., None] + POOLING_EPSILON)
        pooled = unit(pooled)
        agnostic = scale * (pooled[:, 0] @ centres.T)
        class_wise = scale * (pooled[:, 1:] * centres).sum(dim=2)
        return BranchOutput(logits, attention, agnostic, class_wise)

    def forward(self, pack: Pack, dropout: torch.Generator | None = None) -> NetworkOutput:
        """Original and reallocated branch of every video of a pack."""
        embedding = self.embed(pack, dropout)
        norms = inverse_norm(embedding)
        prototypes = self.fit_prototypes(embedding, norms, pack.mask)
        reallocated = self.random_walk(embedding, norms, prototypes, pack.mask)
        return NetworkOutput(
            embedding=embedding,
            prototypes=prototypes,
            original=self.head(embedding, norms, pack.mask),
            reallocated=self.head(reallocated, inverse_norm(reallocated), pack.mask),
        )

    def memory_branch(self, output: NetworkOutput, pack: Pack, slots: Tensor, is_slot: Tensor) -> BranchOutput:
        """The head on the random walk from the memory's prototypes, slots [V, S, D], of which is_slot [V, S] count."""
        walked = self.random_walk(output.embedding, inverse_norm(output.embedding), slots, pack.mask, is_slot)
        return self.head(walked, inverse_norm(walked), pack.mask)

    def prototype_logits(self, prototypes: Tensor) -> Tensor:
        """Class logits [..., P, K] of prototypes."""
        return self.settings.cosine_scale * (unit(prototypes) @ unit(self.class_centres).T)
