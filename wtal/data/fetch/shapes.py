"""What a file must look like by its name where nobody has stated its sha256, since hosts send pages in its place."""

from __future__ import annotations

import json
import math
import os
import re
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from wtal.base.edges.regular import opened
from wtal.base.errors import InputError
from wtal.base.files import read_json, read_text
from wtal.data.annotations.forms import parsed_annotations
from wtal.data.fetch.manifest import ManifestFile

# The first line of a data set's own files, by their ending: that of its makers' error pages is another.
FIRST_LINES = {
    ("swimming", ".csv"): re.compile(r"(?=.*\bACC_0\b)(?=.*\bGYRO_0\b).*\blabel\b.*"),
    ("shrec21", ".txt"): re.compile(r"\d+;([A-Z]+;\d+;\d+;?)*\s*|-?\d[\d.e;+-]*"),
}
TEXTS = (".txt", ".csv", ".tsv", ".json", ".xml", ".eaf", ".yaml", ".yml", ".md", ".py", ".html", ".htm")
BINARIES = (".npy", ".npz", ".h5", ".hdf5", ".zip", ".gz", ".pkl", ".pickle", ".mat", ".pt", ".pth", ".bin", ".mp4")
PAGES = (".html", ".htm")
BEGINNING = 1 << 16  # bytes that are looked at, of an answer in place of a file all
COMPRESSED = b"\x1f\x8b"
HDF5 = b"\x89HDF\r\n\x1a\n"


def has_page(beginning: bytes) -> bool:
    """Whether bytes begin as a web page does: a host's log-in or error page in place of the file."""
    text = beginning[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return text.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<script"))


def type_problem(content_type: str, path: str) -> str | None:
    """Why an answer of this type is no file of that name, or None."""
    kind, suffix = content_type.partition(";")[0].strip().lower(), _suffix(path)
    if kind in ("text/html", "application/xhtml+xml") and suffix not in PAGES:
        return "a web page came in place of the file"
    if kind in ("application/json", "application/problem+json") and suffix != ".json":
        return "JSON came in place of the file"
    if kind in ("application/gzip", "application/x-gzip") and suffix not in (".gz", ".tgz"):
        return "a compressed file came in place of the file"
    return None


def shape_problem(path: Path, file: ManifestFile, dataset: str = "") -> str | None:
    """Why a file cannot be the one of the manifest by what it holds, or None where it may be."""
    suffix = _suffix(file.path)
    with opened(path) as handle:
        beginning = handle.read(BEGINNING)
        is_all = len(beginning) < BEGINNING
    if has_page(beginning) and suffix not in PAGES:
        return "a web page lies in place of the file"
    if beginning.startswith(COMPRESSED) != (suffix in (".gz", ".tgz")):
        return "no compressed file" if suffix in (".gz", ".tgz") else "a compressed file lies in place of the file"
    if suffix != ".json" and is_all and _is_json(beginning):
        return "JSON lies in place of the file"
    if suffix in BINARIES and is_all and _is_text(beginning):
        return f"text lies in place of the {suffix} file"
    own = FIRST_LINES.get((dataset, suffix))
    try:
        if own is not None and not own.fullmatch(read_text(path).partition("\n")[0].strip()):
            return f"another first line than the files of {dataset} have"
        return CHECKS[suffix](path, file) if suffix in CHECKS else None
    except InputError as error:
        return f"expected {error.expected}; got {error.got}"


def _suffix(path: str) -> str:
    return PurePosixPath(path).suffix.lower()


def _is_text(content: bytes) -> bool:
    try:
        return "\0" not in content.decode()
    except UnicodeDecodeError:
        return False


def _is_json(content: bytes) -> bool:
    if not content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")):
        return False
    try:
        json.loads(content)
    except (ValueError, RecursionError):
        return False
    return True


def _array(path: Path, _: ManifestFile) -> str | None:
    """A header, and as many bytes of numbers as it says; a pickle of objects has its last instruction."""
    import numpy as np  # of all checks this one alone needs it

    with opened(path) as handle:
        size = os.fstat(handle.fileno()).st_size
        try:
            version = np.lib.format.read_magic(handle)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # headers written by Python 2 are read well enough
                shape, _fortran, kind = read(handle)
        except Exception:  # whatever a damaged header makes numpy and its tokeniser say
            return "no .npy file"
        if kind.hasobject:
            handle.seek(-1, os.SEEK_END)
            return None if handle.read(1) == b"." else "an .npy file that is cut short"
        wanted = handle.tell() + math.prod(shape) * kind.itemsize
    return None if size == wanted else f"{size:,} bytes where the array's header asks for {wanted:,}"


def _archive(path: Path, _: ManifestFile) -> str | None:
    return None if zipfile.is_zipfile(path) else "no archive, or one that is cut short"


def _hdf5(path: Path, _: ManifestFile) -> str | None:
    with opened(path) as handle:
        return None if handle.read(len(HDF5)) == HDF5 else "no HDF5 file"


def _json(path: Path, file: ManifestFile) -> str | None:
    """JSON, and of annotations such as have a video with a label."""
    if file.part != "annotations":
        read_json(path)
    elif not any(video.rows or video.listed for video in parsed_annotations(path).videos):
        return "JSON without any annotation"
    return None


def _table(path: Path, _: ManifestFile) -> str | None:
    """Text, and a second line: an error is told in one."""
    lines = [line for line in read_text(path).splitlines() if line.strip()]
    return None if len(lines) > 1 else "no table, since it has fewer than two lines"


def _text(path: Path, _: ManifestFile) -> str | None:
    read_text(path)
    return None


CHECKS: dict[str, Callable[[Path, ManifestFile], str | None]] = {
    ".npy": _array,
    ".npz": _archive,
    ".zip": _archive,
    ".h5": _hdf5,
    ".hdf5": _hdf5,
    ".json": _json,
    ".csv": _table,
    ".tsv": _table,
    ".txt": _text,
}
