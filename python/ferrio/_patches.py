"""Methods that a program has put into asyncio's classes of loops and handles: ferrio's loop obeys them.

Tracers replace `asyncio.BaseEventLoop.create_task` and the like. In `ferrio.Loop` the native methods come first and
would hide that, so what is found in asyncio's classes is put into `ferrio.Loop` as well. It usually goes on to
asyncio's own method, which ends up in the native one through the private methods and attributes that it uses:
`_call_soon`, `_task_factory`, `_ready` and `_scheduled`.
"""

from __future__ import annotations

import asyncio
import sys
from types import CodeType, FunctionType
from typing import Any

from ferrio import _ferrio

# asyncio's own methods, as far as they were seen, with their code: some tracers replace only that.
_own: dict[str, tuple[FunctionType, CodeType]] = {}

# `ferrio.Loop` and the class of asyncio's that it derives from.
classes: tuple[type, type] = (object, object)

# What was put into `ferrio.Loop`.
_obeyed: dict[str, Any] = {}


# Methods whose native counterparts also look after what only the native loop has: its poller and wake-up descriptor.
_NOT_OBEYED = {"add_signal_handler", "close", "remove_signal_handler"}

# The public methods that native ones hide.
_names = tuple(
    name
    for name in vars(_ferrio.Loop)
    if hasattr(asyncio.SelectorEventLoop, name) and name[0] != "_" and name not in _NOT_OBEYED
)


def obey() -> None:
    """Have `ferrio.Loop` obey what is in asyncio's classes in place of asyncio's own methods, and nothing else."""
    loop_class, inherited = classes
    if not _obeyed and len(_own) == len(_names):
        for name, (own, code) in _own.items():
            method = getattr(inherited, name, None)
            if method is not own or own.__code__ is not code:
                break
        else:
            return
    for name in _names:
        _look(loop_class, inherited, name)


def _look(loop_class: type, inherited: type, name: str) -> None:
    """Look whether one of the methods is asyncio's own."""
    home = next((cls for cls in inherited.__mro__ if name in vars(cls)), None)
    if home is None:
        return
    method = vars(home)[name]
    if _is_asyncios(method, home):
        _own[name] = (method, method.__code__)
        if name in _obeyed and vars(loop_class).get(name) is _obeyed.pop(name):
            delattr(loop_class, name)
    elif vars(loop_class).get(name) is _obeyed.get(name):
        _obeyed[name] = method
        setattr(loop_class, name, method)


def _is_asyncios(method: Any, home: type) -> bool:
    """Tell whether a method is a function of asyncio's with its own code.

    What wraps it has its name and says that it is of its module, but is no function or has the globals of another
    module. Code that was put into it calls what it finds among its constants.
    """
    return (
        type(method) is FunctionType
        and method.__globals__ is vars(sys.modules[home.__module__])
        and not any(callable(constant) for constant in method.__code__.co_consts)
    )


def have_loops_look() -> None:
    """Have all loops look again which methods are their own."""
    loop_class, _ = classes
    # Whatever is set there gives the class another version.
    loop_class._parts_changed = None  # type: ignore[attr-defined]


def run_is_replaced() -> bool:
    """Tell whether handles are to be run by something else than `_run` of asyncio's own."""
    return not all(
        _is_asyncios(handle_class._run, asyncio.Handle)  # type: ignore[attr-defined]
        for handle_class in (asyncio.Handle, asyncio.TimerHandle)
    )


def bound_run(handle: Any, handle_class: type) -> Any:
    """Return what `handle._run` is for an instance of one of asyncio's classes."""
    home = next((cls for cls in handle_class.__mro__ if "_run" in vars(cls)), handle_class)
    method = vars(home)["_run"]
    get = getattr(type(method), "__get__", None)
    return method if get is None else get(method, handle, handle_class)


def native_task_factory(loop: Any, coro: Any, **kwargs: Any) -> Any:
    """Make a native task, as `create_task` of a loop that has no task factory does."""
    return _ferrio.Loop.create_task(loop, coro, **kwargs)
