"""Fetching from hosts that break off, drip, refuse, lie, or send something else than the file."""

from __future__ import annotations

import email.utils
import gzip
import hashlib
import json
import os
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from served import serving

from wtal.cli import main
from wtal.data.fetch import answers, downloads
from wtal.data.fetch.fetch import FetchRequest, MissingFilesError, fetch
from wtal.data.fetch.manifest import Manifest, ManifestFile

CONTENT = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
Answer = Callable[[socket.socket, dict[str, str]], None]


@dataclass
class FaultyHost:
    """A server on this machine that gives the answers of a list, one for each request, the last for all after it."""

    port: int = 0
    answers: list[Answer] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)  # headers of each request, and its path

    def url(self, name: str = "a.bin") -> str:
        return f"http://127.0.0.1:{self.port}/{name}"

    def ranges(self) -> list[str]:
        return [each.get("range", "") for each in self.asked]


@pytest.fixture
def host() -> Iterator[FaultyHost]:
    host = FaultyHost()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            headers = {"path": self.rfile.readline().split()[1].decode()}
            while line := self.rfile.readline().strip().decode():
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            answer = host.answers.pop(0) if len(host.answers) > 1 else host.answers[0]
            host.asked.append(headers)
            with suppress(OSError):
                answer(self.connection, headers)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads, allow_reuse_address = True, True

    server = Server(("127.0.0.1", 0), Handler)
    host.port = server.server_address[1]
    with serving(server):
        yield host


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "PAUSE", 0.01)


