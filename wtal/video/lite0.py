"""EfficientNet-Lite0 as a plain torch module: Tan and Le, EfficientNet, ICML 2019, in its variant for small devices.

It has no squeeze-and-excitation and ReLU6 in place of swish. Names of parameters are those of the published file.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

COLUMNS = 1280
# Kernel, stride of the first block, expansion, channels, number of blocks.
STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
EPSILON = 1e-3  # of batch normalisation, as in the published network


class SameConvolution(nn.Conv2d):
    """A convolution without bias whose output has the size of the input over its stride; odd padding comes last."""

    def __init__(self, n_in: int, n_out: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(n_in, n_out, kernel, stride, groups=groups, bias=False)

    def forward(self, pictures: Tensor) -> Tensor:
        """[B, n_in, H, W] to [B, n_out, H / stride, W / stride]."""
        padding = []
        for size in (pictures.shape[3], pictures.shape[2]):
            stride, kernel = self.stride[0], self.kernel_size[0]
            total = max(0, (-(-size // stride) - 1) * stride + kernel - size)
            padding += [total // 2, total - total // 2]
        return super().forward(functional.pad(pictures, padding))


class LiteBlock(nn.Module):
    """An inverted residual: expand, convolve each channel, project."""

    def __init__(self, n_in: int, n_out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = n_in * expansion
        self.expands, self.adds = expansion > 1, stride == 1 and n_in == n_out
        if self.expands:
            self._expand_conv = SameConvolution(n_in, inner, 1)
            self._bn0 = nn.BatchNorm2d(inner, eps=EPSILON)
        self._depthwise_conv = SameConvolution(inner, inner, kernel, stride, groups=inner)
        self._bn1 = nn.BatchNorm2d(inner, eps=EPSILON)
        self._project_conv = SameConvolution(inner, n_out, 1)
        self._bn2 = nn.BatchNorm2d(n_out, eps=EPSILON)

    def forward(self, pictures: Tensor) -> Tensor:
        """[B, n_in, H, W] to [B, n_out, H / stride, W / stride]."""
        inner = functional.relu6(self._bn0(self._expand_conv(pictures))) if self.expands else pictures
        inner = functional.relu6(self._bn1(self._depthwise_conv(inner)))
        result: Tensor = self._bn2(self._project_conv(inner))
        return pictures + result if self.adds else result


class EfficientNetLite0(nn.Module):
    """The network with its classifier of 1000 ImageNet classes."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = SameConvolution(3, 32, 3, stride=2)
        self._bn0 = nn.BatchNorm2d(32, eps=EPSILON)
        blocks, n_in = [], 32
        for kernel, stride, expansion, n_out, n_blocks in STAGES:
            for index in range(n_blocks):
                blocks.append(LiteBlock(n_in, n_out, kernel, 1 if index else stride, expansion))
                n_in = n_out
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = SameConvolution(n_in, COLUMNS, 1)
        self._bn1 = nn.BatchNorm2d(COLUMNS, eps=EPSILON)
        self._fc = nn.Linear(COLUMNS, 1000)

    def features(self, pictures: Tensor) -> Tensor:
        """The input of the classifier [B, 1280] of normalised pictures [B, 3, H, W]."""
        inner = functional.relu6(self._bn0(self._conv_stem(pictures)))
        for block in self._blocks:
            inner = block(inner)
        return functional.relu6(self._bn1(self._conv_head(inner))).mean(dim=(2, 3))

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits [B, 1000] of normalised pictures [B, 3, H, W]."""
        logits: Tensor = self._fc(self.features(pictures))
        return logits


def normalised(pictures: Tensor) -> Tensor:
    """Bytes [B, H, W, 3] as the network takes them: [B, 3, H, W], about -1 to 1."""
    return (pictures.permute(0, 3, 1, 2).to(torch.float32) - 127) / 128
