"""The report page: whole in one file, escaped, the same bytes every time."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from report_run import make_run, suite_values

from wtal.base.errors import InputError
from wtal.base.files import DIGESTS
from wtal.cli import main
from wtal.evaluate.diagnose.error_kinds import KINDS
from wtal.report.explorer.explorer import write_explorer
from wtal.report.explorer.names import DIAGNOSIS, EXPLORER
from wtal.report.inputs.plan import read_plan
from wtal.report.page.page import SECTIONS, write_page
from wtal.report.tables.contrasts import contrast_groups, read_contrasts
from wtal.report.tables.tables import write_tables

HOSTILE = '<script>alert("1")</script>&"\'</td><img src=x onerror=alert(1)>'


def made(folder: Path, values: dict[str, object] | None = None, classes: tuple[str, ...] = ("walk", "sit")) -> Path:
    """A run with tables and what the explorer shows; returns its folder."""
    results = make_run(folder, values, classes)
    report = results / "settings" / "report.json"
    write_tables(report, results / "data", results, results, folder)
    write_explorer(report, results / "data", results, results)
    return results


def page_of(results: Path) -> str:
    write_page(results / "settings" / "report.json", results, results / "report.html")
    return (results / "report.html").read_text()


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def page(results: Path) -> str:
    return page_of(results)


class Elements(HTMLParser):
    """Every start tag with its attributes, and whether all that opens closes."""

    EMPTY = frozenset({"meta", "link", "img", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_page_is_well_formed_and_has_every_section(page: str) -> None:
    elements = Elements(page)
    assert not elements.open
    identifiers = [attributes["id"] for _, attributes in elements.found if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    assert [name for name in identifiers if name in SECTIONS] == list(SECTIONS)
    targets = [attributes["href"] for tag, attributes in elements.found if tag == "a" and "data-kind" not in attributes]
    assert targets == ["#main", *(f"#{name}" for name in SECTIONS)]


def test_page_needs_nothing_from_outside(page: str) -> None:
    for tag, attributes in Elements(page).found:
        for name in ("src", "href"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:", "#")), (tag, value)
        assert not any(name.startswith("on") or name == "style" for name in attributes)
    assert "url(" not in page.split("<script>")[0].split("</style>")[0]


def test_policy_names_the_one_style_and_the_one_script(page: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert "unsafe" not in policy[1]
    assert policy[1].startswith("default-src 'none'; ")
    for tag in ("style", "script"):
        (source,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy[1]


def data_of(page: str) -> dict[str, Any]:
    (block,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    return json.loads(block)


def test_every_test_video_is_in_the_page_and_in_its_table(page: str) -> None:
    names = [video["name"] for video in data_of(page)["videos"]]
    assert names == [f"test_{number}" for number in range(6)]
    table = page.split('id="table-videos"')[1].split("</table>")[0]
    assert all(f"<bdi>{name}</bdi></th>" in table for name in names)


def test_every_picture_says_its_numbers_or_stands_beside_them(page: str) -> None:
    for attributes in (found for tag, found in Elements(page).found if tag == "svg"):
        assert attributes.get("aria-hidden") == "true" or re.search(r"\d", attributes.get("aria-label") or "")
    assert "<img" not in page


def test_the_forest_has_a_sentence_for_each_ingredient_and_a_row_for_each_comparison(page: str, results: Path) -> None:
    rows = read_contrasts(results / "contrasts.csv")
    forest = page.split('<div class="forest"')[1].split("</section>")[0]
    for group in contrast_groups(rows, "mAP@0.1:0.7"):
        assert html.escape(group.sentence) in forest
    assert forest.count('role="rowheader"') == len(rows) == 2
    assert forest.count('class="dot"') == 2 * len(rows)


def test_what_errors_cost_stands_there_for_both_systems(page: str) -> None:
    table = page.split('id="table-errors"')[1].split("</figure>")[0]
    assert [table.count(f">{kind}<") for kind in ("localisation", "background")] == [0, 0]
    assert all(f"</span> {kind}</th>" in table for kind in KINDS)
    assert re.search(r"[+−]\d+\.\d \[", table)
    assert "over test videos and 2 seeds" in table


def test_a_page_without_the_explorers_files_says_what_writes_them(results: Path, page: str) -> None:
    for name in (EXPLORER, DIAGNOSIS):
        (results / name).rename(results / f"{name}.away")
    try:
        text = page_of(results)
    finally:
        for name in (EXPLORER, DIAGNOSIS):
            (results / f"{name}.away").rename(results / name)
        page_of(results)
    assert text.count("`wtal diagnose-suite` writes it") == 2
    assert 'id="data"' not in text
    assert not Elements(text).open


def test_protocol_seeds_and_digest_stand_under_every_table(page: str, results: Path) -> None:
    digest = read_plan(results / "settings" / "report.json").digest[:12]
    tables = re.findall(r'<figure class="table".*?</figure>', page, re.DOTALL)
    apart = ("table-videos", "table-errors")  # counts of single videos, and what has its own sentence
    tables = [table for table in tables if not any(f'id="{name}"' in table for name in apart)]
    assert len(tables) == 10
    for table in tables:
        assert f"n = 2 seeds (0, 1); settings {digest}." in table
        assert "Protocol activitynet" in table


def test_summary_says_the_caution_and_whether_the_method_was_better(page: str) -> None:
    assert '<div class="caution" role="note"><strong>Caution</strong>Made-up figures.</div>' in page
    assert (
        "not separated: the interval of the paired difference, over test videos and 2 seeds, holds 0; "
        "over videos alone it is [" in page
    )


@pytest.mark.parametrize(
    ("low", "high", "sentence"),
    [
        ("0.5", "9.0", "better: the interval of the paired difference, over test videos and 2 seeds, lies above 0"),
        ("-9.0", "-0.5", "worse: the interval of the paired difference, over test videos and 2 seeds, lies below 0"),
        ("0.00001", "9.0", "not separated: the interval"),
    ],
)
def test_table_and_summary_go_by_the_interval_over_videos_and_seeds(
    results: Path, page: str, low: str, high: str, sentence: str
) -> None:
    path = results / "ablation.csv"
    before, digests = path.read_text(), results / DIGESTS
    known = digests.read_bytes()
    header, base, whole, *rest = before.splitlines()
    cells = whole.split('",')[1].split(",")  # behind the title, which holds a comma
    names = header.split(",")[3:]
    cells[names.index("base_low")], cells[names.index("base_high")] = low, high
    try:
        digests.unlink()  # the table is another one on purpose
        path.write_text("\n".join([header, base, whole.split('",')[0] + '",' + ",".join(cells), *rest]) + "\n")
        text = page_of(results)
    finally:
        path.write_text(before)
        digests.write_bytes(known)
        page_of(results)
    assert sentence in text
    strong = re.search(rf"<strong>[^<]*\[{plain(low)}, {plain(high)}\]", text)
    assert (strong is None) == sentence.startswith("not separated")


def plain(bound: str) -> str:
    return f"{float(bound):.1f}".replace("-", "−")


def test_page_shows_settings_versions_and_times(page: str) -> None:
    assert "<summary>Settings</summary>" in page
    assert "suite: made-up\n" in page
    assert "<summary>Time and memory: 1 steps, 12 s in sum, at most 346 MB</summary>" in page
    assert '<th scope="row"><bdi>torch</bdi></th>' in page


def test_page_has_the_same_bytes_every_time(page: str, results: Path) -> None:
    assert page_of(results) == page


def test_every_text_of_a_file_is_escaped(tmp_path: Path) -> None:
    values = suite_values()
    values["variants"]["whole"] |= {"title": HOSTILE, "group": HOSTILE}
    values["report"] |= {"title": HOSTILE, "note": HOSTILE, "timeline_videos": 1}
    page = page_of(made(tmp_path, values, classes=(HOSTILE, "sit")))
    elements = Elements(page)
    assert not elements.open
    assert sum(tag == "script" for tag, _ in elements.found) == 2
    assert data_of(page)["classes"][0] == HOSTILE
    assert "&lt;script&gt;alert(&#34;1&#34;)&lt;/script&gt;" in page


HARD_NAMES = (HOSTILE, "שלום עולם", "👍🏽 走る", "x" * 300, '"quoted"', "</script><!--", "a" + chr(0x2028) + "b")


def test_names_of_any_kind_stay_names(tmp_path: Path) -> None:
    page = page_of(made(tmp_path, classes=HARD_NAMES))
    elements = Elements(page)
    assert not elements.open
    assert sum(tag == "script" for tag, _ in elements.found) == 2
    assert tuple(data_of(page)["classes"]) == HARD_NAMES
    for name in HARD_NAMES:
        assert html.escape(name).replace("&quot;", "&#34;").replace("&#x27;", "&#39;") in page


def test_tables_of_other_settings_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_run(tmp_path)
    path = folder / "settings" / "report.json"
    write_tables(path, folder / "data", folder, folder, tmp_path)
    settings = json.loads(path.read_text())
    settings["seeds"] = [0]
    path.write_text(json.dumps(settings))
    out = tmp_path / "page.html"
    assert main(["report", "--report", str(path), "--results", str(folder), "--out", str(out)]) == 2
    assert "provenance.json: settings_digest: expected tables made with these settings" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("contrasts.csv", None, r"contrasts\.csv: expected a readable file"),
        ("explorer.json", "[]", r"explorer\.json: settings_digest: expected what is made with these settings"),
        ("diagnosis.json", "{", r"diagnosis\.json: expected JSON"),
        ("ablation.csv", "group,variant\n", r"ablation\.csv: title: expected a column of that name"),
        ("main.csv", None, r"main\.csv: expected a readable file"),
        ("provenance.json", "{}", r"provenance\.json: settings_digest: expected tables"),
    ],
)
def test_a_broken_file_is_named_and_the_page_is_left_as_it_was(
    results: Path, page: str, name: str, content: str | None, message: str
) -> None:
    path = results / name
    before = path.read_bytes()
    try:
        path.unlink() if content is None else path.write_text(content)
        with pytest.raises(InputError, match=message):
            page_of(results)
    finally:
        path.write_bytes(before)
    assert (results / "report.html").read_text() == page
