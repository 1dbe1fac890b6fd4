"""Fetching: verified or refused, resumed where it broke, and one message where nothing helps."""

from __future__ import annotations

import hashlib
import http.server
import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from served import serving

from wtal.base.errors import InputError
from wtal.base.files import digest_of_file
from wtal.base.progress import ShownProgress
from wtal.base.schema import from_mapping
from wtal.data.fetch import answers, downloads
from wtal.data.fetch.fetch import FetchRequest, MissingFilesError, fetch
from wtal.data.fetch.manifest import Manifest, ManifestFile, is_safe, manifest_names, read_manifest

CONTENT = bytes(range(256)) * 2000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def manifest(*source: str, sha256: str | None = SHA256, path: str = "features/a.npy", **more) -> Manifest:
    file = ManifestFile(path=path, sources=source, sha256=sha256, **more)
    return Manifest(dataset="small", title="small", licence="terms of the test", citation="none", files=(file,))


def run(chosen: Manifest, into: Path, **more) -> list[str]:
    return fetch(FetchRequest(chosen, into, **more))


@dataclass
class Host:
    """A server on this machine that can break off, refuse ranges or serve a page."""

    url: str = ""
    content: bytes = CONTENT
    kind: str = "application/octet-stream"
    breaks_after: list[int] = field(default_factory=list)  # bytes sent by each of the next answers
    has_ranges: bool = True
    requests: list[str] = field(default_factory=list)  # the range asked for


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "PAUSE", 0.01)


@pytest.fixture
def host() -> Iterator[Host]:
    host = Host()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range", "")
            host.requests.append(asked)
            if "missing" in self.path:
                self.send_error(404)
                return
            first = int(asked.removeprefix("bytes=").rstrip("-")) if asked and host.has_ranges else 0
            if first >= len(host.content):
                self.send_error(416)
                return
            body = host.content[first:]
            self.send_response(206 if first else 200)
            if first:
                self.send_header("Content-Range", f"bytes {first}-{len(host.content) - 1}/{len(host.content)}")
            self.send_header("Content-Type", host.kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: host.breaks_after.pop(0)] if host.breaks_after else body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    host.url = f"http://127.0.0.1:{server.server_port}/a.npy"
    with serving(server):
        yield host


def test_a_file_is_fetched_and_verified(host: Host, tmp_path: Path) -> None:
    (line,) = run(manifest(host.url), tmp_path)
    assert (tmp_path / "features" / "a.npy").read_bytes() == CONTENT
    assert line == f"features/a.npy: fetched from {host.url}, sha256 as stated"
    assert run(manifest(host.url), tmp_path) == ["features/a.npy: already there, sha256 as stated"]
    assert len(host.requests) == 1
    assert [path.name for path in (tmp_path / "features").iterdir()] == ["a.npy"]


def test_a_broken_download_goes_on_where_it_ended(host: Host, tmp_path: Path) -> None:
    host.breaks_after = [100_000, 50_000]
    run(manifest(host.url), tmp_path)
    assert (tmp_path / "features" / "a.npy").read_bytes() == CONTENT
    assert host.requests == ["", "bytes=100000-", "bytes=150000-"]


def test_a_killed_download_goes_on_in_the_next_run(host: Host, tmp_path: Path) -> None:
    (tmp_path / "a.npy.part").write_bytes(CONTENT[:1234])
    run(manifest(host.url, path="a.npy"), tmp_path)
    assert host.requests == ["bytes=1234-"]
    assert (tmp_path / "a.npy").read_bytes() == CONTENT


def test_a_wrong_beginning_is_thrown_away_and_fetched_anew(host: Host, tmp_path: Path) -> None:
    (tmp_path / "a.npy.part").write_bytes(b"another file's beginning")
    run(manifest(host.url, path="a.npy"), tmp_path)
    assert (tmp_path / "a.npy").read_bytes() == CONTENT


def test_a_beginning_longer_than_the_file_is_thrown_away(host: Host, tmp_path: Path) -> None:
    (tmp_path / "a.npy.part").write_bytes(CONTENT + b"more")
    run(manifest(host.url, path="a.npy"), tmp_path)
    assert (tmp_path / "a.npy").read_bytes() == CONTENT


