"""Extractors whose networks torchvision has: video networks that were trained on Kinetics-400.

Xie et al., Rethinking Spatiotemporal Feature Learning (S3D), ECCV 2018; Tran et al., A Closer Look at Spatiotemporal
Convolutions (R(2+1)D), CVPR 2018; Li et al., MViTv2, CVPR 2022.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from wtal.base.errors import InputError
from wtal.base.ranges import settings
from wtal.suite.streams import Stream, Streams
from wtal.video.contract import Extractor, Snippet, SnippetNetwork, centre_crop
from wtal.video.weights import KnownWeights, found_weights, load_state

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

ADDRESS = "https://download.pytorch.org/models/"
KINETICS = ((0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989))  # mean and standard deviation of colours
OF_MVIT = ((0.45, 0.45, 0.45), (0.225, 0.225, 0.225))


class KineticsExtractor(Extractor):
    """What the networks of torchvision share: the input of the last classifier is the feature."""

    __slots__ = ()
    licence: ClassVar[str] = "none stated (torchvision's code is BSD-3-Clause; trained on Kinetics-400)"
    libraries: ClassVar[tuple[str, ...]] = ("torch", "torchvision")
    colours: ClassVar[tuple[tuple[float, ...], tuple[float, ...]]] = KINETICS
    side: ClassVar[int] = 224  # of the centre crop
    classifier: ClassVar[str]  # the name of the part that is left out
    builder: ClassVar[str]  # the name of torchvision's function
    weights: ClassVar[KnownWeights]

    def load(self, weights: Path | None, device: str, frames_per_second: float) -> SnippetNetwork:
        """The network, ready to use. Raises InputError where torchvision does not load, or weights are not there."""
        return KineticsNetwork(self, weights, device)


@settings
class S3d(KineticsExtractor):
    """S3D, trained on Kinetics-400: the lightest of the video networks; needs torchvision and a file of weights."""

    kind: Literal["s3d"] = "s3d"

    streams: ClassVar[Streams] = (Stream(name="rgb", columns=1024),)
    cost: ClassVar[str] = "about 4 minutes of one core for a minute of video; 18 GFLOP a snippet"
    normalisation: ClassVar[str] = "centre crop 224, Kinetics mean and deviation"
    shorter_side: ClassVar[int] = 256
    least_frames: ClassVar[int] = 14
    classifier: ClassVar[str] = "classifier"
    builder: ClassVar[str] = "s3d"
    weights: ClassVar[KnownWeights] = KnownWeights("s3d-d76dad2f.pth", "d76dad2f", address=ADDRESS + "s3d-d76dad2f.pth")


@settings
class R2Plus1d18(KineticsExtractor):
    """R(2+1)D with 18 layers, trained on Kinetics-400: small pictures; needs torchvision and a file of weights."""

    kind: Literal["r2plus1d_18"] = "r2plus1d_18"

    streams: ClassVar[Streams] = (Stream(name="rgb", columns=512),)
    cost: ClassVar[str] = "about 2 minutes of one core for a minute of video; 40.5 GFLOP a snippet"
    normalisation: ClassVar[str] = "centre crop 112, Kinetics mean and deviation"
    shorter_side: ClassVar[int] = 128
    side: ClassVar[int] = 112
    classifier: ClassVar[str] = "fc"
    builder: ClassVar[str] = "r2plus1d_18"
    weights: ClassVar[KnownWeights] = KnownWeights(
        "r2plus1d_18-91a641e6.pth", "91a641e6", address=ADDRESS + "r2plus1d_18-91a641e6.pth"
    )


@settings
class MvitV2S(KineticsExtractor):
    """MViTv2-S, trained on Kinetics-400: the most accurate, for a GPU; needs torchvision and a file of weights."""

    kind: Literal["mvit_v2_s"] = "mvit_v2_s"

    streams: ClassVar[Streams] = (Stream(name="rgb", columns=768),)
    cost: ClassVar[str] = "about 10 minutes of one core for a minute of video; 64.2 GFLOP a snippet"
    normalisation: ClassVar[str] = "centre crop 224, mean 0.45, deviation 0.225"
    shorter_side: ClassVar[int] = 256
    least_frames: ClassVar[int] = 16
    frames: ClassVar[int | None] = 16
    colours: ClassVar[tuple[tuple[float, ...], tuple[float, ...]]] = OF_MVIT
    classifier: ClassVar[str] = "head"
    builder: ClassVar[str] = "mvit_v2_s"
    weights: ClassVar[KnownWeights] = KnownWeights(
        "mvit_v2_s-ae3be167.pth", "ae3be167", address=ADDRESS + "mvit_v2_s-ae3be167.pth"
    )


class KineticsNetwork(SnippetNetwork):
    """A network of torchvision without its classifier."""

    def __init__(self, chosen: KineticsExtractor, weights: Path | None, device: str) -> None:
        import torch
        from torch import nn

        models = _models()
        path, self.weights = found_weights(chosen.weights, weights)
        network: nn.Module = getattr(models, chosen.builder)(weights=None)
        load_state(path, network)
        setattr(network, chosen.classifier, nn.Identity())
        self.network, self.device, self.side = network.eval().to(device), device, chosen.side
        torch.backends.cudnn.deterministic = True
        mean, deviation = (torch.tensor(values).reshape(3, 1, 1, 1).to(device) for values in chosen.colours)
        self.mean, self.deviation = mean, deviation

    def __call__(self, snippets: Sequence[Snippet]) -> NDArray[np.float32]:
        """The features [B, C] of B snippets."""
        import torch

        rows = []
        for snippet in snippets:  # one at a time: a batch of them takes gigabytes on a CPU, and is no faster there
            clip = torch.from_numpy(np.stack([centre_crop(picture, self.side) for picture in snippet])).to(self.device)
            colours = (clip.permute(3, 0, 1, 2).to(torch.float32) / 255 - self.mean) / self.deviation
            with torch.inference_mode():
                rows.append(self.network(colours[None]).reshape(-1).cpu().numpy())
        return np.stack(rows)


def _models() -> Any:
    """torchvision's video networks. Raises InputError where its build does not fit torch's."""
    try:
        from torchvision.models import video
    except (RuntimeError, OSError) as error:
        import torch

        expected = f"a build that fits torch {torch.__version__} (install both from the same index of packages)"
        got = str(error).splitlines()[0]
        raise InputError(file="torchvision", expected=expected, got=got) from None
    return video
