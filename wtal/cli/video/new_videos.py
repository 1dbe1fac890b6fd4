"""Features and annotations of video files for `wtal new-dataset --videos`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wtal.data.annotations.read import Annotations


def from_videos(options: argparse.Namespace) -> None:
    """Extract features of the videos, bring annotations to seconds, and put both into the options that follow.

    Written are data/NAME/features, unless --features names another folder, and data/NAME/annotations.json, which knows
    how long each video is. Raises InputError where an option contradicts another, WtalError where a video is damaged.
    """
    from wtal.video.decode import load_libraries

    load_libraries()

    from wtal.base.errors import InputError
    from wtal.cli.video.extract import extraction_of
    from wtal.data.annotations.read import read_annotations
    from wtal.data.annotations.write import write_annotations
    from wtal.data.features.extracted import read_record
    from wtal.video.many import extract_all

    if options.rate is not None:
        expected = "none with --videos, whose snippets have the rate of their extraction"
        raise InputError(file="--rate", expected=expected, got=f"{options.rate:g}")
    folder = Path("data") / options.name
    options.out = options.features or folder / "features"
    read_annotations(options.annotations, 25.0)  # what is wrong with it is said before the long work
    jobs, request = extraction_of(options)
    extract_all(jobs, request, options.jobs)
    records = {job.array.stem: read_record(job.array) or {} for job in jobs}
    rates = {name: record["frames_decoded"] / record["seconds"] for name, record in records.items()}
    seconds = {name: float(record["seconds"]) for name, record in records.items()}
    annotations = with_durations(read_annotations(options.annotations, rates), seconds)
    write_annotations(folder / "annotations.json", annotations)
    options.features, options.annotations = options.out, folder / "annotations.json"
    options.rate, options.snippets_are = request.settings.snippets_per_second, "rows"


def with_durations(annotations: Annotations, seconds: dict[str, float]) -> Annotations:
    """The annotations with the durations of the videos that are there, in place of those stated."""
    from dataclasses import replace

    from wtal.data.annotations.names import match_names

    found = match_names((video.name for video in annotations.videos), seconds, annotations.path)
    videos = []
    for video in annotations.videos:
        name = found[video.name]
        videos.append(video if name is None else replace(video, seconds=seconds[name], n_frames=None))
    return replace(annotations, videos=tuple(videos))