def test_a_host_without_ranges_starts_again(host: Host, tmp_path: Path) -> None:
    host.has_ranges = False
    host.breaks_after = [100_000]
    run(manifest(host.url), tmp_path)
    assert (tmp_path / "features" / "a.npy").read_bytes() == CONTENT


def test_a_file_without_a_stated_sha256_is_never_resumed_and_said_to_be_unverified(host: Host, tmp_path: Path) -> None:
    (tmp_path / "a.bin.part").write_bytes(b"of another source")
    (line,) = run(manifest(host.url, sha256=None, path="a.bin"), tmp_path)
    assert "not verified" in line
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_the_next_source_is_tried_on_failure(host: Host, tmp_path: Path) -> None:
    gone = host.url.replace("a.npy", "missing.npy")
    (line,) = run(manifest("manual:ask", "file:///nowhere/a.npy", gone, host.url), tmp_path)
    assert line == f"features/a.npy: fetched from {host.url}, sha256 as stated"


@pytest.mark.parametrize("page", [b"<!DOCTYPE html><html>log in</html>", b"\n  <html><body>quota</body></html>"])
def test_a_web_page_in_place_of_the_file_is_refused(host: Host, tmp_path: Path, page: bytes) -> None:
    host.content, host.kind = page, "text/html"
    with pytest.raises(MissingFilesError, match="a web page came in place of the file"):
        run(manifest(host.url, sha256=None), tmp_path / "into")
    assert [path for path in (tmp_path / "into").rglob("*") if path.is_file()] == []


def test_another_content_is_refused_and_leaves_nothing(host: Host, tmp_path: Path) -> None:
    host.content = CONTENT[::-1]
    with pytest.raises(MissingFilesError, match=f"another sha256 than {SHA256[:12]}"):
        run(manifest(host.url, path="a.npy"), tmp_path / "into")
    assert not (tmp_path / "into").exists()


