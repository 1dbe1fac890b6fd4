"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """Parity values and real annotations: $WTAL_SHARED, or the folder `shared` beside the repository."""
    folder = Path(os.environ.get("WTAL_SHARED") or ROOT.parent / "shared")
    if folder.is_dir():
        return folder
    message = f"parity values and annotations are not here: {folder} is not a folder (set WTAL_SHARED)"
    if os.environ.get("CI") == "true" or os.environ.get("WTAL_SHARED"):
        pytest.fail(message)
    pytest.skip(message)
