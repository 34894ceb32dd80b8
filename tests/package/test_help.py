"""`help()` of ferrio's names: each has a text of its own, and shows the parameters that asyncio shows.

Only ferrio can pass this file.
"""

from __future__ import annotations

import asyncio
import inspect
import pydoc
from typing import Any

import ferrio
import pytest

from tests.harness import PY

# asyncio's classes of what has another name in ferrio.
ORIGINALS: dict[str, Any] = {
    "EventLoop": asyncio.SelectorEventLoop,
    "EventLoopPolicy": object,
    "Loop": asyncio.SelectorEventLoop,
    "QueueShutDown": getattr(asyncio, "QueueShutDown", Exception),
    "SocketTransport": asyncio.Transport,
}
# Loops make these, and a call of the class is a TypeError.
NOT_MADE_BY_PROGRAMS = {"Handle", "Server", "SocketTransport", "TimerHandle"}
# Parameters of ferrio's that older versions of asyncio do not have.
NEWER: dict[str, set[str]] = {
    "StreamWriter.start_tls": {"ssl_shutdown_timeout"},
    "Task": {"eager_start"},
    "run": {"loop_factory"},
}


def members(class_: type) -> dict[str, Any]:
    """Return the public methods and properties of a class that are ferrio's own."""
    found: dict[str, Any] = {}
    for name in dir(class_):
        home = next(base for base in class_.__mro__ if name in vars(base))
        if not name.startswith("_") and home.__module__.partition(".")[0] == "ferrio":
            found[name] = getattr(class_, name)
    return found


OWN = {name: getattr(ferrio, name) for name in ferrio.__all__}
OWN = {name: it for name, it in OWN.items() if it is not getattr(asyncio, name, None)}
CLASSES = {name: it for name, it in OWN.items() if inspect.isclass(it)}
METHODS = {
    f"{name}.{method}": it for name, class_ in CLASSES.items() for method, it in members(class_).items()
}
DOCUMENTED = {
    path: it
    for path, it in (OWN | METHODS).items()
    if callable(it) or inspect.isdatadescriptor(it)  # The rest is data, such as `__version__`.
}


def original(path: str) -> Any:
    """Return asyncio's object at a path, or None if it has none."""
    name, _, method = path.partition(".")
    found = ORIGINALS.get(name) or getattr(asyncio, name, None)
    return getattr(found, method, None) if method else found


def parameters(it: Any) -> list[tuple[str, object, object]] | None:
    """Return names, kinds and defaults. Whether `self` is positional-only makes no difference."""
    try:
        shown = list(inspect.signature(it).parameters.values())
    except ValueError:
        return None  # Some of asyncio's native methods show nothing that can be read.
    return [
        (each.name, "self" if each.name == "self" and not index else each.kind, each.default)
        for index, each in enumerate(shown)
    ]


@pytest.mark.parametrize("path", sorted(DOCUMENTED))
def test_has_a_text_of_its_own(path: str) -> None:
    it = DOCUMENTED[path]
    text = pydoc.getdoc(it)
    assert text == inspect.getdoc(it)
    assert len(text.split()) > 3
    theirs = original(path)
    # At import ferrio puts its own future_add_to_awaited_by and its counterpart under asyncio's names.
    if theirs is not None and theirs is not it:
        assert text != pydoc.getdoc(theirs)
    shown = pydoc.plain(pydoc.render_doc(it))
    assert text.splitlines()[0] in shown


@pytest.mark.parametrize("path", sorted(path for path, it in DOCUMENTED.items() if callable(it)))
def test_shows_asyncio_s_parameters(path: str) -> None:
    ours, theirs = DOCUMENTED[path], original(path)
    if path in NOT_MADE_BY_PROGRAMS:
        with pytest.raises(TypeError, match="cannot create"):
            ours()
        return
    if inspect.isclass(ours) and issubclass(ours, Exception):
        return  # Before Python 3.13 exceptions show no parameters.
    shown = parameters(ours)
    assert shown is not None, "no signature"
    expected = None if theirs is None else parameters(theirs)
    if expected is None:
        assert not {"args", "kwargs"} & {name for name, _, _ in shown}
        return
    known = {name for name, _, _ in expected}
    newer = NEWER.get(path, set()) - known if PY < (3, 12) else set()
    assert [each for each in shown if each[0] not in newer] == expected


def test_all_of_asyncio_s_methods_are_there() -> None:
    for name, class_ in CLASSES.items():
        theirs = original(name)
        public = {name for name in dir(theirs) if not name.startswith("_")}
        assert public - set(dir(class_)) == set()


def test_signatures_of_bound_methods_leave_self_out() -> None:
    loop = ferrio.new_event_loop()
    try:
        for name in ("create_server", "create_task", "create_unix_server", "start_tls", "sock_recv"):
            method = inspect.signature(getattr(loop, name))
            assert method == inspect.signature(getattr(asyncio.SelectorEventLoop, name).__get__(loop))
    finally:
        loop.close()