def test_more_bytes_than_the_file_has_are_not_taken(host: Host, tmp_path: Path) -> None:
    with pytest.raises(MissingFilesError, match="more than the 1,000 bytes that the file has"):
        run(manifest(host.url, path="a.npy", bytes=1000), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_altered_file_is_moved_aside_and_named(host: Host, tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(b"altered")
    aside = tmp_path / "a.npy.bad"
    with pytest.raises(MissingFilesError, match=f"what was there before is now {aside}: another sha256"):
        run(manifest("manual:ask", path="a.npy"), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.npy.bad"]
    assert aside.read_bytes() == b"altered"
    (tmp_path / "a.npy").write_bytes(b"once more")
    (line,) = run(manifest(host.url, path="a.npy"), tmp_path)
    assert "sha256 as stated; what was there before (another sha256 than" in line
    assert line.endswith(f"is now {tmp_path / 'a.npy.bad2'}")
    assert (tmp_path / "a.npy").read_bytes() == CONTENT
    assert (aside.read_bytes(), (tmp_path / "a.npy.bad2").read_bytes()) == (b"altered", b"once more")


def test_a_mirror_is_asked_first_as_a_folder_and_as_a_url(host: Host, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    (mirror / "small" / "features").mkdir(parents=True)
    (mirror / "small" / "features" / "a.npy").write_bytes(CONTENT)
    run(manifest(host.url), tmp_path / "one", mirror=str(mirror))
    run(manifest(host.url), tmp_path / "two", mirror=mirror.as_uri())
    assert host.requests == []
    run(manifest("manual:ask"), tmp_path / "three", mirror=host.url.removesuffix("/a.npy"))
    for name in ("one", "two", "three"):
        assert (tmp_path / name / "features" / "a.npy").read_bytes() == CONTENT


def test_a_mirror_that_serves_a_page_falls_back_to_the_manifest(host: Host, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror" / "small" / "features"
    mirror.mkdir(parents=True)
    (mirror / "a.npy").write_bytes(b"<html>")
    run(manifest(host.url), tmp_path / "into", mirror=str(tmp_path / "mirror"))
    assert (tmp_path / "into" / "features" / "a.npy").read_bytes() == CONTENT


def test_files_fetched_by_hand_are_found_flat_in_one_folder(tmp_path: Path) -> None:
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads" / "a.npy").write_bytes(CONTENT)
    run(manifest("manual:ask"), tmp_path / "into", by_hand=tmp_path / "downloads")
    assert (tmp_path / "into" / "features" / "a.npy").read_bytes() == CONTENT


def test_one_message_names_every_missing_file_its_sources_and_its_place(tmp_path: Path) -> None:
    files = tuple(
        ManifestFile(path=f"{name}.npy", sources=("manual:ask the authors of " + name, "google-drive:xyz"), bytes=1000)
        for name in "ab"
    )
    chosen = Manifest(dataset="small", title="t", licence="free of charge", citation="none", files=files)
    with pytest.raises(MissingFilesError) as told:
        run(chosen, tmp_path / "into")
    message = str(told.value)
    assert message.startswith("2 files of small could not be had (0 could)")
    for name in "ab":
        assert f"  {name}.npy (1,000 bytes): put it at {tmp_path / 'into' / name}.npy" in message
        assert f"from ask the authors of {name}: by hand only" in message
    assert "from https://drive.google.com/file/d/xyz" in message
    assert "terms: free of charge" in message
    assert "wtal fetch small --from FOLDER" in message


def test_an_optional_file_that_cannot_be_had_stops_nothing(tmp_path: Path) -> None:
    (line,) = run(manifest("manual:ask", optional=True), tmp_path / "into")
    assert line.startswith("features/a.npy: not there, and not needed")


def test_a_machine_without_a_network_is_told_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def silence(request, _):
        asked.append((request.full_url, answers.TIMEOUT))
        raise TimeoutError("timed out")

    monkeypatch.setattr(answers, "ask", silence)
    files = tuple(
        ManifestFile(path=f"{host}{index}", sources=(f"https://{host}.example/{index}",))
        for host in "abcdef"
        for index in range(10)
    )
    with pytest.raises(MissingFilesError, match="60 files of small could not be had"):
        run(Manifest(dataset="small", title="t", licence="l", citation="c", files=files), tmp_path / "into")
    assert sum(timeout for _, timeout in asked) <= 30
    assert not (tmp_path / "into").exists()


def test_google_drive_is_asked_through_gdown_where_it_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gdown.py").write_text(
        "def download(id, output, quiet):\n"
        "    if id != 'good':\n        raise RuntimeError('Too many users\\nhave viewed it')\n"
        "    open(output, 'wb').write(bytes(range(256)) * 2000)\n    return output\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "gdown", raising=False)
    run(manifest("google-drive:bad", "google-drive:good"), tmp_path / "into")
    assert (tmp_path / "into" / "features" / "a.npy").read_bytes() == CONTENT
    with pytest.raises(MissingFilesError, match="gdown: Too many users\n"):
        run(manifest("google-drive:bad", path="b"), tmp_path / "into")


def test_a_file_in_a_package_is_verified_where_it_lies(tmp_path: Path) -> None:
    name = "pytest/__init__.py"
    (line,) = run(manifest(f"package:pytest/{name}", sha256=None, path="a.py"), tmp_path / "into")
    assert "in its package" in line
    assert not (tmp_path / "into").exists()
    with pytest.raises(MissingFilesError, match="another sha256"):
        run(manifest(f"package:pytest/{name}"), tmp_path / "into")
    with pytest.raises(MissingFilesError, match="package:no-such-thing/x: no such package"):
        run(manifest("package:no-such-thing/x"), tmp_path / "into")
    with pytest.raises(MissingFilesError, match="a package without that file"):
        run(manifest("package:pytest/pytest/none.py"), tmp_path / "into")


def test_progress_names_file_and_share(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock) * 2))
    shown = ShownProgress("a.npy")
    with caplog.at_level("INFO", "wtal"):
        shown(50_000_000, 200_000_000)
        shown.end()
    assert caplog.messages == ["a.npy: 25 % of 200.0 MB", "a.npy: whole"]


@pytest.mark.parametrize(
    "path",
    ["", "/etc/passwd", "../a", "a/../b", "a/..", "~/a", "a//b", "./a", "C:\\a", "a\\b", "C:/a", "a\nb", "a\0b", "."],
)
def test_a_path_that_could_leave_the_folder_is_refused(path: str) -> None:
    assert not is_safe(path)
    values = {"path": path, "sources": ["manual:ask"]}
    with pytest.raises(InputError, match="path: expected a relative path below the data set's folder"):
        from_mapping(ManifestFile, values, file="m.yaml")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"sources": ["ftp://host/a"]}, "sources: expected one of https, http, file"),
        ({"sources": ["https:"]}, "sources: expected one of"),
        ({"sha256": "abc"}, "sha256: expected 64 hexadecimal digits"),
        ({"bytes": 0}, "bytes: expected a whole number above 0"),
        ({"part": "feature"}, "part: expected one of annotations, features, recordings, diagnosis"),
        ({"md5": "x"}, "md5: expected a known key"),
    ],
)
def test_a_broken_manifest_is_refused_by_key(change: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        from_mapping(ManifestFile, {"path": "a", "sources": ["manual:ask"], **change}, file="m.yaml")


def test_a_file_has_a_source_or_its_manifest_an_address_of_all() -> None:
    values = {"dataset": "d", "title": "t", "licence": "l", "citation": "c", "files": [{"path": "a/b.npy"}]}
    for address in ("", "https://host/no-slash"):
        with pytest.raises(InputError, match="sources: expected at least one source of each file, or an address"):
            from_mapping(Manifest, {**values, "address": address}, file="m.yaml")
    found = from_mapping(Manifest, {**values, "address": "https://host/data/"}, file="m.yaml")
    assert found.files[0].sources == ("https://host/data/a/b.npy",)


def test_a_manifest_names_each_path_once() -> None:
    file = {"path": "a", "sources": ["manual:ask"]}
    values = {"dataset": "d", "title": "t", "licence": "l", "citation": "c", "files": [file, file]}
    with pytest.raises(InputError, match="files: expected at least one file, each path once"):
        from_mapping(Manifest, values, file="m.yaml")


def test_the_packaged_manifests_can_be_read() -> None:
    assert manifest_names() == ["activitynet12", "activitynet13", "hapt", "shrec21", "swimming", "thumos14"]
    without = ("activitynet12", "shrec21", "swimming")  # a sha256 that somebody has stated, of annotations or more
    for name in manifest_names():
        chosen = read_manifest(name)
        assert chosen.dataset == name
        assert name in without or all(file.sha256 for file in chosen.files if file.part != "features")


def test_an_unknown_data_set_is_told_with_the_nearest_one() -> None:
    with pytest.raises(InputError, match=r"did you mean 'thumos14'\?"):
        read_manifest("thumos15")


@pytest.mark.parametrize("name", ["thumos14", "activitynet13"])
def test_published_annotations_have_the_sha256_of_their_manifest(shared: Path, tmp_path: Path, name: str) -> None:
    lines = run(read_manifest(name), tmp_path, mirror=str(shared), only="annotations")
    assert len(lines) >= 9
    assert all(line.endswith("sha256 as stated") for line in lines)


# Features in any layout, and files that nobody has stated a sha256 for


def own(by_hand: Path) -> Manifest:
    """A data set of three videos whose annotations are a table and whose features go into a folder."""
    (by_hand / "own.json").write_text(
        json.dumps({f"v_{n}": {"annotations": [{"label": "run", "segment": [0, 1]}]} for n in range(3)})
    )
    table = ManifestFile(path="own.json", sources=("manual:ask",), sha256=digest_of_file(by_hand / "own.json"))
    features = ManifestFile(path="features/all.npy", sources=("manual:ask the authors",), part="features")
    return Manifest(dataset="own", title="t", licence="l", citation="c", files=(table, features))


def put(path: Path, rows: int = 4, columns: int = 2) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, np.zeros((rows, columns), dtype=np.float32))


