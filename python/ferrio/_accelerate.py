"""`accelerate()` and `restore()`: ferrio's types and functions under asyncio's names, for code that says `asyncio`.

Importing the module pairs each native class with asyncio's (`_counterparts`) and gives native objects the dictionaries
that asyncio's objects have (`_attributes`), so that either kind of object can be used in place of the other.
"""

from __future__ import annotations

import asyncio
import asyncio.subprocess
import sys
from asyncio import base_subprocess, sslproto  # type: ignore[attr-defined]
from types import ModuleType
from typing import Any

import ferrio
from ferrio import _attributes, _counterparts, _ferrio

# The names that `accelerate` rebinds.
CLASSES = (
    "Barrier",
    "BoundedSemaphore",
    "Condition",
    "Event",
    "Future",
    "LifoQueue",
    "Lock",
    "PriorityQueue",
    "Queue",
    "Semaphore",
    "StreamReader",
    "StreamReaderProtocol",
    "StreamWriter",
    "Task",
    "TaskGroup",
    "Timeout",
)
FUNCTIONS = (
    "as_completed",
    "create_subprocess_exec",
    "create_subprocess_shell",
    "create_task",
    "current_task",
    "eager_task_factory",
    "ensure_future",
    "gather",
    "open_connection",
    "open_unix_connection",
    "shield",
    "sleep",
    "start_server",
    "start_unix_server",
    "timeout",
    "timeout_at",
    "wait",
    "wait_for",
)

# The objects of this version of asyncio at these names.
_originals: dict[str, Any] = {
    name: getattr(asyncio, name) for name in (*CLASSES, *FUNCTIONS) if hasattr(asyncio, name)
}

for _name in CLASSES:
    if _name in _originals:
        _counterparts.pair(getattr(_ferrio, _name), _originals[_name])

# Programs also look at the dictionaries of objects whose class is not public, and so is not paired.
for _native, _original in (
    (_ferrio.Server, asyncio.Server),
    (_ferrio.SocketTransport, asyncio.selector_events._SelectorSocketTransport),  # type: ignore[attr-defined]
    (_ferrio.DatagramTransport, asyncio.selector_events._SelectorDatagramTransport),  # type: ignore[attr-defined]
    (_ferrio.ReadPipeTransport, asyncio.unix_events._UnixReadPipeTransport),  # type: ignore[attr-defined]
    (_ferrio.WritePipeTransport, asyncio.unix_events._UnixWritePipeTransport),  # type: ignore[attr-defined]
    (_ferrio.SubprocessTransport, base_subprocess.BaseSubprocessTransport),
    (_ferrio.PipeProtocol, base_subprocess.WriteSubprocessPipeProto),
    (_ferrio._AsCompletedIterator, getattr(asyncio.tasks, "_AsCompletedIterator", None)),
    (_ferrio.TlsTransport, sslproto._SSLProtocolTransport),
    (_ferrio.TlsProtocol, sslproto.SSLProtocol),
):
    if _original is not None:
        _attributes.give_dictionary(_native, _original)

for _copied in (_ferrio.StreamReader, _ferrio.StreamReaderProtocol, _ferrio.StreamWriter):
    _ferrio._put_in_class(_copied, "__reduce__", _attributes.copied)

# The names that were rebound, with their values, for `restore`.
_replaced: list[tuple[ModuleType, str, Any]] = []


def accelerate() -> None:
    """Put ferrio's native types and functions under asyncio's names, for code that is not to be changed.

    Code that looks a name up in `asyncio` or one of its modules after this call finds ferrio's object. Objects and
    subclasses that were made before keep working, and `isinstance` and `issubclass` hold for both with either class.
    Calling it again changes nothing. `restore()` undoes it.
    """
    if _replaced:
        return
    modules = [
        module for path, module in sys.modules.items() if path == "asyncio" or path.startswith("asyncio.")
    ]
    for name, original in _originals.items():
        for module in modules:
            if vars(module).get(name) is original:
                _replaced.append((module, name, original))
                setattr(module, name, getattr(ferrio, name))


def restore() -> None:
    """Undo `accelerate()`: the standard library is as it was."""
    while _replaced:
        module, name, value = _replaced.pop()
        setattr(module, name, value)
