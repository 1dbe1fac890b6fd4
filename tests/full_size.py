"""Makes feature files of the real layouts, names, lengths and size, in which the real annotations are faintly visible.

For proofs at full size without the features themselves: `python tests/full_size.py thumos14 --annotations DIR --out DIR
--layout object_array`. Numbers are made up; names, durations, subsets and instances are those of the annotations.
"""

from __future__ import annotations

import argparse
import io
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from wtal.base.seeds import seed_of_text
from wtal.data.annotations.read import AnnotatedVideo, read_annotations

RATE = 25 / 16  # snippets a second
STRENGTH = 0.5  # of a class in the features of its instances; noise has 1


def features_of(video: AnnotatedVideo, classes: Sequence[str], columns: int, rate: float = RATE) -> np.ndarray:
    """Features [T, columns] of one video, never negative: noise, an appearance of its own in rgb, and its classes."""
    seed = seed_of_text(video.name, n_bits=64)
    generator = np.random.default_rng(seed)
    n_snippets = max(1, int((video.seconds or 10.0) * rate))
    rows = generator.standard_normal((n_snippets, columns), dtype=np.float32)
    rows[:, : columns // 2] += generator.standard_normal(columns // 2, dtype=np.float32)
    for name, start, end in video.instances:
        direction = np.random.default_rng(classes.index(name)).standard_normal(columns, dtype=np.float32)
        rows[int(start * rate) : int(end * rate) + 1] += np.float32(STRENGTH) * direction
    return np.maximum(rows, 0) * np.float32(0.2)


def write_object_array(path: Path, arrays: Iterator[np.ndarray], n_arrays: int) -> None:
    """The file that np.save writes for an object array (pickle protocol 3), with one array at a time in memory."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|O", "fortran_order": False, "shape": (n_arrays,)})
    made = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R"
    none = b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xff"
    float_type = b"cnumpy\ndtype\nX\x02\x00\x00\x00f4\x89\x88\x87R(K\x03X\x01\x00\x00\x00<" + none + b"K\x00tb"
    object_type = b"cnumpy\ndtype\nX\x02\x00\x00\x00O8\x89\x88\x87R(K\x03X\x01\x00\x00\x00|" + none + b"K?tb"
    with path.open("wb") as stream:
        stream.write(header.getvalue() + b"\x80\x03" + made + b"(K\x01" + _number(n_arrays) + b"\x85" + object_type)
        stream.write(b"\x89](")
        for array in arrays:
            shape = b"".join(_number(length) for length in array.shape)
            content = np.ascontiguousarray(array, dtype="<f4").tobytes()
            stream.write(made + b"(K\x01" + shape + b"\x86" + float_type + b"\x89")
            stream.write(b"B" + struct.pack("<I", len(content)))
            stream.write(content)
            stream.write(b"tb")
        stream.write(b"etb.")


def _number(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def write_features(
    annotations: Path,
    out: Path,
    *,
    layout: str,
    columns: int = 2048,
    kind: str = "float32",
    subsets: Sequence[str] = (),
    without_prefix: bool = False,
) -> int:
    """Write the features of the annotated videos; returns the bytes written."""
    found = read_annotations(annotations)
    videos = [video for video in found.videos if not subsets or video.subset in subsets]
    out.mkdir(parents=True, exist_ok=True)
    if layout == "object_array":
        path = out / f"{annotations.name}-JOINTFeatures.npy"
        write_object_array(path, (features_of(video, found.classes, columns) for video in videos), len(videos))
        return path.stat().st_size
    total = 0
    for video in videos:
        rows = features_of(video, found.classes, columns).astype(kind)
        half = columns // 2
        parts = {"rgb": rows[:, :half], "flow": rows[:, half:]} if layout == "two_folders" else {"": rows}
        for folder, part in parts.items():
            path = out / folder / f"{video.name.removeprefix('v_') if without_prefix else video.name}.npy"
            path.parent.mkdir(exist_ok=True)
            np.save(path, part)
            total += path.stat().st_size
    return total


def main() -> None:
    """Write the features that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--annotations", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--layout", choices=["object_array", "npy_per_video", "two_folders"], default="object_array")
    parser.add_argument("--columns", type=int, default=2048)
    parser.add_argument("--type", default="float32", choices=["float32", "float16"])
    parser.add_argument("--subset", action="append", default=[], help="this subset alone (may be repeated)")
    parser.add_argument("--without-prefix", action="store_true", help="file names without v_")
    given = parser.parse_args()
    size = write_features(
        given.annotations,
        given.out,
        layout=given.layout,
        columns=given.columns,
        kind=given.type,
        subsets=given.subset,
        without_prefix=given.without_prefix,
    )
    print(f"{size:,} bytes in {given.out}")


if __name__ == "__main__":
    main()
