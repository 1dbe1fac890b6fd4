"""The page of players in a real browser: a click on a segment seeks, keys do the same, names are shown as they are."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from conftest import CLASSES, HOSTILE, Window, absent
from playwright import sync_api

from wtal.base.records import Detections
from wtal.evaluate.marks.page import write_players

AXE = Path(os.environ.get("AXE") or "node_modules/axe-core/axe.min.js")
# Which of CLASSES, in which video, from and to which second, with which score.
FOUND = Detections(
    (HOSTILE, "b % & c"),
    CLASSES,
    np.array([0, 0, 0, 0]),
    np.array([0, 1, 2, 1]),
    np.array([1.0, 2.5, 0.0, 4.0]),
    np.array([2.0, 3.5, 6.0, 5.0]),
    np.array([0.9, 0.4, 0.01, 1.0]),
)


@pytest.fixture(scope="module")
def page_of_players(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a page with two films, the first of 6 s in a code that any browser knows."""
    folder = tmp_path_factory.mktemp("players")
    av = pytest.importorskip("av", reason="av is optional")
    with av.open(str(folder / "a #1 %.webm"), "w") as container:
        stream = container.add_stream("libvpx", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(60):
            picture = np.full((48, 64, 3), 4 * number, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    media = {HOSTILE: "a #1 %.webm", "b % & c": "gone.webm"}
    write_players(folder / "index.html", FOUND, media, {HOSTILE: 6.0, "b % & c": 3.0})
    return (folder / "index.html").as_uri()


def ready(opened: Window, address: str, **options: object) -> sync_api.Page:
    page = opened(address, **options)
    page.wait_for_function("document.querySelector('video').readyState >= 1")
    return page


def time_of(page: sync_api.Page) -> float:
    return page.evaluate("document.querySelector('video').currentTime")


def test_a_click_on_a_segment_plays_the_video_from_its_start(opened: Window, page_of_players: str) -> None:
    page = ready(opened, page_of_players)
    page.evaluate("document.querySelector('video').play = () => Promise.resolve()")  # so that time stands still
    for start in ("2.500", "1.000", "4.000"):
        page.locator(f".lane button[data-start='{start}']").click()
        page.wait_for_function("document.querySelector('video').seeking === false")
        assert time_of(page) == pytest.approx(float(start), abs=0.05)
    page.locator("summary").first.click()
    page.locator("table button").first.click()  # the highest score stands first
    assert time_of(page) == pytest.approx(4.0, abs=0.05)


def test_what_is_clicked_is_played_and_marked(opened: Window, page_of_players: str) -> None:
    page = ready(opened, page_of_players)
    page.locator(".lane button[data-start='2.500']").click()
    page.wait_for_function("document.querySelector('video').currentTime > 2.5")
    page.wait_for_selector(".lane button[data-start='2.500'].now")
    assert page.locator(".lane button[data-start='1.000'].now").count() == 0


def test_segments_are_reached_and_played_by_keys(opened: Window, page_of_players: str) -> None:
    page = ready(opened, page_of_players)
    page.evaluate("document.querySelector('video').play = () => Promise.resolve()")
    page.locator(".lane button").first.focus()
    reached = []
    for key in ("Enter", "Space", "Enter"):
        reached.append(page.evaluate("document.activeElement.dataset.start"))
        page.keyboard.press(key)
        page.wait_for_function("document.querySelector('video').seeking === false")
        assert time_of(page) == pytest.approx(float(reached[-1]), abs=0.05)
        page.keyboard.press("Tab")
    assert reached == ["1.000", "2.500", "4.000"]


def test_names_are_shown_as_they_are_and_nothing_is_fetched(opened: Window, page_of_players: str) -> None:
    page = ready(opened, page_of_players)
    assert page.locator("h2").all_inner_texts() == [HOSTILE, "b % & c"]
    assert page.locator(".name").all_text_contents() == list(CLASSES)
    label = page.locator(".lane button").first.get_attribute("aria-label")
    assert label == f"{HOSTILE}, 0:01.0 to 0:02.0, score 0.90"
    assert page.locator("img").count() == 0
    assert page.title() == "4 detections in 2 videos"
    assert [seen for seen in page.seen if not seen.startswith("Failed to load resource")] == []
    assert page.locator("section").nth(1).inner_text().endswith("Nothing was found.")


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_window(
    opened: Window, page_of_players: str, scheme: str, width: int
) -> None:
    if not AXE.is_file():
        absent("no axe-core (npm install --no-save axe-core, or set AXE)")
    page = ready(opened, page_of_players, width=width, scheme=scheme)
    page.locator("summary").first.click()
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run()")
    wrong = [f"{rule['id']}: {node['html'][:120]}" for rule in found["violations"] for node in rule["nodes"]]
    assert wrong == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
