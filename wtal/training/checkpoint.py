"""Checkpoints: all that training needs to go on as if it had never stopped, and what inference needs to be refused."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import torch

from wtal.base.edges.json_text import parse_json
from wtal.base.errors import InputError
from wtal.base.files import read_bytes, write_bytes
from wtal.base.ranges import Ge, Le, Length, Rate
from wtal.base.schema import from_mapping, to_mapping
from wtal.suite.streams import Streams

FORMAT = "wtal checkpoint 4"
SEAL = b"wtal sha256 "  # begins the comment of the archive
NO_COMMENT = b"\0\0"  # the length of none, with which an archive ends
KEYS = ("format", "about", "model", "optimiser", "doubt", "rng", "progress")


@dataclass(frozen=True, slots=True)
class About:
    """What a checkpoint was trained on; a file of other data is refused in a sentence."""

    classes: Annotated[tuple[str, ...], Length(1)]
    feature_size: Annotated[int, Ge(1), Le(1 << 20)]
    snippets_per_second: Rate
    round_index: Annotated[int, Ge(0)]
    settings_digest: str  # of the round and everything before it that its files hold
    base: dict[str, Any]  # the settings of the base network as a plain mapping
    streams: Streams  # whose columns the features are, in order; none where nobody has named them
    detection: dict[str, Any] | None = None  # DetectSettings as a plain mapping; training itself does not use them
    precision: Literal["float32", "float16"] = "float32"  # as which the features lay in the store
    origin: dict[str, Any] | None = None  # of features of `wtal extract`: the extractor, its weights and its grid

    def to_json(self) -> str:
        """The same, as text."""
        values = to_mapping(self)
        return json.dumps({key: values[key] for key in values if key != "origin" or self.origin}, sort_keys=True)


def write_checkpoint(path: str | Path, content: dict[str, Any]) -> None:
    """Write a checkpoint whole, with a digest of its content; the same state always gives the same bytes."""
    buffer = io.BytesIO()  # no path: torch would put its name into the archive
    torch.save({"format": FORMAT, **content}, buffer)
    write_bytes(path, sealed(buffer.getvalue()))


def read_checkpoint(path: str | Path) -> tuple[dict[str, Any], About]:
    """The content of a checkpoint, tensors and plain values only.

    Raises InputError where it is anything else, or not to the last bit what was written.
    """
    expected = f"a whole file of the format {FORMAT!r}"
    data = _unsealed(path, read_bytes(path, "checkpoint"), expected)
    try:
        content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:
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


def sealed(archive: bytes) -> bytes:
    """The bytes of a zip archive with their sha256 as its comment, which other readers of the format pass over."""
    if archive[-len(NO_COMMENT) :] != NO_COMMENT:
        raise ValueError("an archive that has a comment already")
    comment = SEAL + hashlib.sha256(archive).hexdigest().encode()
    return archive[: -len(NO_COMMENT)] + len(comment).to_bytes(2, "little") + comment


def _unsealed(path: str | Path, data: bytes, expected: str) -> bytes:
    """The archive as it was before it was sealed. Raises InputError where it is not what was sealed."""
    length = len(SEAL) + hashlib.sha256().digest_size * 2
    archive = data[: -length - len(NO_COMMENT)] + NO_COMMENT
    if data[-length : -length + len(SEAL)] != SEAL:
        got = "one without a digest of its content: another format, an older one (train again), or cut short"
        raise InputError(file=path, expected=expected, got=got)
    if data != sealed(archive):
        raise InputError(file=path, expected=expected, got="one whose content is not that of its digest: it is damaged")
    return archive


def set_detection(path: str | Path, detection: dict[str, Any], out: str | Path) -> None:
    """Write a checkpoint again with other detection settings, a DetectSettings as a plain mapping. Raises InputError.

    A round that several variants share is trained once and carries the settings of the first; this makes the others'.
    """
    content, about = read_checkpoint(path)
    write_checkpoint(out, {**content, "about": replace(about, detection=detection).to_json()})


def _about(path: str | Path, text: Any) -> About:
    """What a checkpoint says of itself; `detection`, `precision` and `origin` may be absent."""
    if not isinstance(text, str):
        raise InputError(file=path, key="about", expected="text", got=type(text).__name__)
    return from_mapping(About, parse_json(f"{path}: about", text), file=path, key="about")
