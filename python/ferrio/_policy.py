"""`install()`, `uninstall()` and `EventLoopPolicy`, which make ferrio's loop the default one."""

from __future__ import annotations

import asyncio
import inspect
from asyncio import unix_events
from typing import TYPE_CHECKING, Any

from ferrio import _ferrio
from ferrio._loop import Loop

if TYPE_CHECKING:
    from asyncio import DefaultEventLoopPolicy as _DefaultPolicy
else:
    # The public name warns since Python 3.14, and the policies will be removed in 3.16.
    _DefaultPolicy = getattr(unix_events, "_DefaultEventLoopPolicy", None) or getattr(
        unix_events, "DefaultEventLoopPolicy", object
    )

# asyncio's class; `asyncio.EventLoop` is another name for it.
_SelectorEventLoop: Any = asyncio.SelectorEventLoop


class EventLoopPolicy(_DefaultPolicy):
    """An event loop policy whose loops are ferrio's: `asyncio.set_event_loop_policy(ferrio.EventLoopPolicy())`."""

    _loop_factory: type[asyncio.AbstractEventLoop] = Loop


def install() -> None:
    """Make ferrio's loop the default one of this process.

    `asyncio.SelectorEventLoop()` makes ferrio's loop from now on, and so does everything that makes the platform's
    usual loop: `asyncio.run`, `asyncio.Runner`, `asyncio.new_event_loop`, asyncio's policy and `asyncio.EventLoop`. The
    class itself is not replaced: instances of its subclasses are asyncio's loops as before, and so are loops that are
    made with a selector. Existing loops are not touched. Calling it again changes nothing. `uninstall()` undoes it.
    """
    if not _is_installed():
        _SelectorEventLoop.__new__ = staticmethod(_new)


def uninstall() -> None:
    """Undo `install()`. Existing loops are not touched. Calling it again changes nothing."""
    if _is_installed():
        del _SelectorEventLoop.__new__
        _ferrio._make_as_object(_SelectorEventLoop)


def _is_installed() -> bool:
    return getattr(vars(_SelectorEventLoop).get("__new__"), "__func__", None) is _new


def _new(cls: type, *args: object, **kwargs: object) -> object:
    """`SelectorEventLoop.__new__` while ferrio is installed."""
    if cls is _SelectorEventLoop and all(selector is None for selector in (*args, *kwargs.values())):
        return Loop.__new__(Loop)
    new: Any = super(_SelectorEventLoop, cls).__new__  # type: ignore[misc]
    return new(cls) if new is object.__new__ else new(cls, *args, **kwargs)


# `inspect.signature` of the class looks at `__new__`.
_new.__signature__ = inspect.signature(_SelectorEventLoop.__init__)  # type: ignore[attr-defined]