def test_features_by_hand_are_taken_in_whichever_layout_they_have(tmp_path: Path) -> None:
    chosen = own(tmp_path)
    for name in ("v_0", "1", "v_2"):
        put(tmp_path / "download" / "rgb" / f"{name}.npy")
        put(tmp_path / "download" / "flow" / f"{name}.npy")
    put(tmp_path / "another.npy")
    lines = run(chosen, tmp_path / "into", by_hand=tmp_path)
    assert lines[1].startswith("features/all.npy: there as two_folders, 3 of 3 videos, not verified")
    assert lines[1].endswith(f"(6 files taken from {tmp_path})")
    found = sorted(str(path.relative_to(tmp_path / "into")) for path in (tmp_path / "into").rglob("*.npy"))
    assert found[0] == "features/download/flow/1.npy"
    assert len(found) == 6
    assert "taken" not in run(chosen, tmp_path / "into")[1]


def test_a_video_without_features_keeps_them_listed_as_missing(tmp_path: Path) -> None:
    chosen = own(tmp_path)
    put(tmp_path / "v_0.npy")
    put(tmp_path / "v_1.npy")
    with pytest.raises(MissingFilesError) as told:
        run(chosen, tmp_path / "into", by_hand=tmp_path)
    assert "1 file of own could not be had (1 could, 1 of them verified by their sha256)" in str(told.value)
    assert "features: npy_per_video, 2 of 3 videos alone" in str(told.value)
    assert "from ask the authors: by hand only" in str(told.value)


