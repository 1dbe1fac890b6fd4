"""A video with lanes below its pictures, in which the present time is marked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from wtal.base.errors import InputError
from wtal.base.files import refused_unwritable, whole_file
from wtal.video.decode import PictureMaker, in_short, opened_video
from wtal.video.snippets import pictures_on_grid

if TYPE_CHECKING:
    from wtal.video.contract import Picture

SHORTER_SIDE = 360  # of the pictures, in pixels
LEAST_WIDTH = 720  # in pixels, so that the names of classes can be read
FRAMES_PER_SECOND = 25
PRESENT = (213, 30, 30)  # the colour of the line at the present time
OPTIONS = {"preset": "veryfast", "crf": "23", "threads": "1"}  # one thread: the same bytes on any machine of a kind


@dataclass(frozen=True, slots=True)
class Lanes:
    """A picture of what was found over time, as wide as the video with its frame."""

    picture: Picture  # [H, W, 3]
    left: float  # column of the first moment
    right: float  # and of the last
    seconds: float  # from the one to the other

    def at(self, seconds: float) -> Picture:
        """The lanes with a line at a time."""
        marked = self.picture.copy()
        share = min(1.0, max(0.0, seconds / self.seconds))
        column = round(self.left + share * (self.right - self.left))
        marked[:, max(0, column - 1) : column + 2] = PRESENT
        return marked


def write_overlay(path: Path, out: Path, lanes_of: Callable[[int], Lanes]) -> None:
    """Write the video as H.264 in MP4, without sound, its pictures above lanes.

    lanes_of: makes the lanes for a width in pixels, which is even. Memory holds one frame.
    Raises InputError where the video is damaged, or nothing can be written.
    """
    import av

    with opened_video(path) as video, whole_file(out) as temporary:
        pictures = pictures_on_grid(video, Fraction(FRAMES_PER_SECOND), PictureMaker(path, video.stream, SHORTER_SIDE))
        first = next(pictures)
        width = max(LEAST_WIDTH, first.shape[1] + first.shape[1] % 2)
        lanes, number = lanes_of(width), 0
        try:
            with refused_unwritable(out), av.open(str(temporary), "w", format="mp4") as container:
                stream: Any = container.add_stream("libx264", rate=FRAMES_PER_SECOND, options=OPTIONS)
                height = first.shape[0] + len(lanes.picture)
                stream.width, stream.height, stream.pix_fmt = width, height + height % 2, "yuv420p"
                for number, picture in enumerate(_chain(first, pictures)):
                    seen = lanes.at((number + 0.5) / FRAMES_PER_SECOND)
                    frame = av.VideoFrame.from_ndarray(_stacked(picture, seen, stream.height), format="rgb24")
                    frame.pts, frame.time_base = number, Fraction(1, FRAMES_PER_SECOND)
                    container.mux(stream.encode(frame))
                container.mux(stream.encode())
        except (av.error.FFmpegError, ValueError) as error:
            raise InputError(file=out, expected="a video that can be written", got=in_short(error)) from None


def _chain(first: Picture, others: Any) -> Any:
    yield first
    yield from others


def _stacked(picture: Picture, lanes: Picture, height: int) -> Picture:
    """The picture [h, w, 3] in the middle, on black, above the lanes [H, W, 3]; what is left of the height is white."""
    width = lanes.shape[1]
    stacked = np.full((height, width, 3), 255, dtype=np.uint8)
    stacked[: len(picture)] = 0
    left = (width - picture.shape[1]) // 2
    stacked[: len(picture), left : left + picture.shape[1]] = picture
    stacked[len(picture) : len(picture) + len(lanes)] = lanes
    return stacked
