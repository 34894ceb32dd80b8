"""Whatever is called with whatever arguments: the result is asyncio's, and the process lives."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ferrio
import pytest

from tests.attributes.walking import KINDS
from tests.calls.known import STATED, Difference, is_known
from tests.calls.process import HERE, ROOT, Worker, examples
from tests.calls.programs import Call, Program, describe, native_names


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    it = Worker(tmp_path_factory.mktemp("calls"))
    yield it
    it.stop()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("kind", HERE)
def test_every_call_does_what_asyncio_s_does(worker: Worker, kind: str) -> None:
    answer = worker.ask(kind=kind, examples=examples(kind), seconds=60, seed_=None)
    assert "error" not in answer, answer["error"]
    differences = answer["differences"]
    assert not differences, "\n".join(differences)


def test_all_that_is_native_is_called() -> None:
    called = set(describe(asyncio))
    made = {"Loop", "Server", "SocketTransport", "Runner", "EventLoopPolicy", "QueueShutDown"}
    modules = {name: getattr(getattr(ferrio, name), "__module__", "") for name in asyncio.__all__}
    native = {name for name, module in modules.items() if module.startswith(("ferrio", "_ferrio"))}
    assert native - called - made - {"run", "DefaultEventLoopPolicy"} == set()
    classes = {name for name in native_names() if isinstance(getattr(asyncio, name), type)}
    errors = {name for name in classes if issubclass(getattr(asyncio, name), Exception)}
    assert classes - set(KINDS) - errors - made - {"EventLoop"} == set()


@pytest.mark.parametrize("known", STATED, ids=lambda it: it.reason)
def test_a_known_difference_is_stated(known: Any) -> None:
    if not (ROOT / "docs").exists():
        pytest.skip("the documentation is not here")
    rows = (ROOT / "docs" / "differences.md").read_text().splitlines()
    assert any(row.startswith(f"| {known.reason}") for row in rows)


def test_a_panic_is_no_known_difference() -> None:
    call = Call("call", "pickle")
    program = Program("SSLProtocol", 0, (call,))
    assert is_known(Difference(program, call, ("returns", 1), ("returns", 2)))
    assert not is_known(Difference(program, call, ("returns", 1), ("PANIC", "text")))


@pytest.mark.parametrize("way_to_die", ["os.abort()", "os._exit(0)"])
def test_the_example_that_ends_the_process_is_reported(
    worker: Worker, way_to_die: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    worker.stop()
    (tmp_path / "sitecustomize.py").write_text(
        f"import os, asyncio\nasyncio.Lock.locked = lambda self: {way_to_die}\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    answer = worker.ask(kind="Lock", examples=200, seconds=60, seed_=None)
    assert "name='locked'" in answer["error"]
    worker.stop()
