"""What a file is by its name and its first bytes, so that whatever cannot be read is refused by its own name."""

from __future__ import annotations

from pathlib import Path

from wtal.base.edges.regular import opened

BY_SUFFIX = {
    ".json": "json",
    ".boris": "json",
    ".csv": "csv",
    ".tsv": "csv",
    ".xml": "xml",
    ".eaf": "xml",
    ".npy": "npy",
    ".pkl": "pickle",
    ".pickle": "pickle",
    ".mat": "matlab",
}
BY_BYTES = (
    (b"MATLAB", "matlab"),
    (b"\x89HDF", "hdf5"),
    (b"\x93NUMPY", "npy"),
    (b"PK\x03\x04", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"%PDF", "pdf"),
)
DESCRIBED = {
    "folder": "a folder",
    "npy": "an .npy file",
    "pickle": "a pickle",
    "matlab": "a MATLAB file, whose table can be saved as CSV",
    "hdf5": "an HDF5 file",
    "zip": "an archive (.zip or .npz), which can be unpacked first",
    "gzip": "a compressed file, which can be unpacked first",
    "pdf": "a PDF",
    "binary": "a file that is not text",
    "text": "text of another form",
}


def kind_of(path: str | Path) -> str:
    """json, csv, xml, npy, pickle, matlab, hdf5, zip, gzip, pdf, text, binary or folder; the ending decides first.

    Raises InputError where nothing can be read at the path.
    """
    path = Path(path)
    if path.is_dir():
        return "folder"
    known = BY_SUFFIX.get(path.suffix.lower())
    with opened(path) as handle:
        start = handle.read(512)
    return known or _by_content(start)


def _by_content(start: bytes) -> str:
    for letters, kind in BY_BYTES:
        if start.startswith(letters):
            return kind
    if start[:1] == b"\x80" and start[1:2] <= b"\x05":
        return "pickle"
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "text"
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] in (b"{", b"["):
        return "json"
    if text.startswith((b"<?xml", b"<ANNOTATION_DOCUMENT", b"<annotations")):
        return "xml"
    return "binary" if b"\0" in start else "text"
