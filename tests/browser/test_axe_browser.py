"""What axe-core finds in the pages: nothing. `npm install --no-save axe-core` brings it, or AXE names its file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conftest import Window, absent

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def axe() -> str:
    path = Path(os.environ.get("AXE") or ROOT / "node_modules" / "axe-core" / "axe.min.js")
    if not path.is_file():
        absent("no axe-core (npm install --no-save axe-core, or set AXE)")
    return path.read_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("which", ["address", "comparison"])
def test_axe_finds_nothing(
    opened: Window, request: pytest.FixtureRequest, axe: str, which: str, width: int, scheme: str
) -> None:
    page = opened(request.getfixturevalue(which), width, scheme, bypass_csp=True)
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    page.evaluate(axe)
    found = page.evaluate("axe.run().then((result) => result.violations)")
    assert [(each["id"], each["nodes"][0]["html"][:200], len(each["nodes"])) for each in found] == []
