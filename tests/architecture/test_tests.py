"""Tests are laid out like the sources, and import what they share in one way."""

from __future__ import annotations

import re

from tests.architecture.sources import BINDINGS, LAYERS, ROOT

TESTS = ROOT / "tests"

# Programs, which import what is in their own folders; the test of `ends.py` does as that does.
PROGRAMS = ("tests/apps", "tests/conformance", "tests/lifetime/ends.py", "tests/lifetime/test_ends.py")

# `from harness import turn` would load the module a second time.
SHARED = {file.stem for file in TESTS.rglob("*.py") if not file.stem.startswith(("test_", "__"))}
OTHER_WAY = re.compile(
    rf"^ *(?:from (?:\.|(?:{'|'.join(SHARED)})\b)|import (?:{'|'.join(SHARED)})\b)", re.MULTILINE
)


def test_a_folder_of_tests_is_named_like_the_module_that_it_tests() -> None:
    strangers = []
    for layer in LAYERS:
        folders = [it for it in (TESTS / layer).glob("*") if it.is_dir() and it.name != "__pycache__"]
        for folder in folders:
            module = BINDINGS / layer / folder.name
            if not (module.is_dir() or module.with_suffix(".rs").is_file()):
                strangers.append(f"{layer}/{folder.name}")
    assert strangers == []


def test_shared_modules_are_imported_from_tests() -> None:
    found = {}
    for file in TESTS.rglob("*.py"):
        if not (name := str(file.relative_to(ROOT))).startswith(PROGRAMS):
            found[name] = OTHER_WAY.findall(file.read_text())
    assert {name: lines for name, lines in found.items() if lines} == {}
