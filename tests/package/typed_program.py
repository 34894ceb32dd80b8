"""A program whose types are revealed: read by type checkers (`test_types.py`), never run.

It uses each public name of asyncio as programs do. Both checkers accept it in strict mode.
"""

import asyncio
import asyncio.subprocess
import signal
import socket
import ssl
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import Context
from typing import Any, reveal_type


async def number() -> int:
    return 1


async def text() -> str:
    return ""


def callback(first: int, *, second: str = "") -> bytes:
    return b""


async def waiting(tls: ssl.SSLContext) -> None:
    reveal_type(await asyncio.sleep(1))
    reveal_type(await asyncio.sleep(1, "slept"))
    reveal_type(asyncio.gather())
    reveal_type(asyncio.gather(number()))
    reveal_type(asyncio.gather(number(), text()))
    reveal_type(await asyncio.gather(number(), text(), number()))
    reveal_type(await asyncio.gather(number(), text(), number(), text()))
    reveal_type(await asyncio.gather(number(), text(), number(), text(), number()))
    reveal_type(await asyncio.gather(number(), text(), number(), text(), number(), text()))
    reveal_type(await asyncio.gather(number(), text(), return_exceptions=True))
    reveal_type(await asyncio.gather(*[number(), number()]))
    reveal_type(await asyncio.gather(*[number(), number()], return_exceptions=True))

    task = asyncio.create_task(number(), name="task", context=Context())
    reveal_type(task)
    reveal_type(asyncio.create_task(text()).result())
    reveal_type(await task)
    reveal_type(asyncio.ensure_future(number()))
    reveal_type(asyncio.ensure_future(task))
    reveal_type(asyncio.shield(number()))
    reveal_type(asyncio.current_task())
    reveal_type(asyncio.all_tasks())
    reveal_type(asyncio.wrap_future(asyncio.run_coroutine_threadsafe(text(), asyncio.get_running_loop())))

    reveal_type(await asyncio.wait([task]))
    reveal_type(await asyncio.wait({task}, timeout=1.5, return_when=asyncio.FIRST_COMPLETED))
    future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    reveal_type(await asyncio.wait([future]))
    reveal_type(await asyncio.wait_for(number(), 1))
    reveal_type(await asyncio.wait_for(future, None))
    for each in asyncio.as_completed([number(), number()], timeout=1):
        reveal_type(await each)
    if sys.version_info >= (3, 13):
        async for done in asyncio.as_completed([number()]):
            reveal_type(done)

    async with asyncio.timeout(1) as timeout:
        reveal_type(timeout)
        reveal_type(timeout.when())
        timeout.reschedule(None)
    async with asyncio.timeout_at(None) as timeout:
        reveal_type(timeout.expired())
    kept: asyncio.Timeout = asyncio.timeout(None)
    reveal_type(kept)

    async with asyncio.TaskGroup() as group:
        reveal_type(group)
        reveal_type(group.create_task(number(), name=None))
        reveal_type(group.create_task(text(), context=Context()))

    reveal_type(await asyncio.to_thread(callback, 1, second="2"))
    reveal_type(asyncio.iscoroutine(number()))
    reveal_type(asyncio.iscoroutinefunction(number))
    reveal_type(asyncio.isfuture(future))


async def futures() -> None:
    future = asyncio.Future[int]()
    reveal_type(future)
    reveal_type(future.result())
    reveal_type(future.exception())
    reveal_type(future.cancel("message"))
    reveal_type(future.done())
    reveal_type(future.cancelled())
    reveal_type(future.get_loop())
    future.set_result(1)
    future.set_exception(ValueError)
    future.add_done_callback(lambda done: print(done.result()), context=Context())
    reveal_type(future.remove_done_callback(print))
    task = asyncio.Task(number(), name="name")
    reveal_type(task)
    reveal_type(task.get_name())
    reveal_type(task.get_coro())
    reveal_type(task.get_stack(limit=1))
    reveal_type(task.cancelling())
    reveal_type(task.uncancel())
    taken: asyncio.Future[int] = task
    reveal_type(taken)
    if sys.version_info >= (3, 12):
        reveal_type(task.get_context())
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
        reveal_type(asyncio.eager_task_factory(asyncio.get_running_loop(), number()))
        reveal_type(asyncio.create_eager_task_factory(asyncio.Task[Any]))


