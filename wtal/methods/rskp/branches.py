"""Prototypes, random walk and head of all branches, forward and backward written out.

What passes over the embedding X [V, T, D] is most of the time of a step that the embedding itself leaves, so it is
passed over as seldom as can be. The rows of a walk, a (X + S' N) with S [V, P, T] and N [V, P, D], are never made:
whatever the head wants of them follows from the same of X by sums over P. And every gradient of X is a product of two
narrow factors; they are put side by side and multiplied once.

Source: docs/method.md#base-model; gradients by the chain rule, held against differences in tests. Axes: V videos,
T snippets (padded), D embedding, P prototypes, B walks (one, two with a memory), H = B + 1 branches, K = C + 1 classes
with background last, J = K + 1 with the foreground after it. A gradient of x is called d_x.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from wtal.methods.rskp.settings import RskpSettings

EPSILON = 1e-9
POOLING_EPSILON = 1e-5
SMALLEST = 1e-30  # stands for a length of zero where it divides zero
Slots = tuple[Tensor, Tensor]  # prototypes of a memory [V, S, D], and which of them count [V, S]


@dataclass(frozen=True, slots=True)
class Units:
    """Rows [..., D] divided by (their Euclidean length + epsilon); a zero row stays zero."""

    rows: Tensor
    length: Tensor  # [..., 1]

    @staticmethod
    def of(rows: Tensor) -> Units:
        """The units of these rows."""
        length = torch.linalg.vector_norm(rows, dim=-1, keepdim=True)
        return Units(rows / (length + EPSILON), length)

    def gradient(self, d_units: Tensor) -> Tensor:
        """Of the rows, from that of the units."""
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
    def of(product: Tensor, scale: Tensor, mask: Tensor, is_slot: Tensor | None = None) -> Shares:
        """scale: [..., 1, T] that makes cosines of products; mask: [..., 1, T]; is_slot: [..., P, 1] that count."""
        similarity = product * scale
        if is_slot is not None:
            similarity.masked_fill_(~is_slot, -torch.inf)
        share = torch.softmax(similarity, dim=-2).mul_(mask)
        total = share.sum(dim=-1, keepdim=True) + EPSILON
        return Shares(product, share, share / total, total)

    def gradient(self, d_share: Tensor | None, d_over_time: Tensor, scale: Tensor) -> Tensor:
        """Of the product, from those of the shares (None: none) and of the shares over time."""
        along = (d_over_time * self.over_time).sum(dim=-1, keepdim=True)
        gradient = (d_over_time - along).div_(self.total)
        if d_share is not None:
            gradient += d_share
        gradient -= (gradient * self.share).sum(dim=-2, keepdim=True)
        return gradient.mul_(self.share).mul_(scale)


@dataclass(frozen=True, slots=True)
class Walk:
    """The random walks (1 - w) (I - w^2 A)^-1 (w Z'mu + X), through their P x P systems (Woodbury).

    All of them [V B, ...]: one video's walks after the other's.
    """

    sources: Tensor  # mu [V B, P, D]
    units: Units  # of the sources [V, B P, D]
    shares: Shares  # [V, B, P, T]
    small: Tensor  # [V B, P, P] shares over time with shares
    inverse: Tensor  # [V B, P, P] of I - w^2 small
    gathered: Tensor  # [V B, P, D]
    moved: Tensor  # N [V B, P, D]: the walk's rows are (1 - w) (X + S'N)


@dataclass(frozen=True, slots=True)
class Passed:
    """What a pass forward found, for its results and for the way back."""

    length: Tensor  # [V, T] of the snippets
    response: Tensor  # [V, 1, T] scale of responsibilities over length, 0 beyond the video
    start: Units  # [P, D] of the learnt prototypes
    head: Units  # [J, D] of the centres, the foreground last
    fitted: list[tuple[Units, Shares]]  # of each iteration: what it began from, and the shares
    prototypes: Tensor  # [V, P, D]
    walk: Walk
    heads_of_moved: Tensor  # [V B, P, J] of N with the units of the head
    moved_rows: Tensor  # [V B, P, T] of N with the snippets
    walked_rows: Tensor  # [V B, P, T] of N with the snippets as walked, but for 1 - w
    lengths: Tensor  # [V, H, T] of the rows of each branch
    inverse_lengths: Tensor  # [V, H, T] 1 / (length + epsilon), 0 beyond the video
    cosine: Tensor  # [V, H, J, T] scaled
    weights: Tensor  # [V, H, J, T] their sigmoid, 0 beyond the video
    pooled: Tensor  # [V, H, J, D] rows summed by weights
    pooled_shares: Tensor  # [V B, J, P] weights with shares
    pooled_length: Tensor  # [V, H, J]
    pooled_divisor: Tensor  # [V, H, J] that makes units of the means of rows by weights
    agnostic: Tensor  # [V, H, K]
    class_wise: Tensor  # [V, H, K]


def pass_forward(
    rows: Tensor,
    start: Tensor,
    centres: Tensor,
    foreground: Tensor,
    mask: Tensor,
    settings: RskpSettings,
    remember: Callable[[Tensor], Slots | None] | None = None,
) -> Passed:
    """Everything from the embedding on. rows: X [V, T, D], zero beyond the video; mask: [V, T].

    start: [P, D]; centres: [K, D]; foreground: [1, D]. remember: is told the prototypes [V, P, D] and gives those of
    a memory to walk from besides, if there are any.
    """
    n_videos, n_snippets, size = rows.shape
    across = rows.transpose(1, 2)
    length = torch.linalg.vector_norm(rows, dim=-1)
    inverse = mask / (length + EPSILON)
    response, visible = settings.responsibility_scale * inverse[:, None], mask[:, None].to(rows.dtype)

    units = Units.of(start)
    head = Units.of(torch.cat([centres, foreground]))
    n_starts, n_heads = len(start), len(head.rows)
    common = torch.bmm(torch.cat([units.rows, head.rows]).expand(n_videos, -1, -1), across)
    product, head_product = common[:, :n_starts], common[:, n_starts:]

    fitted: list[tuple[Units, Shares]] = []
    prototypes = start
    for iteration in range(settings.em_iterations):
        if iteration:
            units = Units.of(prototypes)
            product = torch.bmm(units.rows, across)
        shares = Shares.of(product, response, visible)
        fitted.append((units, shares))
        prototypes = torch.bmm(shares.over_time, rows)

    slots = None if remember is None else remember(prototypes)
    walk = walked(rows, prototypes, slots, response, visible, settings.random_walk_weight)
    n_walks = len(walk.sources) // n_videos
    rest = 1 - settings.random_walk_weight
    share = walk.shares.share.flatten(0, 1)
    heads_of_moved = torch.matmul(walk.moved, head.rows.T)
    moved_rows = torch.bmm(walk.moved.view(n_videos, -1, size), across).view_as(share)
    walked_rows = torch.baddbmm(moved_rows, torch.bmm(walk.moved, walk.moved.transpose(1, 2)), share)
    square = (moved_rows + walked_rows).mul_(share).sum(dim=1).view(n_videos, n_walks, n_snippets)
    walked_length = torch.addcmul(square, length[:, None], length[:, None]).clamp_(min=0).sqrt_().mul_(rest)
    lengths = torch.cat([length[:, None], walked_length], dim=1)
    inverse_lengths = mask[:, None] / (lengths + EPSILON)

    among = torch.bmm(heads_of_moved.transpose(1, 2), share).view(n_videos, n_walks, n_heads, n_snippets)
    cosine = torch.cat([head_product[:, None], (among + head_product[:, None]).mul_(rest)], dim=1)
    cosine *= (settings.cosine_scale * inverse_lengths)[:, :, None]
    weights = torch.sigmoid(cosine).mul_(visible[:, None])
    pooled = torch.bmm(weights.flatten(1, 2), rows).view(n_videos, 1 + n_walks, n_heads, size)
    pooled_shares = torch.bmm(weights[:, 1:].flatten(0, 1), share.transpose(1, 2))
    gained = torch.bmm(pooled_shares, walk.moved).view(n_videos, n_walks, n_heads, size)
    pooled[:, 1:].add_(gained).mul_(rest)
    pooled_length = torch.linalg.vector_norm(pooled, dim=-1)
    # A mean's length + epsilon, with the sum of weights brought to the side of epsilon.
    divisor = torch.add(pooled_length, weights.sum(dim=-1).add_(POOLING_EPSILON), alpha=EPSILON)
    against = torch.matmul(pooled, head.rows[:-1].T).mul_((settings.cosine_scale / divisor)[..., None])
    return Passed(
        length=length,
        response=response,
        start=fitted[0][0],
        head=head,
        fitted=fitted,
        prototypes=prototypes,
        walk=walk,
        heads_of_moved=heads_of_moved,
        moved_rows=moved_rows,
        walked_rows=walked_rows,
        lengths=lengths,
        inverse_lengths=inverse_lengths,
        cosine=cosine,
        weights=weights,
        pooled=pooled,
        pooled_shares=pooled_shares,
        pooled_length=pooled_length,
        pooled_divisor=divisor,
        agnostic=against[:, :, -1].contiguous(),
        class_wise=against.diagonal(dim1=2, dim2=3).contiguous(),
    )


def walked(
    rows: Tensor, prototypes: Tensor, slots: Slots | None, response: Tensor, visible: Tensor, weight: float
) -> Walk:
    """The walk from the prototypes of a video [V, P, D], and beside it that from the slots of a memory."""
    n_videos, n_snippets, size = rows.shape
    sources, is_slot = prototypes[:, None], None
    if slots is not None:
        n_own, n_slots = prototypes.shape[1], slots[0].shape[1]
        sources = prototypes.new_zeros((n_videos, 2, max(n_own, n_slots), size))
        sources[:, 0, :n_own], sources[:, 1, :n_slots] = prototypes, slots[0]
        is_slot = torch.zeros(sources.shape[:3], dtype=torch.bool, device=rows.device)
        is_slot[:, 0, :n_own], is_slot[:, 1, :n_slots] = True, slots[1]
        is_slot = is_slot[..., None]
    n_walks, n_sources = sources.shape[1:3]
    units = Units.of(sources.flatten(1, 2))
    product = torch.bmm(units.rows, rows.transpose(1, 2)).view(n_videos, n_walks, n_sources, n_snippets)
    shares = Shares.of(product, response[:, None], visible[:, None], is_slot)
    sources = sources.flatten(0, 1)
    small = torch.bmm(shares.over_time.flatten(0, 1), shares.share.flatten(0, 1).transpose(1, 2))
    gathered = torch.bmm(shares.over_time.flatten(1, 2), rows).view_as(sources)
    gathered.baddbmm_(small, sources, alpha=weight)
    identity = torch.eye(n_sources, dtype=rows.dtype, device=rows.device)
    inverse = torch.linalg.inv_ex(torch.sub(identity, small, alpha=weight**2)).inverse
    moved = torch.baddbmm(sources, inverse, gathered, beta=weight, alpha=weight**2)
    return Walk(sources, units, shares, small, inverse, gathered, moved)


class Branches(torch.autograd.Function):
    """Logits [V, H, K, T], attention [V, H, T], class-agnostic and class-wise logits [V, H, K], prototypes [V, P, D].

    Branches in the order original, reallocated, memory; the prototypes are told without gradient.
    """

    @staticmethod
    def forward(
        ctx: Any,
        rows: Tensor,
        start: Tensor,
        centres: Tensor,
        foreground: Tensor,
        mask: Tensor,
        settings: RskpSettings,
        remember: Callable[[Tensor], Slots | None] | None,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """See `pass_forward`."""
        passed = pass_forward(rows, start, centres, foreground, mask, settings, remember)
        ctx.save_for_backward(rows)
        ctx.passed, ctx.settings = passed, settings
        ctx.mark_non_differentiable(passed.prototypes)
        logits, attention = passed.cosine[:, :, :-1], passed.weights[:, :, -1]
        return logits, attention, passed.agnostic, passed.class_wise, passed.prototypes

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Of rows, start, centres and foreground."""
        (rows,) = ctx.saved_tensors
        found = pass_backward(rows, ctx.passed, ctx.settings, *gradients[:4])
        return *found, None, None, None


def pass_backward(
    rows: Tensor,
    passed: Passed,
    settings: RskpSettings,
    d_logits: Tensor,
    d_attention: Tensor,
    d_agnostic: Tensor,
    d_class_wise: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The gradients of rows, start, centres and foreground, from those of what the branches give."""
    walk, head, weights, pooled = passed.walk, passed.head, passed.weights, passed.pooled
    weight, rest, scale = settings.random_walk_weight, 1 - settings.random_walk_weight, settings.cosine_scale
    n_videos, n_snippets, size = rows.shape
    n_walks, n_heads = weights.shape[1] - 1, weights.shape[2]
    n_classes = n_heads - 1
    across = rows.transpose(1, 2)
    share, over_time = walk.shares.share.flatten(0, 1), walk.shares.over_time
    left: list[Tensor] = []  # [V, R, T] and
    right: list[Tensor] = []  # [V, R, D], whose products by R are gradients of the rows

    # The head: pooled scores, pooled rows, weights, cosines.
    d_divisor = torch.cat(
        [d_class_wise * passed.class_wise, (d_agnostic * passed.agnostic).sum(dim=2, keepdim=True)], dim=2
    ).div_(passed.pooled_divisor.neg())
    d_against = rows.new_zeros((*pooled.shape[:3], n_classes))
    d_against.diagonal(dim1=2, dim2=3).copy_(d_class_wise)
    d_against[:, :, -1] = d_agnostic
    d_against *= (scale / passed.pooled_divisor)[..., None]
    d_head = rows.new_zeros(head.rows.shape)
    d_head[:-1] = d_against.flatten(0, 2).T @ pooled.flatten(0, 2)
    d_pooled = torch.matmul(d_against, head.rows[:-1])
    d_pooled.addcmul_(pooled, (d_divisor / passed.pooled_length.clamp(min=SMALLEST))[..., None])
    d_pooled[:, 1:] *= rest
    d_gained = d_pooled[:, 1:].flatten(0, 1)
    left.append(weights.flatten(1, 2))
    right.append(d_pooled.flatten(1, 2))
    d_weights = torch.baddbmm((EPSILON * d_divisor).flatten(1, 2)[..., None], right[0], across).view_as(weights)
    d_pooled_shares = torch.bmm(d_gained, walk.moved.transpose(1, 2))
    d_moved = torch.bmm(passed.pooled_shares.transpose(1, 2), d_gained)
    d_weights[:, 1:] += torch.bmm(d_pooled_shares, share).view(n_videos, n_walks, n_heads, n_snippets)
    d_share = torch.bmm(d_pooled_shares.transpose(1, 2), weights[:, 1:].flatten(0, 1))
    d_weights[:, :, -1] += d_attention
    d_cosine = d_weights.mul_(weights).mul_(1 - weights)
    d_cosine[:, :, :-1] += d_logits
    d_lengths = (d_cosine * passed.cosine).sum(dim=2).mul_(passed.inverse_lengths).neg_()
    d_product = d_cosine.mul_((scale * passed.inverse_lengths)[:, :, None])
    d_product[:, 1:] *= rest
    d_head_product = d_product.sum(dim=1)
    d_among = d_product[:, 1:].flatten(0, 1)
    d_heads_of_moved = torch.bmm(share, d_among.transpose(1, 2))
    d_share.baddbmm_(passed.heads_of_moved, d_among)
    d_moved += torch.matmul(d_heads_of_moved, head.rows)
    d_head += d_heads_of_moved.flatten(0, 1).T @ walk.moved.flatten(0, 1)

    # The lengths of walked rows: (1 - w)^2 (|X|^2 + sum of S (2 NX' + NN' S)).
    walked_length = passed.lengths[:, 1:]
    d_square = (d_lengths[:, 1:] * (rest**2 / 2)).div_(walked_length.clamp(min=SMALLEST)).mul_(walked_length > 0)
    d_of_all = d_square.sum(dim=1)
    d_square = d_square.flatten(0, 1)[:, None]
    d_share.addcmul_(d_square, passed.walked_rows, value=2)
    d_moved_rows = (2 * d_square) * share
    left.append(d_moved_rows.view(n_videos, -1, n_snippets))
    right.append(walk.moved.view(n_videos, -1, size))
    d_moved += torch.bmm(left[-1], rows).view_as(d_moved)
    d_moved.baddbmm_(torch.bmm(d_moved_rows, share.transpose(1, 2)), walk.moved)

    # The walk.
    d_gathered = torch.bmm(walk.inverse.transpose(1, 2), d_moved).mul_(weight**2)
    d_small = torch.bmm(torch.bmm(d_gathered, walk.gathered.transpose(1, 2)), walk.inverse.transpose(1, 2))
    d_small = d_small.mul_(weight**2).baddbmm_(d_gathered, walk.sources.transpose(1, 2), alpha=weight)
    d_sources = torch.baddbmm(d_moved, walk.small.transpose(1, 2), d_gathered, beta=weight, alpha=weight)
    left.append(over_time.flatten(1, 2))
    right.append(d_gathered.view(n_videos, -1, size))
    d_over_time = torch.bmm(right[-1], across).view_as(share).baddbmm_(d_small, share)
    d_share.baddbmm_(d_small.transpose(1, 2), over_time.flatten(0, 1))
    shape, response = walk.shares.share.shape, passed.response
    d_source_product = walk.shares.gradient(d_share.view(shape), d_over_time.view(shape), response[:, None])
    left.append(d_source_product.flatten(1, 2))
    right.append(walk.units.rows)
    d_length_over = (d_source_product * walk.shares.product).sum(dim=(1, 2))
    n_own = passed.prototypes.shape[1]
    own = Units(walk.units.rows[:, :n_own], walk.units.length[:, :n_own])  # of the memory's no gradient is wanted
    d_prototypes = d_sources.view(n_videos, n_walks, -1, size)[:, 0, :n_own]
    d_prototypes = d_prototypes + own.gradient(torch.bmm(d_source_product[:, 0, :n_own], rows))

    # Expectation maximisation.
    for iteration in reversed(range(len(passed.fitted))):
        units, shares = passed.fitted[iteration]
        left.append(shares.over_time)
        right.append(d_prototypes)
        d_own = shares.gradient(None, torch.bmm(d_prototypes, across), response)
        d_length_over += (d_own * shares.product).sum(dim=1)
        if iteration:
            left.append(d_own)
            right.append(units.rows)
            d_prototypes = units.gradient(torch.bmm(d_own, rows))
    d_common = torch.cat([d_own, d_head_product], dim=1)
    left.append(d_common)
    right.append(torch.cat([passed.start.rows, head.rows]).expand(n_videos, -1, -1))
    d_units = d_common.transpose(0, 1).flatten(1) @ rows.flatten(0, 1)
    d_start = passed.start.gradient(d_units[:n_own])
    d_centres = head.gradient(d_head.add_(d_units[n_own:]))

    d_rows = torch.bmm(torch.cat(left, dim=1).transpose(1, 2), torch.cat(right, dim=1))
    d_length = torch.addcmul(d_lengths[:, 0], d_length_over, passed.inverse_lengths[:, 0], value=-1)
    of_rows = torch.add(d_length.div_(passed.length.clamp(min=SMALLEST)), d_of_all, alpha=2)
    d_rows.addcmul_(rows, of_rows[..., None])
    return d_rows, d_start, d_centres[:-1], d_centres[-1:]
