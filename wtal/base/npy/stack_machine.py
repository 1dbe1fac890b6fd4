"""The stack machine of a pickle stream, with the few instructions that plain data needs and none that runs anything.

`pickletools` takes the stream apart. A name that a machine knows stands for what `wtal.base.npy.arrays` makes of it;
any other name, and any instruction that could call one, is refused.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from wtal.base.npy.arrays import ARRAY_NAMES, Made, Maker, Piece, Refused

LARGE = 1 << 12  # bytes from which a content stays where it is
LONGEST_LINE = 256  # bytes of a name


class PickleStream:
    """A pickle stream as `pickletools` reads it; a long content is a Piece."""

    def __init__(self, content: memoryview) -> None:
        self.content, self.place = content, 0

    def tell(self) -> int:
        return self.place

    def read(self, count: int) -> bytes | Piece:
        part = self.content[self.place : self.place + count]
        self.place += len(part)
        return bytes(part) if count < LARGE else np.frombuffer(part, dtype=np.uint8).view(Piece)

    def readline(self) -> bytes:
        rest = bytes(self.content[self.place : self.place + LONGEST_LINE])
        line = rest[: rest.find(b"\n") + 1]
        self.place += len(line)
        return line


class Name:
    """A known name that a stream mentions; never looked up."""

    def __init__(self, place: tuple[str, str], make: Maker | None) -> None:
        self.place, self.make = place, make


class Interpreter:
    """The stack machine of a pickle stream, with the instructions that plain data needs."""

    def __init__(self, content: memoryview, names: Mapping[tuple[str, str], Maker | None] = ARRAY_NAMES) -> None:
        self.content, self.names = content, names
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self) -> Any:
        for name, argument in _instructions(self.content):
            step = STEPS.get(name)
            if step is None:
                raise Refused(f"the pickle instruction {name}")
            step(self, argument)
        if len(self.stack) != 1:
            raise Refused("a pickle that leaves more than one value")
        return self.stack[0]

    def push(self, value: Any) -> None:
        self.stack.append(value)

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
            if self.stack[place] is MARK:
                values = self.stack[place + 1 :]
                del self.stack[place:]
                return values
        raise Refused("a pickle without a mark")

    def pop_tuple(self, count: int) -> None:
        values = [self.pop() for _ in range(count)]
        self.push(tuple(reversed(values)))

    def remember(self, index: int) -> None:
        self.memo[index] = self.top(object)

    def recall(self, index: int) -> None:
        if index not in self.memo:
            raise Refused("a pickle that remembers what it never saw")
        self.push(self.memo[index])

    def name(self, module: object, name: object) -> None:
        place = (str(module), str(name))
        if place not in self.names:
            raise Refused(f"the name {f'{module}.{name}'[:120]!r}")
        self.push(Name(place, self.names[place]))

    def reduce(self) -> None:
        arguments, name = self.pop(), self.pop()
        if not isinstance(name, Name) or not isinstance(arguments, tuple) or name.make is None:
            raise Refused("a call of something that is no array")
        try:
            self.push(name.make(*arguments))
        except TypeError:  # more or fewer than it takes
            raise Refused("a call with other values than it takes") from None

    def build(self) -> None:
        state, target = self.pop(), self.top(object)
        if not isinstance(target, Made):
            raise Refused("a state for what has none")
        target.set_state(state)

    def append(self, values: list[Any]) -> None:
        self.top(list).extend(values)

    def set_items(self, values: list[Any]) -> None:
        target, keys = self.top(dict), values[::2]
        if len(values) % 2 or not all(isinstance(key, (str, int)) for key in keys) or len(set(keys)) < len(keys):
            raise Refused("a table whose keys are not names, each once")
        target.update(zip(keys, values[1::2]))


MARK = Name(("", ""), None)  # where a run of values on the stack begins


def _instructions(content: memoryview) -> Iterator[tuple[str, Any]]:
    """Name and argument of each instruction up to STOP, which is left out."""
    try:
        for opcode, argument, _ in pickletools.genops(PickleStream(content)):  # type: ignore[arg-type]
            if opcode.name != "STOP":
                yield opcode.name, argument
    except ValueError:
        raise Refused("a pickle that is cut short or damaged") from None


def _nothing(machine: Interpreter, argument: Any) -> None:
    """What only says how the stream is laid out."""


def _push_bytes(machine: Interpreter, argument: str | Piece) -> None:
    machine.push(argument if isinstance(argument, Piece) else argument.encode("latin-1"))


STEPS: dict[str, Callable[[Interpreter, Any], None]] = {
    **dict.fromkeys(("PROTO", "FRAME"), _nothing),
    **dict.fromkeys(("BININT", "BININT1", "BININT2", "INT", "LONG1", "BINFLOAT"), Interpreter.push),
    **dict.fromkeys(("BINBYTES", "SHORT_BINBYTES", "BINBYTES8"), Interpreter.push),
    **dict.fromkeys(("BINUNICODE", "SHORT_BINUNICODE"), Interpreter.push),
    **dict.fromkeys(("BINSTRING", "SHORT_BINSTRING"), _push_bytes),
    **dict.fromkeys(("BINPUT", "LONG_BINPUT"), Interpreter.remember),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), Interpreter.recall),
    "NONE": lambda m, _: m.push(None),
    "NEWTRUE": lambda m, _: m.push(True),
    "NEWFALSE": lambda m, _: m.push(False),
    "MARK": lambda m, _: m.push(MARK),
    "EMPTY_LIST": lambda m, _: m.push([]),
    "APPEND": lambda m, _: m.append([m.pop()]),
    "APPENDS": lambda m, _: m.append(m.pop_to_mark()),
    "EMPTY_DICT": lambda m, _: m.push({}),
    "SETITEM": lambda m, _: m.set_items([m.pop(), m.pop()][::-1]),
    "SETITEMS": lambda m, _: m.set_items(m.pop_to_mark()),
    "EMPTY_TUPLE": lambda m, _: m.push(()),
    "TUPLE1": lambda m, _: m.pop_tuple(1),
    "TUPLE2": lambda m, _: m.pop_tuple(2),
    "TUPLE3": lambda m, _: m.pop_tuple(3),
    "TUPLE": lambda m, _: m.push(tuple(m.pop_to_mark())),
    "MEMOIZE": lambda m, _: m.remember(len(m.memo)),
    "GLOBAL": lambda m, pair: m.name(*pair.split(" ", 1)),
    "STACK_GLOBAL": lambda m, _: m.name(*[m.pop(), m.pop()][::-1]),
    "REDUCE": lambda m, _: m.reduce(),
    "BUILD": lambda m, _: m.build(),
}
