"""A browser, and pages made from a made-up run and from made-up files, for tests of what a reader does."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from report_run import make_run, suite_values

from wtal.cli import main
from wtal.report.explorer.explorer import write_explorer
from wtal.report.page.page import write_page
from wtal.report.tables.tables import write_tables

if os.environ.get("CI") != "true":
    pytest.importorskip("playwright")

from playwright import sync_api

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
HOSTILE = "<img src=x onerror=\"document.title='broken'\">"
CLASSES = (HOSTILE, "שלום 👍🏽", "x" * 300)


def absent(what: str) -> None:
    """Skip a test for want of something, or fail it where nothing may be wanting."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a made-up run with a page, a hostile title and hostile classes."""
    folder = tmp_path_factory.mktemp("run")
    values = suite_values()
    values["variants"]["whole"]["title"] = HOSTILE
    results = make_run(folder, values, CLASSES)
    report = results / "settings" / "report.json"
    write_tables(report, results / "data", results, results, folder)
    write_explorer(report, results / "data", results, results)
    write_page(report, results, results / "report.html")
    return results


@pytest.fixture(scope="session")
def address(run: Path) -> str:
    """The address of the page of the made-up run."""
    return (run / "report.html").as_uri()


@pytest.fixture(scope="session")
def comparison(run: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a page of two files of detections; one of the videos has a file, which is no film."""
    folder = tmp_path_factory.mktemp("files")
    truth = [line.split(",") for line in (run / "data" / "annotations.csv").read_text().splitlines()[1:]]
    names = sorted({row[0] for row in truth if row[0].startswith("test_")})
    for number, shift in enumerate((0.2, 1.5)):
        rows = {
            name: [
                {"label": "x" * 300, "segment": [20.0 + shift, 24.0], "score": 0.9},
                {"label": "x" * 300, "segment": [30.0, 31.0 + shift], "score": 0.2},
            ]
            for name in names
        }
        (folder / f"{'ab'[number]}.json").write_text(json.dumps({"results": rows}))
    (folder / "films").mkdir()
    (folder / "films" / "test_0.mp4").write_bytes(b"no film")
    files = [str(folder / "a.json"), str(folder / "b.json")]
    call = ["compare", *files, "--ground-truth", str(run / "data"), "--html", str(folder / "page.html")]
    assert main([*call, "--videos", str(folder / "films"), "--bootstrap", "20"]) == 0
    return (folder / "page.html").as_uri()


@pytest.fixture(scope="session")
def browser() -> Iterator[sync_api.Browser]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None or not Path(path).is_file():
        absent("no chromium on PATH (set CHROMIUM)")
    with sync_api.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield chromium
        chromium.close()


class Window:
    """Opens a page in a fresh window; every message, error and request of it is kept on it."""

    def __init__(self, browser: sync_api.Browser) -> None:
        self.browser = browser

    def __call__(self, address: str, width: int = 1280, scheme: str = "light", **options: object) -> sync_api.Page:
        context = self.browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, **options)
        page = context.new_page()
        page.seen = []
        page.on("console", lambda message: page.seen.append(message.text))
        page.on("pageerror", lambda error: page.seen.append(str(error)))
        page.on("request", lambda request: page.seen.append(request.url) if request.url.startswith("http") else None)
        page.goto(address)
        return page


@pytest.fixture
def opened(browser: sync_api.Browser) -> Window:
    return Window(browser)
