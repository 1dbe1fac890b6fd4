"""The streams of features, such as rgb and flow: which columns come from which source."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Annotated

from wtal.base.errors import require
from wtal.base.ranges import Count, Doc, Pattern, settings


@settings
class Stream:
    """The columns of features that come from one source, such as rgb; the next stream's stand after them."""

    name: Annotated[str, Pattern(r"[\s\S]*\S[\s\S]*", "a word"), Doc("what the columns come from, such as rgb")]
    columns: Annotated[Count, Doc("how many features each snippet has of it")]


Streams = tuple[Stream, ...]  # side by side, in order; none where nobody has named them
RGB_AND_FLOW = (Stream(name="rgb", columns=1024), Stream(name="flow", columns=1024))  # of I3D


def streams_in_words(streams: Streams) -> str:
    """The streams in words, such as "rgb 1024, flow 1024"."""
    return ", ".join(f"{stream.name} {stream.columns}" for stream in streams)


def bounds_of(streams: Sequence[Stream]) -> dict[str, tuple[int, int]]:
    """First column and the one after the last of each stream."""
    ends = accumulate(stream.columns for stream in streams)
    return {stream.name: (end - stream.columns, end) for stream, end in zip(streams, ends)}


def require_streams(streams: Streams, feature_size: int | None) -> None:
    """Refuse streams of one name, or whose columns are not all there are. Raises SettingError."""
    names = [stream.name for stream in streams]
    require(len(set(names)) == len(names), "streams", "each name once", names)
    sums = not streams or feature_size is None or sum(stream.columns for stream in streams) == feature_size
    require(sums, "streams", f"columns that sum to feature_size, {feature_size}", streams_in_words(streams))
