"""Types of the native half.

Each class satisfies `isinstance` with the asyncio class that it derives from here, and has its methods with its
signatures: asyncio's types are ferrio's. At run time it does not inherit from it.
"""

import asyncio
import contextvars
import ssl
import sys
from collections.abc import Awaitable, Coroutine, Generator, Iterable
from types import GenericAlias, TracebackType
from typing import Any, Generic, Self, TypeVar, final

from typing_extensions import disjoint_base

from ferrio._twins import _Twin

_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)

__all__ = [
    "Barrier",
    "BoundedSemaphore",
    "Condition",
    "DatagramTransport",
    "Event",
    "Future",
    "Handle",
    "LifoQueue",
    "Lock",
    "Loop",
    "PipeProtocol",
    "PriorityQueue",
    "Queue",
    "ReadPipeTransport",
    "Semaphore",
    "Server",
    "SocketTransport",
    "StreamReader",
    "StreamReaderProtocol",
    "StreamWriter",
    "SubprocessTransport",
    "Task",
    "TaskGroup",
    "Timeout",
    "TimerHandle",
    "TlsProtocol",
    "TlsTransport",
    "WritePipeTransport",
    "_AsCompletedIterator",
    "_GatheringFuture",
    "__version__",
    "_import_all",
    "_make_as_object",
    "_native_tasks",
    "_own_dict",
    "_put_in_class",
    "_set_metaclass",
    "as_completed",
    "coroutine",
    "create_task",
    "current_task",
    "ensure_future",
    "gather",
    "shield",
    "sleep",
    "timeout",
    "timeout_at",
    "wait",
    "wait_for",
]

if sys.version_info >= (3, 14):
    __all__ += ["future_add_to_awaited_by", "future_discard_from_awaited_by"]

    def future_add_to_awaited_by(fut: asyncio.Future[Any], waiter: asyncio.Future[Any], /) -> None: ...
    def future_discard_from_awaited_by(fut: asyncio.Future[Any], waiter: asyncio.Future[Any], /) -> None: ...

__version__: str
_is_exit_guarded: bool

@disjoint_base
class Handle(asyncio.Handle):
    def get_context(self) -> contextvars.Context: ...

@final
class TimerHandle(asyncio.TimerHandle):
    def __eq__(self, other: object, /) -> bool: ...
    def __lt__(self, other: asyncio.TimerHandle, /) -> bool: ...
    def __le__(self, other: asyncio.TimerHandle, /) -> bool: ...
    def __gt__(self, other: asyncio.TimerHandle, /) -> bool: ...
    def __ge__(self, other: asyncio.TimerHandle, /) -> bool: ...
    def __hash__(self) -> int: ...

@disjoint_base
class Loop(asyncio.SelectorEventLoop):
    def __new__(cls, *_args: Any, **_kwargs: Any) -> Self: ...

@final
class Server(asyncio.Server):
    def close_clients(self) -> None: ...
    def abort_clients(self) -> None: ...

@final
class SocketTransport(asyncio.Transport): ...

@final
class DatagramTransport(asyncio.DatagramTransport):
    max_size: int
    @staticmethod
    def write(_data: object) -> None: ...
    @staticmethod
    def writelines(_list_of_data: object) -> None: ...
    @staticmethod
    def write_eof() -> None: ...
    @staticmethod
    def can_write_eof() -> bool: ...
    def is_reading(self) -> bool: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...
    def get_write_buffer_size(self) -> int: ...
    def get_write_buffer_limits(self) -> tuple[int, int]: ...
    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

@final
class ReadPipeTransport(asyncio.ReadTransport): ...

@final
class WritePipeTransport(asyncio.WriteTransport):
    @staticmethod
    def is_reading() -> bool: ...
    @staticmethod
    def pause_reading() -> None: ...
    @staticmethod
    def resume_reading() -> None: ...

@final
class SubprocessTransport(asyncio.SubprocessTransport): ...

@final
class PipeProtocol(asyncio.Protocol):
    @property
    def fd(self) -> int: ...
    @property
    def pipe(self) -> asyncio.BaseTransport | None: ...
    @property
    def proc(self) -> SubprocessTransport | None: ...
    @property
    def disconnected(self) -> bool: ...

@final
class TlsProtocol(asyncio.BufferedProtocol):
    def __new__(
        cls,
        loop: Loop,
        app_protocol: asyncio.BaseProtocol,
        sslcontext: ssl.SSLContext,
        waiter: asyncio.Future[None] | None = None,
        server_side: bool = False,
        server_hostname: str | None = None,
        call_connection_made: bool = True,
        ssl_handshake_timeout: float | None = None,
        ssl_shutdown_timeout: float | None = None,
    ) -> Self: ...

@final
class TlsTransport(asyncio.Transport):
    def get_read_buffer_limits(self) -> tuple[int, int]: ...
    def set_read_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...
    def get_read_buffer_size(self) -> int: ...

@disjoint_base
class Future(asyncio.Future[_T]): ...

@disjoint_base
class Task(asyncio.Task[_T_co]):
    def __init__(
        self,
        coro: Coroutine[Any, Any, _T_co],
        *,
        loop: asyncio.AbstractEventLoop | None = None,
        name: object = None,
        context: contextvars.Context | None = None,
        eager_start: bool | None = None,
    ) -> None: ...
    def get_context(self) -> contextvars.Context: ...

