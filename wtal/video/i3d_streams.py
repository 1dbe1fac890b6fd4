"""The two-stream extractor of the papers: I3D on pictures and on optical flow, with weights that the user has."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np

from wtal.base.errors import InputError, listed_in_words
from wtal.base.files import digest_of_file
from wtal.base.ranges import Doc, settings
from wtal.suite.streams import Stream, Streams
from wtal.video.contract import Extractor, Snippet, SnippetNetwork, Weights, centre_crop
from wtal.video.weights import read_tensors

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from wtal.video.i3d import InflatedInception

SIDE = 224  # of the centre crop
MOST_FLOW = 20  # pixels a frame; what is faster is cut down to that
COLOURS = {"rgb": 3, "flow": 2}
MOST_NAMED = 6  # tensors in a sentence
# Other names under which weights go; each is brought to the usual one.
RENAMED = (
    (r"^module\.", ""),
    (r"^conv3d_(\d)", r"Conv3d_\1"),
    (r"^mixed_(\d)", r"Mixed_\1"),
    (r"\.branch_0\.", ".b0."),
    (r"\.branch_([12])\.0\.", r".b\1a."),
    (r"\.branch_([12])\.1\.", r".b\1b."),
    (r"\.branch_3\.1\.", ".b3b."),
    (r"\.batch3d\.", ".bn."),
)
CLASSIFIER = ("logits.", "Logits.", "conv3d_0c_1x1.", "Conv3d_0c_1x1.")


@settings
class I3d(Extractor):
    """I3D, two streams, as in papers of this field; needs a file of weights, which is not supplied."""

    kind: Literal["i3d"] = "i3d"
    flow: Annotated[
        Literal["tvl1", "dis"],
        Doc("optical flow: tvl1 as in the papers, which needs opencv-contrib; dis is 100 times faster"),
    ] = "tvl1"

    streams: ClassVar[Streams] = (Stream(name="rgb", columns=1024), Stream(name="flow", columns=1024))
    licence: ClassVar[str] = "that of the user's weights"
    cost: ClassVar[str] = (
        "about 25 minutes of one core for a minute of video with TV-L1; 108 GFLOP a snippet and stream"
    )
    normalisation: ClassVar[str] = (
        "centre crop 224; bytes over 127.5, less 1; flow cut at 20 pixels, over 20, in 8 bits"
    )
    libraries: ClassVar[tuple[str, ...]] = ("opencv-contrib-python-headless", "opencv-python-headless", "torch")
    shorter_side: ClassVar[int] = 256
    least_frames: ClassVar[int] = 9

    def load(self, weights: Path | None, device: str, frames_per_second: float) -> SnippetNetwork:
        """Both networks and the flow. Raises InputError where weights or OpenCV's contributed part are not there."""
        return TwoStreamNetwork(self, weights, device)


class TwoStreamNetwork(SnippetNetwork):
    """Columns: 1024 of the pictures, then 1024 of the flow between them."""

    def __init__(self, chosen: I3d, weights: Path | None, device: str) -> None:
        import torch

        from wtal.video.i3d import InflatedInception

        self.flow_of = _flow(chosen.flow)
        states, self.weights = two_states(weights)
        self.networks: dict[str, InflatedInception] = {}
        for stream, (path, state) in states.items():
            network = InflatedInception(COLOURS[stream])
            fill(network, state, path, stream)
            self.networks[stream] = network.eval().to(device)
        self.device = device
        torch.backends.cudnn.deterministic = True

    def __call__(self, snippets: Sequence[Snippet]) -> NDArray[np.float32]:
        """The features [B, 1024 + 1024] of B snippets."""
        return np.stack([self._features(snippet) for snippet in snippets])

    def _features(self, snippet: Snippet) -> NDArray[np.float32]:
        import torch

        pictures = np.stack([centre_crop(picture, SIDE) for picture in snippet]).astype(np.float32) / 127.5 - 1
        clips = {"rgb": pictures, "flow": self._flow_clip(snippet)}
        with torch.inference_mode():
            parts: list[Tensor] = []
            for stream, clip in clips.items():
                given = torch.from_numpy(clip).permute(3, 0, 1, 2)[None].to(self.device)
                parts.append(self.networks[stream](given)[0])
            found: NDArray[np.float32] = torch.cat(parts).cpu().numpy()
        return found

    def _flow_clip(self, snippet: Snippet) -> NDArray[np.float32]:
        """The flow [T, 224, 224, 2] from each picture to the next, from -1 to 1; the last one twice."""
        flows = [
            np.zeros((SIDE, SIDE, 2), np.float32) if after is before else centre_crop(self.flow_of(before, after), SIDE)
            for before, after in pairwise(snippet)
        ]
        cut = np.clip(np.stack([*flows, flows[-1]]), -MOST_FLOW, MOST_FLOW)
        steps = np.rint((cut + MOST_FLOW) * (255 / (2 * MOST_FLOW)))  # as it was once kept, in pictures
        result: NDArray[np.float32] = (steps / 127.5 - 1).astype(np.float32)
        return result


