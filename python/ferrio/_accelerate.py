"""ferrio's types and functions under asyncio's own names, for code that says `asyncio`."""

from __future__ import annotations

import asyncio
import sys
from types import ModuleType
from typing import Any

import ferrio

# Where asyncio has a name besides its top level; what imports it there gets ferrio's, too.
_HOMES: dict[str, tuple[ModuleType, ...]] = {
    "Future": (asyncio.futures,),
    "StreamReader": (asyncio.streams,),
    "StreamReaderProtocol": (asyncio.streams,),
    "StreamWriter": (asyncio.streams,),
    "Task": (asyncio.tasks,),
    "TaskGroup": (asyncio.taskgroups,),
    "Timeout": (asyncio.timeouts,),
    "as_completed": (asyncio.tasks,),
    "create_subprocess_exec": (asyncio.subprocess,),
    "create_subprocess_shell": (asyncio.subprocess,),
    "create_task": (asyncio.tasks,),
    "current_task": (asyncio.tasks,),
    "ensure_future": (asyncio.tasks,),
    "gather": (asyncio.tasks,),
    "open_connection": (asyncio.streams,),
    "open_unix_connection": (asyncio.streams,),
    "shield": (asyncio.tasks,),
    "sleep": (asyncio.tasks,),
    "start_server": (asyncio.streams,),
    "start_unix_server": (asyncio.streams,),
    "timeout": (asyncio.timeouts,),
    "timeout_at": (asyncio.timeouts,),
    "wait": (asyncio.tasks,),
    "wait_for": (asyncio.tasks,),
}
if sys.version_info >= (3, 12):
    _HOMES["create_eager_task_factory"] = (asyncio.tasks,)
    _HOMES["eager_task_factory"] = (asyncio.tasks,)

# What stood there before, for `restore`.
_replaced: list[tuple[ModuleType, str, Any]] = []


def accelerate() -> None:
    """Put ferrio's native types and functions under asyncio's names, for code that is not to be changed.

    Code that looks a name up in `asyncio` after this call gets ferrio's; objects and subclasses that were made before
    go on to work, and `isinstance` with asyncio's own classes holds for ferrio's objects. Calling it again changes
    nothing. `restore()` undoes it.
    """
    if _replaced:
        return
    for name, modules in _HOMES.items():
        for module in (asyncio, *modules):
            _replaced.append((module, name, getattr(module, name)))
            setattr(module, name, getattr(ferrio, name))


def restore() -> None:
    """Undo `accelerate()`: the standard library is as it was."""
    while _replaced:
        module, name, value = _replaced.pop()
        setattr(module, name, value)
