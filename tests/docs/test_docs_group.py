"""The programs that need the libraries of the extra `docs`: `make docs-test`."""

from __future__ import annotations

import pytest

from tests.docs.programs import all_programs, expected, needs_docs_group, printed
from tests.docs.test_programs import services

pytestmark = pytest.mark.timeout(60)


@pytest.mark.parametrize("name", [name for name in all_programs() if needs_docs_group(name)])
def test_program_prints_what_its_page_says(name: str, loop_name: str, request: pytest.FixtureRequest) -> None:
    assert printed(name, loop_name, services(name, request)) == expected(name, loop_name)
