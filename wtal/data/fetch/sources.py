"""How one file is had from one source that is no address: file, package, Google Drive."""

from __future__ import annotations

import importlib
import importlib.util
import urllib.parse
from pathlib import Path

from wtal.base.edges.regular import opened
from wtal.base.errors import InputError
from wtal.base.files import installed_file
from wtal.data.fetch.answers import SourceError
from wtal.data.fetch.partial import bytes_of, copy_to_partial
from wtal.data.fetch.shapes import has_page


def copy_from(path: Path, partial: Path) -> None:
    """Copy a file of this machine. Raises SourceError."""
    try:
        with opened(path) as handle:
            if has_page(handle.read(512)):
                raise SourceError("a web page lies in place of the file")
        copy_to_partial(path, partial)
    except InputError as error:
        raise SourceError(f"{error.got}") from None
    except OSError as error:
        raise SourceError(f"{error.strerror or error}") from None


def path_of_url(url: str) -> Path:
    """The path that a file URL names. Raises SourceError where it names another machine."""
    parts = urllib.parse.urlsplit(url)
    if parts.netloc not in ("", "localhost"):
        raise SourceError("a file on another machine")
    return Path(urllib.parse.unquote(parts.path))


def file_in_package(source: str) -> Path:
    """The file that `package:DISTRIBUTION/PATH` names. Raises SourceError."""
    package, _, name = source.removeprefix("package:").partition("/")
    try:
        return installed_file(package, name)
    except LookupError as error:
        raise SourceError(str(error)) from None


def from_google_drive(identity: str, partial: Path) -> None:
    """Fetch a file of a public drive by its id, if gdown is installed. Raises SourceError."""
    if importlib.util.find_spec("gdown") is None:
        raise SourceError("by hand, or install gdown first")
    bytes_of(partial)  # of a link, which is taken away, and not written through
    try:
        found = importlib.import_module("gdown").download(id=identity, output=str(partial), quiet=True)
    except Exception as error:  # gdown lets the errors of several libraries through
        raise SourceError(f"gdown: {(str(error).strip() or type(error).__name__).splitlines()[0]}") from None
    if not found or not partial.is_file():
        raise SourceError("gdown got nothing")
    with partial.open("rb") as handle:
        if has_page(handle.read(512)):
            partial.unlink()
            raise SourceError("a web page came in place of the file")
