"""Prototypes by expectation maximisation, and the random walks from them and from a memory's, with their gradients.

Axes: V videos, T snippets (padded), D embedding, P prototypes, B walks of a video: one, or two with a memory. [V B]:
one video's walks after the other's. A gradient of x is called d_x.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from wtal.methods.rskp.shares import SMALLEST, Shares, SnippetGradient, Snippets, Units

Slots = tuple[Tensor, Tensor]  # prototypes of a memory [V, S, D], and which of them count [V, S]


@dataclass(frozen=True, slots=True)
class Fit:
    """Prototypes of each video by expectation maximisation."""

    response: Tensor  # [V, 1, T] scale of responsibilities over the length of snippets
    began_from: list[Units]  # of each iteration: [P, D] of the first, [V, P, D] of the others
    shares: list[Shares]  # of each iteration [V, P, T]
    prototypes: Tensor  # [V, P, D]

    @staticmethod
    def of(snippets: Snippets, start: Units, product: Tensor, response: Tensor, iterations: int) -> Fit:
        """From the learnt start [P, D], whose product [V, P, T] with the snippets is known."""
        began_from, shares = [start], [Shares.of(product, response, snippets.visible)]
        prototypes = torch.bmm(shares[0].over_time, snippets.rows)
        for _ in range(iterations - 1):
            began_from.append(Units.of(prototypes))
            product = torch.bmm(began_from[-1].rows, snippets.across)
            shares.append(Shares.of(product, response, snippets.visible))
            prototypes = torch.bmm(shares[-1].over_time, snippets.rows)
        return Fit(response, began_from, shares, prototypes)

    def gradient(self, d_prototypes: Tensor, of_snippets: SnippetGradient) -> Tensor:
        """Of the first product [V, P, T], from that of the prototypes [V, P, D]; adds to that of the snippets."""
        snippets = of_snippets.snippets
        for units, shares in zip(reversed(self.began_from), reversed(self.shares)):
            of_snippets.add(shares.over_time, d_prototypes)
            d_product = shares.gradient(None, torch.bmm(d_prototypes, snippets.across), self.response)
            of_snippets.cosines = (d_product * shares.product).sum(dim=1).add_(of_snippets.cosines)
            if units is not self.began_from[0]:
                of_snippets.add(d_product, units.rows)
                d_prototypes = units.gradient(torch.bmm(d_product, snippets.rows))
        return d_product


@dataclass(frozen=True, slots=True)
class Walks:
    """The random walks (1 - w) (I - w^2 A)^-1 (w S'mu + X), through their P x P systems (Woodbury).

    Their rows (1 - w) (X + S'N) are never made: whatever is asked of them follows from the same of X by sums over P.
    """

    weight: float  # w
    sources: Tensor  # mu [V B, P, D]
    units: Units  # of the sources [V, B P, D]
    shares: Shares  # S [V, B, P, T]
    small: Tensor  # [V B, P, P] shares over time with shares
    inverse: Tensor  # [V B, P, P] of I - w^2 small
    gathered: Tensor  # [V B, P, D]
    moved: Tensor  # N [V B, P, D]

    @staticmethod
    def of(snippets: Snippets, prototypes: Tensor, slots: Slots | None, response: Tensor, weight: float) -> Walks:
        """From the prototypes of a video [V, P, D], and from the slots of a memory. response: [V, 1, T]."""
        sources, is_slot = _sources(prototypes, slots)
        n_videos, n_walks, n_sources, _ = sources.shape
        units = Units.of(sources.flatten(1, 2))
        product = torch.bmm(units.rows, snippets.across).view(n_videos, n_walks, n_sources, -1)
        shares = Shares.of(product, response[:, None], snippets.visible[:, None], is_slot)
        sources = sources.flatten(0, 1)
        small = torch.bmm(shares.over_time.flatten(0, 1), shares.share.flatten(0, 1).transpose(1, 2))
        gathered = torch.bmm(shares.over_time.flatten(1, 2), snippets.rows).view_as(sources)
        gathered.baddbmm_(small, sources, alpha=weight)
        identity = torch.eye(n_sources, dtype=sources.dtype, device=sources.device)
        inverse = torch.linalg.inv_ex(torch.sub(identity, small, alpha=weight**2)).inverse
        moved = torch.baddbmm(sources, inverse, gathered, beta=weight, alpha=weight**2)
        return Walks(weight, sources, units, shares, small, inverse, gathered, moved)

    @property
    def share(self) -> Tensor:
        """[V B, P, T]"""
        return self.shares.share.flatten(0, 1)

    def gradient(self, d_share: Tensor, d_moved: Tensor, fit: Fit, of_snippets: SnippetGradient) -> Tensor:
        """Of the prototypes [V, P, D], from those of S [V B, P, T] and N [V B, P, D]; adds to that of the snippets."""
        rows, across = of_snippets.snippets.rows, of_snippets.snippets.across
        n_videos, n_walks, n_sources, _ = self.shares.share.shape
        weight, over_time = self.weight, self.shares.over_time
        d_gathered = torch.bmm(self.inverse.transpose(1, 2), d_moved).mul_(weight**2)
        d_small = torch.bmm(torch.bmm(d_gathered, self.gathered.transpose(1, 2)), self.inverse.transpose(1, 2))
        d_small = d_small.mul_(weight**2).baddbmm_(d_gathered, self.sources.transpose(1, 2), alpha=weight)
        d_sources = torch.baddbmm(d_moved, self.small.transpose(1, 2), d_gathered, beta=weight, alpha=weight)
        d_rows = d_gathered.view(n_videos, n_walks * n_sources, -1)
        of_snippets.add(over_time.flatten(1, 2), d_rows)
        d_over_time = torch.bmm(d_rows, across).view_as(d_share).baddbmm_(d_small, self.share)
        d_share.baddbmm_(d_small.transpose(1, 2), over_time.flatten(0, 1))
        d_shares = d_share.view_as(over_time), d_over_time.view_as(over_time)
        d_product = self.shares.gradient(*d_shares, fit.response[:, None])
        of_snippets.add(d_product.flatten(1, 2), self.units.rows)
        of_snippets.cosines = (d_product * self.shares.product).sum(dim=(1, 2)).add_(of_snippets.cosines)
        n_own = fit.prototypes.shape[1]
        own = Units(self.units.rows[:, :n_own], self.units.length[:, :n_own])  # a memory's have no gradient
        d_prototypes = d_sources.view(n_videos, n_walks, n_sources, -1)[:, 0, :n_own]
        return d_prototypes + own.gradient(torch.bmm(d_product[:, 0, :n_own], rows))


def _sources(prototypes: Tensor, slots: Slots | None) -> tuple[Tensor, Tensor | None]:
    """Where the walks of a video begin [V, B, P, D], and which of them do not only pad [V, B, P, 1]; None: all."""
    if slots is None:
        return prototypes[:, None], None
    n_videos, n_own, size = prototypes.shape
    n_slots = slots[0].shape[1]
    sources = prototypes.new_zeros((n_videos, 2, max(n_own, n_slots), size))
    is_slot = torch.zeros((*sources.shape[:3], 1), dtype=torch.bool, device=sources.device)
    sources[:, 0, :n_own], is_slot[:, 0, :n_own] = prototypes, True
    sources[:, 1, :n_slots], is_slot[:, 1, :n_slots] = slots[0], slots[1][..., None]
    return sources, is_slot


@dataclass(frozen=True, slots=True)
class WalkedLengths:
    """The lengths of the rows of the walks: (1 - w)^2 (|X|^2 + sum over P of S (2 N X' + N N'S)) squared."""

    length: Tensor  # [V, B, T]
    moved_rows: Tensor  # N X' [V B, P, T]
    walked_rows: Tensor  # N X' + N N'S [V B, P, T]

    @staticmethod
    def of(snippets: Snippets, walks: Walks) -> WalkedLengths:
        """Of these walks."""
        n_videos, n_walks, _, n_snippets = walks.shares.share.shape
        share, moved, length = walks.share, walks.moved, snippets.length[:, None]
        moved_rows = torch.bmm(moved.view(n_videos, -1, moved.shape[-1]), snippets.across).view_as(share)
        walked_rows = torch.baddbmm(moved_rows, torch.bmm(moved, moved.transpose(1, 2)), share)
        square = (moved_rows + walked_rows).mul_(share).sum(dim=1).view(n_videos, n_walks, n_snippets)
        walked = torch.addcmul(square, length, length).clamp_(min=0).sqrt_().mul_(1 - walks.weight)
        return WalkedLengths(walked, moved_rows, walked_rows)

    def gradient(
        self, d_length: Tensor, walks: Walks, d_share: Tensor, d_moved: Tensor, of_snippets: SnippetGradient
    ) -> None:
        """From that of the lengths [V, B, T]; adds to those of S [V B, P, T], N [V B, P, D] and the snippets."""
        n_videos, _, n_snippets = d_length.shape
        d_square = d_length * ((1 - walks.weight) ** 2 / 2) / self.length.clamp(min=SMALLEST) * (self.length > 0)
        of_snippets.squares = d_square.sum(dim=1)
        d_square = d_square.flatten(0, 1)[:, None]
        d_share.addcmul_(d_square, self.walked_rows, value=2)
        d_moved_rows = (2 * d_square) * walks.share
        left = d_moved_rows.view(n_videos, -1, n_snippets)
        of_snippets.add(left, walks.moved.view(n_videos, -1, d_moved.shape[-1]))
        d_moved += torch.bmm(left, of_snippets.snippets.rows).view_as(d_moved)
        d_moved.baddbmm_(torch.bmm(d_moved_rows, walks.share.transpose(1, 2)), walks.moved)
