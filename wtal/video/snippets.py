"""Snippets of a video: frames picked by the time at which they are shown, on a grid of a fixed rate.

Frame k of the grid is the one that a player shows (k + 1/2) / rate seconds after the first frame, so that a video of
that very rate gives each of its frames once. Snippet i has the frames from i * stride on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from wtal.video.contract import ExtractSettings, Snippet

if TYPE_CHECKING:
    from wtal.video.contract import Picture
    from wtal.video.decode import PictureMaker, VideoFile


def pictures_on_grid(video: VideoFile, rate: Fraction, picture_of: PictureMaker) -> Iterator[Picture]:
    """The picture of each frame of the grid, one at least; one that is shown for longer is the same object again.

    rate: frames of the grid a second. Raises InputError where the video is damaged.
    """
    shown, picture, number = None, None, 0
    for timed in video.frames():
        while shown is not None and Fraction(2 * number + 1, 2) < timed.start * rate:
            picture = picture_of(shown) if picture is None else picture
            yield picture
            number += 1
        shown, picture = timed.frame, None
    while shown is not None and (number == 0 or Fraction(2 * number + 1, 2) < video.end * rate):
        picture = picture_of(shown) if picture is None else picture
        yield picture
        number += 1


@dataclass(frozen=True, slots=True)
class TimedSnippet:
    """The pictures of a snippet, and whether the last one had to be repeated to fill it."""

    pictures: Snippet
    is_padded: bool


def snippets_of(pictures: Iterable[Picture], settings: ExtractSettings) -> Iterator[TimedSnippet]:
    """The snippets of a video; the last is filled with its last picture, so that no picture is left out."""
    size, stride = settings.frames_per_snippet, settings.stride
    window: list[Picture] = []
    n_new, n_skipped = 0, 0  # pictures that no snippet had yet, and those still to pass over
    for picture in pictures:
        if n_skipped:
            n_skipped -= 1
            continue
        window.append(picture)
        n_new += 1
        if len(window) == size:
            yield TimedSnippet(tuple(window), is_padded=False)
            n_skipped, n_new = max(0, stride - size), 0
            del window[:stride]
    if n_new:
        yield TimedSnippet((*window, *[window[-1]] * (size - len(window))), is_padded=True)
