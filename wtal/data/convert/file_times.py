"""What the raw files of a data set look like from outside, in one small file: whether a store is still theirs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from wtal.base.files import digest_of_file
from wtal.data.annotations.names import is_hidden
from wtal.data.annotations.read import annotation_files
from wtal.data.convert.settings import FeatureData
from wtal.data.features.layouts import H5_ENDINGS

ENDINGS = (".npy", *H5_ENDINGS)

Listing = dict[str, dict[str, str]]


def raw_listing(settings: FeatureData) -> Listing:
    """Length and time of each file of features, sha256 of each of annotations; empty where either is not there.

    Raises InputError where an annotation cannot be read.
    """
    features = dict(sorted(_looks(Path(settings.features))))
    annotations = {path.name: digest_of_file(path) for path in annotation_files(settings.annotations)}
    return {"features": features, "annotations": annotations} if features and annotations else {}


def _looks(root: Path) -> Iterator[tuple[str, str]]:
    """Each file of features below a place, or at it: its name from there, and its bytes and nanoseconds."""
    files = [root] if root.is_file() else []
    files += [Path(folder, name) for folder, _, names in os.walk(root) for name in names]
    for file in files:
        if is_hidden(file, root):
            continue
        if file.suffix.lower() in ENDINGS:
            with suppress(OSError):  # a link to nowhere
                about = file.stat()
                yield str(file.relative_to(root)), f"{about.st_size} bytes, {about.st_mtime_ns} ns"
