"""Files at the edges: whole or absent when written, one clear sentence when they cannot be read."""

from __future__ import annotations

import codecs
import csv
import glob
import hashlib
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wtal.base.edges.json_text import parse_json
from wtal.base.edges.outputs import check_output
from wtal.base.edges.regular import FileKind, opened, read_bounded
from wtal.base.errors import InputError

if TYPE_CHECKING:
    import numpy as np  # where arrays are read and written alone: it takes half of what a light command starts in


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its name only when the block ends well.

    Raises InputError where the folder cannot be written, or what is at `path` is no regular file or an input of the
    command that runs; what was at `path` before is then untouched.
    """
    path = Path(path)
    check_output(path)
    with refused_unwritable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with refused_unwritable(path):
            with temporary.open("rb+") as written:
                os.fsync(written.fileno())
            os.chmod(temporary, 0o666 & ~_umask())
        with refused_unwritable(path, "a path for a file"):
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def remove_unfinished(path: str | Path) -> None:
    """Remove what writers of `path` that were killed left beside it."""
    for leftover in Path(path).parent.glob(f".{glob.escape(Path(path).name)}.*"):
        leftover.unlink(missing_ok=True)


@contextmanager
def refused_unwritable(path: str | Path, expected: str = "a path that can be written") -> Iterator[None]:
    """Make an InputError of whatever keeps the block from writing at `path`, a full disk for one."""
    try:
        yield
    except OSError as error:
        raise InputError(file=path, expected=expected, got=error.strerror or error) from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write a whole file or none."""
    with whole_file(path) as temporary, refused_unwritable(path):
        temporary.write_bytes(content)


def write_text(path: str | Path, text: str) -> None:
    """Write a whole UTF-8 text file or none."""
    write_bytes(path, text.encode())


def write_if_changed(path: str | Path, text: str) -> bool:
    """Write only when the content differs, so that nothing downstream looks out of date; true if written."""
    path = Path(path)
    if path.is_file() and path.read_text() == text:
        return False
    write_text(path, text)
    return True


def to_json(value: Any) -> str:
    """JSON with sorted keys and a newline: the same value always gives the same text."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def read_bytes(path: str | Path, kind: FileKind = "array") -> bytes:
    """The content of a file. Raises InputError where it is missing, no regular file, or larger than its kind may be."""
    return read_bounded(path, kind)


def read_text(path: str | Path, kind: FileKind = "text") -> str:
    """A text file, UTF-8 or marked as UTF-16. Raises InputError where it is missing or not text."""
    return text_of_bytes(path, read_bytes(path, kind))


def text_of_bytes(path: str | Path, content: bytes) -> str:
    """The text of a file's bytes, without the byte-order mark that some programs put first. Raises InputError."""
    is_wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if is_wide else "utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise InputError(file=path, expected="UTF-8 text", got=f"byte {error.start} that is not") from None
    if "\0" in text:
        raise InputError(
            file=path, expected="text", got=f"a zero byte in line {text[: text.index(chr(0))].count(chr(10)) + 1}"
        )
    return text


def read_json(path: str | Path) -> Any:
    """A JSON file, each key once. Raises InputError naming line and column where it is broken."""
    return parse_json(path, read_text(path, "json"))


def read_yaml(path: str | Path) -> Any:
    """A YAML file, plain values only, each key once. Raises InputError naming the line where it is broken."""
    from wtal.base.edges.yaml_text import parse_yaml  # most commands read none

    return parse_yaml(path, read_text(path, "yaml"))


def write_arrays(path: str | Path, arrays: Mapping[str, np.ndarray] | Iterable[tuple[str, np.ndarray]]) -> None:
    """Write named arrays as .npz; the same arrays always give the same bytes.

    arrays: as pairs they may be made one after the other, so that no more than one has to be in memory.
    """
    import numpy as np

    pairs = arrays.items() if isinstance(arrays, Mapping) else arrays
    with (
        whole_file(path) as temporary,
        refused_unwritable(path),
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name, array in pairs:
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)


