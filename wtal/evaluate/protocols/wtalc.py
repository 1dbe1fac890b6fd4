"""The protocol of W-TALC's own evaluation."""

from __future__ import annotations

from typing import ClassVar, Literal

from wtal.base.ranges import settings
from wtal.evaluate.protocols.snippet import WholeSnippets


@settings
class WtalcProtocol(WholeSnippets):
    """Whole snippets, the first free instance that overlaps enough, precision summed at the hits. Source: W-TALC."""

    is_interpolated: ClassVar[bool] = False
    takes: ClassVar[Literal["best", "first"]] = "first"

    kind: Literal["wtalc"] = "wtalc"