async def synchronisation() -> None:
    lock = asyncio.Lock()
    async with lock as nothing:
        reveal_type(nothing)
    reveal_type(await lock.acquire())
    reveal_type(lock.locked())
    event = asyncio.Event()
    reveal_type(await event.wait())
    reveal_type(event.is_set())
    condition = asyncio.Condition(lock)
    reveal_type(await condition.wait())
    reveal_type(await condition.wait_for(lambda: "true"))
    condition.notify(2)
    semaphore: asyncio.Semaphore = asyncio.BoundedSemaphore(2)
    reveal_type(await semaphore.acquire())
    async with asyncio.Barrier(2) as position:
        reveal_type(position)
    barrier = asyncio.Barrier(2)
    reveal_type(await barrier.wait())
    reveal_type((barrier.parties, barrier.n_waiting, barrier.broken))


async def queues() -> None:
    queue: asyncio.Queue[int] = asyncio.Queue()
    reveal_type(queue)
    reveal_type(asyncio.Queue[str](maxsize=3))
    reveal_type(await queue.get())
    reveal_type(queue.get_nowait())
    await queue.put(1)
    queue.put_nowait(1)
    reveal_type((queue.qsize(), queue.maxsize, queue.empty(), queue.full()))
    reveal_type(await queue.join())
    queue.task_done()
    reveal_type(asyncio.PriorityQueue[tuple[int, str]]())
    reveal_type(await asyncio.PriorityQueue[tuple[int, str]]().get())
    other: asyncio.Queue[bytes] = asyncio.LifoQueue()
    reveal_type(other)
    try:
        queue.get_nowait()
    except (asyncio.QueueEmpty, asyncio.QueueFull) as error:
        reveal_type(error)
    if sys.version_info >= (3, 13):
        try:
            queue.shutdown(immediate=True)
        except asyncio.QueueShutDown as error:
            reveal_type(error)


async def streams(tls: ssl.SSLContext) -> None:
    reader, writer = await asyncio.open_connection("localhost", 80, limit=1024, ssl=tls)
    reveal_type((reader, writer))
    reveal_type(await asyncio.open_unix_connection("/socket"))
    reveal_type((await reader.read(), await reader.readline(), await reader.readexactly(3)))
    reveal_type((await reader.readuntil(b"\n"), reader.at_eof()))
    async for line in reader:
        reveal_type(line)
    writer.write(b"")
    writer.writelines([b""])
    await writer.drain()
    await writer.start_tls(tls, server_hostname="name")
    await writer.wait_closed()
    reveal_type((writer.transport, writer.is_closing(), writer.can_write_eof()))
    reveal_type(writer.get_extra_info("peername"))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reveal_type((reader, writer))

    server = await asyncio.start_server(serve, "localhost", 0, backlog=5)
    reveal_type(server)
    reveal_type(server.sockets)
    async with server as itself:
        reveal_type(itself)
        await itself.serve_forever()
    reveal_type(await asyncio.start_unix_server(serve, "/socket"))
    own = asyncio.StreamReader(limit=1, loop=asyncio.get_running_loop())
    protocol = asyncio.StreamReaderProtocol(own, serve)
    reveal_type(protocol)
    try:
        await reader.readexactly(1)
    except asyncio.IncompleteReadError as error:
        reveal_type((error.partial, error.expected))
    except asyncio.LimitOverrunError as error:
        reveal_type(error.consumed)


async def subprocesses() -> None:
    process = await asyncio.create_subprocess_exec(
        "program", "argument", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env={}
    )
    reveal_type(process)
    kept: asyncio.subprocess.Process = await asyncio.create_subprocess_shell(
        "command", stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.STDOUT
    )
    reveal_type(kept)
    reveal_type((process.stdin, process.stdout, process.pid, process.returncode))
    reveal_type(await process.communicate(b""))
    reveal_type(await process.wait())


