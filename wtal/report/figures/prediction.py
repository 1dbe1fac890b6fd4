"""The picture of a prediction: the scores of the surest classes of one video and what was detected in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from numpy.typing import NDArray

from wtal.base.records import Detections, VideoScores
from wtal.report.figures.drawing import drawing, save, shorten
from wtal.report.figures.timelines import timeline_figure
from wtal.report.figures.tracks import Curves, DrawnVideo, Track, spans_of

MOST_SHOWN = 5  # classes in one picture
LANE_DOTS = 110  # an inch, in the lanes below a video


def shown_classes(scores: VideoScores, number: int, found: Detections) -> list[int]:
    """The detected classes of video `number`, surest first; the surest of all where nothing was detected."""
    detected = set(found.class_index[found.video == number].tolist())
    surest = np.argsort(-scores.video_score[number, : len(found.classes)], kind="stable").tolist()
    return [class_index for class_index in surest if class_index in detected][:MOST_SHOWN] or surest[:1]


def prediction_clip(scores: VideoScores, number: int, found: Detections, snippets_per_second: float) -> DrawnVideo:
    """The tracks of video `number`: the snippet scores, then the detections of the shown classes."""
    rows, shown = scores.rows(number), shown_classes(scores, number, found)
    is_of_video = found.video == number
    columns = (column[is_of_video] for column in (found.class_index, found.start, found.end, found.score))
    tracks: tuple[Track, ...] = (
        ("snippet score", Curves(scores.snippet_score[rows][:, shown].astype(np.float64))),
        ("detections (height: score)", spans_of(shown, *columns)),
    )
    names = tuple(found.classes[class_index] for class_index in shown)
    seconds = (rows.stop - rows.start) / snippets_per_second
    return DrawnVideo(scores.videos[number], "test", seconds, snippets_per_second, "prediction", 0, names, tracks)


def draw_predictions(folder: Path, scores: VideoScores, found: Detections, rate: float) -> Sequence[str]:
    """Write VIDEO.svg and VIDEO.png for every video; returns the names of the videos.

    rate: snippets per second. Raises InputError where the folder cannot be written.
    """
    for number, video in enumerate(scores.videos):
        with drawing():
            figure = timeline_figure(prediction_clip(scores, number, found, rate))
            count = int((found.video == number).sum())
            title = f"{shorten(video, 60)}: {count} detections" if count != 1 else f"{shorten(video, 60)}: 1 detection"
            figure.suptitle(title, x=0.01, ha="left", fontsize=9.5)
            save(figure, folder, video)
    return scores.videos


def lanes_picture(
    scores: VideoScores, number: int, found: Detections, rate: float, width: int
) -> tuple[NDArray[np.uint8], float, float]:
    """Scores and detections of video `number` as a picture [H, W, 3], and the columns of its first and last moment.

    rate: snippets per second. width: W, in pixels.
    """
    with drawing():
        figure = timeline_figure(prediction_clip(scores, number, found, rate), width / LANE_DOTS)
        figure.suptitle("")
        figure.set_dpi(LANE_DOTS)
        agg: Any = FigureCanvasAgg(figure)
        agg.draw()
        box = figure.axes[0].get_window_extent()
        picture = np.asarray(agg.buffer_rgba())[..., :3].copy()
    return picture, float(box.x0), float(box.x1)
