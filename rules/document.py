"""A YAML text as plain values that know their lines. Safe tags only, no aliases, bounded depth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yaml.nodes import Node

MAX_BYTES = 1_000_000
MAX_DEPTH = 20

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Path = tuple[str | int, ...]
"""Keys and indices from the top to a value."""


class Damaged(Exception):  # noqa: N818 - it says what the text is
    """A text that is no YAML we take. `line` counts from 1."""

    def __init__(self, line: int, wrong: str, allowed: str = "") -> None:
        super().__init__(wrong)
        self.line = line
        self.wrong = wrong
        self.allowed = allowed


class Document(NamedTuple):
    """`data` is dicts, lists and scalars; `lines` has the line of each value's key or start."""

    data: Any
    lines: Mapping[Path, int]

    def line(self, path: Path) -> int:
        """The line of a value, or of the nearest value around it that there is."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def parse(raw: bytes) -> Document:
    """Read one YAML document. Raises Damaged."""
    if len(raw) > MAX_BYTES:
        raise Damaged(1, f"the file has more than {MAX_BYTES} bytes", "several smaller files")
    try:
        text = raw.decode("utf-8-sig")
        _bounds(text)
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            lines: dict[Path, int] = {(): 1}
            return Document(None if node is None else _plain(loader, node, (), lines), lines)
        finally:
            loader.dispose()
    except UnicodeDecodeError as error:
        raise Damaged(raw[: error.start].count(b"\n") + 1, "this is not UTF-8 text") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Damaged(_line(mark), f"this is not YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise Damaged(1, f"this is not YAML: {str(error).splitlines()[0]}") from error


def _line(mark: Any) -> int:
    return mark.line + 1 if mark else 1


def _bounds(text: str) -> None:
    """Refuse what could grow without end, before anything is built."""
    depth = 0
    for event in yaml.parse(text, _Loader):
        line = _line(event.start_mark)
        if isinstance(event, yaml.AliasEvent):
            raise Damaged(line, "aliases (*name) are not read", "the value itself")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise Damaged(line, "this is nested too deep", f"at most {MAX_DEPTH} levels")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _plain(loader: Any, node: Node, path: Path, lines: dict[Path, int]) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _mapping(loader, node, path, lines)
    if isinstance(node, yaml.SequenceNode):
        items = []
        for index, item in enumerate(node.value):
            lines[*path, index] = _line(item.start_mark)
            items.append(_plain(loader, item, (*path, index), lines))
        return items
    try:
        return loader.construct_object(node)
    except ValueError as error:  # a date that is none, a number of 5,000 digits
        raise Damaged(_line(node.start_mark), f"this value cannot be read: {error}") from error


def _mapping(loader: Any, node: Node, path: Path, lines: dict[Path, int]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in node.value:
        line = _line(key.start_mark)
        if not isinstance(key, yaml.ScalarNode):
            raise Damaged(line, "a key must be one word")
        if key.value in found:
            raise Damaged(line, f"`{key.value}` stands here twice", "each key once")
        lines[*path, key.value] = line
        found[key.value] = _plain(loader, value, (*path, key.value), lines)
    return found
