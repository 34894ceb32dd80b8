"""`Loop`, which joins the native event loop with asyncio's; `run`, `Runner` and `new_event_loop`, which make one."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import sys
import threading
import weakref
from asyncio import unix_events
from collections.abc import Callable, Coroutine, Iterable, Iterator, MutableMapping
from typing import Any, TypeVar

from ferrio import _ferrio, _patches

_T = TypeVar("_T")


# Functions to call once, when the next loop is made.
announcements: list[Callable[[], None]] = []


class Loop(_ferrio.Loop, asyncio.SelectorEventLoop):
    """ferrio's event loop: an `asyncio.AbstractEventLoop`.

    Code that runs per callback, timer, descriptor, packet or accepted connection is native. Code that runs once for a
    program or an outgoing connection is inherited from the running Python's asyncio.

    Args:
        selector: accepted for compatibility with `asyncio.SelectorEventLoop` and not used: the loop has its own poller.

    Raises:
        OSError: the process is out of file descriptors.
    """

    __module__ = "ferrio"

    def __init__(self, selector: object = None) -> None:
        # Not SelectorEventLoop.__init__, which makes a selector and a self-pipe: the native loop has its own.
        asyncio.BaseEventLoop.__init__(self)
        # Transports that are not ferrio's enter themselves here. The native transports are in a native table.
        self._foreign_transports: MutableMapping[int, Any] = weakref.WeakValueDictionary()
        self._unix_server_sockets: dict[Any, int] = {}
        while announcements:
            announcements.pop()()

    def _call_soon(
        self, callback: Callable[..., object], args: Iterable[Any], context: contextvars.Context | None
    ) -> asyncio.Handle:
        """Queue a callback, from any thread. asyncio's `call_soon` and `call_soon_threadsafe` call this."""
        elsewhere = self._thread_id not in (None, threading.get_ident())  # type: ignore[attr-defined]
        schedule = _ferrio.Loop.call_soon_threadsafe if elsewhere else _ferrio.Loop.call_soon
        return schedule(self, callback, *args, context=context)

    @property
    def _transports(self) -> Transports:
        return Transports(self)

    @_transports.setter
    def _transports(self, transports: MutableMapping[int, Any]) -> None:
        if isinstance(transports, Transports) and transports._loop is self:
            return
        for fd in self._native_transports():
            self._forget_transport(fd)
        self._foreign_transports = transports

    if sys.version_info >= (3, 14):

        @functools.cached_property
        def _watcher(self) -> Any:
            """asyncio's child watcher. The native loop does not use it: it watches child processes by itself."""
            events: Any = unix_events
            if events.can_use_pidfd():
                return events._PidfdChildWatcher()
            return events._ThreadedChildWatcher()


_patches.classes = (Loop, asyncio.SelectorEventLoop)


class Transports(MutableMapping[int, Any]):
    """The transports of a loop by descriptor: the native ones, and foreign ones that have entered themselves.

    Args:
        loop: the loop.
    """

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._foreign = loop._foreign_transports

    def __getitem__(self, fd: int) -> Any:
        transport = self._loop._native_transports().get(fd)
        return self._foreign[fd] if transport is None else transport

    def __setitem__(self, fd: int, transport: Any) -> None:
        self._foreign[fd] = transport

    def __delitem__(self, fd: int) -> None:
        if not self._loop._forget_transport(fd):
            del self._foreign[fd]

    def __iter__(self) -> Iterator[int]:
        return iter({**self._foreign, **self._loop._native_transports()})

    def __len__(self) -> int:
        return len(list(iter(self)))


def give_way() -> None:
    """Let another thread have the GIL if it asks for it: the interpreter looks when a Python function begins."""


def new_event_loop() -> Loop:
    """Return a new event loop; the `loop_factory` for `asyncio.run` and `asyncio.Runner`.

    Raises:
        OSError: the process is out of file descriptors.
    """
    return Loop()


class Runner(asyncio.Runner):  # type: ignore[misc]
    """`asyncio.Runner` with ferrio's loop.

    Args:
        debug: whether the loop is in debug mode; by default as `python -X dev` and `PYTHONASYNCIODEBUG` say.
        loop_factory: makes the loop; by default `new_event_loop`.
    """

    __module__ = "ferrio"
    _set_event_loop: bool

    def __init__(
        self,
        *,
        debug: bool | None = None,
        loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
    ) -> None:
        super().__init__(debug=debug, loop_factory=loop_factory or self._make_current_loop)

    def _make_current_loop(self) -> Loop:
        """Make the default loop, and make it the current loop of the thread, as asyncio's `Runner` does."""
        loop = new_event_loop()
        if not self._set_event_loop:
            asyncio.set_event_loop(loop)
            self._set_event_loop = True
        return loop


def run(
    main: Coroutine[Any, Any, _T],
    *,
    debug: bool | None = None,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> _T:
    """Run a coroutine on a new loop, as `asyncio.run` does, and return its result.

    Args:
        main: the coroutine.
        debug: whether the loop is in debug mode; by default as `python -X dev` and `PYTHONASYNCIODEBUG` say.
        loop_factory: makes the loop; by default `new_event_loop`.

    Raises:
        RuntimeError: another loop runs in this thread.
        ValueError: main is not a coroutine (TypeError since Python 3.14).
        BaseException: whatever main raises.
    """
    if asyncio.events._get_running_loop() is not None:
        raise RuntimeError("ferrio.run() cannot be called from a running event loop")
    with Runner(debug=debug, loop_factory=loop_factory) as runner:
        return runner.run(main)
