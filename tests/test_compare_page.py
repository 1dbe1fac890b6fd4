"""The page of two files of detections: one file, the same bytes, names escaped, refusals before it is written."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from report_run import make_run

from wtal.cli import main
from wtal.report.page.compare_page import played_files

HOSTILE = "</script><script>alert(1)</script>&\"'"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store and two files of detections, the second of which finds less."""
    folder = tmp_path_factory.mktemp("files")
    data = make_run(folder, classes=(HOSTILE, "sit")) / "data"
    for name, shift in (("good", 0.1), ("bad", 2.2)):
        results = {
            f"test_{number}": [
                {"label": HOSTILE, "segment": [2.0 + shift, 6.0], "score": 0.9},
                {"label": "sit", "segment": [11.0 + shift, 15.0], "score": 0.8},
            ]
            for number in range(6)
        }
        (folder / f"{name}.json").write_text(json.dumps({"results": results}))
    data.rename(folder / "data")
    return folder


def compare(files: Path, out: Path, *more: str) -> int:
    call = ["compare", str(files / "good.json"), str(files / "bad.json"), "--ground-truth", str(files / "data")]
    return main([*call, "--html", str(out), "--bootstrap", "50", *more])


@pytest.fixture(scope="module")
def page(files: Path) -> str:
    assert compare(files, files / "page.html") == 0
    return (files / "page.html").read_text()


def test_page_and_printed_table_say_the_same(files: Path, page: str, capsys: pytest.CaptureFixture[str]) -> None:
    compare(files, files / "again.html", "--format", "markdown")
    printed = capsys.readouterr().out
    verdict = re.search(r"worse by \d+\.\d\d \[[^\]]*\]", printed.replace("\\", ""))
    assert verdict is not None
    assert f"W{verdict[0][1:]} points." in page
    assert verdict[0] in page


def test_page_is_one_file_with_the_same_bytes_every_time(files: Path, page: str) -> None:
    assert (files / "again.html").exists() or compare(files, files / "again.html") == 0
    assert (files / "again.html").read_text() == page
    assert not re.search(r'(src|href)="(?!#|data:)', page)
    assert "media-src" not in page


def test_names_are_escaped_in_markup_and_data(page: str) -> None:
    assert page.count("<script") == 2
    data = json.loads(re.findall(r'id="data">(.*?)</script>', page, re.DOTALL)[0])
    assert data["classes"] == [HOSTILE, "sit"]


def test_every_protocol_that_can_be_applied_stands_in_its_table(page: str) -> None:
    table = page.split('id="table-protocols"')[1].split("</table>")[0]
    assert [table.count(f"<bdi>{name}") for name in ("activitynet", "snippet", "step", "wtalc")] == [2, 2, 2, 2]


def test_videos_are_played_from_where_they_lie(files: Path) -> None:
    films = files / "films"
    films.mkdir()
    for name in ("test_0.mp4", "test 1.webm", "test_2.txt"):
        (films / name).touch()
    found = played_files(films, ("test_0", "test 1", "test_2"), files / "below" / "page.html")
    assert found == {"test_0": "../films/test_0.mp4", "test 1": "../films/test%201.webm"}
    assert compare(files, files / "played.html", "--videos", str(films)) == 0
    text = (files / "played.html").read_text()
    assert "media-src 'self' file:;" in text
    assert '"file":"films/test_0.mp4"' in text


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--videos", "nowhere"), "nowhere: expected a folder with files of videos; got no such folder"),
        (("--tiou", "2"), "--tiou: expected first:last:step, or numbers with commas between"),
    ],
)
def test_nothing_is_written_where_something_is_refused(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], message: str
) -> None:
    assert compare(files, tmp_path / "page.html", *more) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "page.html").exists()


def test_films_without_a_page_are_refused(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = ["compare", str(files / "good.json"), str(files / "bad.json"), "--ground-truth", str(files / "data")]
    assert main([*call, "--videos", str(files)]) == 2
    assert "--videos: expected --html, whose page plays them; got none" in capsys.readouterr().err


def test_published_detections_make_a_page_of_every_video(shared: Path, tmp_path: Path) -> None:
    first = shared / "published_detections" / "pmil_base_thumos14_test.json"
    found = json.loads(first.read_text())
    for rows in found["results"].values():
        rows.sort(key=lambda row: -row["score"])
        del rows[40:]
    (tmp_path / "few.json").write_text(json.dumps(found))
    call = ["compare", str(first), str(tmp_path / "few.json"), "--dataset", "thumos14", "--bootstrap", "20"]
    out = tmp_path / "page.html"
    assert main([*call, "--ground-truth", str(shared / "thumos14"), "--html", str(out)]) == 0
    data = json.loads(re.findall(r'id="data">(.*?)</script>', out.read_text(), re.DOTALL)[0])
    assert len(data["videos"]) == data["n_videos"] == 212
    assert out.stat().st_size < 5_000_000
