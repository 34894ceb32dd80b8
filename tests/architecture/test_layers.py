"""A folder of the bindings is a layer, and what it may use stands here (ARCHITECTURE.md tells it in prose)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.architecture.sources import BINDINGS, LAYERS, ROOT, circles, code_of, rust_files, used_by, uses

# Modules of one layer that cannot do without each other, as ARCHITECTURE.md explains.
CIRCLES = [
    {
        "kernel/coroutine",
        "kernel/done_callback",
        "kernel/event_loop",
        "kernel/future",
        "kernel/handle",
        "kernel/task",
    },
    {"io/server", "io/serving", "io/streams", "io/tls", "io/transport"},
]
# Where `unsafe` may stand.
UNSAFE = (BINDINGS / "cpython", BINDINGS / "base/cell.rs", ROOT / "crates/ferrio/src/sys")
LONGEST = 500


def layer_of(module: str) -> int:
    return LAYERS.index(module.partition("/")[0])


def named(files: list[Path]) -> dict[str, Path]:
    return {str(file.relative_to(ROOT)): file for file in files}


BINDINGS_FILES = named(rust_files())
RUST_FILES = named(rust_files(ROOT / "crates"))


def test_every_folder_is_a_layer() -> None:
    assert {it.name for it in BINDINGS.iterdir() if it.is_dir()} == set(LAYERS)


@pytest.mark.parametrize("name", [it for it in BINDINGS_FILES if not it.endswith("/lib.rs")])
def test_a_file_uses_no_layer_above_its_own(name: str) -> None:
    file = BINDINGS_FILES[name]
    own = layer_of(str(file.relative_to(BINDINGS)))
    assert {it for it in used_by(file) if layer_of(it) > own} == set()


def test_modules_use_each_other_in_no_circle_but_the_known_ones() -> None:
    assert circles(uses()) == CIRCLES


@pytest.mark.parametrize("name", RUST_FILES)
def test_unsafe_code_is_at_home(name: str) -> None:
    file = RUST_FILES[name]
    if not any(file.is_relative_to(home) for home in UNSAFE):
        assert re.findall(r"\bunsafe\b(?!_)", code_of(file)) == []


@pytest.mark.parametrize("name", [*RUST_FILES, *named(sorted((ROOT / "python").rglob("*.py")))])
def test_no_file_is_long(name: str) -> None:
    assert len((ROOT / name).read_text().splitlines()) <= LONGEST


@pytest.mark.parametrize("name", [it for it in RUST_FILES if it.endswith(("/mod.rs", "/lib.rs"))])
def test_the_first_file_of_a_folder_has_no_code_of_its_own(name: str) -> None:
    """Prose, declarations and what is visible from outside: what it is, and where to read on."""
    assert (
        re.findall(
            r"^\s*(?:pub(?:\([a-z]+\))? )?(?:const )?(?:unsafe )?fn (\w+)", code_of(RUST_FILES[name]), re.M
        )
        == []
    )
