"""The explorer in a real browser: from the page to why one detection is wrong, by mouse, by keys and by a link."""

from __future__ import annotations

import json

import pytest
from conftest import CLASSES, Window
from playwright import sync_api


def data_of(page: sync_api.Page) -> dict[str, object]:
    return json.loads(page.locator("#data").inner_text() or page.locator("#data").text_content() or "")


def set_slider(page: sync_api.Page, name: str, value: int) -> None:
    page.locator(f"#{name}").evaluate(
        "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input', {bubbles: true})); }", value
    )


def names(page: sync_api.Page) -> list[str]:
    return page.locator("#list li bdi").all_inner_texts()


def test_three_clicks_lead_to_why_a_detection_is_wrong(opened: Window, comparison: str) -> None:
    page = opened(comparison)
    shown = data_of(page)
    threshold = shown["first_tiou"]
    wrong = [row for video in shown["videos"] for row in video["detections"][1] if row[4][threshold] != "0"]
    kind = min(wrong, key=lambda row: row[3])[4][threshold]  # of the lowest score, below the one shown at first
    page.locator(f"a[data-kind='{kind}']").click()  # 1: the videos with such an error, whose bars stand out
    assert page.locator("#kind").input_value() == kind
    page.locator("#list li").nth(0).click()  # 2: a video
    page.locator(f"#lanes .bar.k{kind}:not(.faint)").last.click()  # 3: a detection
    name = shown["kinds"][int(kind)]
    words = page.locator("#why").inner_text()
    assert words.startswith(f"{name.capitalize()}: ")
    assert "tIoU" in words
    assert ", score 0.2." in words
    assert page.seen == []


def test_every_kind_says_its_reason(opened: Window, address: str) -> None:
    page = opened(address)
    set_slider(page, "score", 0)
    said = set()
    for _ in names(page):
        for bar in page.locator("#lanes .bar").all():
            said.add(bar.get_attribute("aria-label").split(":")[0])
        page.locator("#next").click()
    assert {"True positive", "Localisation"} <= said
    assert not any("undefined" in words or "NaN" in words for words in said)


def test_the_list_is_sorted_by_what_the_second_loses_misses_or_gets_wrong(opened: Window, address: str) -> None:
    page = opened(address)
    shown = data_of(page)
    threshold = shown["first_tiou"]
    missed = {video["name"]: sum(not row[3][1] >> threshold & 1 for row in video["truth"]) for video in shown["videos"]}
    page.locator("#sort").select_option("missed")
    counts = [missed[name] for name in names(page)]
    assert counts == sorted(counts, reverse=True)
    page.locator("#sort").select_option("name")
    assert names(page) == sorted(missed)
    assert page.locator("#video").inner_text() == min(missed)


def test_sliders_change_what_counts(opened: Window, address: str) -> None:
    page = opened(address)
    set_slider(page, "score", 0)
    many = page.locator("#lanes .bar").count()
    set_slider(page, "score", 200)
    assert page.locator("#lanes .bar").count() < many
    assert page.locator("#score").get_attribute("aria-valuetext").startswith("score ")
    set_slider(page, "score", 0)
    set_slider(page, "tiou", 0)
    loose = page.locator("#lanes .bar.k0").count()
    assert page.locator("#tiou-shown").inner_text() == "0.1"
    set_slider(page, "tiou", 6)
    assert page.locator("#lanes .bar.k0").count() <= loose
    assert page.locator("#tiou").get_attribute("aria-valuetext") == "tIoU 0.7"
    set_slider(page, "zoom", 5)
    assert page.locator("#window").evaluate("view => view.scrollWidth / view.clientWidth") == pytest.approx(5, abs=0.1)
    assert page.seen == []


def test_two_systems_are_chosen_and_each_has_its_track(opened: Window, address: str) -> None:
    page = opened(address)
    assert page.locator("#lanes .lane").first.locator(".track").count() == 3
    page.locator("#second").select_option("0")
    assert page.locator("#lanes .lane").first.locator(".track").count() == 2


