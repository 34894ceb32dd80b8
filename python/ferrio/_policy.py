"""Making ferrio's loop the default one."""

from __future__ import annotations

import asyncio
import sys
from asyncio import events, unix_events

from ferrio._loop import Loop

# The names without an underscore warn since Python 3.14, and the policies go away in 3.16.
if sys.version_info >= (3, 14):
    _DefaultPolicy = getattr(unix_events, "_DefaultEventLoopPolicy", object)
    _set_policy = getattr(events, "_set_event_loop_policy", None)
else:
    _DefaultPolicy = asyncio.DefaultEventLoopPolicy
    _set_policy = asyncio.set_event_loop_policy


class EventLoopPolicy(_DefaultPolicy):  # type: ignore[misc, valid-type]
    """An event loop policy whose loops are ferrio's: `asyncio.set_event_loop_policy(ferrio.EventLoopPolicy())`."""

    _loop_factory = Loop


def install() -> None:
    """Make ferrio's loop the default one of this process.

    `asyncio.run`, `asyncio.Runner`, `asyncio.new_event_loop` and the event loop policy give ferrio's loop from now on,
    and so do `asyncio.SelectorEventLoop` and `asyncio.EventLoop`, which programs name to ask for the platform's usual
    loop. Loops that exist are not touched. Calling it again changes nothing.
    """
    if _set_policy is not None:
        _set_policy(EventLoopPolicy())
    asyncio.SelectorEventLoop = Loop  # type: ignore[misc, assignment]
    if hasattr(asyncio, "EventLoop"):
        asyncio.EventLoop = Loop  # type: ignore[misc, assignment]
