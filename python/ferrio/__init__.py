"""asyncio, whole, in Rust.

    import ferrio
    ferrio.run(main())

The loop is a drop-in for asyncio's: `ferrio.new_event_loop` is a loop factory for `asyncio.Runner`, `ferrio.install()`
makes it the default, and `python -m ferrio program.py` runs a program that knows nothing of it. Importing the package
changes nothing.
"""

from ferrio._ferrio import Handle, Server, SocketTransport, TimerHandle, __version__
from ferrio._loop import Loop, new_event_loop, run
from ferrio._policy import EventLoopPolicy, install

__all__ = (
    "EventLoopPolicy",
    "Handle",
    "Loop",
    "Server",
    "SocketTransport",
    "TimerHandle",
    "__version__",
    "install",
    "new_event_loop",
    "run",
)
