"""Seeds of random numbers: the same words give the same seed, on every machine and in every process."""

from __future__ import annotations

import hashlib
import json


def seed_of(*parts: object) -> int:
    """A seed of 63 bits from any words and numbers: as many as torch takes, and a word cannot run into the next."""
    return seed_of_text(json.dumps([str(part) for part in parts]), n_bits=63)


def seed_of_text(text: str, n_bits: int = 128) -> int:
    """The first bits of a text's sha256, as a number."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest(), "big") >> (256 - n_bits)
