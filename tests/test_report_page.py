"""The report page: whole in one file, escaped, the same bytes every time."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from report_run import make_run, suite_values

from wtal.base.errors import InputError
from wtal.base.files import DIGESTS
from wtal.cli import main
from wtal.report.figures.figures import write_figures
from wtal.report.inputs.plan import read_plan
from wtal.report.page.page import SECTIONS, write_page
from wtal.report.tables.tables import write_tables

HOSTILE = '<script>alert("1")</script>&"\'</td><img src=x onerror=alert(1)>'


def made(folder: Path, values: dict[str, object] | None = None, classes: tuple[str, ...] = ("walk", "sit")) -> Path:
    """A run with tables and figures; returns its folder."""
    results = make_run(folder, values, classes)
    report = results / "settings" / "report.json"
    write_tables(report, results / "data", results, results, folder)
    write_figures(report, results / "data", results, results)
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

    EMPTY = frozenset({"meta", "link", "img"})

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
    targets = [attributes["href"] for tag, attributes in elements.found if tag == "a"]
    assert targets == [f"#{name}" for name in SECTIONS]


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


def test_four_timelines_are_in_the_page_with_text_for_those_who_do_not_see_them(page: str) -> None:
    pictures = [attributes for tag, attributes in Elements(page).found if tag == "img"]
    assert len(pictures) == 4 + 4
    assert sum("clip" in (picture["alt"] or "") for picture in pictures) == 4
    assert all((picture["src"] or "").startswith("data:image/svg+xml;base64,") for picture in pictures)


def test_protocol_seeds_and_digest_stand_under_every_table(page: str, results: Path) -> None:
    digest = read_plan(results / "settings" / "report.json").digest[:12]
    tables = re.findall(r'<figure class="table".*?</figure>', page, re.DOTALL)
    assert len(tables) == 8
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
    assert '<th scope="row">torch</th>' in page


def test_page_has_the_same_bytes_every_time(page: str, results: Path) -> None:
    assert page_of(results) == page


def test_every_text_of_a_file_is_escaped(tmp_path: Path) -> None:
    values = suite_values()
    values["variants"]["whole"] |= {"title": HOSTILE, "group": HOSTILE}
    values["report"] |= {"title": HOSTILE, "note": HOSTILE, "timeline_videos": 1}
    page = page_of(made(tmp_path, values, classes=(HOSTILE, "sit")))
    elements = Elements(page)
    assert not elements.open
    assert sum(tag == "script" for tag, _ in elements.found) == 1
    assert all((attributes["src"] or "").startswith("data:") for tag, attributes in elements.found if tag == "img")
    assert "&lt;script&gt;alert(&#34;1&#34;)&lt;/script&gt;" in page


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
        ("figures/ablation.svg", None, r"ablation\.svg: expected a readable file"),
        ("figures/rounds.svg", "<html>", r"rounds\.svg: expected an SVG picture"),
        ("timelines.json", "[]", r"timelines\.json: clips: expected a list of clips"),
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
