"""Each program of the documentation prints what its page says, on asyncio's loop and on ferrio's."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.docs.programs import (
    DOCS,
    FOLDER,
    all_programs,
    expected,
    needs_docs_group,
    needs_start_up_file,
    printed,
)
from tests.installed import make_environment

# A program has its own, shorter limit.
pytestmark = pytest.mark.timeout(60)
SHOWN = re.compile(r"^`{3,}\{example\} (\S+)$", re.MULTILINE)
SERVICES = {"REDIS_URL": "redis_url", "POSTGRES_URL": "postgres_url"}


def services(name: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """Start the services whose addresses a program takes from its environment."""
    text = (FOLDER / name).read_text()
    return {
        variable: request.getfixturevalue(fixture)
        for variable, fixture in SERVICES.items()
        if variable in text
    }


@pytest.fixture(scope="session")
def installed_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with ferrio, start-up file and all, and the packages of this one."""
    return make_environment(tmp_path_factory.mktemp("installed"), packages=True)


@pytest.mark.parametrize("name", [name for name in all_programs() if not needs_docs_group(name)])
def test_program_prints_what_its_page_says(name: str, loop_name: str, request: pytest.FixtureRequest) -> None:
    installed = needs_start_up_file(name)
    python = str(request.getfixturevalue("installed_python")) if installed else sys.executable
    assert printed(name, loop_name, services(name, request), python) == expected(name, loop_name)


def test_every_program_is_shown_once_and_every_page_shows_programs_that_exist() -> None:
    shown = [name for page in DOCS.rglob("*.md") for name in SHOWN.findall(page.read_text())]
    assert sorted(shown) == all_programs()


def test_every_output_belongs_to_a_program() -> None:
    outputs = {str(path.relative_to(FOLDER)).partition(".")[0] for path in FOLDER.rglob("*.out")}
    assert outputs == {name.removesuffix(".py") for name in all_programs()}


@pytest.mark.parametrize("folder", ["learn", "guides", "recipes"])
def test_pages_are_short_enough_to_be_read(folder: str) -> None:
    lengths = {page.name: len(page.read_text().splitlines()) for page in (DOCS / folder).glob("*.md")}
    assert {name: length for name, length in lengths.items() if length >= 150} == {}