def read_arrays(path: str | Path, keys: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """The arrays of an .npz file, pickles refused. Raises InputError where it is truncated, altered or lacks a key."""
    from wtal.base.edges.array_file import open_arrays

    with open_arrays(path) as file:
        return {name: file.array(name) for name in dict.fromkeys([*keys, *file.names])}


def write_rows(path: str | Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a CSV table; floats as repr, so that they read back exactly."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    write_text(path, buffer.getvalue())


MOST_COLUMNS = 1000


def table_rows(path: str | Path, reader: Iterable[list[str]]) -> Iterator[list[str]]:
    """The rows of a CSV reader. Raises InputError where it refuses one, or its header is none, naming the line."""
    rows, number = iter(reader), 0
    while True:
        number += 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            raise InputError(file=path, key=f"row {number}", expected="a CSV table", got=error) from None
        if number == 1:
            _check_header(path, row)
        yield row


def _check_header(path: str | Path, header: Sequence[str]) -> None:
    """Refuse a header with a column twice, or with more columns than any table has."""
    if len(header) > MOST_COLUMNS:
        raise InputError(file=path, expected=f"at most {MOST_COLUMNS} columns", got=len(header))
    names = [name.strip().lower() for name in header if name.strip()]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(file=path, key=twice, expected="each column once", got="it twice")


def read_rows(path: str | Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a CSV table that must have these columns. Raises InputError naming what is missing, and the row."""
    text = read_text(path)
    table = table_rows(path, csv.reader(io.StringIO(text)))
    header = next(table, [])
    missing = [column for column in columns if column not in header]
    if missing:
        raise InputError(file=path, key=missing[0], expected="a column of that name", got=header or "nothing")
    if not text.endswith("\n"):
        raise InputError(file=path, expected="a table whose last line is whole", got="one that is cut short")
    rows = []
    for number, values in enumerate(filter(None, table), start=2):
        if len(values) != len(header):
            key, got = f"line {number}", "another number"
            raise InputError(file=path, key=key, expected=f"{len(header)} values", got=got)
        rows.append(dict(zip(header, values)))
    return rows


def installed_file(package: str, name: str) -> Path:
    """Where an installed package keeps a file, of which nothing is imported. Raises LookupError, in a few words."""
    import importlib.metadata  # slow to load, and few commands look into packages

    try:
        files = importlib.metadata.files(package) or []
    except (importlib.metadata.PackageNotFoundError, ValueError):
        raise LookupError("no such package") from None
    for file in files:
        if file.as_posix() == name and Path(str(file.locate())).is_file():
            return Path(str(file.locate()))
    raise LookupError("a package without that file")


def digest_of_file(path: str | Path) -> str:
    """sha256 of a file's bytes, read in pieces. Raises InputError where it cannot be read."""
    try:
        with opened(path) as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as error:
        raise InputError(file=path, expected="a readable file", got=error.strerror or error) from None


DIGESTS = "digests.json"  # beside files that other commands read: the sha256 of each


def write_digests(folder: Path, names: Iterable[str]) -> None:
    """Write down the sha256 of files in a folder, beside them. Raises InputError."""
    write_text(folder / DIGESTS, to_json({name: digest_of_file(folder / name) for name in names}))


def check_digest_beside(path: Path) -> None:
    """Refuse a file that is not as it was written, where its digest stands beside it. Raises InputError."""
    beside = path.with_name(DIGESTS)
    digests = read_json(beside) if beside.is_file() else {}
    if not isinstance(digests, dict):
        raise InputError(file=beside, expected="the sha256 of files by name", got=type(digests).__name__)
    if path.name in digests and digests[path.name] != digest_of_file(path):
        expected = f"the file that was written, sha256 {digests[path.name]:.12}... in {beside.name} (make it again)"
        raise InputError(file=path, expected=expected, got="another")


def digest_of_value(value: Any) -> str:
    """sha256 of a JSON value, independent of the order of its keys."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)  # not indented: ten times as fast
    return hashlib.sha256(text.encode()).hexdigest()
