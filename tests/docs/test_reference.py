"""The reference has every public name of the package that is not asyncio's own."""

from __future__ import annotations

import re

import ferrio

from tests.docs.programs import DOCS

DOCUMENTED = re.compile(
    r"^\.\. (?:auto|py:)(?:function|class|exception|data):: (\w+)(?:\(.*\))?$", re.MULTILINE
)
# Names that some version of asyncio lacks in `__all__`, or that are its own in some.
VERSION_DEPENDENT = {
    "DefaultEventLoopPolicy",
    "QueueShutDown",
    "TaskGroup",
    "create_eager_task_factory",
    "eager_task_factory",
    "future_add_to_awaited_by",
    "future_discard_from_awaited_by",
}


def test_reference_documents_each_public_name_once() -> None:
    documented = [
        name for page in (DOCS / "reference").glob("*.md") for name in DOCUMENTED.findall(page.read_text())
    ]
    own = {
        name
        for name in ferrio.__all__
        if (getattr(getattr(ferrio, name), "__module__", None) or "").startswith("ferrio")
    }
    assert sorted(documented) == sorted(own | VERSION_DEPENDENT | {"__version__"})
