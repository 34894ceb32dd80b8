"""Reads the sources of the bindings: which modules use which, and what is in a file.

A module is a folder or a file below a layer: `kernel/event_loop`. A name in a comment or a string is not a use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
BINDINGS = ROOT / "crates/ferrio-python/src"

# The lowest first: a folder uses those before it.
LAYERS = ("base", "cpython", "kernel", "waiting", "io", "module")


def rust_files(folder: Path = BINDINGS) -> list[Path]:
    return sorted(folder.rglob("*.rs"))


def without_comments(file: Path) -> str:
    """The text of a Rust file without its comments."""
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", file.read_text(), flags=re.DOTALL)


def code_of(file: Path) -> str:
    """The text of a Rust file without its comments, and without what is in quotes."""
    text = without_comments(file)
    return re.sub(r'"(?:[^"\\]|\\.)*"', '""', text, flags=re.DOTALL)


def module_of(file: Path, root: Path = BINDINGS) -> str:
    """The module that a file is in: the layer, and the folder or file below it."""
    parts = file.relative_to(root).with_suffix("").parts
    return "/".join(parts[:2] if parts[1:2] != ("mod",) else parts[:1])


def _items(group: str) -> Iterator[str]:
    """The items of a `use` group, with groups inside left as they are."""
    depth = begin = 0
    for at, character in enumerate(group + ","):
        depth += (character == "{") - (character == "}")
        if character == "," and depth == 0:
            if item := group[begin:at].strip():
                yield item
            begin = at + 1


def _group_at(code: str, begin: int) -> str:
    """What is between the brace at a place and the one that closes it."""
    depth = 0
    for at in range(begin, len(code)):
        depth += (code[at] == "{") - (code[at] == "}")
        if depth == 0:
            return code[begin + 1 : at]
    raise ValueError("a brace that nothing closes")


def _paths(prefix: tuple[str, ...], item: str) -> Iterator[tuple[str, ...]]:
    """The paths that an item of a `use` names."""
    head, brace, _ = item.partition("{")
    names = tuple(name for name in re.split(r"::|\s+as\s+", head) if name.strip())
    if not brace:
        yield prefix + names
        return
    for inner in _items(_group_at(item, len(head))):
        yield from _paths(prefix + names, inner)


def used_by(file: Path, root: Path = BINDINGS) -> set[str]:
    """The modules of the crate that a file names: `crate::kernel::future::Future` is `kernel/future`."""
    code = code_of(file)
    found = set()
    for match in re.finditer(r"\bcrate::(\{|[a-z_]+(?:::[a-z_]+)*)", code):
        if match[1] == "{":
            paths = [path for item in _items(_group_at(code, match.end() - 1)) for path in _paths((), item)]
        else:
            rest = code[match.end() :]
            item = match[1] + ("::" + rest[2:] if rest.startswith("::{") else "")
            if rest.startswith("::{"):
                item = match[1] + "::{" + _group_at(rest, 2) + "}"
            paths = list(_paths((), item))
        for path in paths:
            layer, *below = path
            if not (root / layer).is_dir():
                continue
            is_module = below and any((root / layer / f"{below[0]}{end}").exists() for end in ("", ".rs"))
            found.add(f"{layer}/{below[0]}" if is_module else layer)
    return found - {module_of(file, root)}


def uses(root: Path = BINDINGS) -> dict[str, set[str]]:
    """Which modules each module names."""
    found: dict[str, set[str]] = {}
    for file in rust_files(root):
        found.setdefault(module_of(file, root), set()).update(used_by(file, root))
    return found


def circles(graph: dict[str, set[str]]) -> list[set[str]]:
    """The modules that reach each other, group by group, of more than one."""

    def reached(begin: str) -> set[str]:
        seen: set[str] = set()
        todo = [begin]
        while todo:
            todo += graph.get(name := todo.pop(), set()) - seen
            seen |= graph.get(name, set())
        return seen

    far = {name: reached(name) for name in graph}
    groups = []
    for name in sorted(graph):
        group = {other for other in far[name] if name in far.get(other, ())}
        if len(group) > 1 and group not in groups:
            groups.append(group)
    return groups
