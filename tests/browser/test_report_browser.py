"""The report page in a real browser: no message, sortable, columns chosen, copied, printed, on a phone, dark, light."""

from __future__ import annotations

import re

import pytest
from conftest import HOSTILE, Window
from playwright import sync_api

WIDTHS = (360, 768, 1280, 1920)


def first_cells(page: sync_api.Page, table: str) -> list[str]:
    """The text of the first cell of each visible row of a table's body."""
    return page.locator(f"#table-{table} tbody tr > :first-child").all_inner_texts()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("which", ["address", "comparison"])
def test_page_opens_without_a_message_and_never_scrolls_sideways(
    opened: Window, request: pytest.FixtureRequest, which: str, width: int, scheme: str
) -> None:
    page = opened(request.getfixturevalue(which), width, scheme)
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert page.seen == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    inside = page.evaluate("[...document.querySelectorAll('.scroll')].every(box => box.clientWidth <= innerWidth)")
    assert inside
    page.evaluate("window.scrollTo(500, 0)")
    assert page.evaluate("window.scrollX") == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(opened: Window, address: str, scheme: str) -> None:
    page = opened(address, scheme=scheme)
    colours = page.evaluate(
        """() => ['body', 'td', '.notes', '.caution', '.sortable thead button', 'a', '.verdict'].map(name => {
            const element = document.querySelector(name);
            const ink = getComputedStyle(element).color;
            let ground = element;
            while (getComputedStyle(ground).backgroundColor === 'rgba(0, 0, 0, 0)') ground = ground.parentElement;
            return [name, ink, getComputedStyle(ground).backgroundColor];
        })"""
    )
    for name, ink, ground in colours:
        assert contrast(ink, ground) >= 4.5, (name, ink, ground)
    is_dark = luminance(page.evaluate("getComputedStyle(document.body).backgroundColor")) < 0.1
    assert is_dark == (scheme == "dark")


def luminance(colour: str) -> float:
    """Relative luminance of `rgb(r, g, b)`, as WCAG 2 defines it."""
    shares = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_a_click_sorts_and_the_third_restores_the_order_of_the_suite(opened: Window, address: str) -> None:
    page = opened(address)
    suite_order = first_cells(page, "ablation")
    heading = page.locator("#table-ablation thead th").nth(1)
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    controls = suite_order[-4:]
    assert first_cells(page, "ablation") == [HOSTILE, "base + NMS", *controls]
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    assert first_cells(page, "ablation") == ["base + NMS", HOSTILE, *controls]
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "none"
    assert first_cells(page, "ablation") == suite_order
    assert page.seen == []


def test_the_keyboard_sorts_too_and_one_column_at_a_time(opened: Window, address: str) -> None:
    page = opened(address)
    buttons = page.locator("#table-per_class thead button")
    before = first_cells(page, "per_class")
    buttons.nth(0).focus()
    page.keyboard.press("Enter")
    in_order = "names => names.sort((a, b) => a.localeCompare(b, 'en', {numeric: true}))"
    assert first_cells(page, "per_class") == page.evaluate(in_order, before) != before
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    states = [th.get_attribute("aria-sort") for th in page.locator("#table-per_class thead th").all()]
    assert states == ["none", "descending", "none"]
    focused = page.evaluate("document.activeElement.textContent")
    assert focused == "base + NMS"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_rows_without_a_value_come_last_in_both_directions(opened: Window, address: str) -> None:
    page = opened(address)
    button = page.locator("#table-label_quality thead button", has_text="Label recall")
    for _ in range(2):
        button.click()
        rounds = page.locator("#table-label_quality tbody tr > :nth-child(2)").all_inner_texts()
        assert rounds[-1] == "0"


