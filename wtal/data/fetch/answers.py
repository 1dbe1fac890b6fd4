"""Answers of hosts: each ends in bounded time whatever the host does, and a failure says why in a few words."""

from __future__ import annotations

import email.utils
import http.client
import ssl
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from socket import SHUT_RDWR, socket
from types import TracebackType
from typing import Any

from wtal.base.errors import one_line

TIMEOUT = 8.0  # seconds without a byte
GRACE = 30.0  # seconds that an answer may take, and one more for each LEAST_RATE bytes that came
LEAST_RATE = 10_000  # bytes a second; every single read of a host that drips is soon enough, their sum is not
LONGEST_SILENCE = 2  # hosts that may fail to answer before no other is asked
MOST_FAILURES = 3  # files in a row that a host may fail to give before it is asked for no other
MOST_LETTERS = 240


class SourceError(Exception):
    """Why a source did not give the file, in a few words; what a server said is made printable here."""

    def __init__(self, words: object) -> None:
        super().__init__(one_line(words, MOST_LETTERS))


class PassingError(SourceError):
    """A failure that may be gone when the source is asked again."""

    def __init__(self, words: object, pause: float | None = None) -> None:
        """pause: seconds after which the host wants to be asked again, where it says so."""
        super().__init__(words)
        self.pause = pause


class SlowError(SourceError):
    """The host gave bytes, but not in the time that they may take."""


class RangeRefusedError(PassingError):
    """The host has no bytes after those that are here, or other ones: the file has to begin anew."""


class Deadline:
    """Shuts the connections of one answer when its time is over, at whatever a host keeps them."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.ends = self.began + GRACE
        self.is_over = False
        self._sockets: list[socket] = []
        self._is_done = threading.Event()

    def __enter__(self) -> Deadline:
        self._watch = threading.Thread(target=self._wait, daemon=True)
        self._watch.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._is_done.set()
        self._watch.join()
        for each in self._sockets:
            each.close()

    def hold(self, connection: socket) -> None:
        """Shut this connection too: a second handle of it, since the first goes into whatever encrypts it."""
        self._sockets.append(connection.dup())
        if self.is_over:
            self._shut()

    def came(self, n_bytes: int) -> None:
        """Allow the time that so many bytes may take."""
        self.ends = self.began + GRACE + n_bytes / LEAST_RATE

    def _wait(self) -> None:
        while (left := self.ends - time.monotonic()) > 0:
            if self._is_done.wait(left):
                return
        self.is_over = True
        self._shut()

    def _shut(self) -> None:
        for each in list(self._sockets):
            with suppress(OSError):
                each.shutdown(SHUT_RDWR)

    def refusal(self) -> SlowError:
        """What to say when it is over."""
        return SlowError(f"too slow: given up after {time.monotonic() - self.began:.0f} seconds")


class _Watched(http.client.HTTPConnection):
    deadline: Deadline

    def connect(self) -> None:
        super().connect()
        self.deadline.hold(self.sock)


class _WatchedSafely(http.client.HTTPSConnection, _Watched):
    """The plain connection is watched before it is encrypted, so that a host cannot drip its greeting either."""


class _Handler(urllib.request.HTTPHandler):
    def __init__(self, deadline: Deadline) -> None:
        super().__init__()
        self.deadline = deadline

    def _made(self, kind: type[_Watched]) -> Any:
        def connection(host: str, **options: Any) -> _Watched:
            made = kind(host, **options)
            made.deadline = self.deadline
            return made

        return connection

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._made(_Watched), req)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._made(_WatchedSafely), req, context=ssl.create_default_context())

    https_request = urllib.request.AbstractHTTPHandler.do_request_


def ask(request: urllib.request.Request, deadline: Deadline) -> http.client.HTTPResponse:
    """The answer to a request, redirects over http and https followed. Raises what urllib and http.client raise."""
    opener = urllib.request.OpenerDirector()
    handlers: tuple[Callable[[], urllib.request.BaseHandler], ...] = (
        urllib.request.ProxyHandler,
        urllib.request.UnknownHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPErrorProcessor,
    )
    for each in (*(make() for make in handlers), _Handler(deadline)):
        opener.add_handler(each)
    answer: http.client.HTTPResponse = opener.open(request, timeout=TIMEOUT)
    return answer


@dataclass
class Hosts:
    """Remembers hosts that did not answer, so that a machine without a network is told so soon."""

    silent: set[str] = field(default_factory=set)
    heard: set[str] = field(default_factory=set)
    failures: Counter[str] = field(default_factory=Counter)  # files in a row that a host failed to give

    def check(self, url: str) -> None:
        """Refuse to ask a host that was given up. Raises SourceError."""
        host = host_of(url)
        if host in self.silent:
            raise SourceError(f"{host} did not answer before")
        if len(self.silent) > LONGEST_SILENCE and host not in self.heard:
            raise SourceError("not asked, since no host answers")
        if self.failures[host] >= MOST_FAILURES:
            raise SourceError(f"not asked, since {host} failed to give {MOST_FAILURES} files in a row")

    def open(self, url: str, headers: dict[str, str], deadline: Deadline) -> http.client.HTTPResponse:
        """Open a URL. Raises SourceError, a PassingError where it is worth to ask again."""
        host = host_of(url)
        try:
            response = ask(urllib.request.Request(url, headers=headers), deadline)
        except urllib.error.HTTPError as error:
            error.close()
            self.heard.add(host)
            if error.code == 416 and "Range" in headers:
                raise RangeRefusedError("no bytes after those that are here", pause=0) from None
            raise _refusal(error) from None
        except (urllib.error.URLError, OSError, http.client.HTTPException, ValueError) as error:
            if deadline.is_over:
                raise deadline.refusal() from None
            reason = getattr(error, "reason", None) or error
            if _is_broken(reason):
                raise PassingError(f"the connection broke: {reason or type(reason).__name__}") from None
            if host in self.heard:
                raise PassingError(f"no answer: {reason}") from None
            self.silent.add(host)
            raise SourceError(f"no answer: {reason}") from None
        self.heard.add(host)
        return response


def host_of(url: str) -> str:
    """The host that a URL names, with its port."""
    return urllib.parse.urlsplit(url).netloc


def _is_broken(reason: object) -> bool:
    """Whether a host was there and went away."""
    broken = (ConnectionResetError, ConnectionAbortedError, BrokenPipeError, http.client.HTTPException)
    return isinstance(reason, broken)


def _refusal(error: urllib.error.HTTPError) -> SourceError:
    words = f"HTTP {error.code} {error.reason}"
    if error.code in (408, 425, 429) or error.code >= 500:
        return PassingError(words, _pause(error.headers.get("Retry-After", "")))
    return SourceError(words)


def _pause(text: str) -> float | None:
    """Seconds of a Retry-After, a number or a date; None where it is neither."""
    if text.strip().isdecimal():
        return float(text)
    with suppress(ValueError, TypeError):
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    return None