def test_arrow_keys_go_from_video_to_video_and_from_bar_to_bar(opened: Window, address: str) -> None:
    page = opened(address)
    set_slider(page, "score", 0)
    order = names(page)
    page.locator("#list").focus()
    page.keyboard.press("ArrowDown")
    assert page.locator("#video").inner_text() == order[1]
    assert page.locator("#list").get_attribute("aria-activedescendant") == "video-1"
    page.keyboard.press("End")
    assert page.locator("#video").inner_text() == order[-1]
    page.keyboard.press("Home")
    assert page.locator("#lanes .bar[tabindex='0']").count() == 1
    page.locator("#lanes .bar[tabindex='0']").focus()
    first = page.locator("#why").inner_text()
    page.keyboard.press("ArrowRight")
    assert page.locator("#why").inner_text() != first
    page.keyboard.press("ArrowLeft")
    assert page.locator("#why").inner_text() == first
    page.keyboard.press("ArrowDown")
    assert page.locator("#video").inner_text() == order[1]
    assert page.evaluate("document.activeElement.classList.contains('bar')")


def test_hover_and_focus_say_the_same(opened: Window, address: str) -> None:
    page = opened(address)
    bar = page.locator("#lanes .bar").first
    bar.hover()
    hovered = page.locator("#why").inner_text()
    page.mouse.move(0, 0)
    bar.focus()
    assert page.locator("#why").inner_text() == hovered == bar.get_attribute("aria-label")


def test_a_link_opens_the_same_view(opened: Window, address: str) -> None:
    page = opened(address, permissions=["clipboard-read", "clipboard-write"])
    page.locator("#sort").select_option("name")
    set_slider(page, "tiou", 2)
    set_slider(page, "score", 0)
    page.locator("#list li").nth(2).click()
    page.locator("#lanes .bar").nth(1).click()
    page.locator("#copy-link").click()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == page.url
    again = opened(link)
    for name in ("#video", "#why", "#tiou-shown", "#score-shown", "#list"):
        assert again.locator(name).inner_text() == page.locator(name).inner_text()
    assert again.locator("#lanes .bar[aria-pressed='true']").count() == 1
    assert again.evaluate("document.getElementById('explorer').getBoundingClientRect().top") < 100


@pytest.mark.parametrize(
    "link", ["#explorer?video=nobody&tiou=9&score=much&kind=77&first=x", "#explorer?", "#%E0%A4%A"]
)
def test_a_broken_link_opens_the_page_as_it_is(opened: Window, address: str, link: str) -> None:
    page = opened(address + link)
    assert page.locator("#video").inner_text() in names(page)
    assert page.seen == []


def test_names_are_shown_as_they_are(opened: Window, address: str) -> None:
    page = opened(address)
    set_slider(page, "score", 0)
    lanes = page.locator("#lanes h4").all_inner_texts()
    assert lanes == list(CLASSES)
    assert page.title() == "A made-up run"


def test_the_table_of_a_video_holds_its_detections(opened: Window, address: str) -> None:
    page = opened(address)
    page.locator("summary", has_text="This video as a table").click()
    rows = page.locator("#rows tr").count()
    assert rows == page.locator("#lanes .bar:not(.found):not(.missed)").count()


def test_training_videos_go_round_by_round(opened: Window, address: str) -> None:
    page = opened(address)
    lane = page.locator("#round-lanes .lane").first
    assert lane.locator(".track").count() == 5
    set_slider(page, "round", 2)
    assert page.locator("#round-shown").inner_text() == "2"
    assert lane.locator(".track").count() == 6
    lane.locator(".proposal").first.hover(force=True)
    assert page.locator("#round-why").inner_text().startswith("Proposal ")
    assert "weight" in page.locator("#round-why").inner_text()
    page.mouse.move(0, 0)
    page.locator("#clip").select_option("1")
    assert page.locator("#round-why").inner_text().startswith("Round 2: ")


def test_a_comparison_has_forest_protocols_and_a_player_that_seeks(opened: Window, comparison: str) -> None:
    page = opened(comparison)
    assert page.locator(".forest [role=rowheader]").count() == 8
    page.locator("#protocols summary").first.click()
    protocols = page.locator("#table-protocols tbody tr > :first-child").all_inner_texts()
    assert {"activitynet", "snippet", "step", "wtalc"} == {name.split(" ")[0] for name in protocols}
    page.locator("#list li", has_text="test_0").click()
    assert page.locator("#player").is_visible()
    assert page.locator("#player").get_attribute("src") == "films/test_0.mp4"
    page.locator("#lanes .bar").first.click()
    page.locator("#list li", has_text="test_1").click()
    assert not page.locator("#player").is_visible()
