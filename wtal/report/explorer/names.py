"""The files that `wtal diagnose-suite` writes, and that the page reads."""

from __future__ import annotations

EXPLORER, DIAGNOSIS = "explorer.json", "diagnosis.json"