def test_columns_are_chosen_and_only_they_are_copied(opened: Window, address: str) -> None:
    page = opened(address, permissions=["clipboard-read", "clipboard-write"])
    figure = page.locator("#table-ablation")
    shown = list(figure.locator("thead th:visible").all_inner_texts())
    assert [name.split("\xa0")[0].strip() for name in shown] == [
        "Variant",
        "mAP@0.1:0.7",
        "Compared with",
        "Difference",
        "@0.5",
    ]
    figure.locator("summary", has_text="Columns").click()
    figure.get_by_label("@0.3", exact=True).check()
    figure.get_by_label("Compared with").uncheck()
    figure.get_by_role("button", name="Copy as CSV").click()
    lines = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert lines[0] == "Variant,mAP@0.1:0.7,Difference,@0.3,@0.5"
    assert lines[2].startswith('"<img src=x onerror=""document.title=')
    assert len(lines) == 6
    assert page.locator("#said").inner_text() == "Copied: Ablation, mAP in percent as CSV"
    figure.get_by_role("button", name="Copy as LaTeX").click()
    text = page.evaluate("navigator.clipboard.readText()")
    assert text.startswith("\\begin{tabular}{lrrrr}")
    assert "\\textless{}img src=x" in text
    assert "$\\pm$" in text
    figure.get_by_role("button", name="Copy as Markdown").click()
    text = page.evaluate("navigator.clipboard.readText()")
    assert text.splitlines()[1] == "|---|---:|---:|---:|---:|"
    assert "\\<img" in text
    assert page.seen == []


def test_a_copy_holds_the_order_that_is_seen(opened: Window, address: str) -> None:
    page = opened(address, permissions=["clipboard-read", "clipboard-write"])
    figure = page.locator("#table-ablation")
    figure.locator("thead button").nth(1).click()
    figure.get_by_role("button", name="Copy as CSV").click()
    lines = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert lines[1].startswith('"<img')
    assert lines[2].startswith("base + NMS")


def test_headings_stay_in_sight_when_a_long_table_is_scrolled(opened: Window, address: str) -> None:
    page = opened(address)
    box = page.locator("#table-ablation .scroll")
    page.evaluate("document.querySelector('#table-ablation .scroll').style.maxHeight = '120px'")
    box.evaluate("box => { box.scrollTop = 60; }")
    top = box.locator("thead th").first.bounding_box()["y"] - box.bounding_box()["y"]
    assert 0 <= top <= 2


@pytest.mark.parametrize("which", ["address", "comparison"])
def test_paper_cuts_nothing(opened: Window, request: pytest.FixtureRequest, which: str) -> None:
    """A4 across, 297 mm less two margins of 12 mm, in CSS pixels."""
    page = opened(request.getfixturevalue(which), width=1031, scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1031
    wide = "[...document.querySelectorAll('table, pre, .forest, .chart')].filter(e => e.offsetParent)"
    assert page.evaluate(f"{wide}.every(each => each.getBoundingClientRect().right <= 1031 + 1)")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator(".tools:visible").count() == 0
    page.emulate_media(media="screen")
    paper = page.pdf(prefer_css_page_size=True, print_background=True)
    assert paper[:5] == b"%PDF-"
    box = re.search(rb"/MediaBox\s*\[\s*0\s+0\s+([\d.]+)\s+([\d.]+)", paper)
    assert box is not None
    assert float(box[1]) == pytest.approx(842, abs=1)
    assert float(box[2]) == pytest.approx(595, abs=1)


def test_the_first_tab_stop_skips_to_the_results(opened: Window, address: str) -> None:
    page = opened(address)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_a_hostile_title_is_text(opened: Window, address: str) -> None:
    page = opened(address)
    assert page.title() == "A made-up run"
    assert HOSTILE in page.locator("#table-ablation").inner_text()
    assert page.locator("img").count() == 0


def test_without_a_script_forest_tables_and_pictures_stand_there(opened: Window, address: str) -> None:
    page = opened(address, java_script_enabled=False)
    assert page.locator(".forest [role=rowheader]").count() == 2
    assert page.locator(".forest svg").first.bounding_box()["width"] > 300
    assert page.locator("#table-videos").is_visible()
    assert page.locator("#table-videos tbody tr").count() == 6
    assert page.locator("#table-errors").is_visible()
    assert page.locator("#table-ablation thead th").all_inner_texts()[-1].startswith("n")
    assert not page.locator("#explorer-app").is_visible()
    assert page.locator(".chart svg").first.is_visible()
