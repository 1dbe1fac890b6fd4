"""Checkpoints: all that training needs to go on as if it had never stopped, and what inference needs to be refused."""

from __future__ import annotations

import io
import json
import pickle
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch

from wtal.base.errors import InputError
from wtal.base.files import read_bytes, refused_unwritable, whole_file
from wtal.base.schema import from_mapping, to_mapping
from wtal.suite.streams import Streams

FORMAT = "wtal checkpoint 3"
PRECISIONS = ("float32", "float16")
KEYS = ("format", "about", "model", "optimiser", "doubt", "rng", "progress")


@dataclass(frozen=True, slots=True)
class About:
    """What a checkpoint was trained on; a file of other data is refused in a sentence."""

    classes: tuple[str, ...]
    feature_size: int
    snippets_per_second: float
    round_index: int
    settings_digest: str  # of the round and everything before it that its files hold
    base: dict[str, Any]  # the settings of the base network as a plain mapping
    detection: dict[str, Any] | None = None  # DetectSettings as a plain mapping; training itself does not use them
    streams: Streams = ()  # whose columns the features are, in order; none where nobody has named them
    precision: str = "float32"  # as which the features lay in the store
    origin: dict[str, Any] | None = None  # of features of `wtal extract`: the extractor, its weights and its grid

    def to_json(self) -> str:
        """The same, as text."""
        values = to_mapping(self)
        return json.dumps({key: values[key] for key in values if key != "origin" or self.origin}, sort_keys=True)


def write_checkpoint(path: str | Path, content: dict[str, Any]) -> None:
    """Write a checkpoint whole; the same state always gives the same bytes."""
    # Into an open file: torch would put the name of a path into the archive.
    with whole_file(path) as temporary, refused_unwritable(path), temporary.open("wb") as handle:
        try:
            torch.save({"format": FORMAT, **content}, handle)
        except RuntimeError:  # its words for a write that failed are about its own archive
            raise OSError("a checkpoint could not be written whole; is the disk full?") from None


def read_checkpoint(path: str | Path) -> tuple[dict[str, Any], About]:
    """The content of a checkpoint, tensors and plain values only. Raises InputError where it is anything else."""
    data = read_bytes(path)
    expected = f"a whole file of the format {FORMAT!r}"
    try:
        content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError, KeyError, ValueError, OSError) as error:
        # What torch has to say of a damaged or hostile archive runs over many lines; its kind is enough.
        raise InputError(
            file=path, expected=expected, got=f"one that cannot be read ({type(error).__name__})"
        ) from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(file=path, expected=expected, got="another format")
    for key in KEYS:
        if key not in content:
            raise InputError(file=path, key=key, expected="an entry of that name", got="none")
    return content, _about(path, content["about"])


def set_detection(path: str | Path, detection: dict[str, Any], out: str | Path) -> None:
    """Write a checkpoint again with other detection settings, a DetectSettings as a plain mapping. Raises InputError.

    A round that several variants share is trained once and carries the settings of the first; this makes the others'.
    """
    content, about = read_checkpoint(path)
    write_checkpoint(out, {**content, "about": replace(about, detection=detection).to_json()})


def _about(path: str | Path, text: Any) -> About:
    """What a checkpoint says of itself; `detection`, `precision` and `origin` may be absent."""
    try:
        values = json.loads(text)
        if "streams" not in values:
            expected = "the streams of its features, in order (it is from before they were written down: train again)"
            raise InputError(file=path, key="about.streams", expected=expected, got="none")
        streams = from_mapping(cast("type[tuple[()]]", Streams), values["streams"], file=path, key="about.streams")
        about = About(**{**values, "classes": tuple(values["classes"]), "streams": streams})
        if about.precision not in PRECISIONS:
            raise ValueError
        return about
    except (TypeError, KeyError, ValueError):
        expected = f"classes, feature size, rate and settings, as {FORMAT!r} has them"
        raise InputError(file=path, key="about", expected=expected, got="something else") from None
