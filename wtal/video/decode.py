"""The frames of a video file with the times at which they are shown, decoded one after the other."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from wtal.base.errors import InputError

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    from wtal.video.contract import Picture

EXPECTED = "a whole video that can be decoded"
LONGEST_SHOWN = 600  # seconds for which a frame may be shown: what is longer is a fault of the timestamps
USUAL_SECONDS = Fraction(1, 25)  # a frame is shown, where a file of one says nothing
MISSING_SECONDS, MISSING_SHARE = 0.5, 0.02  # by how much a video may end before its file says
WIDEST = 4  # times the shorter side: a longer picture is squeezed


@dataclass(frozen=True, slots=True)
class TimedFrame:
    """A decoded frame and when it is first shown."""

    start: Fraction  # seconds since the first frame
    frame: VideoFrame


def load_libraries() -> None:
    """Load what reads videos. Raises ModuleNotFoundError where the extra `video` is not installed."""
    import av  # noqa: F401
    import cv2  # noqa: F401


class VideoFile:
    """An open video; frames are given once, in the order in which they are shown."""

    def __init__(self, path: Path, container: InputContainer, stream: VideoStream) -> None:
        self.path, self.container, self.stream = path, container, stream
        self.n_decoded, self.n_damaged = 0, 0
        self.first = Fraction(0)  # timestamp of the first frame, in seconds
        self.end = Fraction(0)  # seconds after it; known once all frames were given

    @property
    def stated_seconds(self) -> float | None:
        """The duration that the file states for its pictures, if any."""
        if self.stream.duration and self.stream.time_base:
            return float(self.stream.duration * self.stream.time_base)
        if self.container.duration and len(self.container.streams) == 1:
            return self.container.duration / 1e6
        return None

    def frames(self) -> Iterator[TimedFrame]:
        """Every frame. Raises InputError where the file is damaged, or ends before it should."""
        last, shown = Fraction(0), Fraction(0)
        for frame in self._decoded():
            self.n_damaged += bool(frame.is_corrupt)
            time = self._time(frame)
            if not self.n_decoded:
                last = start = self.first = time if time is not None else Fraction(0)
            else:
                start = last + shown if time is None else max(time, last)
            if start - last > LONGEST_SHOWN:
                got = f"a jump from {float(last - self.first):.1f} to {float(start - self.first):.1f} s"
                expected = f"timestamps without a gap above {LONGEST_SHOWN} s"
                raise InputError(file=self.path, expected=expected, got=got)
            shown = self._shown(frame, start - last)
            last = start
            self.n_decoded += 1
            self.end = start + shown - self.first
            yield TimedFrame(start - self.first, frame)
        if not self.n_decoded:
            raise InputError(file=self.path, expected=EXPECTED, got="no frame in it")
        self._check_end()

    def _decoded(self) -> Iterator[VideoFrame]:
        import av

        try:
            for packet in self.container.demux(self.stream):
                yield from packet.decode()
        except (av.error.FFmpegError, ValueError, EOFError) as error:
            where = f"after {float(self.end):.1f} s: " if self.n_decoded else ""
            raise InputError(file=self.path, expected=EXPECTED, got=where + in_short(error)) from None

    def _time(self, frame: VideoFrame) -> Fraction | None:
        if frame.pts is None or frame.time_base is None:
            return None
        return frame.pts * Fraction(frame.time_base)

    def _shown(self, frame: VideoFrame, gap: Fraction) -> Fraction:
        """Seconds for which a frame is shown where no other follows."""
        if frame.duration and frame.time_base:
            return frame.duration * Fraction(frame.time_base)
        rate = self.stream.average_rate
        return 1 / Fraction(rate) if rate else gap or USUAL_SECONDS

    def _check_end(self) -> None:
        stated, found = self.stated_seconds, float(self.end)
        last = found + max(0.0, float(self.first))  # some containers state the time of the end
        if stated is not None and stated - last > max(MISSING_SECONDS, MISSING_SHARE * stated):
            got = f"{found:.1f} s of the {stated:.1f} s that it states: is the file cut short?"
            raise InputError(file=self.path, expected=EXPECTED, got=got)


class PictureMaker:
    """Makes small pictures of frames: upright, with square pixels, all of the size of the first."""

    def __init__(self, path: Path, stream: VideoStream, shorter_side: int) -> None:
        from av.video.reformatter import VideoReformatter

        self.path, self.stream, self.shorter_side = path, stream, shorter_side
        self.reformatter = VideoReformatter()
        self.size: tuple[int, int] | None = None

    def __call__(self, frame: VideoFrame) -> Picture:
        """The picture [H, W, 3] of a frame. Raises InputError where its format of pixels is not known."""
        import av
        from av.video.reformatter import Interpolation

        if self.size is None:
            self.size = self._size(frame)
        try:
            small = self.reformatter.reformat(
                frame, *self.size, format="rgb24", interpolation=Interpolation.BILINEAR, threads=1
            )
            pixels: Any = small.to_ndarray()
        except (av.error.FFmpegError, ValueError) as error:
            raise InputError(file=self.path, expected=EXPECTED, got=in_short(error)) from None
        quarters = round(frame.rotation / 90) % 4  # the angle is counter-clockwise, as in rot90
        return np.ascontiguousarray(np.rot90(pixels, quarters) if quarters else pixels)

    def _size(self, frame: VideoFrame) -> tuple[int, int]:
        """Width and height as decoded, before the picture is turned."""
        ratio = self.stream.sample_aspect_ratio or 1
        width, height = float(frame.width * ratio), float(frame.height)
        scale = self.shorter_side / min(width, height)
        most = WIDEST * self.shorter_side
        return min(round(width * scale), most), min(round(height * scale), most)


@contextmanager
def opened_video(path: Path) -> Iterator[VideoFile]:
    """A video file, open as long as the block lasts. Raises InputError where it is none, or cannot be read."""
    import av

    _check_file(path)
    try:
        # Only files: a play list in a video's name is not to make this fetch anything.
        container = av.open(f"file:{path}", metadata_errors="replace", options={"protocol_whitelist": "file"})
    except (av.error.FFmpegError, ValueError) as error:
        raise InputError(file=path, expected=EXPECTED, got=in_short(error)) from None
    with container:
        yield VideoFile(path, container, _video_stream(path, container))


def _check_file(path: Path) -> None:
    try:
        about = os.stat(path)
        if not stat.S_ISREG(about.st_mode):
            raise InputError(file=path, expected="a video file", got="something that is no file")
        if not about.st_size:
            raise InputError(file=path, expected="a video file", got="an empty file")
        with path.open("rb"):
            pass
    except OSError as error:
        raise InputError(file=path, expected="a readable video file", got=error.strerror or error) from None


def _video_stream(path: Path, container: InputContainer) -> av.VideoStream:
    """The first stream of pictures; the cover of a sound file is none."""
    from av.stream import Disposition

    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            if stream.codec_context is None:
                raise InputError(file=path, expected=EXPECTED, got="pictures in a code that is not known")
            stream.codec_context.thread_count = 1  # several videos at once are faster, and memory is bounded
            return stream
    kinds = sorted({stream.type for stream in container.streams})
    raise InputError(file=path, expected="a video", got=f"{' and '.join(kinds) or 'nothing'} alone")


def in_short(error: Exception) -> str:
    """What FFmpeg says of a file, in one line without the file's name."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).splitlines()[0][:120]
