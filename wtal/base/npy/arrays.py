"""What the names in a pickle stream stand for: numpy's types and arrays under construction, and nothing that runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

PLAIN_TYPE = re.compile(r"[?bBiufcSU]\d{1,9}")
ARRAY_MODULES = ("numpy.core.multiarray", "numpy._core.multiarray")
Maker = Callable[..., Any]  # takes what the stream calls a name with, and gives what stands for the outcome


class Refused(Exception):
    """Why a stream is not a harmless array."""


class Piece(np.ndarray):
    """Bytes that stay where they are, in memory or in a mapped file; an array, so that `str` can read them as text."""

    def decode(self, *_: str) -> Piece:
        """What `pickletools` takes for text in a stream of Python 2 is plain bytes, and stays what it is."""
        return self


class Made:
    """What a call of a known name stands for; `set_state` takes what the stream fills it with."""

    def set_state(self, state: Any) -> None:
        raise Refused("a state for what has none")


class Type(Made):
    """A numpy type under construction."""

    def __init__(self, code: object, *_: object) -> None:
        if not isinstance(code, (str, bytes)):
            raise Refused("an array type that is not text")
        text = code.decode("latin-1") if isinstance(code, bytes) else code
        if text not in ("O", "O8", "O4") and not PLAIN_TYPE.fullmatch(text):
            raise Refused(f"the array type {text[:60]!r}")
        self.text, self.order = text, "="

    @property
    def is_object(self) -> bool:
        return self.text.startswith("O")

    def set_state(self, state: Any) -> None:
        state = _parts(state)
        order = state[1].decode("latin-1") if isinstance(state[1], bytes) else state[1]
        if order not in ("<", ">", "|", "=") or any(part is not None for part in state[2:5]):
            raise Refused("an array type with fields")
        self.order = order

    def plain(self) -> np.dtype[Any]:
        return np.dtype(self.order.replace("|", "=") + self.text)


class Array(Made):
    """An array under construction; `value` once its state has come."""

    def __init__(self, *_: object) -> None:
        self.value: np.ndarray | None = None

    def set_state(self, state: Any) -> None:
        _, shape, kind, is_fortran, content = _parts(state)
        if not isinstance(kind, Type) or not isinstance(shape, tuple) or len(shape) > 32:
            raise Refused("an array without type or shape")
        size = 1
        for length in shape:
            if isinstance(length, bool) or not isinstance(length, int) or length < 0:
                raise Refused("an array of impossible shape")
            size *= length
        order = "F" if is_fortran else "C"
        self.value = self._objects(content, size) if kind.is_object else self._numbers(content, size, kind.plain())
        self.value = self.value.reshape(shape, order=order)  # type: ignore[call-overload]

    @staticmethod
    def _objects(content: object, size: int) -> np.ndarray:
        if not isinstance(content, list) or len(content) != size:
            raise Refused("an array of other length than its shape")
        value = np.empty(size, dtype=object)
        for place, entry in enumerate(content):
            value[place] = entry
        return value

    @staticmethod
    def _numbers(content: object, size: int, kind: np.dtype[Any]) -> np.ndarray:
        if isinstance(content, str):
            content = content.encode("latin-1")
        if not isinstance(content, (bytes, Piece)) or len(content) != size * kind.itemsize or not kind.itemsize:
            raise Refused("an array of other length than its shape")
        return np.frombuffer(content, dtype=kind)


def _parts(state: object) -> tuple[Any, ...]:
    if not isinstance(state, tuple) or len(state) < 5:
        raise Refused("a state for what has none")
    return state


def _scalar(kind: object, content: object) -> Any:
    if not isinstance(kind, Type) or kind.is_object:
        raise Refused("a number without type")
    return Array._numbers(content, 1, kind.plain())[0].item()


def _encode(text: object, codec: object) -> bytes:
    if not isinstance(text, str) or codec != "latin1":
        raise Refused(f"text in the codec {codec!r:.60}")
    return text.encode("latin-1")


# What numpy's arrays are made with; None: only mentioned, never called.
ARRAY_NAMES: dict[tuple[str, str], Maker | None] = {
    **{(module, "_reconstruct"): Array for module in ARRAY_MODULES},
    **{(module, "scalar"): _scalar for module in ARRAY_MODULES},
    ("numpy", "ndarray"): None,
    ("numpy", "dtype"): Type,
    ("_codecs", "encode"): _encode,
    ("__builtin__", "bytes"): lambda: b"",  # how Python 3 writes b"" for Python 2
}
