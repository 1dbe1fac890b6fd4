"""A file from an address: taken up where it broke, asked for again after growing pauses, refused if another comes."""

from __future__ import annotations

import http.client
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from wtal.base.progress import ShownProgress
from wtal.data.fetch.answers import (
    TIMEOUT,
    Deadline,
    Hosts,
    PassingError,
    RangeRefusedError,
    SlowError,
    SourceError,
    host_of,
)
from wtal.data.fetch.manifest import ManifestFile
from wtal.data.fetch.partial import bytes_of, open_partial
from wtal.data.fetch.shapes import PAGES, has_page, type_problem

PIECE = 1 << 18  # bytes read at a time
ATTEMPTS = 4  # in a row that bring less than a piece
MOST_ATTEMPTS = 200  # in all: a host that breaks off may bring a large file in many of them
PAUSE = 1.0  # seconds before the second attempt; twice as many before each after it
MOST_PAUSE = 60.0  # seconds; a host that asks for more of them is left

Check = Callable[[Path], str | None]
logger = logging.getLogger(__name__)


@dataclass
class Download:
    """One file from one address, into its partial file."""

    url: str
    partial: Path
    file: ManifestFile
    hosts: Hosts
    check: Check  # why a whole file is not the one that is wanted
    shown: ShownProgress = field(init=False)
    version: str = ""  # of the file, as the host's last answer named it
    total: int | None = None  # bytes of the file, as far as they are known

    def __post_init__(self) -> None:
        self.shown = ShownProgress(self.file.path)

    def run(self) -> None:
        """Bring the file, whole and checked. Raises SourceError; what may be gone on with later stays then."""
        self.hosts.check(self.url)
        if self.file.sha256 is None:
            self.partial.unlink(missing_ok=True)  # nothing could tell whether its beginning is of the same file
        elif bytes_of(self.partial) and self.check(self.partial) is None:
            return
        elif self.file.bytes is not None and bytes_of(self.partial) >= self.file.bytes:
            self.partial.unlink(missing_ok=True)
        try:
            self._attempts()
        except SourceError as error:
            if isinstance(error, (PassingError, SlowError)):
                self.hosts.failures[host_of(self.url)] += 1
            if self.file.sha256 is None or not bytes_of(self.partial):
                self.partial.unlink(missing_ok=True)
            raise

    def _attempts(self) -> None:
        failures, is_anew = 0, False
        for _ in range(MOST_ATTEMPTS):
            begun = bytes_of(self.partial)
            try:
                self._receive(begun)
            except PassingError as error:
                failures = failures + 1 if bytes_of(self.partial) - begun < PIECE else 1
                pause = PAUSE * 2 ** (failures - 1) if error.pause is None else error.pause
                if failures >= ATTEMPTS or pause > MOST_PAUSE:
                    raise
                if pause:
                    logger.info(f"{self.file.path}: {error}; asked again in {pause:.0f} s")
                    time.sleep(pause)
                continue
            problem = self.check(self.partial)
            if problem is None:
                self.shown.end()
                self.hosts.failures.pop(host_of(self.url), None)
                return
            self.partial.unlink(missing_ok=True)
            if not begun or is_anew:
                raise SourceError(problem)
            is_anew = True  # its beginning may have been of another file
        raise PassingError(f"broke off {MOST_ATTEMPTS} times")

    def _receive(self, begun: int) -> None:
        """Ask once, for what is lacking. Raises SourceError."""
        headers = {"User-Agent": "wtal", "Accept-Encoding": "identity"}
        if begun:
            headers["Range"] = f"bytes={begun}-"
            if self.version:
                headers["If-Range"] = self.version
        try:
            with Deadline() as deadline, self.hosts.open(self.url, headers, deadline) as response:
                first = self._first_byte(response, begun)
                total = self._total(response, first)
                self._write(response, first, total, deadline)
        except RangeRefusedError:
            self.partial.unlink(missing_ok=True)
            raise

    def _first_byte(self, response: http.client.HTTPResponse, begun: int) -> int:
        """Where the answer's bytes begin in the file. Raises SourceError where they are not the file's."""
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding not in ("", "identity"):
            raise SourceError(f"compressed ({encoding}) where the file itself was asked for")
        if response.status not in (200, 206):
            raise SourceError(f"HTTP {response.status} {response.reason} in place of the file")
        if self.file.sha256 is None:
            problem = type_problem(response.headers.get("Content-Type", ""), self.file.path)
            if problem is not None:
                raise SourceError(problem)
        tag = response.headers.get("ETag", "")
        version = response.headers.get("Last-Modified", "") if not tag or tag.startswith("W/") else tag
        self.version = version if version.isprintable() and version.isascii() else ""
        if response.status == 200:
            return 0
        if not begun:
            raise SourceError("a part of the file, which was not asked for")
        if not response.headers.get("Content-Range", "").startswith(f"bytes {begun}-"):
            raise RangeRefusedError("other bytes than those that were asked for", pause=0)
        return begun

    def _total(self, response: http.client.HTTPResponse, first: int) -> int | None:
        """Bytes of the whole file, as far as they are known. Raises SourceError where they are too many."""
        length = response.headers.get("Content-Length", "")
        total = first + int(length) if length.isdecimal() else None
        wanted = self.file.bytes if self.file.bytes is not None else self.total
        if first and total is not None and self.total is not None and total != self.total:
            raise RangeRefusedError("the rest of another file than the one that was begun", pause=0)
        if self.file.bytes is not None and total is not None and total > self.file.bytes:
            raise SourceError(f"more than the {self.file.bytes:,} bytes that the file has")
        self.total = total if total is not None else wanted
        return self.total

    def _write(self, response: http.client.HTTPResponse, have: int, total: int | None, deadline: Deadline) -> None:
        """Write what comes. A page that comes in place of the rest, or of all, leaves what is here alone."""
        begun, piece = have, _piece(response, deadline)
        if have == 0 and has_page(piece) and PurePosixPath(self.file.path).suffix.lower() not in PAGES:
            raise SourceError("a web page came in place of the file")
        with open_partial(self.partial, goes_on=have > 0) as handle:
            while piece:
                have += len(piece)
                deadline.came(have - begun)
                if self.file.bytes is not None and have > self.file.bytes:
                    handle.truncate(0)
                    raise SourceError(f"more than the {self.file.bytes:,} bytes that the file has")
                handle.write(piece)
                self.shown(have, total)
                piece = _piece(response, deadline)
        if total is None and not have:
            raise PassingError("the connection ended before any byte")
        if total is not None and have < total:
            raise PassingError(f"the connection ended after {have:,} of {total:,} bytes")


def _piece(response: http.client.HTTPResponse, deadline: Deadline) -> bytes:
    """The next bytes of an answer; none at its end. Raises SourceError."""
    try:
        piece = response.read1(PIECE)
    except (OSError, http.client.HTTPException) as error:
        if deadline.is_over:
            raise deadline.refusal() from None
        if isinstance(error, TimeoutError):
            raise PassingError(f"nothing came for {TIMEOUT:g} seconds") from None
        raise PassingError(f"the connection broke: {error or type(error).__name__}") from None
    if deadline.is_over:
        raise deadline.refusal()
    return piece