@final
class _GatheringFuture(asyncio.Future[_T]): ...

@disjoint_base
class StreamReader(asyncio.StreamReader, metaclass=_Twin): ...

@disjoint_base
class StreamReaderProtocol(asyncio.StreamReaderProtocol, metaclass=_Twin): ...

@disjoint_base
class StreamWriter(asyncio.StreamWriter, metaclass=_Twin):
    def __new__(
        cls,
        transport: asyncio.WriteTransport,
        protocol: asyncio.BaseProtocol,
        reader: asyncio.StreamReader | None,
        loop: asyncio.AbstractEventLoop,
    ) -> Self: ...
    async def start_tls(
        self,
        sslcontext: ssl.SSLContext,
        *,
        server_hostname: str | None = None,
        ssl_handshake_timeout: float | None = None,
        ssl_shutdown_timeout: float | None = None,
    ) -> None: ...

@disjoint_base
class TaskGroup(asyncio.TaskGroup, metaclass=_Twin):
    def cancel(self) -> None: ...

@final
class Timeout(asyncio.Timeout, metaclass=_Twin):  # type: ignore[misc]
    def __new__(cls, when: float | None) -> Self: ...

@final
class _AsCompletedIterator(Generic[_T]):
    def __iter__(self) -> Self: ...
    def __next__(self) -> Coroutine[Any, Any, _T]: ...
    if sys.version_info >= (3, 13):
        def __aiter__(self) -> Self: ...
        async def __anext__(self) -> asyncio.Future[_T]: ...

def as_completed(
    fs: Iterable[Awaitable[_T]], *, timeout: float | None = None
) -> _AsCompletedIterator[_T]: ...

@disjoint_base
class Lock(asyncio.Lock, metaclass=_Twin): ...

@disjoint_base
class Event(asyncio.Event, metaclass=_Twin): ...

@disjoint_base
class Condition(asyncio.Condition, metaclass=_Twin): ...

@disjoint_base
class Semaphore(asyncio.Semaphore, metaclass=_Twin): ...

@disjoint_base
class BoundedSemaphore(Semaphore, asyncio.BoundedSemaphore): ...

@disjoint_base
class Barrier(asyncio.Barrier, metaclass=_Twin): ...

@disjoint_base
class Queue(asyncio.Queue[_T], metaclass=_Twin):
    def __new__(cls, maxsize: int = 0) -> Self: ...
    @classmethod
    def __class_getitem__(cls, item: Any, /) -> GenericAlias: ...
    def shutdown(self, immediate: bool = False) -> None: ...

@disjoint_base
class PriorityQueue(Queue[_T]):
    def __new__(cls, maxsize: int = 0) -> Self: ...

@disjoint_base
class LifoQueue(Queue[_T]):
    def __new__(cls, maxsize: int = 0) -> Self: ...

def create_task(coro: Coroutine[Any, Any, _T], **kwargs: Any) -> Task[_T]: ...
def current_task(loop: asyncio.AbstractEventLoop | None = None) -> asyncio.Task[Any] | None: ...
def gather(
    *coros_or_futures: Awaitable[Any], return_exceptions: bool = False
) -> asyncio.Future[list[Any]]: ...
def ensure_future(
    coro_or_future: Awaitable[_T], *, loop: asyncio.AbstractEventLoop | None = None
) -> asyncio.Future[_T]: ...
def shield(arg: Awaitable[_T]) -> asyncio.Future[_T]: ...
async def sleep(delay: float, result: _T = ...) -> _T: ...
def timeout(delay: float | None) -> Timeout: ...
def timeout_at(when: float | None) -> Timeout: ...
async def wait(
    fs: Iterable[asyncio.Future[_T]], *, timeout: float | None = None, return_when: str = "ALL_COMPLETED"
) -> tuple[set[asyncio.Future[_T]], set[asyncio.Future[_T]]]: ...
async def wait_for(fut: Awaitable[_T], timeout: float | None) -> _T: ...
def _import_all() -> None: ...
def _make_as_object(class_: type) -> None: ...
def _native_tasks() -> list[Task[Any]]: ...
def _own_dict(object: object) -> dict[str, Any] | None: ...
def _put_in_class(class_: type, name: str, value: object) -> None: ...
def _set_metaclass(class_: type, metaclass: type) -> None: ...

@final
class coroutine(Coroutine[Any, Any, _T_co], Generic[_T_co]):
    __name__: str
    __qualname__: str
    @property
    def cr_origin(self) -> None: ...
    @property
    def cr_await(self) -> Any: ...
    @property
    def cr_code(self) -> None: ...
    @property
    def cr_frame(self) -> None: ...
    @property
    def cr_running(self) -> bool: ...
    @property
    def cr_suspended(self) -> bool: ...
    if sys.version_info >= (3, 15):
        @property
        def cr_state(self) -> str: ...

    def send(self, value: Any) -> Any: ...
    def throw(self, typ: Any, val: object = None, tb: TracebackType | None = None) -> Any: ...
    def close(self) -> None: ...
    def __await__(self) -> Generator[Any, Any, _T_co]: ...
    def __iter__(self) -> Self: ...