def _flow(kind: str) -> Callable[[Any, Any], Any]:
    """What makes the flow [H, W, 2], right and down, of two pictures. Raises InputError where OpenCV lacks it."""
    import cv2

    cv2.setNumThreads(1)
    if kind == "dis":
        maker: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    else:
        contributed: Any = getattr(cv2, "optflow", None)
        if contributed is None:
            expected = "opencv-contrib-python-headless in place of opencv-python-headless, for TV-L1 (or flow: dis)"
            raise InputError(file="extract", key="extractor.flow", expected=expected, got="a build without cv2.optflow")
        maker = contributed.DualTVL1OpticalFlow.create()

    def flow_of(before: Any, after: Any) -> Any:
        grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (before, after)]
        return maker.calc(*grey, None)

    return flow_of


def two_states(given: Path | None) -> tuple[dict[str, tuple[Path, Mapping[str, Any]]], Weights]:
    """The tensors of both streams by their usual names, and what they come from.

    given: a folder with one file with `rgb` in its name and one with `flow`, or one file in which all names begin with
    `rgb.` or `flow.`. Raises InputError where it is neither.
    """
    expected = "a folder with a file of weights for rgb and one for flow, or a file with both as rgb.* and flow.*"
    if given is None:
        raise InputError(file="extract", key="--weights", expected=expected, got="none")
    if not given.is_dir():
        state = _tensors(given)
        parts = {
            name: {key[len(name) + 1 :]: state[key] for key in state if key.startswith(f"{name}.")} for name in COLOURS
        }
        if not all(parts.values()):
            raise InputError(file=given, expected=expected, got="names without them")
        return {name: (given, _renamed(part)) for name, part in parts.items()}, Weights(
            given.name, digest_of_file(given)
        )
    files = {}
    for name in COLOURS:
        found = sorted(path for path in given.iterdir() if name in path.name.lower() and path.is_file())
        if len(found) != 1:
            raise InputError(file=given, expected=expected, got=f"{len(found)} files with {name} in their name")
        files[name] = found[0]
    digest = hashlib.sha256("".join(digest_of_file(path) for path in files.values()).encode()).hexdigest()
    record = Weights(" + ".join(path.name for path in files.values()), digest)
    return {name: (path, _renamed(_tensors(path))) for name, path in files.items()}, record


def _tensors(path: Path) -> Mapping[str, Any]:
    """The tensors of a file by name. Raises InputError where it holds something else."""
    import torch

    expected = "weights, tensors by name, as torch.save writes a state_dict"
    state = read_tensors(path, expected)
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise InputError(file=path, expected=expected, got=type(state).__name__)
    return state


def _renamed(state: Mapping[str, Any]) -> dict[str, Any]:
    result = {}
    for name, tensor in state.items():
        for pattern, usual in RENAMED:
            name = re.sub(pattern, usual, name)
        if not name.startswith(CLASSIFIER):
            result[name] = tensor
    return result


def fill(network: InflatedInception, state: Mapping[str, Any], path: Path, stream: str) -> None:
    """Put the tensors of a stream into its network. Raises InputError that lists what is missing, or does not fit."""
    own = network.state_dict()
    needed = {name for name in own if not name.endswith("num_batches_tracked")}
    wrong = {
        "missing": sorted(needed - set(state)),
        "not of it": sorted(set(state) - set(own)),
        "of another shape": sorted(name for name in needed & set(state) if own[name].shape != state[name].shape),
    }
    if any(wrong.values()):
        got = "; ".join(
            f"{len(names)} {words}: {listed_in_words(names, MOST_NAMED)}" for words, names in wrong.items() if names
        )
        raise InputError(
            file=path, key=stream, expected="the tensors of I3D (such as Mixed_3b.b0.conv3d.weight)", got=got
        )
    network.load_state_dict({name: state.get(name, own[name]) for name in own})
