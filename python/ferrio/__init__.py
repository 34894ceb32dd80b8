"""asyncio, whole, in Rust.

    import ferrio
    ferrio.run(main())

A program can say `import ferrio as asyncio`: everything in `asyncio.__all__` is here. Code that runs per task, await,
callback or packet is native; code that runs once is the running Python's own.

The loop is a drop-in for asyncio's: `ferrio.new_event_loop` is a loop factory for `asyncio.Runner`, `ferrio.install()`
makes ferrio's loop the default, and `python -m ferrio program.py` runs a program that does not know ferrio.
`ferrio.accelerate()` puts the native types and functions under asyncio's names, for code that is not to be changed.
Importing the package changes nothing in asyncio.
"""

# Type checkers read `__init__.pyi` instead.
import asyncio as _asyncio
import sys as _sys

if _sys.version_info < (3, 11):  # noqa: UP036 - where it was not installed by pip, which looks at the version.
    from ferrio import _unusable

    raise _unusable.explain(
        ImportError(f"ferrio needs CPython 3.11 or newer, and {_sys.executable} is {_sys.version.split()[0]}")
    )

from asyncio import *
from asyncio import (
    base_events,
    base_futures,
    base_subprocess,
    base_tasks,
    constants,
    coroutines,
    events,
    exceptions,
    format_helpers,
    futures,
    locks,
    log,
    mixins,
    protocols,
    queues,
    runners,
    selector_events,
    sslproto,
    staggered,
    streams,
    subprocess,
    taskgroups,
    tasks,
    threads,
    timeouts,
    transports,
    trsock,
    unix_events,
)

if _sys.version_info >= (3, 14):
    from asyncio import graph

try:
    from ferrio._ferrio import __version__
except ImportError as _error:
    from ferrio import _unusable

    raise _unusable.explain(_error) from None

from ferrio._ferrio import (
    Barrier,
    BoundedSemaphore,
    Condition,
    Event,
    Future,
    Handle,
    LifoQueue,
    Lock,
    PriorityQueue,
    Queue,
    Semaphore,
    Server,
    SocketTransport,
    StreamReader,
    StreamReaderProtocol,
    StreamWriter,
    Task,
    TaskGroup,
    Timeout,
    TimerHandle,
    as_completed,
    create_task,
    current_task,
    ensure_future,
    gather,
    shield,
    sleep,
    timeout,
    timeout_at,
    wait,
    wait_for,
)

if _sys.version_info >= (3, 14):
    from ferrio._ferrio import (
        future_add_to_awaited_by,
        future_discard_from_awaited_by,
    )

from ferrio._exceptions import QueueShutDown
from ferrio._loop import Loop, Runner, new_event_loop, run
from ferrio._ipython import load_ipython_extension, unload_ipython_extension
from ferrio._policy import EventLoopPolicy, install, uninstall
from ferrio._streams import (
    create_subprocess_exec,
    create_subprocess_shell,
    open_connection,
    open_unix_connection,
    start_server,
    start_unix_server,
)
from ferrio._tasks import create_eager_task_factory, eager_task_factory
from ferrio._accelerate import accelerate, restore
from ferrio import _handed_down  # The native half can be used from here on.

# asyncio's names for the platform's usual loop.
EventLoop = SelectorEventLoop = Loop
DefaultEventLoopPolicy = EventLoopPolicy

__all__ = [
    "EventLoop",
    "EventLoopPolicy",
    "Loop",
    "QueueShutDown",
    "SocketTransport",
    "__version__",
    "accelerate",
    "create_eager_task_factory",
    "eager_task_factory",
    "install",
    "restore",
    "timeout",
    "timeout_at",
    "uninstall",
]
__all__ += _asyncio.__all__
