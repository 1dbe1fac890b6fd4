"""What the raw files of a data set look like from outside, in one small file: whether a store is still theirs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from wtal.base.files import digest_of_file, to_json, write_if_changed
from wtal.data.annotations.names import is_hidden
from wtal.data.annotations.read import annotation_files
from wtal.data.features.layouts import H5_ENDINGS
from wtal.suite.data_settings import FeatureData

ENDINGS = (".npy", *H5_ENDINGS)

Listing = dict[str, dict[str, str]]


def raw_listing(settings: FeatureData) -> Listing | None:
    """Length and time of each file of features, sha256 of each of annotations; None where either is not there.

    Raises InputError where an annotation cannot be read.
    """
    features = dict(sorted(_looks(Path(settings.features))))
    annotations = {path.name: digest_of_file(path) for path in annotation_files(settings.annotations)}
    return {"features": features, "annotations": annotations} if features and annotations else None


def keep_listing(path: str | Path, settings: FeatureData) -> None:
    """Have a listing at a path, touched only where it changes, or where there is none yet, an empty one.

    One of raw files that have gone stays: whoever deletes them once they are converted means to keep the store.
    """
    listing = raw_listing(settings)
    if listing is not None or not Path(path).exists():
        write_if_changed(path, to_json(listing or {}))


def _looks(place: Path) -> Iterator[tuple[str, str]]:
    """Each file of features below a place, or at it: its name from there, and its bytes and nanoseconds."""
    files = [place] if place.is_file() else []
    files += [Path(folder, name) for folder, _, names in os.walk(place) for name in names]
    for file in files:
        if is_hidden(file, place):
            continue
        if file.suffix.lower() in ENDINGS:
            with suppress(OSError):  # a link to nowhere
                about = file.stat()
                yield str(file.relative_to(place)), f"{about.st_size} bytes, {about.st_mtime_ns} ns"