class Protocol(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        reveal_type(transport.get_extra_info("socket"))

    def data_received(self, data: bytes) -> None:
        reveal_type(data)


class Datagrams(asyncio.DatagramProtocol):
    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        reveal_type(addr)


class Buffered(asyncio.BufferedProtocol):
    def get_buffer(self, sizehint: int) -> bytearray:
        return bytearray(sizehint)


async def loops(sock: socket.socket, tls: ssl.SSLContext) -> None:
    loop = asyncio.get_running_loop()
    reveal_type(loop)
    handle: asyncio.Handle = loop.call_soon(callback, 1)
    reveal_type(handle)
    reveal_type(handle.cancelled())
    if sys.version_info >= (3, 12):
        reveal_type(handle.get_context())
    timer: asyncio.TimerHandle = loop.call_later(1, callback, 1)
    reveal_type(timer.when())
    reveal_type(loop.call_at(loop.time(), callback, 1, context=Context()))
    reveal_type(loop.call_soon_threadsafe(callback, 1))
    future: asyncio.Future[int] = loop.create_future()
    reveal_type(future)
    reveal_type(loop.create_task(number(), name="task"))
    reveal_type(loop.run_in_executor(None, callback, 1))
    reveal_type(await loop.create_connection(Protocol, "localhost", 80, ssl=tls))
    reveal_type(await loop.create_server(Protocol, "localhost", 0, start_serving=False))
    reveal_type(await loop.create_unix_connection(Protocol, "/socket"))
    reveal_type(await loop.create_unix_server(Protocol, "/socket"))
    reveal_type(await loop.create_datagram_endpoint(Datagrams, local_addr=("localhost", 0)))
    reveal_type(await loop.sock_recv(sock, 10))
    reveal_type(await loop.sock_accept(sock))
    reveal_type(await loop.getaddrinfo("localhost", 80))
    loop.add_reader(sock, callback, 1)
    reveal_type(loop.remove_reader(sock))
    loop.add_signal_handler(signal.SIGTERM, callback, 1)
    reveal_type(loop.get_task_factory())
    reveal_type(loop.run_until_complete(number()))
    own: asyncio.AbstractEventLoop = asyncio.SelectorEventLoop()
    reveal_type(own)
    if sys.version_info >= (3, 13):
        reveal_type(asyncio.EventLoop())
    try:
        await loop.sendfile(writable(), open("file", "rb"))  # noqa: SIM115
    except (asyncio.SendfileNotAvailableError, asyncio.InvalidStateError, asyncio.CancelledError) as error:
        reveal_type(error)
    except (asyncio.TimeoutError, asyncio.BrokenBarrierError) as error:  # noqa: UP041
        reveal_type(error)


def writable() -> asyncio.WriteTransport:
    return asyncio.Transport()


def everything(loop_factory: Callable[[], asyncio.AbstractEventLoop]) -> None:
    reveal_type(asyncio.run(number()))
    reveal_type(asyncio.run(text(), debug=True))
    reveal_type(asyncio.new_event_loop())
    asyncio.set_event_loop(asyncio.new_event_loop())
    with asyncio.Runner(debug=True, loop_factory=asyncio.new_event_loop) as runner:
        reveal_type(runner)
        reveal_type(runner.run(number(), context=Context()))
        reveal_type(runner.get_loop())
    if sys.version_info >= (3, 12):
        reveal_type(asyncio.run(number(), loop_factory=loop_factory))
    made: Coroutine[Any, Any, int] = number()
    awaited: Awaitable[int] = asyncio.Task(made)
    reveal_type(awaited)
    if sys.version_info >= (3, 14):
        reveal_type(asyncio.capture_call_graph())
        reveal_type(asyncio.format_call_graph())
        asyncio.print_call_graph()
