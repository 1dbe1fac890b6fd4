"""The report page in a real browser: no error, sortable by mouse and keyboard, legible on a phone, dark and light."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from report_run import make_run, suite_values

from wtal.report.figures.figures import write_figures
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


def _absent(what: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a page made from a made-up run with a hostile title."""
    folder = tmp_path_factory.mktemp("run")
    values = suite_values()
    values["variants"]["whole"]["title"] = HOSTILE
    values["report"] |= {"timeline_videos": 2}
    results = make_run(folder, values)
    report = results / "settings" / "report.json"
    write_tables(report, results / "data", results, results, folder)
    write_figures(report, results / "data", results, results)
    write_page(report, results, results / "report.html")
    return (results / "report.html").as_uri()


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None or not Path(path).is_file():
        _absent("no chromium on PATH (set CHROMIUM)")
    with sync_api.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield chromium
        chromium.close()


def opened(browser: sync_api.Browser, address: str, width: int = 1280, scheme: str = "light") -> sync_api.Page:
    """The page in a fresh window; every message, error and request is kept on it."""
    page = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme).new_page()
    page.seen = []
    page.on("console", lambda message: page.seen.append(message.text))
    page.on("pageerror", lambda error: page.seen.append(str(error)))
    page.on("request", lambda request: page.seen.append(request.url) if request.url.startswith("http") else None)
    page.goto(address)
    return page


def first_cells(page: sync_api.Page, table: str) -> list[str]:
    """The text of the first cell of each visible row of a table's body."""
    return page.locator(f"#table-{table} tbody tr > :first-child").all_inner_texts()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_page_opens_without_a_message_and_never_scrolls_sideways(
    browser: sync_api.Browser, address: str, width: int, scheme: str
) -> None:
    page = opened(browser, address, width, scheme)
    for details in page.locator("summary").all():
        details.click()
    assert page.seen == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate("getComputedStyle(document.body).overflowX") == "visible"
    inside = page.evaluate("[...document.querySelectorAll('.scroll')].every(box => box.clientWidth <= innerWidth)")
    assert inside
    page.evaluate("window.scrollTo(500, 0)")
    assert page.evaluate("window.scrollX") == 0


def test_every_picture_is_drawn(browser: sync_api.Browser, address: str) -> None:
    page = opened(browser, address)
    sizes = page.evaluate("Promise.all([...document.images].map(i => i.decode().then(() => i.naturalWidth)))")
    assert len(sizes) == 6
    assert min(sizes) > 300


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground_and_figures_lie_on_a_light_card(
    browser: sync_api.Browser, address: str, scheme: str
) -> None:
    page = opened(browser, address, scheme=scheme)
    colours = page.evaluate(
        """() => ['body', 'td', '.notes', '.caution', 'thead button', 'a'].map(name => {
            const element = document.querySelector(name);
            const ink = getComputedStyle(element).color;
            let ground = element;
            while (getComputedStyle(ground).backgroundColor === 'rgba(0, 0, 0, 0)') ground = ground.parentElement;
            return [name, ink, getComputedStyle(ground).backgroundColor];
        })"""
    )
    for name, ink, ground in colours:
        assert contrast(ink, ground) >= 4.5, (name, ink, ground)
    assert luminance(page.evaluate("getComputedStyle(document.querySelector('.card')).backgroundColor")) > 0.9
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


def test_a_click_sorts_and_the_third_restores_the_order_of_the_suite(browser: sync_api.Browser, address: str) -> None:
    page = opened(browser, address)
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


def test_the_keyboard_sorts_too_and_one_column_at_a_time(browser: sync_api.Browser, address: str) -> None:
    page = opened(browser, address)
    buttons = page.locator("#table-per_class thead button")
    buttons.nth(0).focus()
    page.keyboard.press("Enter")
    assert first_cells(page, "per_class") == ["sit down", "walk"]
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    states = [th.get_attribute("aria-sort") for th in page.locator("#table-per_class thead th").all()]
    assert states == ["none", "descending", "none"]
    focused = page.evaluate("document.activeElement.textContent")
    assert focused == "base + NMS"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_rows_without_a_value_come_last_in_both_directions(browser: sync_api.Browser, address: str) -> None:
    page = opened(browser, address)
    button = page.locator("#table-label_quality thead button", has_text="Label recall")
    for _ in range(2):
        button.click()
        rounds = page.locator("#table-label_quality tbody tr > :nth-child(2)").all_inner_texts()
        assert rounds[-1] == "0"


def test_a_hostile_title_is_text_and_the_page_works_without_scripts(browser: sync_api.Browser, address: str) -> None:
    page = opened(browser, address)
    assert page.title() == "A made-up run"
    assert HOSTILE in page.locator("#table-ablation").inner_text()
    plain = browser.new_context(java_script_enabled=False).new_page()
    plain.goto(address)
    assert "base + NMS" in plain.content()
