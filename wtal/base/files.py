"""Files at the edges: whole or absent when written, one clear sentence when they cannot be read."""

from __future__ import annotations

import codecs
import csv
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

import yaml

from wtal.base.errors import InputError

if TYPE_CHECKING:
    import numpy as np  # where arrays are read and written alone: it takes half of what a light command starts in


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its name only when the block ends well.

    Raises InputError where the folder cannot be written; what was at `path` before is then untouched.
    """
    path = Path(path)
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
    for leftover in Path(path).parent.glob(f".{Path(path).name}.*"):
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


def read_bytes(path: str | Path) -> bytes:
    """The content of a file. Raises InputError where it is missing or cannot be read."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InputError(file=path, expected="a readable file", got=error.strerror or error) from None


def read_text(path: str | Path) -> str:
    """A text file, UTF-8 or marked as UTF-16. Raises InputError where it is missing or not text."""
    return text_of_bytes(path, read_bytes(path))


def text_of_bytes(path: str | Path, content: bytes) -> str:
    """The text of a file's bytes, without the byte-order mark that some programs put first. Raises InputError."""
    is_wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if is_wide else "utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise InputError(file=path, expected="UTF-8 text", got=f"byte {error.start} that is not") from None


def read_json(path: str | Path) -> Any:
    """A JSON file. Raises InputError naming line and column where it is broken."""
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        got = f"{error.msg} at line {error.lineno} column {error.colno}"
        raise InputError(file=path, expected="JSON", got=got) from None
    except RecursionError:
        raise InputError(file=path, expected="JSON", got="nesting too deep to read") from None


def read_yaml(path: str | Path) -> Any:
    """A YAML file, plain values only. Raises InputError naming the line where it is broken."""
    try:
        return _UniqueKeyLoader(read_text(path)).get_single_data()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        got = f"{getattr(error, 'problem', None) or 'something else'}{where}"
        raise InputError(file=path, expected="YAML", got=got) from None


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML's safe loader, which would let the second of two equal keys win without a word."""


def _mapping_of_unique_keys(loader: _UniqueKeyLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen = set()
    for key_node, _ in node.value:
        if not isinstance(key_node, yaml.ScalarNode) or key_node.tag == "tag:yaml.org,2002:merge":
            continue
        if key_node.value in seen:
            problem = f"key {key_node.value!r} given twice"
            raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
        seen.add(key_node.value)
    loader.flatten_mapping(node)
    return yaml.SafeLoader.construct_mapping(loader, node, deep=True)


_UniqueKeyLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping_of_unique_keys)


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


@contextmanager
def _open_archive(path: str | Path) -> Iterator[Any]:
    """An .npz file whose arrays are read when they are asked for, pickles refused. Raises InputError if damaged."""
    import numpy as np

    try:
        with Path(path).open("rb") as handle, np.load(handle, allow_pickle=False) as archive:
            yield archive
    except Exception as error:  # zlib.error and friends: whatever a damaged archive makes the decoder say
        if isinstance(error, OSError) and error.strerror:
            raise InputError(file=path, expected="a readable file", got=error.strerror) from None
        got = f"{type(error).__name__}: {error}".splitlines()[0]
        raise InputError(file=path, expected="a whole .npz archive of plain arrays", got=got) from None


def names_of_arrays(path: str | Path) -> list[str]:
    """The names of the arrays of an .npz file, none of which is read. Raises InputError where it is damaged."""
    with _open_archive(path) as archive:
        return list(archive.files)


def read_arrays(path: str | Path, keys: Sequence[str] = (), *, others: bool = True) -> dict[str, np.ndarray]:
    """The arrays of an .npz file, pickles refused. Raises InputError where it is truncated, altered or lacks a key.

    others: read those that are not among `keys` too.
    """
    with _open_archive(path) as archive:
        names = list(archive.files)
        arrays = {name: archive[name] for name in names if others or name in keys}
    for key in keys:
        if key not in arrays:
            raise InputError(file=path, key=key, expected="an array of that name", got=f"only {sorted(names)}")
    return arrays


def write_rows(path: str | Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a CSV table; floats as repr, so that they read back exactly."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    write_text(path, buffer.getvalue())


def read_rows(path: str | Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a CSV table that must have these columns. Raises InputError naming what is missing, and the row."""
    reader = csv.DictReader(io.StringIO(read_text(path)))
    missing = [column for column in columns if column not in (reader.fieldnames or ())]
    if missing:
        raise InputError(
            file=path, key=missing[0], expected="a column of that name", got=reader.fieldnames or "nothing"
        )
    rows = list(reader)
    for number, row in enumerate(rows, start=2):
        if None in row or any(row[column] is None for column in columns):
            raise InputError(file=path, key=f"line {number}", expected=f"{len(columns)} values", got="another number")
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
        with Path(path).open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as error:
        raise InputError(file=path, expected="a readable file", got=error.strerror or error) from None


def digest_of_value(value: Any) -> str:
    """sha256 of a JSON value, independent of the order of its keys."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)  # not indented: ten times as fast
    return hashlib.sha256(text.encode()).hexdigest()
