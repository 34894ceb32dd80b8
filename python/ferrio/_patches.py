"""Makes ferrio's loop and handles obey methods that a program has replaced in asyncio's classes.

Tracers replace `asyncio.BaseEventLoop.create_task` and other methods. The native methods come first in `ferrio.Loop`
and would hide the replacements, so each replacement is put into `ferrio.Loop` as well. A replacement usually calls
asyncio's own method, which reaches the native method through the private names that it uses: `_call_soon`,
`_task_factory`, `_ready` and `_scheduled`.
"""

from __future__ import annotations

import asyncio
import sys
from types import CodeType, FunctionType
from typing import Any

from ferrio import _ferrio

# The methods that were found to be asyncio's own, with their code: some tracers replace only the code.
_originals: dict[str, tuple[FunctionType, CodeType]] = {}

# `ferrio.Loop`, and the class of asyncio that it derives from. Both are set by `ferrio._loop`.
classes: tuple[type, type] = (object, object)

# The replacements that are in `ferrio.Loop`.
_obeyed: dict[str, Any] = {}

# Methods whose replacements are not obeyed: the native ones also manage the loop's own poller and wake-up descriptor.
_NOT_OBEYED = {"add_signal_handler", "close", "remove_signal_handler"}

# asyncio's public methods that native methods hide.
_names = tuple(
    name
    for name in vars(_ferrio.Loop)
    if hasattr(asyncio.SelectorEventLoop, name) and name[0] != "_" and name not in _NOT_OBEYED
)


def obey() -> None:
    """Put the replacements that are in asyncio's classes into `ferrio.Loop`, and take out those that are gone."""
    loop_class, inherited = classes
    if not _obeyed and len(_originals) == len(_names):
        for name, (original, code) in _originals.items():
            method = getattr(inherited, name, None)
            if method is not original or original.__code__ is not code:
                break
        else:
            return
    for name in _names:
        _obey_method(loop_class, inherited, name)


def _obey_method(loop_class: type, inherited: type, name: str) -> None:
    """Put the replacement of one method into `ferrio.Loop`, or take it out if the method is asyncio's own again."""
    home = next((cls for cls in inherited.__mro__ if name in vars(cls)), None)
    if home is None:
        return
    method = vars(home)[name]
    if _is_asyncios(method, home):
        _originals[name] = (method, method.__code__)
        if name in _obeyed and vars(loop_class).get(name) is _obeyed.pop(name):
            delattr(loop_class, name)
    elif vars(loop_class).get(name) is _obeyed.get(name):
        _obeyed[name] = method
        setattr(loop_class, name, method)


def _is_asyncios(method: Any, home: type) -> bool:
    """Return whether a method is a function of asyncio with its own code.

    A wrapper may have the name and `__module__` of the function, but is not a function or has the globals of another
    module. Code that a tracer has put into the function refers to the tracer by a constant that can be called.
    """
    return (
        type(method) is FunctionType
        and method.__globals__ is vars(sys.modules[home.__module__])
        and not any(callable(constant) for constant in method.__code__.co_consts)
    )


def have_loops_look() -> None:
    """Have all loops look again for replaced methods."""
    loop_class, _ = classes
    # Setting any attribute changes the version of the class, which the loops compare.
    loop_class._parts_changed = None  # type: ignore[attr-defined]


def run_is_replaced() -> bool:
    """Return whether a program has replaced `_run` of asyncio's handles."""
    return not all(
        _is_asyncios(handle_class._run, asyncio.Handle)  # type: ignore[attr-defined]
        for handle_class in (asyncio.Handle, asyncio.TimerHandle)
    )


def bound_run(handle: Any, handle_class: type) -> Any:
    """Return `_run` of one of asyncio's classes of handles, bound to a handle."""
    home = next((cls for cls in handle_class.__mro__ if "_run" in vars(cls)), handle_class)
    method = vars(home)["_run"]
    get = getattr(type(method), "__get__", None)
    return method if get is None else get(method, handle, handle_class)


def native_task_factory(loop: Any, coro: Any, **kwargs: Any) -> Any:
    """Make a native task, as `create_task` of a loop without a task factory does."""
    return _ferrio.Loop.create_task(loop, coro, **kwargs)
