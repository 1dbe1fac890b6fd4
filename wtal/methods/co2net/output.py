"""What the network of CO2-Net says of a batch. Axes: see `wtal.methods.contract`; W hidden columns."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True)
class CrossModalOutput:
    """What is said of every video of a batch; beyond a video attention is 0 and the rest means nothing."""

    features: Tensor  # [V, T, W] the fused streams
    logits: Tensor  # [V, T, K]
    attentions: tuple[Tensor, Tensor]  # [V, T] of the first stream and of the second

    @property
    def attention(self) -> Tensor:
        """Mean [V, T] of the two."""
        return (self.attentions[0] + self.attentions[1]) / 2

    @property
    def suppressed(self) -> Tensor:
        """Logits [V, T, K] drawn towards the least of their snippet, the more the less attention it has."""
        least = self.logits.amin(dim=2, keepdim=True)
        return self.attention[:, :, None] * (self.logits - least) + least
