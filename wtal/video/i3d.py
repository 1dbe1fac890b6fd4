"""Inflated Inception-V1 as a plain torch module: Carreira and Zisserman, Quo Vadis, Action Recognition?, CVPR 2017.

Written from the paper and from that of Inception-V1 (Szegedy et al., Going Deeper with Convolutions, CVPR 2015). Names
of parts are those under which weights of it commonly go.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

COLUMNS = 1024
EPSILON = 1e-3  # of batch normalisation
# Channels of the branches of each block: 1x1x1; 1x1x1 and 3x3x3, twice; 1x1x1 after pooling.
BLOCKS = {
    "Mixed_3b": (64, (96, 128), (16, 32), 32),
    "Mixed_3c": (128, (128, 192), (32, 96), 64),
    "Mixed_4b": (192, (96, 208), (16, 48), 64),
    "Mixed_4c": (160, (112, 224), (24, 64), 64),
    "Mixed_4d": (128, (128, 256), (24, 64), 64),
    "Mixed_4e": (112, (144, 288), (32, 64), 64),
    "Mixed_4f": (256, (160, 320), (32, 128), 128),
    "Mixed_5b": (256, (160, 320), (32, 128), 128),
    "Mixed_5c": (384, (192, 384), (48, 128), 128),
}
# Kernel and stride in time and space of the pooling before a block.
POOLED = {"Mixed_3b": ((1, 3, 3), (1, 2, 2)), "Mixed_4b": ((3, 3, 3), (2, 2, 2)), "Mixed_5b": ((2, 2, 2), (2, 2, 2))}


def same_padding(clips: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...]) -> Tensor:
    """Clips [B, C, T, H, W] with zeros around, so that the output has the size of the input over its stride."""
    padding: list[int] = []
    for size, width, step in zip(reversed(clips.shape[2:]), reversed(kernel), reversed(stride)):
        total = max(0, (-(-size // step) - 1) * step + width - size)
        padding += [total // 2, total - total // 2]
    return functional.pad(clips, padding) if any(padding) else clips


def pooled(clips: Tensor, kernel: tuple[int, int, int], stride: tuple[int, int, int]) -> Tensor:
    """The greatest values of clips [B, C, T, H, W], which are none below 0, over a window."""
    return functional.max_pool3d(same_padding(clips, kernel, stride), kernel, stride)


class Unit(nn.Module):
    """A convolution without bias, normalised over the batch, and what is above 0 of it."""

    def __init__(self, n_in: int, n_out: int, kernel: int = 1, stride: int = 1) -> None:
        super().__init__()
        self.conv3d = nn.Conv3d(n_in, n_out, kernel, stride, bias=False)
        self.bn = nn.BatchNorm3d(n_out, eps=EPSILON)

    def forward(self, clips: Tensor) -> Tensor:
        """[B, n_in, T, H, W] to [B, n_out, T / stride, H / stride, W / stride]."""
        convolution = self.conv3d
        padded = same_padding(clips, convolution.kernel_size, convolution.stride)
        return functional.relu(self.bn(convolution(padded)))


class Mixed(nn.Module):
    """Four branches side by side."""

    def __init__(self, n_in: int, one: int, two: tuple[int, int], three: tuple[int, int], four: int) -> None:
        super().__init__()
        self.b0 = Unit(n_in, one)
        self.b1a, self.b1b = Unit(n_in, two[0]), Unit(*two, kernel=3)
        self.b2a, self.b2b = Unit(n_in, three[0]), Unit(*three, kernel=3)
        self.b3b = Unit(n_in, four)

    def forward(self, clips: Tensor) -> Tensor:
        """[B, n_in, T, H, W] to [B, n_out, T, H, W]."""
        around = pooled(clips, (3, 3, 3), (1, 1, 1))
        return torch.cat([self.b0(clips), self.b1b(self.b1a(clips)), self.b2b(self.b2a(clips)), self.b3b(around)], 1)


class InflatedInception(nn.Module):
    """The network of one stream, without its classifier. n_colours: 3 of pictures, 2 of flow."""

    def __init__(self, n_colours: int) -> None:
        super().__init__()
        self.Conv3d_1a_7x7 = Unit(n_colours, 64, kernel=7, stride=2)
        self.Conv3d_2b_1x1 = Unit(64, 64)
        self.Conv3d_2c_3x3 = Unit(64, 192, kernel=3)
        n_in = 192
        for name, (one, two, three, four) in BLOCKS.items():
            self.add_module(name, Mixed(n_in, one, two, three, four))
            n_in = one + two[1] + three[1] + four

    def forward(self, clips: Tensor) -> Tensor:
        """Features [B, 1024] of clips [B, n_colours, T, H, W] of values from -1 to 1, means over time and space."""
        inner = pooled(self.Conv3d_1a_7x7(clips), (1, 3, 3), (1, 2, 2))
        inner = self.Conv3d_2c_3x3(self.Conv3d_2b_1x1(inner))
        for name in BLOCKS:
            if name in POOLED:
                inner = pooled(inner, *POOLED[name])
            inner = self.get_submodule(name)(inner)
        means: Tensor = inner.mean(dim=(2, 3, 4))
        return means
