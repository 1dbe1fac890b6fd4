"""Everything from the embedding on as one function of autograd, forward and backward written out.

What passes over the embedding X [V, T, D] is most of the time of a step that the embedding itself leaves, so it is
passed over as seldom as can be. The rows of a walk are never made (`Walks`), and every gradient of X is a product of
two narrow factors; they are put side by side and multiplied once (`SnippetGradient`).

Source: docs/method.md#base-model; gradients by the chain rule, held against differences in tests. Axes: V videos,
T snippets (padded), D embedding, P prototypes, H branches: original, reallocated, and memory if there is one,
K = C + 1 classes with background last, J = K + 1 with the foreground after it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from wtal.methods.rskp.heads import Cosines, Pooled
from wtal.methods.rskp.settings import RskpSettings
from wtal.methods.rskp.shares import SnippetGradient, Snippets, Units
from wtal.methods.rskp.walk import Fit, Slots, WalkedLengths, Walks

Remember = Callable[[Tensor], Slots | None]  # is told prototypes [V, P, D], and gives those of a memory to walk from


@dataclass(frozen=True, slots=True)
class Passed:
    """What a pass forward found, for its results and for the way back."""

    settings: RskpSettings
    snippets: Snippets
    head: Units  # [J, D] of the centres, the foreground last
    common: Tensor  # [V, P + J, D] units of the learnt prototypes and of the head, which every video has
    fit: Fit
    walks: Walks
    walked: WalkedLengths
    cosines: Cosines
    pooled: Pooled

    @staticmethod
    def of(
        rows: Tensor,
        start: Tensor,
        centres: Tensor,
        foreground: Tensor,
        mask: Tensor,
        settings: RskpSettings,
        remember: Remember | None = None,
    ) -> Passed:
        """rows: X [V, T, D], zero beyond the video; mask: [V, T].

        start: the learnt prototypes [P, D]; centres: [K, D]; foreground: [1, D].
        """
        snippets = Snippets.of(rows, mask)
        units, head = Units.of(start), Units.of(torch.cat([centres, foreground]))
        common = torch.cat([units.rows, head.rows]).expand(len(rows), -1, -1)
        product = torch.bmm(common, snippets.across)
        response = settings.responsibility_scale * snippets.inverse[:, None]
        fit = Fit.of(snippets, units, product[:, : len(start)], response, settings.em_iterations)
        slots = None if remember is None else remember(fit.prototypes)
        walks = Walks.of(snippets, fit.prototypes, slots, response, settings.random_walk_weight)
        walked = WalkedLengths.of(snippets, walks)
        scale, head_product = settings.cosine_scale, product[:, len(start) :]
        cosines = Cosines.of(snippets, head_product, head.rows, walks, walked.length, scale)
        pooled = Pooled.of(snippets, cosines.cosine, head.rows, walks, scale)
        return Passed(settings, snippets, head, common, fit, walks, walked, cosines, pooled)

    def gradient(
        self, d_logits: Tensor, d_attention: Tensor, d_agnostic: Tensor, d_class_wise: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Of rows [V, T, D], start [P, D], centres [K, D] and foreground [1, D].

        From those of the logits [V, H, K, T], the attention [V, H, T] and the logits of both poolings [V, H, K].
        """
        head, walks, weights, of_snippets = self.head, self.walks, self.pooled.weights, SnippetGradient(self.snippets)
        scale = self.settings.cosine_scale
        d_weights, sums = self.pooled.gradient(d_agnostic, d_class_wise, head.rows, walks, scale, of_snippets)
        d_weights[:, :, -1] += d_attention
        d_cosine = d_weights.mul_(weights).mul_(1 - weights)
        d_cosine[:, :, :-1] += d_logits
        d_head_product, d_lengths = self.cosines.gradient(d_cosine, head.rows, walks, sums, of_snippets)
        self.walked.gradient(d_lengths, walks, sums.share, sums.moved, of_snippets)
        d_prototypes = walks.gradient(sums.share, sums.moved, self.fit, of_snippets)
        d_product = torch.cat([self.fit.gradient(d_prototypes, of_snippets), d_head_product], dim=1)
        start, rows = self.fit.began_from[0], self.snippets.rows
        of_snippets.add(d_product, self.common)
        d_units = d_product.transpose(0, 1).flatten(1) @ rows.flatten(0, 1)
        n_starts = len(start.rows)
        d_centres = head.gradient(sums.head.add_(d_units[n_starts:]))
        return of_snippets.gathered(), start.gradient(d_units[:n_starts]), d_centres[:-1], d_centres[-1:]


class Branches(torch.autograd.Function):
    """Logits [V, H, K, T], attention [V, H, T], class-agnostic and class-wise logits [V, H, K], prototypes [V, P, D].

    The prototypes are told without gradient.
    """

    @staticmethod
    def forward(ctx: Any, *given: Any) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """given: what `Passed.of` takes. Axes: see there."""
        passed = Passed.of(*given)
        pooled = passed.pooled
        # What is returned is not what is kept: a result holds what its gradient is found from, which would hold it.
        agnostic, class_wise, prototypes = pooled.agnostic[:], pooled.class_wise[:], passed.fit.prototypes[:]
        ctx.mark_non_differentiable(prototypes)
        ctx.passed = passed
        return passed.cosines.cosine[:, :, :-1], pooled.weights[:, :, -1], agnostic, class_wise, prototypes

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Axes: see `Passed.gradient`; that of the prototypes is none."""
        return *ctx.passed.gradient(*gradients[:4]), None, None, None
