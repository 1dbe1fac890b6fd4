"""Every figure of docs/findings.md is that of a committed table, and stands with its interval."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from scripts import script

from wtal.base.errors import InputError

ROOT = Path(__file__).resolve().parents[1]
findings = script("benchmarks/findings.py")
PAGE = (ROOT / "docs/findings.md").read_text()


def test_every_figure_is_that_of_its_table() -> None:
    assert findings.filled(PAGE) == PAGE, "python benchmarks/findings.py --write docs/findings.md"


def test_a_figure_that_was_changed_by_hand_is_put_right() -> None:
    found = re.search(r"<!-- effect [\w -]+ -->\*?\*?[+−]?(\d+\.\d)", PAGE)
    assert found is not None
    spoiled = PAGE[: found.start(1)] + "99.9" + PAGE[found.end(1) :]
    assert findings.filled(spoiled) == PAGE


def test_no_sentence_has_a_figure_of_its_own() -> None:
    """In prose a decimal number is one that a mark names, or a threshold that the set-up states."""
    prose = re.sub(r"<!-- table .*?<!-- end -->", "", PAGE, flags=re.DOTALL)
    prose = re.sub(r"<!-- [\w -]+ -->(\*\*)?[+−]?\d+\.\d+( \[[^\]]*\])?(\*\*)?", "", prose)
    assert re.findall(r"(?<![\w.:])[+−]?\d+\.\d+(?![\w.])", prose.replace("0.1:0.7", "")) == []


def test_a_mark_that_names_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="one row"):
        findings.filled("<!-- effect hapt nothing all -->?")
