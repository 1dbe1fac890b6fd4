"""What every figure shares: palette, marks, canvas, and files whose bytes depend on the content alone."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.transforms import Bbox

from wtal.base.files import write_bytes

# Okabe and Ito's colours, told apart without colour vision; yellow last, since it is faint on white. A mark, a dash
# or a hatch goes with each, so that colour is never the only difference.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#444444", "#B8A800")
MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)), (0, (7, 2)), (0, (3, 3)))
HATCHES = ("", "///", "xxx", "\\\\\\", "---", "|||", "+++", "...")
GREY, INK = "#888888", "#222222"
DOTS_PER_INCH = 144
NOT_XML = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")

_STYLE: dict[str, Any] = {
    "svg.hashsalt": "wtal",
    "svg.fonttype": "none",  # text stays text: searchable, small, and drawn in the reader's own sans-serif
    "text.parse_math": False,  # names are shown as they are written
    "font.family": ["DejaVu Sans"],
    "font.size": 8.0,
    "axes.titlesize": 8.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 8.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#666666",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


@contextmanager
def drawing() -> Iterator[None]:
    """The style of every figure; build and save figures inside. Nothing of it outlives the block."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        for key, value in _STYLE.items():
            matplotlib.rcParams[key] = value  # type: ignore[index]
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def canvas(width: float, height: float) -> Figure:
    """An empty figure of a size in inches, laid out without overlaps; no window, no global state."""
    layout = ConstrainedLayoutEngine(w_pad=0.08)  # inches: letters are wider in PNG than in SVG
    return Figure(figsize=(width, height), layout=layout)


def save(figure: Figure, folder: Path, name: str) -> None:
    """Write a figure as SVG and PNG; no date, no version, no random identifier in either."""
    figure.savefig(io.BytesIO(), format="svg")  # laid out once, for both
    figure.set_layout_engine("none")
    for axes in figure.axes:
        # The layout's solver orders by address: the last bit of a position, and what is derived from it, is chance.
        bounds = (round(value, 6) for value in axes.get_position(original=True).bounds)
        axes.set_position(Bbox.from_bounds(*bounds))
    for suffix, metadata in (("svg", {"Date": None, "Creator": "wtal"}), ("png", {"Software": None})):
        buffer = io.BytesIO()
        figure.savefig(buffer, format=suffix, dpi=DOTS_PER_INCH, metadata=metadata)
        content = buffer.getvalue()
        write_bytes(folder / f"{name}.{suffix}", without_controls(content) if suffix == "svg" else content)


def without_controls(svg: bytes) -> bytes:
    """An SVG in which letters that XML has no place for, such as those of names, stand as replacement letters."""
    return NOT_XML.sub("\N{REPLACEMENT CHARACTER}", svg.decode()).encode()


def colour(index: int) -> str:
    """The colour of series number `index`."""
    return PALETTE[index % len(PALETTE)]


def mark(index: int) -> dict[str, Any]:
    """Colour, mark and dash of a line, for `Axes.plot`."""
    position = index % len(PALETTE)
    return {
        "color": PALETTE[position],
        "marker": MARKS[position],
        "linestyle": DASHES[position],
        "markersize": 4,
        "linewidth": 1.3,
    }


def hatch(index: int) -> dict[str, Any]:
    """Colour and hatch of a bar, for `Axes.barh`."""
    position = index % len(PALETTE)
    return {"facecolor": PALETTE[position], "hatch": HATCHES[position], "edgecolor": "white", "linewidth": 0.5}


def note_beside(axes: Axes, x: float, y: float, text: str) -> None:
    """A small text to the right of a point."""
    position = {"xytext": (4, 0), "textcoords": "offset points", "va": "center", "fontsize": 7.5, "color": INK}
    axes.annotate(text, (x, y), **position)  # type: ignore[arg-type]


def shorten(text: str, length: int) -> str:
    """A text cut to a length, with an ellipsis where something is lost."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def without_left_frame(axes: Axes) -> None:
    """No vertical line or tick at the left: the labels there name rows."""
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
