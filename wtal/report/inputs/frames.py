"""Tables of a report as data frames, read and written the one way that their files have."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from pathlib import Path

import pandas as pd

from wtal.base.errors import InputError
from wtal.base.files import check_digest_beside, read_rows, write_text
from wtal.evaluate.score.intervals import DECIMALS


def read_frame(path: Path, columns: Sequence[str], text: Collection[str]) -> pd.DataFrame:
    """A CSV table that must have `columns`; those of `text` stay text, all others are numbers, NaN where empty.

    Raises InputError naming line and column. The rows are those of `read_rows`: pandas itself takes a line that was cut
    short for one with empty cells.
    """
    rows = read_rows(path, columns)
    frame = pd.DataFrame(rows, columns=None if rows else list(columns), dtype=object)
    for name in frame.columns:
        if name not in text:
            numbers = [number_of_text(path, line, name, value) for line, value in enumerate(frame[name], start=2)]
            frame[name] = pd.Series(numbers, dtype=float)
    check_digest_beside(path)
    return frame


def number_of_text(path: Path, line: int, column: str, text: str) -> float:
    """A number of a table, NaN where there is none. Raises InputError naming line and column."""
    try:
        return float(text) if text else math.nan
    except ValueError:
        key = f"line {line}, {column}"
        raise InputError(file=path, key=key, expected="a number or nothing", got=repr(text)) from None


def write_frame(path: Path, frame: pd.DataFrame) -> None:
    """Write a CSV table: four decimals, nothing where there is no number; one frame, one text."""
    write_text(path, frame.to_csv(index=False, lineterminator="\n", float_format=f"%.{DECIMALS}f"))
