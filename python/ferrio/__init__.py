"""asyncio, whole, in Rust.

    import ferrio
    ferrio.run(main())

The loop is a drop-in for asyncio's: `ferrio.new_event_loop` is a loop factory for `asyncio.Runner`, `ferrio.install()`
makes it the default, and `python -m ferrio program.py` runs a program that knows nothing of it. Its tasks and futures
are native, and so are `gather`, `wait`, `wait_for`, `shield`, `timeout`, `sleep` and `TaskGroup` of this package, which
`ferrio.accelerate()` puts under asyncio's names. Importing the package changes nothing.
"""

from asyncio import (
    ALL_COMPLETED,
    FIRST_COMPLETED,
    FIRST_EXCEPTION,
    all_tasks,
    run_coroutine_threadsafe,
    to_thread,
    wrap_future,
)

from ferrio._accelerate import accelerate, restore
from ferrio._ferrio import (
    Future,
    Handle,
    Server,
    SocketTransport,
    StreamReader,
    StreamReaderProtocol,
    StreamWriter,
    Task,
    TaskGroup,
    Timeout,
    TimerHandle,
    __version__,
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
from ferrio._loop import Loop, Runner, new_event_loop, run
from ferrio._policy import EventLoopPolicy, install
from ferrio._streams import (
    create_subprocess_exec,
    create_subprocess_shell,
    open_connection,
    open_unix_connection,
    start_server,
    start_unix_server,
)
from ferrio._tasks import create_eager_task_factory, eager_task_factory

__all__ = (
    "ALL_COMPLETED",
    "FIRST_COMPLETED",
    "FIRST_EXCEPTION",
    "EventLoopPolicy",
    "Future",
    "Handle",
    "Loop",
    "Runner",
    "Server",
    "SocketTransport",
    "StreamReader",
    "StreamReaderProtocol",
    "StreamWriter",
    "Task",
    "TaskGroup",
    "Timeout",
    "TimerHandle",
    "__version__",
    "accelerate",
    "all_tasks",
    "as_completed",
    "create_eager_task_factory",
    "create_subprocess_exec",
    "create_subprocess_shell",
    "create_task",
    "current_task",
    "eager_task_factory",
    "ensure_future",
    "gather",
    "install",
    "new_event_loop",
    "open_connection",
    "open_unix_connection",
    "restore",
    "run",
    "run_coroutine_threadsafe",
    "shield",
    "sleep",
    "start_server",
    "start_unix_server",
    "timeout",
    "timeout_at",
    "to_thread",
    "wait",
    "wait_for",
    "wrap_future",
)
