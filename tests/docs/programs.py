"""The programs of the documentation: how each is run, what it needs, and what it must print."""

from __future__ import annotations

import ast
import functools
import os
import re
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
FOLDER = DOCS / "programs"
TIMEOUT = 50

# Top-level modules of the extra `docs`: programs that import one are run by `make docs-test`.
DOCS_GROUP = frozenset(
    {
        "aiosqlite", "curio", "distributed", "django", "gevent", "grpc", "jupyter_client", "motor",
        "opentelemetry", "psycopg", "pymongo", "sentry_sdk", "sqlalchemy", "starlette", "tornado", "trio",
        "twisted", "unsync", "zmq",
    }
)  # fmt: skip
# What stands behind `python`, or `python -m ferrio`, in the place of the program.
COMMANDS = {
    "recipes/pytest_asyncio/test_clock.py": (
        "-m", "pytest", "-q", "-c", os.devnull, "-p", "no:cacheprovider", "-p", "no:looptime_plugin",
        "-o", "asyncio_default_fixture_loop_scope=function",
    ),
}  # fmt: skip
TIMES = re.compile(r"in \d+\.\d+s")  # pytest's last word.


def all_programs() -> list[str]:
    """The names of all programs: their paths in `docs/programs`, sorted."""
    return sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.py"))


@functools.cache
def needs_docs_group(name: str) -> bool:
    """Whether a program imports a library of the extra `docs`."""
    modules: set[str] = set()
    for node in ast.walk(ast.parse((FOLDER / name).read_text())):
        if isinstance(node, ast.Import):
            modules.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules.add(node.module.partition(".")[0])
    return bool(modules & DOCS_GROUP)


def expected(name: str, loop: str) -> str:
    """The recorded output: `name.out`, or for ferrio `name.ferrio.out` where it differs on purpose."""
    of_ferrio = (FOLDER / name).with_suffix(".ferrio.out")
    if loop == "ferrio" and of_ferrio.exists():
        return of_ferrio.read_text()
    return (FOLDER / name).with_suffix(".out").read_text()


def needs_start_up_file(name: str) -> bool:
    """Whether a program shows that the processes of a program under `python -m ferrio` run on ferrio, too."""
    return "-m ferrio -m uvicorn --workers" in (FOLDER / name).read_text()


def printed(
    name: str, loop: str, environment: dict[str, str] | None = None, python: str = sys.executable
) -> str:
    """Run a program in its own folder; returns what it printed on both streams.

    Args:
        name: the program's path in `docs/programs`.
        loop: "ferrio" for `python -m ferrio`.
        environment: additional environment variables.
        python: the interpreter.

    Raises:
        AssertionError: with its output, if it does not exit with 0.
    """
    path = FOLDER / name
    interpreter = ("-m", "ferrio") if loop == "ferrio" else ()
    ended = subprocess.run(
        [python, *interpreter, *COMMANDS.get(name, ()), path.name],
        cwd=path.parent,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT,
    )
    assert ended.returncode == 0, ended.stdout
    return TIMES.sub("in … s", ended.stdout) if name in COMMANDS else ended.stdout
