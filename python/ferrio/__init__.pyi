"""Types of the package: each name that asyncio has is asyncio's own object to a type checker.

An annotation with either package's name takes both packages' objects, as `isinstance` does.
"""

import asyncio as _asyncio
import sys
from asyncio import *
from asyncio import (
    # Not in the `__all__` of Python 3.11.
    TaskGroup as TaskGroup,
    Timeout as Timeout,
    timeout as timeout,
    timeout_at as timeout_at,
    # Modules, which programs reach as attributes.
    base_events as base_events,
    base_futures as base_futures,
    base_subprocess as base_subprocess,
    base_tasks as base_tasks,
    constants as constants,
    coroutines as coroutines,
    events as events,
    exceptions as exceptions,
    format_helpers as format_helpers,
    futures as futures,
    locks as locks,
    log as log,
    mixins as mixins,
    protocols as protocols,
    queues as queues,
    runners as runners,
    selector_events as selector_events,
    sslproto as sslproto,
    staggered as staggered,
    streams as streams,
    subprocess as subprocess,
    taskgroups as taskgroups,
    tasks as tasks,
    threads as threads,
    timeouts as timeouts,
    transports as transports,
    trsock as trsock,
    unix_events as unix_events,
)

from ferrio._accelerate import accelerate as accelerate, restore as restore
from ferrio._ferrio import SocketTransport as SocketTransport, __version__ as __version__
from ferrio._ipython import (
    load_ipython_extension as load_ipython_extension,
    unload_ipython_extension as unload_ipython_extension,
)
from ferrio._loop import Loop as Loop
from ferrio._policy import EventLoopPolicy as EventLoopPolicy, install as install, uninstall as uninstall

# What older versions of asyncio do not have.
if sys.version_info >= (3, 12):
    from asyncio import create_eager_task_factory as create_eager_task_factory
    from asyncio import eager_task_factory as eager_task_factory
else:
    from ferrio._tasks import create_eager_task_factory as create_eager_task_factory
    from ferrio._tasks import eager_task_factory as eager_task_factory

if sys.version_info >= (3, 13):
    from asyncio import EventLoop as EventLoop
    from asyncio import QueueShutDown as QueueShutDown
else:
    from asyncio import SelectorEventLoop as EventLoop

    from ferrio._exceptions import QueueShutDown as QueueShutDown

if sys.version_info >= (3, 14):
    from asyncio import graph as graph

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
