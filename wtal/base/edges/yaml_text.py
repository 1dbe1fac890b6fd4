"""YAML as it is read everywhere: plain values, each key once, and no more of them than are written.

Anchors let a few lines stand for more values than a machine has memory for; what they stand for is counted first.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from wtal.base.edges.json_text import DEEPEST, MOST_DIGITS
from wtal.base.errors import InputError

MOST_VALUES = 200_000  # with those that anchors repeat; the largest suite has a few thousand
INTEGER = "tag:yaml.org,2002:int"
MERGE = "tag:yaml.org,2002:merge"


def parse_yaml(path: str | Path, text: str) -> Any:
    """The value of a YAML text, plain values only.

    Raises InputError naming the line where it is broken, and for a key that stands twice, a whole number of more than
    1,000 digits, nesting deeper than 100, anchors that stand for too many values or for themselves.
    """
    try:
        loader = _UniqueKeyLoader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _Count().of(node, 0)
        return loader.construct_document(node)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        got = f"{getattr(error, 'problem', None) or 'something else'}{where}"
        raise InputError(file=path, expected="YAML", got=got) from None
    except RecursionError:
        raise InputError(file=path, expected="YAML", got="nesting too deep to read") from None
    except (ValueError, TypeError, OverflowError, KeyError, AttributeError) as error:
        # A tag or a form of its own, such as a date, whose value is none: the loader lets these errors through.
        raise InputError(file=path, expected="YAML", got=f"a value that is none ({error})") from None


class _Count:
    """How many values a node stands for, each node counted once."""

    def __init__(self) -> None:
        self.known: dict[int, int] = {}
        self.open: set[int] = set()

    def of(self, node: yaml.Node, depth: int) -> int:
        if id(node) in self.open:
            raise yaml.constructor.ConstructorError(None, None, "an anchor inside itself", node.start_mark)
        if depth > DEEPEST:
            raise RecursionError
        if id(node) not in self.known:
            self.open.add(id(node))
            self.known[id(node)] = 1 + sum(self.of(child, depth + 1) for child in _children(node))
            self.open.discard(id(node))
        if self.known[id(node)] > MOST_VALUES:
            problem = f"anchors that stand for more than {MOST_VALUES:,} values"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        return self.known[id(node)]


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    if isinstance(node, yaml.SequenceNode):
        return list(node.value)
    if node.tag == INTEGER and len(node.value) > MOST_DIGITS:
        problem = f"a whole number of more than {MOST_DIGITS} digits"
        raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
    return []


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML's safe loader, which would let the second of two equal keys win without a word."""


def _mapping_of_unique_keys(loader: _UniqueKeyLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen = set()
    for key_node, _ in node.value:
        if not isinstance(key_node, yaml.ScalarNode) or key_node.tag == MERGE:
            continue
        if key_node.value in seen:
            problem = f"key {key_node.value!r:.60} given twice"
            raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
        seen.add(key_node.value)
    loader.flatten_mapping(node)
    return yaml.SafeLoader.construct_mapping(loader, node, deep=True)


_UniqueKeyLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping_of_unique_keys)
