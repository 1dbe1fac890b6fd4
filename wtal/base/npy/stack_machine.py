"""The stack machine of a pickle stream, with the few instructions that plain data needs and none that runs anything.

The names it knows, numpy's own array makers, stand for plain values here; any other name, and any instruction that
could call one, is refused.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

PLAIN_TYPE = re.compile(r"[?bBiufcSU]\d{1,9}")
ARRAY_MODULES = ("numpy.core.multiarray", "numpy._core.multiarray")


class Refused(Exception):
    """Why a stream is not a harmless array."""


class Name:
    """A name that a stream mentions; never looked up."""

    def __init__(self, module: object, name: object) -> None:
        self.kind = {
            **{(known, made): made for known in ARRAY_MODULES for made in ("_reconstruct", "scalar")},
            ("numpy", "ndarray"): "array",
            ("numpy", "dtype"): "type",
            ("_codecs", "encode"): "encode",
            ("__builtin__", "bytes"): "no bytes",  # how Python 3 writes b"" for Python 2
        }.get((str(module), str(name)), "")
        if not self.kind:
            raise Refused(f"the name {f'{module}.{name}'[:120]!r}")


class Type:
    """A numpy type under construction."""

    def __init__(self, code: object) -> None:
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
        order = state[1].decode("latin-1") if isinstance(state[1], bytes) else state[1]
        if order not in ("<", ">", "|", "=") or any(part is not None for part in state[2:5]):
            raise Refused("an array type with fields")
        self.order = order

    def plain(self) -> np.dtype[Any]:
        return np.dtype(self.order.replace("|", "=") + self.text)


class Array:
    """An array under construction; `value` once its state has come."""

    def __init__(self) -> None:
        self.value: np.ndarray | None = None

    def set_state(self, state: Any) -> None:
        _, shape, kind, is_fortran, content = state
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
        if not isinstance(content, bytes) or len(content) != size * kind.itemsize or not kind.itemsize:
            raise Refused("an array of other length than its shape")
        return np.frombuffer(content, dtype=kind)


class Mark:
    """Where a run of values on the stack begins."""


class Interpreter:
    """The stack machine of a pickle stream, with the instructions that plain data needs."""

    def __init__(self, content: memoryview) -> None:
        self.content, self.place = content, 0
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self) -> Any:
        while (code := self.take(1)[0]) != 0x2E:  # STOP
            step = self.steps().get(code)
            if step is None:
                raise Refused(f"the pickle instruction 0x{code:02x}")
            step(self)
        if len(self.stack) != 1:
            raise Refused("a pickle that leaves more than one value")
        return self.stack[0]

    def steps(self) -> Mapping[int, Callable[[Interpreter], Any]]:
        """What each instruction does; a machine that differs in some says which."""
        return STEPS

    def take(self, count: int) -> memoryview:
        end = self.place + count
        if end > len(self.content):
            raise Refused("a pickle that is cut short")
        part = self.content[self.place : end]
        self.place = end
        return part

    def number(self, form: str) -> Any:
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def line(self) -> str:
        rest = bytes(self.content[self.place : self.place + 256])
        end = rest.find(b"\n")
        if end < 0:
            raise Refused("a pickle with a name that does not end")
        self.place += end + 1
        return rest[:end].decode("latin-1")

    def pop(self) -> Any:
        if not self.stack:
            raise Refused("a pickle that takes more than it has")
        return self.stack.pop()

    def top(self, kind: type) -> Any:
        if not self.stack or not isinstance(self.stack[-1], kind):
            raise Refused("a pickle that takes what is not there")
        return self.stack[-1]

    def pop_to_mark(self) -> list[Any]:
        for place in range(len(self.stack) - 1, -1, -1):
            if isinstance(self.stack[place], Mark):
                values = self.stack[place + 1 :]
                del self.stack[place:]
                return values
        raise Refused("a pickle without a mark")

    def get(self, index: int) -> None:
        if index not in self.memo:
            raise Refused("a pickle that remembers what it never saw")
        self.stack.append(self.memo[index])

    def reduce(self) -> None:
        arguments, name = self.pop(), self.pop()
        if not isinstance(name, Name) or not isinstance(arguments, tuple):
            raise Refused("a call")
        self.stack.append(_made(name.kind, arguments))

    def build(self) -> None:
        state = self.pop()
        target = self.top(object)
        if not isinstance(target, (Type, Array)) or not isinstance(state, tuple) or len(state) < 5:
            raise Refused("a state for what has none")
        target.set_state(state)

    def append(self) -> None:
        value = self.pop()
        self.top(list).append(value)

    def appends(self) -> None:
        values = self.pop_to_mark()
        self.top(list).extend(values)

    def set_items(self, values: list[Any]) -> None:
        target, keys = self.top(dict), values[::2]
        if len(values) % 2 or not all(isinstance(key, str) for key in keys) or len(set(keys)) < len(keys):
            raise Refused("a table whose keys are not names, each once")
        target.update(zip(keys, values[1::2]))

    def small_tuple(self, count: int) -> None:
        values = [self.pop() for _ in range(count)]
        self.stack.append(tuple(reversed(values)))


def _made(kind: str, arguments: tuple[Any, ...]) -> Any:
    if kind == "_reconstruct":
        return Array()
    if kind == "type" and arguments:
        return Type(arguments[0])
    if kind == "encode" and len(arguments) == 2 and isinstance(arguments[0], str) and arguments[1] == "latin1":
        return arguments[0].encode("latin-1")
    if kind == "no bytes" and not arguments:
        return b""
    if kind == "scalar" and len(arguments) == 2 and isinstance(arguments[0], Type) and not arguments[0].is_object:
        return Array._numbers(arguments[1], 1, arguments[0].plain())[0].item()
    raise Refused("a call of something that is no array")


def _pushed(value: Any) -> Callable[[Interpreter], None]:
    return lambda machine: machine.stack.append(value)


def _number(form: str) -> Callable[[Interpreter], None]:
    return lambda machine: machine.stack.append(machine.number(form))


def _raw(form: str) -> Callable[[Interpreter], None]:
    return lambda machine: machine.stack.append(bytes(machine.take(machine.number(form))))


def _text(form: str) -> Callable[[Interpreter], None]:
    return lambda machine: machine.stack.append(str(machine.take(machine.number(form)), "utf-8"))


# Instructions that push a constant, a number of some form, or bytes or text behind a length of some form.
STEPS: dict[int, Callable[[Interpreter], Any]] = {
    **{code: _pushed(value) for code, value in {0x4E: None, 0x88: True, 0x89: False, 0x29: ()}.items()},
    **{code: _number(form) for code, form in {0x4A: "<i", 0x4B: "B", 0x4D: "<H", 0x47: ">d"}.items()},
    **{code: _raw(form) for code, form in {0x55: "B", 0x54: "<I", 0x43: "B", 0x42: "<I", 0x8E: "<Q"}.items()},
    **{code: _text(form) for code, form in {0x8C: "B", 0x58: "<I"}.items()},
    0x80: lambda m: m.number("B"),  # PROTO
    0x95: lambda m: m.number("<Q"),  # FRAME
    0x28: lambda m: m.stack.append(Mark()),  # MARK
    0x8A: lambda m: m.stack.append(int.from_bytes(m.take(m.number("B")), "little", signed=True)),  # LONG1
    0x5D: lambda m: m.stack.append([]),  # EMPTY_LIST
    0x61: Interpreter.append,  # APPEND
    0x65: Interpreter.appends,  # APPENDS
    0x7D: lambda m: m.stack.append({}),  # EMPTY_DICT
    0x73: lambda m: m.set_items([m.pop(), m.pop()][::-1]),  # SETITEM
    0x75: lambda m: m.set_items(m.pop_to_mark()),  # SETITEMS
    0x85: lambda m: m.small_tuple(1),  # TUPLE1
    0x86: lambda m: m.small_tuple(2),  # TUPLE2
    0x87: lambda m: m.small_tuple(3),  # TUPLE3
    0x74: lambda m: m.stack.append(tuple(m.pop_to_mark())),  # TUPLE
    0x71: lambda m: m.memo.update({m.number("B"): m.top(object)}),  # BINPUT
    0x72: lambda m: m.memo.update({m.number("<I"): m.top(object)}),  # LONG_BINPUT
    0x94: lambda m: m.memo.update({len(m.memo): m.top(object)}),  # MEMOIZE
    0x68: lambda m: m.get(m.number("B")),  # BINGET
    0x6A: lambda m: m.get(m.number("<I")),  # LONG_BINGET
    0x63: lambda m: m.stack.append(Name(m.line(), m.line())),  # GLOBAL
    0x93: lambda m: m.stack.append(Name(*reversed((m.pop(), m.pop())))),  # STACK_GLOBAL
    0x52: Interpreter.reduce,  # REDUCE
    0x62: Interpreter.build,  # BUILD
}
