"""A page as one file: its template filled in, style, script and data inside, and a policy that lets in nothing else."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from importlib import resources
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from wtal.report.explorer.packing import compact

STYLES, SCRIPTS = ("page.css", "explorer.css"), ("tables.js", "explorer.js", "rounds.js")
PARTS = ("parts.jinja", "explorer.jinja", "suite.jinja", "compare.jinja")
# What would end a data block, or what HTML reads as markup, stands as an escape of JSON.
IN_A_BLOCK = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


def rendered(template: str, values: Mapping[str, Any], data: Mapping[str, Any] | None, has_player: bool = False) -> str:
    """The page of a template. data: what the explorer shows. has_player: whether files of videos may be played."""
    style, script = ("\n".join(map(read_asset, names)) for names in (STYLES, SCRIPTS))
    environment = Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        loader=DictLoader({name: read_asset(name) for name in PARTS}),
    )
    shown = {
        **values,
        "style": Markup(style),
        "script": Markup(script),
        "policy": _policy(style, script, has_player),
        "data": None if data is None else Markup(compact(data).translate(IN_A_BLOCK)),
    }
    return environment.get_template(template).render(shown)


def read_asset(name: str) -> str:
    """The text of a file that lies beside this one."""
    return resources.files("wtal.report.page").joinpath(name).read_text(encoding="utf-8")


def _policy(style: str, script: str, has_player: bool) -> Markup:
    """Lets in this one style, this one script and embedded pictures, and, where asked, files of videos."""
    hashes = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script))
    style_hash, script_hash = (f"'sha256-{digest}'" for digest in hashes)
    played = "media-src 'self' file:; " if has_player else ""
    return Markup(
        f"default-src 'none'; img-src data:; style-src {style_hash}; script-src {script_hash}; {played}"
        "base-uri 'none'; form-action 'none'"
    )
