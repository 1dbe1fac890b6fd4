"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

from wtal.base.code.kernels import use_same_kernels

use_same_kernels()  # before numpy is loaded: what is made here is compared with what commands make
settings.register_profile("wtal", deadline=None)  # a machine may be busy, and no test is about time
settings.load_profile("wtal")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real annotations and published detections: $WTAL_SHARED, or the folder `shared` beside the repository.

    A clone has neither, and these tests skip; with WTAL_REQUIRE_SHARED=1 the folder is expected, and they fail.
    """
    named = os.environ.get("WTAL_SHARED")
    folder = Path(named or ROOT.parent / "shared")
    if folder.is_dir():
        return folder
    message = f"annotations and published detections are not here: {folder} is not a folder (set WTAL_SHARED)"
    if named or os.environ.get("WTAL_REQUIRE_SHARED") == "1":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def parity() -> Path:
    """Values of the published reference: those of $WTAL_SHARED/parity where there are any, or else those kept here."""
    named = os.environ.get("WTAL_SHARED")
    if named and (Path(named) / "parity").is_dir():
        return Path(named) / "parity"
    return ROOT / "tests/data/parity"
