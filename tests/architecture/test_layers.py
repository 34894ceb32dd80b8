"""A folder of the bindings is a layer, and uses only the layers below it (ARCHITECTURE.md explains them)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.architecture.sources import (
    BINDINGS,
    LAYERS,
    ROOT,
    circles,
    code_of,
    module_of,
    rust_files,
    used_by,
    uses,
    without_comments,
)

# Modules of one layer that cannot do without each other, as ARCHITECTURE.md explains.
CIRCLES = [
    {"io/server", "io/streams", "io/tls", "io/transport"},
    {
        "kernel/coroutine",
        "kernel/done_callback",
        "kernel/event_loop",
        "kernel/future",
        "kernel/handle",
        "kernel/task",
    },
]
# The pages that name files of the sources.
PAGES = (ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs/decisions").glob("*.md")))
# Where `unsafe` may stand.
UNSAFE = (
    BINDINGS / "cpython",
    BINDINGS / "base/cell.rs",
    ROOT / "crates/ferrio/src/engine/sys",
    ROOT / "crates/ferrio/tests/engine/sys",
)
# The layers of the crate `ferrio`, from below.
CRATE_LAYERS = ("engine", "task", "runtime", "future", "locks", "queues", "tasks")
TESTS = ROOT / "tests"
# Lines.
LONGEST = 500

FUNCTION = re.compile(r"^ *(?:pub(?:\([a-z: ]+\))? )?(?:const )?(?:unsafe )?fn (\w+)", re.MULTILINE)


def name_of(file: Path) -> str:
    return str(file.relative_to(ROOT))


def layer_of(module: str) -> int:
    return LAYERS.index(module.partition("/")[0])


def test_every_folder_is_a_layer() -> None:
    assert {it.name for it in BINDINGS.iterdir() if it.is_dir()} == set(LAYERS)


def test_a_file_uses_no_layer_above_its_own() -> None:
    upward = {}
    for file in rust_files():
        if (module := module_of(file)) != "lib":
            upward[name_of(file)] = {it for it in used_by(file) if layer_of(it) > layer_of(module)}
    assert {name: used for name, used in upward.items() if used} == {}


def test_a_file_of_the_crate_uses_no_layer_above_its_own() -> None:
    crate = ROOT / "crates/ferrio/src"
    assert {it.name for it in crate.iterdir() if it.is_dir()} == set(CRATE_LAYERS)
    upward = {}
    for number, layer in enumerate(CRATE_LAYERS):
        for file in rust_files(crate / layer):
            used = set(re.findall(r"\bcrate::(\w+)", without_comments(file)))
            upward[name_of(file)] = used & set(CRATE_LAYERS[number + 1 :])
    assert {name: used for name, used in upward.items() if used} == {}


def test_modules_use_each_other_in_no_circle_but_the_known_ones() -> None:
    assert circles(uses()) == CIRCLES


def test_the_bindings_name_no_module_of_the_package() -> None:
    """They get what they use of the package from the table that it hands down."""
    modules = "|".join(file.stem for file in (ROOT / "python/ferrio").glob("_*.py"))
    named = {}
    for file in rust_files(ROOT / "crates"):
        code = without_comments(file)
        named[name_of(file)] = re.findall(rf'"ferrio[./](?:{modules})\b|import\w*\([^)]*"ferrio', code)
    assert {name: found for name, found in named.items() if found} == {}


def test_unsafe_code_is_at_home() -> None:
    strangers = [file for file in rust_files(ROOT / "crates") if not any(map(file.is_relative_to, UNSAFE))]
    assert [name_of(it) for it in strangers if re.search(r"\bunsafe\b", code_of(it))] == []


def test_no_file_is_long() -> None:
    files = [*rust_files(ROOT / "crates"), *(ROOT / "python").rglob("*.py"), *TESTS.rglob("*.py")]
    lengths = {name_of(file): len(file.read_text().splitlines()) for file in files}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_the_first_file_of_a_folder_has_no_code_of_its_own() -> None:
    """It has prose, declarations and re-exports."""
    first = [file for file in rust_files() if file.name in ("mod.rs", "lib.rs")]
    code = {name_of(file): FUNCTION.findall(code_of(file)) for file in first}
    assert {name: functions for name, functions in code.items() if functions} == {}


def test_the_first_file_of_a_folder_names_the_others() -> None:
    unnamed = {}
    for file in rust_files():
        if file.name == "mod.rs":
            modules = re.findall(r"^(?:pub(?:\([a-z: ]+\))? )?mod (\w+);", file.read_text(), re.MULTILINE)
            prose = " ".join(line for line in file.read_text().splitlines() if line.startswith("//!"))
            unnamed[name_of(file)] = {it for it in modules if f"`{it}`" not in prose}
    assert {name: modules for name, modules in unnamed.items() if modules} == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_files_that_a_page_names_are_there(page: Path) -> None:
    named = set(re.findall(r"`([a-z_]+(?:/[a-z_]+)*(?:\.rs|\.py|/))`", page.read_text()))
    roots = (ROOT, BINDINGS, ROOT / "crates", ROOT / "crates/ferrio/src", ROOT / "crates/ferrio/src/engine")
    missing = {it for it in named if not any((root / it).exists() for root in roots)}
    assert missing - {"mod.rs", "class.rs", "lib.rs"} == set()


def test_functions_are_where_the_architecture_says() -> None:
    """In `file.rs`: `function`, `other`, each name is defined in that file."""
    text = (ROOT / "ARCHITECTURE.md").read_text()
    missing = []
    for path, names in re.findall(r"`([a-z_/]+\.rs)`:((?:\s+`[\w:]+`,?)+)", text):
        (file,) = [root / path for root in (BINDINGS, ROOT / "crates") if (root / path).exists()]
        defined = set(re.findall(r"\b(?:fn|const(?! fn)|static|struct|enum|trait) (\w+)", code_of(file)))
        missing += [(path, name) for name in re.findall(r"`(?:\w+::)*(\w+)`", names) if name not in defined]
    assert missing == []


SOURCES = {
    "base/cell.rs": '//! crate::io::Nothing\nconst TEXT: &str = "crate::io";',
    "kernel/mod.rs": "pub mod task;",
    "kernel/task/mod.rs": "use crate::{base::{cell::{AttachedCell, AttachedOnce}}, kernel::future as it};",
    "kernel/future.rs": "use crate::kernel::task::{self, Task};",
    "io/mod.rs": "fn f() { crate::kernel::task::spawn(); crate::base::cell::get() }",
}


def test_the_reading_of_sources(tmp_path: Path) -> None:
    """Groups inside groups, other names, paths in code; comments and texts are no uses."""
    for name, code in SOURCES.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(code)
    graph = uses(tmp_path)
    assert graph == {
        "base/cell": set(),
        "kernel": set(),
        "kernel/task": {"base/cell", "kernel/future"},
        "kernel/future": {"kernel/task"},
        "io": {"kernel/task", "base/cell"},
    }
    assert circles(graph) == [{"kernel/task", "kernel/future"}]
