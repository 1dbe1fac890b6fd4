"""Feature files in the layouts found in the wild, opened alike: who is there, how long, and one array at a time.

Layouts: one object array of all videos; one .npy a video; a folder for each stream with one .npy a video; HDF5 with a
data set or a group a video. Names are met with or without the prefix `v_` or the ending of a media file; hidden files
and folders are passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from wtal.base.edges.regular import check_regular
from wtal.base.errors import InputError
from wtal.base.npy.mapped import holds_objects, map_object_array
from wtal.data.annotations.names import is_hidden, match_names, without_media
from wtal.data.features.axes import Axis, Shapes, plain_shape, sizes_of
from wtal.data.features.h5 import h5_entries
from wtal.suite.streams import Stream, Streams, streams_in_words

Layout = Literal["auto", "object_array", "npy_per_video", "two_folders", "h5"]
H5_ENDINGS = (".h5", ".hdf5")
SUFFIXES = ("-rgb", "_rgb", "-flow", "_flow")  # of file names in folders of streams


@dataclass(frozen=True, slots=True)
class Entry:
    """The features of one video, not yet read."""

    where: str  # they are, for messages
    arrays: Callable[[], list[Any]]  # the array, or each stream's: they have a shape, and are read when used
    files: tuple[Path, ...]  # where the numbers lie: one, or one for each stream
    streams: tuple[str, ...] = ()  # whose arrays they are, where the layout tells streams apart
    snippets_are: Axis = "rows"  # of the arrays, once axes of length 1 are dropped


@dataclass(frozen=True, slots=True)
class Features:
    """The features of many videos: by name, or, in an object array, by place alone."""

    path: Path
    layout: Layout
    by_name: Mapping[str, Entry]  # empty for an object array
    in_order: Sequence[Entry]  # in the order of the file or of the names

    def find(self, names: Iterable[str]) -> dict[str, Entry | None]:
        """The entry of each video, with or without prefix and media ending on either side; None where there is none.

        names: of all annotated videos. Raises InputError where two of them, or two entries, are one name then.
        """
        matches = match_names(names, self.by_name, self.path)
        return {name: None if own is None else self.by_name[own] for name, own in matches.items()}


def open_features(path: str | Path, layout: Layout = "auto", streams: Sequence[str] = ("rgb", "flow")) -> Features:
    """Open features without reading them. streams: names of the folders, in the order of the columns.

    Raises InputError where nothing is there, the layout cannot be told, or a file is damaged or holds something else.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(file=path, expected="a file or folder of features", got="no such path")
    chosen, root = _layout_of(path, layout, streams)
    if chosen == "object_array":
        entries = [_in_memory(root, number, array) for number, array in enumerate(map_object_array(root))]
        return Features(path, chosen, {}, entries)
    if chosen == "h5":
        sets = h5_entries(root, streams)
        found = {name: Entry(f"{root}/{name}", arrays, (root,), own) for name, (arrays, own) in sets.items()}
        return Features(path, chosen, found, list(found.values()))
    by_name = _files_of_streams(root, streams) if chosen == "two_folders" else _files(root, streams)
    return Features(path, chosen, by_name, list(by_name.values()))


def open_video(path: str | Path) -> Entry:
    """The features of one video in an .npy file, not yet read. Raises InputError where there is no such file."""
    path = Path(path)
    if not path.is_file():
        raise InputError(file=path, expected="an .npy file with the features of a video", got="no such file")
    return _of_files([path])


def read_entry(entry: Entry) -> NDArray[Any]:
    """The features of a video [T, D], streams side by side. Raises InputError where there are none."""
    shape_of(shapes_of(entry), entry)
    arrays = [np.asarray(array) for array in entry.arrays()]
    for array in arrays:
        if array.dtype.kind not in "fiu":
            raise InputError(file=entry.where, expected="an array of numbers", got=f"one of type {array.dtype}")
    arrays = [array.reshape(plain_shape(array.shape)) for array in arrays]
    if entry.snippets_are == "columns":
        arrays = [np.ascontiguousarray(array.T) for array in arrays]
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays, axis=1)


def shapes_of(entry: Entry) -> Shapes:
    """The two axes of each array of a video. Raises InputError where one has more than axes of length 1 beside them."""
    shapes = []
    for array in entry.arrays():
        shape = plain_shape(tuple(array.shape))
        if shape is None:
            got = f"shape {tuple(array.shape)}"
            raise InputError(file=entry.where, expected="an array of snippets times features", got=got)
        shapes.append(shape)
    return tuple(shapes)


def shape_of(shapes: Shapes, entry: Entry) -> tuple[int, int]:
    """Snippets and columns of a video, streams side by side. Raises InputError where it has none, or streams differ."""
    snippets, columns = sizes_of(shapes, entry.snippets_are)
    counts = sorted(set(snippets))
    if len(counts) > 1:
        got = " and ".join(map(str, counts))
        raise InputError(file=entry.where, expected="streams of equal length", got=f"{got} snippets")
    if counts[0] == 0:
        raise InputError(file=entry.where, expected="one snippet or more", got="an empty array")
    return counts[0], sum(columns)


def streams_of(shapes: Shapes, entry: Entry) -> Streams:
    """The streams of a video with the columns of each, where the layout tells them apart; none where it does not."""
    widths = sizes_of(shapes, entry.snippets_are)[1]
    return tuple(Stream(name=name, columns=width) for name, width in zip(entry.streams, widths))


