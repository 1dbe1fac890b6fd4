"""From one video to its features: an array and the record of how it was made, the array last."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wtal import __version__
from wtal.base.errors import InputError
from wtal.base.files import digest_of_file, refused_unwritable, remove_unfinished, to_json, whole_file, write_text
from wtal.base.schema import to_mapping
from wtal.data.annotations.names import MEDIA
from wtal.data.features.extracted import FORMAT, origin_of, read_record, record_path
from wtal.video.contract import ExtractSettings, SnippetNetwork
from wtal.video.decode import PictureMaker, VideoFile, opened_video
from wtal.video.snippets import TimedSnippet, pictures_on_grid, snippets_of

VIDEOS = (*MEDIA, ".ts", ".mts", ".m2ts", ".3gp", ".ogv")  # endings of what is taken from a folder
BATCH = 4  # snippets that the network sees at once; more are no faster, and take memory

TellShare = Callable[[float], None]  # takes the share of a video that is done


def extract_video(
    path: Path, array: Path, settings: ExtractSettings, network: SnippetNetwork, tell: TellShare | None = None
) -> dict[str, Any]:
    """Write the features of a video to `array` and the record beside it; gives the record.

    Memory holds the snippets of a batch and the features, whatever the length of the video.
    Raises InputError where the video is damaged, or nothing can be written.
    """
    for unfinished in (array, record_path(array)):
        remove_unfinished(unfinished)
    with opened_video(path) as video:
        features, is_padded = _features(video, settings, network, tell)
    record = {**record_of_all(settings, network), **_of_video(video, features, is_padded)}
    with whole_file(array) as temporary:
        with refused_unwritable(array), temporary.open("wb") as handle:
            np.lib.format.write_array(handle, features, allow_pickle=False)
        write_text(record_path(array), to_json({**record, "sha256": digest_of_file(temporary)}))
    return record


def is_extracted(path: Path, array: Path, settings: ExtractSettings, network: SnippetNetwork) -> bool:
    """Whether the features of a video are there already, whole and made by the same extractor and settings."""
    try:
        record = read_record(array) if array.is_file() else None
        if record is None:
            return False
        wanted = record_of_all(settings, network)
        same = origin_of(record) == origin_of(wanted) and record.get("precision") == wanted["precision"]
        of_same_video = record.get("video") == {"file": path.name, "bytes": path.stat().st_size}
        return same and of_same_video and record.get("sha256") == digest_of_file(array)
    except (InputError, OSError):
        return False


def record_of_all(settings: ExtractSettings, network: SnippetNetwork) -> dict[str, Any]:
    """What the record says of every video of an extraction."""
    extractor, weights = settings.extractor, network.weights
    return {
        "format": FORMAT,
        "extractor": to_mapping(extractor),
        "weights": None if weights is None else {"file": weights.file, "sha256": weights.sha256},
        "licence": extractor.licence,
        "streams": to_mapping(extractor.streams),
        "normalisation": extractor.normalisation,
        "shorter_side": extractor.shorter_side,
        "libraries": _versions(("av", "numpy", *extractor.libraries)),
        "frames_per_second": float(settings.grid_rate),
        "frames_per_snippet": settings.frames_per_snippet,
        "stride": settings.stride,
        "snippets_per_second": settings.snippets_per_second,
        "precision": settings.precision,
    }


def _versions(names: Sequence[str]) -> dict[str, str]:
    found = {"wtal": __version__}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # a build under another name, such as OpenCV's with windows
            found[name] = "unknown"
    return found


def _of_video(video: VideoFile, features: NDArray[Any], is_padded: bool) -> dict[str, Any]:
    return {
        "video": {"file": video.path.name, "bytes": video.path.stat().st_size},
        "seconds": round(float(video.end), 6),
        "frames_decoded": video.n_decoded,
        "frames_damaged": video.n_damaged,
        "n_snippets": len(features),
        "tail_is_padded": is_padded,
    }


def _features(
    video: VideoFile, settings: ExtractSettings, network: SnippetNetwork, tell: TellShare | None
) -> tuple[NDArray[Any], bool]:
    """The features [T, C] of a video, and whether its last snippet was padded."""
    picture_of = PictureMaker(video.path, video.stream, settings.extractor.shorter_side)
    pictures = pictures_on_grid(video, settings.grid_rate, picture_of)
    snippets, parts, is_padded = snippets_of(pictures, settings), [], False
    while batch := list(islice(snippets, BATCH)):
        parts.append(_checked(network([snippet.pictures for snippet in batch]), batch, video, settings))
        is_padded = batch[-1].is_padded
        if tell is not None and video.stated_seconds:
            tell(min(1.0, float(video.end) / video.stated_seconds))
    return np.concatenate(parts), is_padded


def _checked(
    rows: NDArray[np.float32], batch: Sequence[TimedSnippet], video: VideoFile, settings: ExtractSettings
) -> NDArray[Any]:
    """The features of a batch [B, C] as they are written. Raises InputError where the extractor gave others."""
    wanted = (len(batch), settings.extractor.columns)
    with np.errstate(over="ignore"):
        written = np.ascontiguousarray(rows, dtype=settings.precision)
    if written.shape != wanted or not np.isfinite(written).all():
        expected = f"finite features of shape {list(wanted)} from {settings.extractor.kind}"
        got = f"shape {list(written.shape)}" if written.shape != wanted else "NaN or infinity"
        raise InputError(file=video.path, expected=expected, got=got)
    return written


def videos_below(paths: Sequence[Path], endings: Sequence[str]) -> Iterator[Path]:
    """Files as given, and of folders, at any depth, those with an ending of `endings`; hidden ones are passed over.

    Raises InputError where a folder has none, or nothing is at a path.
    """
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = [file for file in sorted(path.rglob("*")) if file.suffix.lower() in endings and not file.is_dir()]
        found = [file for file in found if not any(part.startswith(".") for part in file.relative_to(path).parts)]
        if not found:
            expected = f"a folder with videos ({', '.join(endings)})"
            raise InputError(file=path, expected=expected, got="none in it")
        yield from found
