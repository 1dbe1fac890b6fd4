"""How one file is had from one source: https, http, file, package, Google Drive."""

from __future__ import annotations

import http.client
import importlib
import importlib.util
import shutil
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from wtal.base.edges.regular import opened
from wtal.base.errors import InputError
from wtal.base.files import installed_file

TIMEOUT = 8.0  # seconds without an answer
PIECE = 1 << 18  # bytes read at a time
LONGEST_SILENCE = 2  # hosts that may fail to answer before no other is asked

Progress = Callable[[int, int | None], None]  # bytes so far, and of how many where that is known


class SourceError(Exception):
    """Why a source did not give the file, in a few words."""


class _RangeRefusedError(SourceError):
    """The source has no bytes after those that an earlier attempt got."""


@dataclass
class Hosts:
    """Remembers hosts that did not answer, so that a machine without a network is told so soon."""

    silent: set[str] = field(default_factory=set)
    heard: set[str] = field(default_factory=set)

    def open(self, url: str, first_byte: int) -> http.client.HTTPResponse:
        """Open a URL, from a byte on. Raises SourceError."""
        host = urllib.parse.urlsplit(url).netloc
        if host in self.silent:
            raise SourceError(f"{host} did not answer before")
        if len(self.silent) > LONGEST_SILENCE and host not in self.heard:
            raise SourceError("not asked, since no host answers")
        headers = {"User-Agent": "wtal", "Accept-Encoding": "identity"}
        if first_byte:
            headers["Range"] = f"bytes={first_byte}-"
        try:
            response: http.client.HTTPResponse = urllib.request.urlopen(
                urllib.request.Request(url, headers=headers), timeout=TIMEOUT
            )
        except urllib.error.HTTPError as error:
            error.close()
            self.heard.add(host)
            if error.code == 416 and first_byte:
                raise _RangeRefusedError("no bytes after those that are here") from None
            raise SourceError(f"HTTP {error.code} {error.reason}") from None
        except (urllib.error.URLError, OSError, http.client.HTTPException, ValueError) as error:
            self.silent.add(host)
            raise SourceError(f"no answer: {getattr(error, 'reason', None) or error}") from None
        self.heard.add(host)
        return response


def has_page(beginning: bytes) -> bool:
    """Whether bytes begin as a web page does: a host's log-in or error page in place of the file."""
    text = beginning[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return text.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<script"))


def download(url: str, partial: Path, *, hosts: Hosts, limit: int | None, progress: Progress) -> None:
    """Fetch a URL into a partial file, from where an earlier attempt ended.

    limit: bytes the file has, if known; a longer answer is refused. Raises SourceError; the partial file stays then.
    """
    have = partial.stat().st_size if partial.exists() else 0
    if limit is not None and have >= limit:
        partial.unlink(missing_ok=True)
        have = 0
    try:
        response = hosts.open(url, have)
    except _RangeRefusedError:
        partial.unlink(missing_ok=True)
        have, response = 0, hosts.open(url, 0)
    with response:
        if have and not _goes_on(response, have):
            have = 0
        length = response.headers.get("Content-Length", "")
        total = have + int(length) if length.isdigit() else limit
        try:
            have = _receive(response, partial, have, limit=limit, total=total, progress=progress)
        except TimeoutError:
            hosts.silent.add(urllib.parse.urlsplit(url).netloc)
            raise SourceError(f"nothing came for {TIMEOUT:g} seconds") from None
        except (OSError, http.client.HTTPException) as error:
            raise SourceError(f"the connection broke: {error or type(error).__name__}") from None
    if total is not None and have < total:
        raise SourceError(f"the connection ended after {have:,} of {total:,} bytes")


def _goes_on(response: http.client.HTTPResponse, have: int) -> bool:
    return response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {have}-")


def _receive(
    response: http.client.HTTPResponse,
    partial: Path,
    have: int,
    *,
    limit: int | None,
    total: int | None,
    progress: Progress,
) -> int:
    with partial.open("ab" if have else "wb") as handle:
        while piece := response.read(PIECE):
            if handle.tell() == 0 and has_page(piece):
                raise SourceError("a web page came in place of the file")
            handle.write(piece)
            have += len(piece)
            if limit is not None and have > limit:
                handle.truncate(0)
                raise SourceError(f"more than the {limit:,} bytes that the file has")
            progress(have, total)
    return have


def copy_from(path: Path, partial: Path) -> None:
    """Copy a file of this machine. Raises SourceError."""
    try:
        with opened(path) as handle:
            if has_page(handle.read(512)):
                raise SourceError("a web page lies in place of the file")
        shutil.copyfile(path, partial)
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
