"""Detections as subtitles, SubRip (.srt) and WebVTT (.vtt): players show them over the picture."""

from __future__ import annotations

import html
from collections.abc import Sequence

from wtal.evaluate.marks.found import FoundSegment, milliseconds


def srt_text(marks: Sequence[FoundSegment]) -> str:
    """The text of an .srt file."""
    cues = [f"{number}\n{_span(mark, ',')}\n{_words(mark)}\n" for number, mark in enumerate(marks, start=1)]
    return "\n".join(cues)


def vtt_text(marks: Sequence[FoundSegment]) -> str:
    """The text of a .vtt file."""
    cues = [f"{_span(mark, '.')}\n{html.escape(_words(mark), quote=False)}\n" for mark in marks]
    return "\n".join(["WEBVTT\n", *cues])


def _words(mark: FoundSegment) -> str:
    return f"{' '.join(mark.label.split())} {mark.score:.2f}"


def _span(mark: FoundSegment, point: str) -> str:
    start = milliseconds(mark.start)
    return f"{_clock(start, point)} --> {_clock(max(start + 1, milliseconds(mark.end)), point)}"


def _clock(time: int, point: str) -> str:
    """Milliseconds as hours, minutes and seconds."""
    minutes, rest = divmod(time, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}{point}{rest % 1000:03d}"
