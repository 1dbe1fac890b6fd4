"""The head on the snippets and on the rows of each walk: cosines, and rows pooled by their sigmoids, with gradients.

Axes: V videos, T snippets (padded), D embedding, P prototypes, B walks of a video, H = B + 1 branches, the snippets'
first, K = C + 1 classes with background last, J = K + 1 with the foreground after it. A gradient of x is called d_x.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from wtal.methods.rskp.shares import EPSILON, SMALLEST, SnippetGradient, Snippets
from wtal.methods.rskp.walk import Walks

POOLING_EPSILON = 1e-5


@dataclass(slots=True)
class HeadGradient:
    """What is gathered on the way back through the heads."""

    head: Tensor  # [J, D] of the units of the centres
    share: Tensor  # [V B, P, T] of S of the walks
    moved: Tensor  # [V B, P, D] of N of the walks


@dataclass(frozen=True, slots=True)
class Cosines:
    """Scaled cosines of the rows of every branch with the centres of the head."""

    cosine: Tensor  # [V, H, J, T]
    scale: Tensor  # [V, H, T] of cosines over the lengths of rows; 0 beyond the video
    inverse: Tensor  # [V, H, T] 1 / (length + epsilon); 0 beyond the video
    of_moved: Tensor  # [V B, P, J] N of the walks with the centres

    @staticmethod
    def of(
        snippets: Snippets, product: Tensor, head: Tensor, walks: Walks, walked_length: Tensor, scale: float
    ) -> Cosines:
        """product: [V, J, T] of the units of the centres, head [J, D], with snippets; walked_length: [V, B, T]."""
        walked_inverse = snippets.visible / (walked_length + EPSILON)
        inverse = torch.cat([snippets.inverse[:, None], walked_inverse], dim=1)
        of_moved = torch.matmul(walks.moved, head.T)
        product = product[:, None]
        gained = torch.bmm(of_moved.transpose(1, 2), walks.share).view(*walked_length.shape[:2], *product.shape[2:])
        cosine = torch.cat([product, (gained + product).mul_(1 - walks.weight)], dim=1)
        scales = scale * inverse
        return Cosines(cosine.mul_(scales[:, :, None]), scales, inverse, of_moved)

    def gradient(
        self, d_cosine: Tensor, head: Tensor, walks: Walks, sums: HeadGradient, of_snippets: SnippetGradient
    ) -> tuple[Tensor, Tensor]:
        """Of the product [V, J, T] and of the walked lengths [V, B, T], from that of the cosines, which is used up.

        head: [J, D]. Adds to those of the centres, of the walks and of the snippets.
        """
        along = (d_cosine * self.cosine).sum(dim=2)
        of_snippets.cosines = along[:, 0]
        d_lengths = along[:, 1:] * -self.inverse[:, 1:]
        d_product = d_cosine.mul_(self.scale[:, :, None])
        d_product[:, 1:] *= 1 - walks.weight
        d_gained = d_product[:, 1:].flatten(0, 1)
        d_of_moved = torch.bmm(walks.share, d_gained.transpose(1, 2))
        sums.share.baddbmm_(self.of_moved, d_gained)
        sums.moved += torch.matmul(d_of_moved, head)
        sums.head += d_of_moved.flatten(0, 1).T @ walks.moved.flatten(0, 1)
        return d_product.sum(dim=1), d_lengths


@dataclass(frozen=True, slots=True)
class Pooled:
    """Rows of every branch summed by the sigmoids of their cosines, and what the head says of their means."""

    weights: Tensor  # [V, H, J, T] sigmoids, 0 beyond the video
    rows: Tensor  # [V, H, J, D]
    shares: Tensor  # [V B, J, P] weights with S of the walks
    length: Tensor  # [V, H, J] of the rows
    divisor: Tensor  # [V, H, J] that makes units of their means
    agnostic: Tensor  # [V, H, K] logits of a video pooled by attention
    class_wise: Tensor  # [V, H, K] logits of a video pooled by each class

    @staticmethod
    def of(snippets: Snippets, cosine: Tensor, head: Tensor, walks: Walks, scale: float) -> Pooled:
        """cosine: [V, H, J, T]; head: [J, D] the units of the centres."""
        weights = torch.sigmoid(cosine).mul_(snippets.visible[:, None])
        n_videos, n_branches, n_heads, _ = weights.shape
        rows = torch.bmm(weights.flatten(1, 2), snippets.rows).view(n_videos, n_branches, n_heads, -1)
        shares = torch.bmm(weights[:, 1:].flatten(0, 1), walks.share.transpose(1, 2))
        rows[:, 1:].add_(torch.bmm(shares, walks.moved).view_as(rows[:, 1:])).mul_(1 - walks.weight)
        length = torch.linalg.vector_norm(rows, dim=-1)
        # A mean's length + epsilon, with the sum of weights brought to the side of epsilon.
        divisor = torch.add(length, weights.sum(dim=-1).add_(POOLING_EPSILON), alpha=EPSILON)
        logits = torch.matmul(rows, head[:-1].T).mul_((scale / divisor)[..., None])
        agnostic, class_wise = logits[:, :, -1].contiguous(), logits.diagonal(dim1=2, dim2=3).contiguous()
        return Pooled(weights, rows, shares, length, divisor, agnostic, class_wise)

    def gradient(
        self,
        d_agnostic: Tensor,
        d_class_wise: Tensor,
        head: Tensor,
        walks: Walks,
        scale: float,
        of_snippets: SnippetGradient,
    ) -> tuple[Tensor, HeadGradient]:
        """Of the weights [V, H, J, T] and of what else is gathered here first, from those of both logits [V, H, K].

        head: [J, D]. Adds to that of the snippets.
        """
        d_rows, d_divisor, d_head = self._gradient_of_rows(d_agnostic, d_class_wise, head, scale)
        d_rows[:, 1:] *= 1 - walks.weight
        d_gained, right = d_rows[:, 1:].flatten(0, 1), d_rows.flatten(1, 2)
        of_snippets.add(self.weights.flatten(1, 2), right)
        d_sums = (EPSILON * d_divisor).flatten(1, 2)[..., None]
        d_weights = torch.baddbmm(d_sums, right, of_snippets.snippets.across).view_as(self.weights)
        d_shares = torch.bmm(d_gained, walks.moved.transpose(1, 2))
        d_weights[:, 1:] += torch.bmm(d_shares, walks.share).view_as(self.weights[:, 1:])
        d_share = torch.bmm(d_shares.transpose(1, 2), self.weights[:, 1:].flatten(0, 1))
        return d_weights, HeadGradient(d_head, d_share, torch.bmm(self.shares.transpose(1, 2), d_gained))

    def _gradient_of_rows(
        self, d_agnostic: Tensor, d_class_wise: Tensor, head: Tensor, scale: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Of the rows [V, H, J, D], of the divisor [V, H, J] and of the units of the centres [J, D]."""
        of_agnostic = (d_agnostic * self.agnostic).sum(dim=2, keepdim=True)
        d_divisor = torch.cat([d_class_wise * self.class_wise, of_agnostic], dim=2).div_(self.divisor.neg())
        d_logits = d_agnostic.new_zeros((*self.length.shape, d_agnostic.shape[2]))
        d_logits.diagonal(dim1=2, dim2=3).copy_(d_class_wise)
        d_logits[:, :, -1] = d_agnostic
        d_logits *= (scale / self.divisor)[..., None]
        d_head = torch.zeros_like(head)
        d_head[:-1] = d_logits.flatten(0, 2).T @ self.rows.flatten(0, 2)
        d_rows = torch.matmul(d_logits, head[:-1])
        d_rows.addcmul_(self.rows, (d_divisor / self.length.clamp(min=SMALLEST))[..., None])
        return d_rows, d_divisor, d_head
