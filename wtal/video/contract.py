"""What an extractor is, and the settings of an extraction.

Axes: B snippets of a batch, T snippets of a video, C columns of features, H and W of a picture in pixels.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeAlias

import numpy as np

from wtal.base.errors import require
from wtal.base.members import OneOf, usual
from wtal.base.ranges import Count, Doc, Gt, Le, settings
from wtal.suite.contracts import Precision
from wtal.suite.streams import Streams, streams_in_words

if TYPE_CHECKING:
    from numpy.typing import NDArray

Picture: TypeAlias = "NDArray[np.uint8]"  # [H, W, 3] red, green, blue
# The pictures of a snippet, in order; one that is shown for longer is the same object again.
Snippet: TypeAlias = Sequence["Picture"]


@dataclass(frozen=True, slots=True)
class Weights:
    """The file that a network's numbers come from."""

    file: str  # its name
    sha256: str


class SnippetNetwork(ABC):
    """An extractor with its weights loaded."""

    weights: Weights | None

    @abstractmethod
    def __call__(self, snippets: Sequence[Snippet]) -> NDArray[np.float32]:
        """The features [B, C] of B snippets."""


class Extractor:
    """Makes the features of a snippet from its pictures; a sibling is a frozen dataclass with a `kind`."""

    __slots__ = ()
    kind: str
    streams: ClassVar[Streams]  # of the columns, in order
    licence: ClassVar[str]  # of the weights
    cost: ClassVar[str]  # in words
    normalisation: ClassVar[str]  # of the pictures, in words
    libraries: ClassVar[tuple[str, ...]]  # distributions whose versions matter
    shorter_side: ClassVar[int]  # of the pictures that it is given, in pixels; the ratio of the sides is the video's
    least_frames: ClassVar[int] = 1  # of a snippet
    frames: ClassVar[int | None] = None  # of a snippet, where it takes that many alone

    @classmethod
    def facts(cls) -> dict[str, str]:
        """What to know before choosing it, in words."""
        columns = sum(stream.columns for stream in cls.streams)
        return {
            "columns": f"{columns} ({streams_in_words(cls.streams)})",
            "cost": cls.cost,
            "licence": cls.licence,
        }

    @property
    def columns(self) -> int:
        """How many features a snippet has (C)."""
        return sum(stream.columns for stream in self.streams)

    def load(self, weights: Path | None, device: str, frames_per_second: float) -> SnippetNetwork:
        """Ready to use. weights: a file in place of the usual one. frames_per_second: of the pictures of a snippet.

        Raises InputError where weights or a library are not to be had.
        """
        raise NotImplementedError


@settings
class ExtractSettings:
    """Which snippets a video has, and what makes their features."""

    extractor: Annotated[Extractor, OneOf("wtal.extractors"), Doc("what makes the features")] = usual(
        "wtal.extractors", "lite0+dis"
    )
    frames_per_second: Annotated[float, Gt(0), Le(240), Doc("of the grid on which frames are picked by their time")] = (
        25.0
    )
    frames_per_snippet: Annotated[Count, Doc("frames of the grid that a snippet has")] = 16
    stride: Annotated[Count, Doc("frames of the grid from the start of a snippet to that of the next")] = 16
    precision: Annotated[Precision, Doc("as what features are written")] = "float32"

    def __post_init__(self) -> None:
        extractor: Any = self.extractor
        name, n_frames = extractor.kind, self.frames_per_snippet
        if extractor.frames is not None:
            expected = f"{extractor.frames}, as {name} takes"
            require(n_frames == extractor.frames, "frames_per_snippet", expected, n_frames)
        expected = f"{extractor.least_frames} or above, as {name} takes"
        require(n_frames >= extractor.least_frames, "frames_per_snippet", expected, n_frames)

    @property
    def grid_rate(self) -> Fraction:
        """Frames of the grid a second, exactly."""
        return Fraction(self.frames_per_second).limit_denominator(1001)

    @property
    def snippets_per_second(self) -> float:
        """How many snippets begin in a second of video."""
        return float(self.grid_rate / self.stride)


def centre_crop(picture: NDArray[Any], side: int) -> NDArray[Any]:
    """The square [side, side, C] in the middle of a picture, or of flow, [H, W, C]."""
    top, left = (picture.shape[0] - side) // 2, (picture.shape[1] - side) // 2
    return picture[top : top + side, left : left + side]
