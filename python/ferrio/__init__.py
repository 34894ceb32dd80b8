"""asyncio, whole, in Rust.

    import ferrio
    ferrio.run(main())

The loop is a drop-in for asyncio's: `ferrio.new_event_loop` is a loop factory for `asyncio.Runner`, `ferrio.install()`
makes it the default, and `python -m ferrio program.py` runs a program that knows nothing of it. Importing the package
changes nothing.
"""

from ferrio._ferrio import (
    Future,
    Handle,
    Server,
    SocketTransport,
    Task,
    TaskGroup,
    Timeout,
    TimerHandle,
    __version__,
    create_task,
    current_task,
    gather,
    sleep,
    timeout,
    timeout_at,
    wait,
    wait_for,
)
from ferrio._loop import Loop, new_event_loop, run
from ferrio import _tasks as _tasks  # before anything can stand under asyncio's names
from ferrio._policy import EventLoopPolicy, install

from ferrio._accelerate import accelerate, restore  # isort: skip (looks the names above up)

__all__ = (
    "EventLoopPolicy",
    "Future",
    "Handle",
    "Loop",
    "Server",
    "SocketTransport",
    "Task",
    "TaskGroup",
    "Timeout",
    "TimerHandle",
    "__version__",
    "accelerate",
    "create_task",
    "current_task",
    "gather",
    "install",
    "new_event_loop",
    "restore",
    "run",
    "sleep",
    "timeout",
    "timeout_at",
    "wait",
    "wait_for",
)
