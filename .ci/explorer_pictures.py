"""Pictures of the explorer of a report page: where the second variant gains most, and where it loses most.

python .ci/explorer_pictures.py results/hapt/report.html docs/pictures
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

LOOKS = """
#player, .stage details, .stage .notes, .stage-head button { display: none !important }
.stage { align-self: start; padding: 8px }
"""
# The list is in the order of what the second variant loses to the first, most first.
PICTURES = {"explorer-failure.png": "first", "explorer-success.png": "last"}


def main() -> None:
    """Draw both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path, help="a report.html with an explorer")
    parser.add_argument("folder", type=Path, help="of the pictures")
    options = parser.parse_args()
    with sync_playwright() as playwright:
        chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name, which in PICTURES.items():
            _draw(browser, options.page, options.folder / name, which)
        browser.close()


def _draw(browser: Browser, page: Path, picture: Path, which: str) -> None:
    shown = browser.new_page(viewport={"width": 1500, "height": 900}, color_scheme="light", bypass_csp=True)
    shown.goto(page.resolve().as_uri())
    shown.add_style_tag(content=LOOKS)
    row = shown.locator("#list li")
    (row.first if which == "first" else row.last).click()
    shown.locator("#score").fill("0")  # every detection that is counted
    shown.locator(".stage").screenshot(path=picture)
    print(picture, shown.locator("#video").inner_text(), "|", shown.locator("#why").inner_text())


if __name__ == "__main__":
    main()