def stream_names(streams: Streams) -> tuple[str, ...]:
    """What the folders or data sets of streams are called, in the order of the columns; the usual two where unknown."""
    return tuple(stream.name for stream in streams) or ("rgb", "flow")


def check_streams(shapes: Shapes, entry: Entry, streams: Streams, video: str, why: str) -> None:
    """Refuse a video whose layout tells other streams apart, or parts of other sizes. Raises InputError."""
    found = streams_of(shapes, entry)
    if found and found != streams:
        expected = f"streams of {streams_in_words(streams)} columns" if streams else "one array a video"
        raise InputError(file=entry.where, key=video, expected=f"{expected}, {why}", got=streams_in_words(found))


def _layout_of(path: Path, layout: Layout, streams: Sequence[str]) -> tuple[Layout, Path]:
    """The layout, and the file or folder in which it begins."""
    if not path.is_dir():
        check_regular(path)
        if path.suffix.lower() in H5_ENDINGS and layout in ("auto", "h5"):
            return "h5", path
        if path.suffix.lower() == ".npy" and layout in ("auto", "object_array"):
            return "object_array", path
        got = f"{path.name}, which is no such file"
        raise InputError(file=path, expected="an .npy file of objects, an .h5 file or a folder", got=got)
    files = [file for file in sorted(path.iterdir()) if not is_hidden(file, path) and file.is_file()]
    files = [file for file in files if file.stat().st_size]
    for kind, endings in (("h5", H5_ENDINGS), ("object_array", (".npy",))):
        alone = [file for file in files if file.suffix.lower() in endings]
        if len(alone) == 1 and layout in ("auto", kind) and (kind == "h5" or holds_objects(alone[0])):
            return ("h5" if kind == "h5" else "object_array"), alone[0]
    if layout in ("auto", "two_folders") and len(streams) > 1 and all(_folders(path, stream) for stream in streams):
        return "two_folders", path
    if layout in ("auto", "npy_per_video") and next(_arrays(path), None):
        return "npy_per_video", path
    expected = "an .npy file of objects, an .h5 file, .npy files named like the videos, or folders of "
    raise InputError(file=path, expected=expected + " and ".join(streams), got=f"a folder without ({layout})")


def _folders(path: Path, stream: str) -> list[Path]:
    folders = (folder for folder in sorted(path.rglob("*")) if folder.name.lower() == stream.lower())
    return [folder for folder in folders if folder.is_dir() and not is_hidden(folder, path)]


def _arrays(folder: Path) -> Iterator[Path]:
    """Every .npy file below a folder, in whichever case its ending is, but hidden ones."""
    files = (path for path in sorted(folder.rglob("*")) if path.suffix.lower() == ".npy")
    return (path for path in files if not is_hidden(path, folder) and path.is_file())


def _in_memory(file: Path, number: int, array: NDArray[Any]) -> Entry:
    return Entry(f"{file}[{number}]", lambda: [array], (file,))


def _files(folder: Path, streams: Sequence[str]) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for path in _arrays(folder):
        if path.stem in found:
            expected = f"one file a video, like {found[path.stem].where}"
            expected += f", or folders of {' and '.join(streams)}" if len(streams) > 1 else ""
            raise InputError(file=path, expected=expected, got="another of the same name")
        found[path.stem] = _of_files([path])
    return found


def _files_of_streams(folder: Path, streams: Sequence[str]) -> dict[str, Entry]:
    paths: dict[str, dict[str, Path]] = {}
    for stream in streams:
        for path in (file for root in _folders(folder, stream) for file in _arrays(root)):
            stem = without_media(without_suffix(without_media(path.stem)))
            if stream in paths.setdefault(stem, {}):
                expected = f"one file a video and stream, like {paths[stem][stream]}"
                raise InputError(file=path, expected=expected, got="another of the same name")
            paths[stem][stream] = path
    for stem, own in paths.items():
        for stream in streams:
            if stream not in own:
                got = f"{stem} in {' and '.join(own)} alone"
                raise InputError(file=folder, expected=f"a file of {stem} in each of {', '.join(streams)}", got=got)
    return {stem: _of_files([own[stream] for stream in streams], streams) for stem, own in sorted(paths.items())}


def without_suffix(name: str) -> str:
    """A name without the stream's at its end, such as `_rgb`."""
    return next((name.removesuffix(end) for end in SUFFIXES if name.endswith(end)), name)


def _of_files(paths: Sequence[Path], streams: Sequence[str] = ()) -> Entry:
    return Entry(str(paths[0]), lambda: [_mapped(path) for path in paths], tuple(paths), tuple(streams))


def _mapped(path: Path) -> NDArray[Any]:
    """The array of an .npy file, mapped; never a pickle."""
    check_regular(path)
    if not path.stat().st_size:
        raise InputError(file=path, expected="an .npy file with the features of a video", got="an empty file")
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # whatever a damaged header makes numpy and its tokeniser say
        got = (str(error).splitlines() or ["another file"])[0][:120]
        raise InputError(file=path, expected="a whole .npy file of numbers", got=got) from None
    if not isinstance(array, np.ndarray):
        raise InputError(file=path, expected="a whole .npy file of numbers", got="an archive of arrays (.npz)")
    return array