def test_an_object_array_of_another_name_is_taken_and_annotations_are_not(tmp_path: Path) -> None:
    chosen = own(tmp_path)
    arrays = np.empty(3, dtype=object)
    arrays[:] = [np.zeros((150_000, 1), dtype=np.float32) for _ in range(3)]
    np.save(tmp_path / "I3D-features.npy", arrays)
    np.save(tmp_path / "segments.npy", np.array([[1], [2, 3]], dtype=object))
    assert "there as object_array, 3 of 3 videos" in run(chosen, tmp_path / "into", by_hand=tmp_path)[1]
    assert [path.name for path in (tmp_path / "into" / "features").iterdir()] == ["I3D-features.npy"]


def test_a_file_without_a_stated_sha256_is_held_to_what_was_first_seen(host: Host, tmp_path: Path) -> None:
    chosen = manifest(host.url, sha256=None, path="a.bin")
    assert "not verified" in run(chosen, tmp_path / "one")[0]
    lock = tmp_path / "one" / "lock.json"
    assert json.loads(lock.read_text()) == {"files": {"a.bin": SHA256}}
    assert run(chosen, tmp_path / "one") == ["a.bin: already there, sha256 as first seen"]
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "lock.json").write_text(lock.read_text())
    host.content = CONTENT[::-1]
    with pytest.raises(MissingFilesError, match="another sha256 than"):
        run(chosen, tmp_path / "two")
    assert sorted(path.name for path in (tmp_path / "two").iterdir()) == ["lock.json"]


def test_a_damaged_lock_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lock.json").write_text('{"file": {}}')
    with pytest.raises(InputError, match=r"lock\.json: expected a lock with files, accepted, annotations"):
        run(manifest("manual:ask"), tmp_path)


def test_without_a_network_every_file_and_source_of_thumos14_is_in_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def unreachable(request: urllib.request.Request, _: object) -> None:
        asked.append(request.full_url)
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(answers, "ask", unreachable)
    monkeypatch.setitem(sys.modules, "gdown", None)
    chosen = read_manifest("thumos14")
    with pytest.raises(MissingFilesError) as told:
        run(chosen, tmp_path / "data" / "thumos14")
    message = str(told.value)
    for file in chosen.files:
        if not file.optional:
            assert f"put it at {tmp_path / 'data' / 'thumos14' / file.path}" in message
            for source in file.sources:
                assert source.partition(":")[2].strip("/") in message
    assert len(asked) == 1  # a host that does not answer is asked once, so that nobody waits
    assert list(tmp_path.iterdir()) == []


def test_a_mirror_of_the_annotations_leaves_the_features_listed_as_missing(shared: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingFilesError) as told:
        run(read_manifest("thumos14"), tmp_path, mirror=str(shared))
    assert "1 file of thumos14 could not be had (11 could, 11 of them verified by their sha256)" in str(told.value)
    assert "features/Thumos14reduced-I3D-JOINTFeatures.npy: put it at" in str(told.value)
    assert not (tmp_path / "features").exists()