def head(status: str = "200 OK", **headers: object) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def whole(content: bytes = CONTENT, after: int | None = None, **more: object) -> Answer:
    """The file, or the range that was asked for; `after` so many bytes the connection ends."""

    def answer(connection: socket.socket, headers: dict[str, str]) -> None:
        first = int(headers.get("range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        status = "206 Partial Content" if first else "200 OK"
        ranges = {"Content_Range": f"bytes {first}-{len(content) - 1}/{len(content)}"} if first else {}
        body = content[first:]
        connection.sendall(head(status, Content_Length=len(body), **(ranges | more)) + body[:after])

    return answer


def status(text: str, **headers: object) -> Answer:
    return lambda connection, _: connection.sendall(head(text, Content_Length=0, **headers))


def reset(connection: socket.socket, _: dict[str, str]) -> None:
    """Close in a way that the other side sees as a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


def file_of(host: FaultyHost, path: str = "a.bin", sha256: str | None = SHA256, **more: object) -> ManifestFile:
    return ManifestFile(path=path, sources=(host.url(path),), sha256=sha256, **more)  # type: ignore[arg-type]


def manifest(*files: ManifestFile, dataset: str = "small") -> Manifest:
    return Manifest(dataset=dataset, title="small", licence="terms", citation="none", files=files)


def run(into: Path, *files: ManifestFile, dataset: str = "small") -> list[str]:
    return fetch(FetchRequest(manifest(*files, dataset=dataset), into))


def refused(into: Path, *files: ManifestFile, dataset: str = "small") -> str:
    """What a fetch says that cannot have all; under its final name nothing lies."""
    with pytest.raises(MissingFilesError) as told:
        run(into, *files, dataset=dataset)
    assert not any((into / file.path).exists() for file in files)
    return str(told.value)


PASSING = {
    "a limit of requests": status("429 Too Many Requests", Retry_After=0),
    "a server error": status("500 Internal Server Error"),
    "a host that is busy": status("503 Service Unavailable", Retry_After=email.utils.formatdate()),
    "a reset": reset,
    "an end before any byte": lambda connection, _: None,
    "a short read": whole(after=300_000),
    "an end in the head": lambda connection, _: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-"),
}


@pytest.mark.parametrize("name", PASSING)
@pytest.mark.parametrize("sha256", [SHA256, None], ids=["known sum", "unknown sum"])
def test_what_may_pass_is_asked_again_and_a_range_goes_on(
    host: FaultyHost, tmp_path: Path, name: str, sha256: str | None
) -> None:
    host.answers = [PASSING[name], PASSING[name], whole()]
    run(tmp_path, file_of(host, sha256=sha256))
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    again = ["bytes=300000-", "bytes=600000-"] if name == "a short read" else ["", ""]
    assert host.ranges() == ["", *again]


def test_a_host_that_keeps_failing_is_given_up_after_growing_pauses(
    host: FaultyHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(downloads.time, "sleep", slept.append)
    monkeypatch.setattr(downloads, "PAUSE", 1.0)
    host.answers = [status("502 Bad Gateway")]
    assert "HTTP 502 Bad Gateway" in refused(tmp_path, file_of(host))
    assert slept == [1.0, 2.0, 4.0]


def test_retry_after_is_kept_to_and_a_long_one_is_told(
    host: FaultyHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(downloads.time, "sleep", slept.append)
    host.answers = [status("429 Slow Down", Retry_After=17), whole()]
    run(tmp_path, file_of(host))
    assert slept == [17.0]
    host.answers = [status("429 Slow Down", Retry_After=3600)]
    assert "HTTP 429 Slow Down" in refused(tmp_path, file_of(host, "b.bin"))
    assert slept == [17.0]


def test_what_does_not_pass_is_asked_once(host: FaultyHost, tmp_path: Path) -> None:
    host.answers = [status("404 Not Found")]
    assert "HTTP 404 Not Found" in refused(tmp_path, file_of(host))
    assert len(host.asked) == 1


def test_a_range_of_other_bytes_is_not_taken_for_the_rest(host: FaultyHost, tmp_path: Path) -> None:
    def lies(connection: socket.socket, _: dict[str, str]) -> None:
        ranges = f"bytes 5-{len(CONTENT) - 1}/{len(CONTENT)}"
        connection.sendall(head("206 Partial", Content_Range=ranges, Content_Length=len(CONTENT) - 5) + CONTENT[5:])

    host.answers = [whole(after=300_000), lies, whole()]
    run(tmp_path, file_of(host, sha256=None))
    assert host.ranges() == ["", "bytes=300000-", ""]
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    host.answers = [lies]
    assert "a part of the file, which was not asked for" in refused(tmp_path, file_of(host, "b.bin", None))


def test_the_rest_of_a_newer_version_is_not_joined_to_the_beginning_of_an_older_one(
    host: FaultyHost, tmp_path: Path
) -> None:
    newer = whole(CONTENT[::-1])
    host.answers = [
        whole(after=300_000, ETag='"1"'),
        lambda connection, headers: newer(
            connection, {key: value for key, value in headers.items() if key != "range" or headers["if-range"] != '"1"'}
        ),
    ]
    run(tmp_path, file_of(host, sha256=None))
    assert (tmp_path / "a.bin").read_bytes() == CONTENT[::-1]
    host.answers = [whole(after=300_000), whole(CONTENT + b"more")]
    run(tmp_path, file_of(host, "b.bin", None))
    assert (tmp_path / "b.bin").read_bytes() == CONTENT + b"more"


def test_a_page_in_place_of_the_rest_leaves_what_is_here(host: FaultyHost, tmp_path: Path) -> None:
    (tmp_path / "a.bin.part").write_bytes(CONTENT[:300_000])
    host.answers = [lambda connection, _: connection.sendall(head(Content_Length=len(PAGE)) + PAGE)]
    assert "a web page came in place of the file" in refused(tmp_path, file_of(host))
    host.answers = [whole()]
    run(tmp_path, file_of(host))
    assert host.ranges()[-1] == "bytes=300000-"


def test_a_host_that_breaks_off_in_other_bytes_is_left_after_one_new_beginning(
    host: FaultyHost, tmp_path: Path
) -> None:
    other = CONTENT[::-1]
    host.answers = [whole(other, after=600_000), whole(other), whole(other, after=600_000), whole(other), reset]
    assert "another sha256" in refused(tmp_path, file_of(host))
    assert len(host.asked) == 4


def test_a_host_that_never_ends_breaking_off_is_left(
    host: FaultyHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "MOST_ATTEMPTS", 9)
    part = status("416 Range Not Satisfiable")
    host.answers = [each for _ in range(9) for each in (whole(after=600_000), part)]
    assert "broke off 9 times" in refused(tmp_path, file_of(host))
    assert len(host.asked) == 9


def drip(beginning: bytes, each: bytes) -> Answer:
    """A host that keeps a connection alive and gives next to nothing."""

    def answer(connection: socket.socket, _: dict[str, str]) -> None:
        connection.sendall(beginning)
        while True:
            connection.sendall(each)
            time.sleep(0.05)

    return answer


DRIPS = {
    "headers": drip(b"HTTP/1.1 200 OK\r\n", b"X"),
    "bytes": drip(head(Content_Length=1_000_000), b"X"),
    "bytes without an end": drip(head(Connection="close"), b"X"),
    "sizes of chunks": drip(head(Transfer_Encoding="chunked"), b"0"),
}


@pytest.mark.parametrize("name", DRIPS)
def test_a_host_that_drips_is_given_up_and_its_next_file_still_asked_for(
    host: FaultyHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(answers, "GRACE", 0.5)
    host.answers = [DRIPS[name], whole()]
    began = time.monotonic()
    with pytest.raises(MissingFilesError, match="too slow: given up after"):
        run(tmp_path, file_of(host, "a.bin", None), file_of(host, "b.bin", None))
    assert time.monotonic() - began < 20
    assert [path.name for path in tmp_path.iterdir() if path.name != "lock.json"] == ["b.bin"]


def test_a_host_that_says_nothing_more_is_asked_again(
    host: FaultyHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "TIMEOUT", 0.3)

    def stalls(connection: socket.socket, _: dict[str, str]) -> None:
        connection.sendall(head(Content_Length=len(CONTENT)) + CONTENT[:300_000])
        time.sleep(2)

    host.answers = [stalls, whole()]
    run(tmp_path, file_of(host))
    assert host.ranges() == ["", "bytes=300000-"]


def test_a_host_that_fails_file_after_file_is_asked_for_no_more(host: FaultyHost, tmp_path: Path) -> None:
    host.answers = [reset]
    files = [file_of(host, f"{number}.bin") for number in range(9)]
    message = refused(tmp_path, *files)
    assert message.count("the connection broke") == answers.MOST_FAILURES
    assert message.count("failed to give 3 files in a row") == 6
    assert len(host.asked) == answers.MOST_FAILURES * downloads.ATTEMPTS


def array(rows: int = 100) -> bytes:
    handle = BytesIO()
    np.save(handle, np.ones((rows, 3)))
    return handle.getvalue()


GOOD = {
    "a.npy": array(),
    "a.csv": b"video,label\nv,run\n",
    "a.txt": b"one\ntwo\n",
    "a.json": json.dumps({"v": {"annotations": [{"label": "run", "segment": [0, 1]}]}}).encode(),
    "a.bin": CONTENT,
    "a.txt.gz": gzip.compress(b"text"),
}
PAGE = b"\n<!DOCTYPE html><html><body>Sign in</body></html>"
ERROR = b'{"error": {"code": 403, "message": "quota"}}'
QUOTA = b"Quota exceeded.\n"
OTHERS = [
    *(("page", name, PAGE) for name in GOOD),
    *(("JSON", name, ERROR) for name in GOOD),
    *(("text", name, QUOTA) for name in GOOD if name != "a.txt"),  # of which it cannot be told
    *(("gzip", name, gzip.compress(GOOD[name])) for name in GOOD if name != "a.txt.gz"),
    ("a part", "a.npy", array()[:-8]),
    ("nothing", "a.bin", b""),
    ("bytes", "a.csv", b"a,b\n\0,\xff\n"),
]


@pytest.mark.parametrize("name", GOOD)
def test_a_file_of_each_kind_is_taken_without_a_known_sum(host: FaultyHost, tmp_path: Path, name: str) -> None:
    host.answers = [whole(GOOD[name])]
    run(tmp_path, file_of(host, name, None))
    assert (tmp_path / name).read_bytes() == GOOD[name]


@pytest.mark.parametrize(("what", "name", "content"), OTHERS, ids=lambda value: value if isinstance(value, str) else "")
def test_something_else_is_refused_without_a_known_sum_and_leaves_nothing(
    host: FaultyHost, tmp_path: Path, what: str, name: str, content: bytes
) -> None:
    host.answers = [whole(content)]
    refused(tmp_path / "into", file_of(host, name, None))
    assert not (tmp_path / "into").exists()


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"Content_Type": "text/html; charset=utf-8"}, "a web page came in place of the file"),
        ({"Content_Type": "application/json"}, "JSON came in place of the file"),
        ({"Content_Type": "application/gzip"}, "a compressed file came in place of the file"),
        ({"Content_Encoding": "gzip"}, r"compressed \(gzip\) where the file itself was asked for"),
    ],
)
def test_the_type_of_an_answer_decides_where_no_sum_is_known(
    host: FaultyHost, tmp_path: Path, headers: dict[str, object], words: str
) -> None:
    host.answers = [whole(**headers)]
    with pytest.raises(MissingFilesError, match=words):
        run(tmp_path, file_of(host, sha256=None))


def test_the_size_decides_where_it_is_known(host: FaultyHost, tmp_path: Path) -> None:
    host.answers = [whole()]
    assert "1,024,000 bytes where there must be 2,000,000" in refused(
        tmp_path, file_of(host, sha256=None, bytes=2_000_000)
    )


@pytest.mark.parametrize(
    ("dataset", "name", "good", "bad"),
    [
        ("swimming", "0/a.csv", b",timestamp,ACC_0,GYRO_0,label\n0,0,1,2,0\n", b"error,code\nquota,403\n"),
        ("shrec21", "a.txt", b"113;1;2;\n", b"404: Not Found\n"),
        ("shrec21", "b.txt", b"177;PINCH;240;290;RIGHT;890;925; \n", b"quota;exceeded\n"),
    ],
)
def test_files_of_a_known_data_set_have_its_first_line(
    host: FaultyHost, tmp_path: Path, dataset: str, name: str, good: bytes, bad: bytes
) -> None:
    host.answers = [whole(bad), whole(good)]
    words = refused(tmp_path, file_of(host, name, None), dataset=dataset)
    assert f"another first line than the files of {dataset} have" in words
    run(tmp_path, file_of(host, name, None), dataset=dataset)
    assert (tmp_path / name).read_bytes() == good


def test_a_page_that_lies_under_the_final_name_is_moved_aside_and_named(host: FaultyHost, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(PAGE)
    host.answers = [whole()]
    (line,) = run(tmp_path, file_of(host, sha256=None))
    assert line.endswith(
        f"; what was there before (a web page lies in place of the file) is now {tmp_path / 'a.bin.bad'}"
    )
    assert (tmp_path / "a.bin.bad").read_bytes() == PAGE
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_no_escape_of_a_server_reaches_the_terminal(
    host: FaultyHost, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    escape = "\x1b]0;owned\x07\x1b[2J\x9b31m"
    yaml = f"{{dataset: small, title: t, licence: l, citation: c, files: [{{path: a.bin, sources: ['{host.url()}']}}]}}"
    (tmp_path / "m.yaml").write_text(yaml)
    for answer in (
        status(f"404 {escape}"),
        status(f"503 {escape}", Retry_After=0),
        whole(Content_Encoding=escape),
        lambda connection, _: connection.sendall(f"HTTP/{escape}\r\n\r\n".encode("latin-1")),
    ):
        host.answers = [answer]
        assert main(["fetch", str(tmp_path / "m.yaml"), "--into", str(tmp_path / "into")]) == 2
        printed = "".join(capsys.readouterr())
        assert "owned" in printed
        assert all(letter.isprintable() or letter == "\n" for letter in printed)


@pytest.mark.parametrize("kind", ["a link", "a link to nowhere", "a second name"])
@pytest.mark.parametrize("sha256", [SHA256, None], ids=["known sum", "unknown sum"])
def test_a_partial_file_that_is_a_link_is_never_followed(
    host: FaultyHost, tmp_path: Path, kind: str, sha256: str | None
) -> None:
    mine, into = tmp_path / "mine", tmp_path / "into"
    into.mkdir()
    if kind != "a link to nowhere":
        mine.write_bytes(CONTENT[:100])
    (os.link if kind == "a second name" else os.symlink)(mine, into / "a.bin.part")
    host.answers = [whole()]
    run(into, file_of(host, sha256=sha256))
    assert (into / "a.bin").read_bytes() == CONTENT
    assert not (into / "a.bin").is_symlink()
    assert (mine.read_bytes() if mine.exists() else None) == (None if kind == "a link to nowhere" else CONTENT[:100])


def test_a_partial_file_that_is_a_link_is_not_followed_by_a_copy(tmp_path: Path) -> None:
    (tmp_path / "into").mkdir()
    (tmp_path / "given").write_bytes(CONTENT)
    (tmp_path / "into/a.bin.part").symlink_to(tmp_path / "mine")
    given = ManifestFile(path="a.bin", sources=((tmp_path / "given").as_uri(),), sha256=SHA256)
    run(tmp_path / "into", given)
    assert not (tmp_path / "mine").exists()


def test_a_partial_file_that_is_whole_is_not_fetched_again(host: FaultyHost, tmp_path: Path) -> None:
    (tmp_path / "a.bin.part").write_bytes(CONTENT)
    run(tmp_path, file_of(host))
    assert host.asked == []


FETCH = "import sys; from wtal.cli import main; sys.exit(main(sys.argv[1:]))"


def test_two_fetches_into_one_folder_wait_for_each_other(host: FaultyHost, tmp_path: Path) -> None:
    may_end = threading.Event()

    def slow(connection: socket.socket, headers: dict[str, str]) -> None:
        may_end.wait(60)
        whole()(connection, headers)

    host.answers = [slow, status("500 Asked Twice")]
    yaml = (
        "{dataset: small, title: t, licence: l, citation: c, "
        f"files: [{{path: a.bin, sources: ['{host.url()}'], sha256: {SHA256}}}]}}"
    )
    (tmp_path / "m.yaml").write_text(yaml)
    command = [sys.executable, "-c", FETCH, "fetch", str(tmp_path / "m.yaml"), "--into", str(tmp_path / "into")]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not host.asked:
        time.sleep(0.02)
    second = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert second.stderr is not None
    assert second.stderr.readline() == f"{tmp_path / 'into'}: waiting for another fetch into it to end\n"
    may_end.set()
    assert first.communicate(timeout=60)[0].startswith("a.bin: fetched from")
    assert second.communicate(timeout=60)[0] == "a.bin: already there, sha256 as stated\n"
    assert (first.returncode, second.returncode, len(host.asked)) == (0, 0, 1)


def test_a_fetch_that_was_killed_keeps_nobody_waiting(host: FaultyHost, tmp_path: Path) -> None:
    host.answers = [drip(head(Content_Length=len(CONTENT)) + CONTENT[:300_000], b""), whole()]
    yaml = (
        "{dataset: small, title: t, licence: l, citation: c, "
        f"files: [{{path: a.bin, sources: ['{host.url()}'], sha256: {SHA256}}}]}}"
    )
    (tmp_path / "m.yaml").write_text(yaml)
    command = [sys.executable, "-c", FETCH, "fetch", str(tmp_path / "m.yaml"), "--into", str(tmp_path / "into")]
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    partial = tmp_path / "into/a.bin.part"
    while not (partial.exists() and partial.stat().st_size > 0):
        time.sleep(0.02)
    first.kill()
    first.wait()
    begun = partial.stat().st_size
    assert main(["fetch", str(tmp_path / "m.yaml"), "--into", str(tmp_path / "into")]) == 0
    assert host.ranges() == ["", f"bytes={begun}-"]
    assert (tmp_path / "into/a.bin").read_bytes() == CONTENT
