"""What expectation maximisation, walk and head have in common: snippets, units, shares, and how gradients are gathered.

Axes: V videos, T snippets (padded), D embedding, P prototypes, R of any number. A gradient of x is called d_x.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

EPSILON = 1e-9
SMALLEST = 1e-30  # stands for a length of zero where it divides zero


@dataclass(frozen=True, slots=True)
class Snippets:
    """The embedding of the videos of a batch, with what is asked of it again and again."""

    rows: Tensor  # X [V, T, D], zero beyond the video
    across: Tensor  # [V, D, T]
    visible: Tensor  # [V, 1, T] one where there is a snippet
    length: Tensor  # [V, T]
    inverse: Tensor  # [V, T] 1 / (length + epsilon), 0 beyond the video

    @staticmethod
    def of(rows: Tensor, mask: Tensor) -> Snippets:
        """mask: [V, T] where there is a snippet."""
        length = torch.linalg.vector_norm(rows, dim=-1)
        visible = mask[:, None].to(rows.dtype)
        return Snippets(rows, rows.transpose(1, 2), visible, length, mask / (length + EPSILON))


@dataclass(slots=True)
class SnippetGradient:
    """The gradient of the snippets while it is gathered: by products of narrow factors, which are multiplied once."""

    snippets: Snippets
    left: list[Tensor] = field(default_factory=list)  # [V, R, T] and
    right: list[Tensor] = field(default_factory=list)  # [V, R, D], whose products by R it is the sum of
    cosines: Tensor | float = 0.0  # [V, T] sum of gradient times value of what is divided by a snippet's length
    squares: Tensor | float = 0.0  # [V, T] the gradient of the squares of lengths

    def add(self, left: Tensor, right: Tensor) -> None:
        """Add the product of two factors [V, R, T] and [V, R, D]."""
        self.left.append(left)
        self.right.append(right)

    def gathered(self) -> Tensor:
        """All of it [V, T, D]."""
        snippets = self.snippets
        found = torch.bmm(torch.cat(self.left, dim=1).transpose(1, 2), torch.cat(self.right, dim=1))
        of_length = -self.cosines * snippets.inverse / snippets.length.clamp(min=SMALLEST)
        return found.addcmul_(snippets.rows, torch.add(of_length, self.squares, alpha=2)[..., None])


@dataclass(frozen=True, slots=True)
class Units:
    """Rows [..., D] divided by (their Euclidean length + epsilon); a zero row stays zero."""

    rows: Tensor
    length: Tensor  # [..., 1]

    @staticmethod
    def of(rows: Tensor) -> Units:
        """The units of these rows [..., D]."""
        length = torch.linalg.vector_norm(rows, dim=-1, keepdim=True)
        return Units(rows / (length + EPSILON), length)

    def gradient(self, d_units: Tensor) -> Tensor:
        """Of the rows [..., D], from that of the units."""
        along = (d_units * self.rows).sum(dim=-1, keepdim=True)
        added = self.length + EPSILON
        return torch.addcmul(d_units, self.rows, along * added / self.length.clamp(min=SMALLEST), value=-1).div_(added)


@dataclass(frozen=True, slots=True)
class Shares:
    """How much of each snippet each prototype accounts for."""

    product: Tensor  # [..., P, T] of the units of prototypes with the snippets
    share: Tensor  # [..., P, T] softmax over the prototypes of the scaled cosine, 0 beyond the video
    over_time: Tensor  # [..., P, T] the same normalised over time
    total: Tensor  # [..., P, 1] what that divides by

    @staticmethod
    def of(product: Tensor, scale: Tensor, visible: Tensor, is_slot: Tensor | None = None) -> Shares:
        """scale: [..., 1, T] that makes cosines of products; visible: [..., 1, T]; is_slot: [..., P, 1] that count."""
        similarity = product * scale
        if is_slot is not None:
            similarity.masked_fill_(~is_slot, -torch.inf)
        share = torch.softmax(similarity, dim=-2).mul_(visible)
        total = share.sum(dim=-1, keepdim=True) + EPSILON
        return Shares(product, share, share / total, total)

    def gradient(self, d_share: Tensor | None, d_over_time: Tensor, scale: Tensor) -> Tensor:
        """Of the product [..., P, T], from those of the shares (None: none) and of the shares over time."""
        along = (d_over_time * self.over_time).sum(dim=-1, keepdim=True)
        gradient = (d_over_time - along).div_(self.total)
        if d_share is not None:
            gradient += d_share
        gradient -= (gradient * self.share).sum(dim=-2, keepdim=True)
        return gradient.mul_(self.share).mul_(scale)
