"""Which paths a command may write: a new name or a regular file, and never a file that it reads.

An option that names an output says so by its type. The command line looks at all of them before anything is read;
every writer looks once more, at what is in its place by then.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PosixPath

from wtal.base.edges.regular import mode_in_words
from wtal.base.errors import InputError

NEITHER = "a path that the command does not read"
# Options that name folders of inputs, and the endings of what is read in them; all, where none is named.
FOLDERS_OF_INPUTS: dict[str, tuple[str, ...]] = {
    "data": (),
    "features": (".npy", ".h5", ".hdf5"),
    "annotations": (),
    "ground_truth": (),
    "results": (".csv", ".json", ".npz", ".pt", ".svg", ".png"),
}
_inputs: set[tuple[int, int]] = set()  # device and number of each file that the running command reads


class OutputFile(PosixPath):
    """Of an option: a file to write."""


class OutputFolder(PosixPath):
    """Of an option: a folder to write in."""


class OutputPlace(PosixPath):
    """Of an option: a file to write, or a folder to write several in."""


def check_output(path: Path) -> None:
    """Refuse to write where an input, or anything but a regular file, is. Raises InputError."""
    found = _stat(path)
    if found is None:
        return
    if not os.path.isfile(path):
        raise InputError(file=path, expected="a path for a file", got=mode_in_words(found.st_mode))
    if (found.st_dev, found.st_ino) in _inputs:
        raise InputError(file=path, expected=NEITHER, got="one of its inputs")


@contextmanager
def outputs_apart(options: Mapping[str, object], names: Iterable[str] = ()) -> Iterator[None]:
    """Hold the outputs of a command apart from its inputs, now and as long as the block lasts. Raises InputError.

    options: by name, outputs by their type, all other paths inputs. names: of files that are written into a folder.
    """
    chosen = {name: list(_paths(value)) for name, value in options.items()}
    inputs = [(name, path) for name, paths in chosen.items() for path in paths if not _is_output(path)]
    before = set(_inputs)
    _inputs.update(
        (found.st_dev, found.st_ino) for _, path in inputs if os.path.isfile(path) and (found := path.stat())
    )
    try:
        for name, paths in chosen.items():
            for path in filter(_is_output, paths):
                _check(f"--{name.replace('_', '-')}", path, inputs, names)
        _check_each_once(
            [path for paths in chosen.values() for path in paths if isinstance(path, (OutputFile, OutputPlace))]
        )
        yield
    finally:
        _inputs.clear()
        _inputs.update(before)


def _check(option: str, path: Path, inputs: list[tuple[str, Path]], names: Iterable[str]) -> None:
    found = _stat(path)
    if isinstance(path, OutputFolder) or (isinstance(path, OutputPlace) and os.path.isdir(path)):
        if found is not None and not os.path.isdir(path):
            raise InputError(
                file=option, expected="a folder that can be written", got=f"{path}, {mode_in_words(found.st_mode)}"
            )
        for name in names:
            check_output(path / name)
        return
    if found is not None and not os.path.isfile(path):
        raise InputError(file=option, expected="a file to write", got=f"{path}, {_words(found)}")
    check_output(path)
    for name, folder in inputs:
        if found is not None and os.path.isdir(folder) and name in FOLDERS_OF_INPUTS:
            endings = FOLDERS_OF_INPUTS[name]
            is_read = not endings or path.suffix.lower() in endings
            if is_read and path.resolve().is_relative_to(folder.resolve()):
                raise InputError(file=path, expected=NEITHER, got=f"one in --{name.replace('_', '-')}")


def _check_each_once(paths: list[Path]) -> None:
    resolved = [path.resolve() for path in paths]
    for path in paths:
        if resolved.count(path.resolve()) > 1:
            raise InputError(file=path, expected="a file for each output", got="one for two of them")


def _paths(value: object) -> Iterator[Path]:
    if isinstance(value, Path):
        yield value
    elif isinstance(value, (list, tuple)):
        for entry in value:
            yield from _paths(entry)


def _is_output(path: Path) -> bool:
    return isinstance(path, (OutputFile, OutputFolder, OutputPlace))


def _words(found: os.stat_result) -> str:
    return "a folder" if stat.S_ISDIR(found.st_mode) else mode_in_words(found.st_mode)


def _stat(path: Path) -> os.stat_result | None:
    """Of what is at a path, links followed; None where nothing is. Raises InputError where no path can be so."""
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError):  # of the second, whoever makes the folder says more
        return None
    except (OSError, ValueError) as error:
        got = getattr(error, "strerror", None) or error
        raise InputError(file=path, expected="a path that can be written", got=got) from None
