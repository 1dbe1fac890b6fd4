"""A page with a player for each video and its detections beside it: a click on one plays the video from there."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from string import Template
from urllib.parse import quote

from wtal.base.files import write_text
from wtal.base.records import Detections
from wtal.evaluate.marks.found import FoundSegment, marks_of

COLOURS = 8  # that the style sheet has


def write_players(path: Path, detections: Detections, media: Mapping[str, str], seconds: Mapping[str, float]) -> None:
    """Write the page: plain HTML, which loads nothing but the videos.

    media: the path of each video, from the page's folder. seconds: the duration of each.
    """
    template = Template((resources.files("wtal.evaluate.marks") / "player.html").read_text(encoding="utf-8"))
    sections = [
        _section(name, marks_of(detections, number), detections.classes, media[name], seconds[name])
        for number, name in enumerate(detections.videos)
    ]
    count = f"{len(detections)} detections in {len(detections.videos)} videos"
    write_text(path, template.substitute(count=count, sections="\n".join(sections)))


def _section(name: str, marks: Sequence[FoundSegment], classes: Sequence[str], media: str, seconds: float) -> str:
    shown = [label for label in classes if any(mark.label == label for mark in marks)]
    lanes = [_lane(label, [mark for mark in marks if mark.label == label], classes, seconds) for label in shown]
    rows = [_row(mark) for mark in sorted(marks, key=lambda mark: -mark.score)]
    table = f"<table><tr><th>from</th><th>to</th><th>class</th><th>score</th></tr>\n{''.join(rows)}</table>"
    found = (
        f'<div class="lanes">{"".join(lanes)}</div>\n<details><summary>{len(marks)} by score</summary>{table}</details>'
    )
    return (
        f"<section>\n<h2>{html.escape(name)}</h2>\n"
        f'<video controls preload="metadata" src="{html.escape(quote(media))}"></video>\n'
        f"{found if marks else '<p>Nothing was found.</p>'}\n</section>"
    )


def _lane(label: str, marks: Sequence[FoundSegment], classes: Sequence[str], seconds: float) -> str:
    colour = list(classes).index(label) % COLOURS
    spans = [_span(mark, colour, seconds) for mark in marks]
    return f'<div class="name">{html.escape(label)}</div><div class="lane">{"".join(spans)}</div>\n'


def _span(mark: FoundSegment, colour: int, seconds: float) -> str:
    left, right = (100 * min(1.0, max(0.0, time / seconds)) for time in (mark.start, mark.end))
    style = f"left:{left:.2f}%;width:{max(0.5, right - left):.2f}%;opacity:{0.35 + 0.65 * min(1.0, mark.score):.2f}"
    return (
        f'<button class="c{colour}" style="{style}" {_times(mark)} title="{_words(mark)}" aria-label="{_words(mark)}">'
        "</button>"
    )


def _row(mark: FoundSegment) -> str:
    cells = f"<td>{html.escape(mark.label)}</td><td>{mark.score:.3f}</td>"
    return f"<tr><td><button {_times(mark)}>{_clock(mark.start)}</button></td><td>{_clock(mark.end)}</td>{cells}</tr>\n"


def _times(mark: FoundSegment) -> str:
    return f'data-start="{mark.start:.3f}" data-end="{mark.end:.3f}"'


def _words(mark: FoundSegment) -> str:
    return html.escape(f"{mark.label}, {_clock(mark.start)} to {_clock(mark.end)}, score {mark.score:.2f}")


def _clock(seconds: float) -> str:
    """Seconds as minutes and seconds."""
    tenths = round(10 * seconds)
    return f"{tenths // 600}:{tenths % 600 / 10:04.1f}"
