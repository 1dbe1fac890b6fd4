"""A weight of each snippet's labels that is learnt with the network: labels that do not fit are doubted."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from wtal.methods.batch import Batch


class LearnedWeight(nn.Module):
    """The doubt u of each snippet, linear in its features; its labels weigh exp(-u), and u has a price.

    It begins at 0, so that labels weigh 1 and nothing is drawn by chance.
    Source: the uncertainty of ASM-Loc (He et al., CVPR 2022); docs/labels.md#a-learned-weight.
    """

    def __init__(self, feature_size: int) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.zeros(feature_size))

    def forward(self, batch: Batch) -> Tensor:
        """u [V, T], 0 beyond the video."""
        return batch.padded(batch.features @ self.slope)
