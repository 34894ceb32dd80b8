"""anyio on asyncio: task groups, cancel scopes, streams, TLS, processes, threads both ways, signals. Needs anyio.

The arguments are a PEM certificate for localhost, its key, and the authority that vouches for it.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import ssl
import sys
import tempfile
import threading
from contextlib import suppress
from subprocess import CalledProcessError

import anyio
from anyio import from_thread, to_process, to_thread
from anyio.abc import ByteStream, TaskStatus
from anyio.streams.buffered import BufferedByteReceiveStream
from anyio.streams.memory import MemoryObjectReceiveStream
from anyio.streams.text import TextReceiveStream
from anyio.streams.tls import TLSListener, TLSStream


async def task_groups() -> None:
    trace: list[str] = []

    async def worker(name: str, *, task_status: TaskStatus[str] = anyio.TASK_STATUS_IGNORED) -> None:
        try:
            task_status.started(f"{name} has started")
            await anyio.sleep_forever()
        except anyio.get_cancelled_exc_class():
            trace.append(f"{name} was cancelled")
            raise
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(0.01)
                trace.append(f"{name} has cleaned up")

    async with anyio.create_task_group() as group:
        print(await group.start(worker, "a"), await group.start(worker, "b"))
        group.cancel_scope.cancel()
    print("trace:", sorted(trace[:2]), sorted(trace[2:]))  # A set has no order.

    async def fail(error: Exception) -> None:
        await anyio.lowlevel.checkpoint()
        raise error

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(fail, ValueError("one"))
            group.start_soon(fail, KeyError("two"))
            await anyio.sleep_forever()
    except* ValueError as errors:
        print("values:", errors.exceptions)
    except* KeyError as errors:
        print("keys:", errors.exceptions)


async def cancel_scopes() -> None:
    with anyio.move_on_after(0.02) as scope:
        await anyio.sleep_forever()
    print("moved on:", scope.cancelled_caught)
    try:
        with anyio.fail_after(0.02):
            await anyio.Event().wait()
    except TimeoutError:
        print("failed after")
    with anyio.CancelScope() as outer:
        with anyio.CancelScope() as inner:
            outer.cancel()
            with suppress(anyio.get_cancelled_exc_class()):
                await anyio.sleep(1)
            try:  # It is cancelled again at every checkpoint.
                await anyio.lowlevel.checkpoint()
            finally:
                print("nested:", inner.cancel_called, outer.cancel_called)
    print("caught:", inner.cancelled_caught, outer.cancelled_caught)
    with anyio.move_on_after(0.01) as scope:
        with anyio.CancelScope(shield=True):
            await anyio.sleep(0.03)
        print("shielded:", scope.cancel_called, anyio.current_effective_deadline() == -float("inf"))
        await anyio.lowlevel.checkpoint()
        print("never")
    task = asyncio.create_task(asyncio.sleep(60))
    with anyio.move_on_after(0.01):
        await task
    print("native task:", task.cancelled(), asyncio.current_task().cancelling())  # type: ignore[union-attr]


async def memory_streams() -> None:
    async def consume(stream: MemoryObjectReceiveStream[int], into: list[int]) -> None:
        async with stream:
            into.extend([item async for item in stream])

    send, receive = anyio.create_memory_object_stream[int](5)
    taken: list[list[int]] = [[] for _ in range(4)]
    async with anyio.create_task_group() as group:
        for into in taken:
            group.start_soon(consume, receive.clone(), into)
        receive.close()
        async with send:
            for number in range(1000):
                await send.send(number)
    print("memory streams:", sorted(itertools.chain(*taken)) == list(range(1000)))
    try:
        await send.send(1)
    except anyio.ClosedResourceError as error:
        print("closed:", type(error).__name__)
    limiter, lock, condition = anyio.CapacityLimiter(2), anyio.Lock(), anyio.Condition()
    most = 0

    async def limited() -> None:
        nonlocal most
        async with limiter, condition:
            most = max(most, int(limiter.borrowed_tokens))
            condition.notify_all()
        async with lock:
            await anyio.sleep(0)

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(limited)
    print("limited:", most, lock.statistics().tasks_waiting, limiter.statistics().borrowed_tokens)


async def echo(stream: ByteStream) -> None:
    async with stream:
        with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
            while True:
                await stream.send(await stream.receive())


async def networks(certificate: str, key: str, authority: str) -> None:
    at_server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    at_server.load_cert_chain(certificate, key)
    at_client = ssl.create_default_context(cafile=authority)
    data = os.urandom(1_000_000)

    async def talk(stream: ByteStream) -> bool:
        async with anyio.create_task_group() as group:
            group.start_soon(stream.send, data)
            received = await BufferedByteReceiveStream(stream).receive_exactly(len(data))
        await stream.aclose()
        return received == data

    async with anyio.create_task_group() as group:
        plain = await anyio.create_tcp_listener(local_host="127.0.0.1")
        group.start_soon(plain.serve, echo)
        port = plain.extra(anyio.abc.SocketAttribute.local_port)
        print("tcp:", [await talk(await anyio.connect_tcp("127.0.0.1", port)) for _ in range(5)])
        tcp = await anyio.create_tcp_listener(local_host="127.0.0.1")
        group.start_soon(TLSListener(tcp, at_server).serve, echo)
        port = tcp.extra(anyio.abc.SocketAttribute.local_port)
        stream = await anyio.connect_tcp("localhost", port, ssl_context=at_client)
        version = stream.extra(anyio.streams.tls.TLSAttribute.tls_version)
        print("tls:", version, await talk(stream))
        raw = await anyio.connect_tcp("127.0.0.1", port)
        print("wrapped:", await talk(await TLSStream.wrap(raw, hostname="localhost", ssl_context=at_client)))
        with tempfile.TemporaryDirectory() as folder:
            unix = await anyio.create_unix_listener(f"{folder}/socket")
            group.start_soon(unix.serve, echo)
            print("unix:", await talk(await anyio.connect_unix(f"{folder}/socket")))
        stream = await anyio.connect_tcp("127.0.0.1", plain.extra(anyio.abc.SocketAttribute.local_port))
        with anyio.move_on_after(0.02) as scope:
            await stream.receive()
        await stream.send(b"after a timeout")
        print("timeout:", scope.cancelled_caught, await stream.receive())
        await stream.send_eof()
        try:
            await stream.receive()
        except anyio.EndOfStream:
            print("end of stream")
        await stream.aclose()
        group.cancel_scope.cancel()
    async with await anyio.create_udp_socket(local_host="127.0.0.1") as receiver:
        port = receiver.extra(anyio.abc.SocketAttribute.local_port)
        async with await anyio.create_connected_udp_socket("127.0.0.1", port) as sender:
            for number in range(10):
                await sender.send(bytes([number]))
            print("udp:", [(await receiver.receive())[0][0] for _ in range(10)])
    for listener in (plain, tcp, unix):
        await listener.aclose()


async def processes() -> None:
    program = "import sys; data = sys.stdin.read(); print(data.upper()); sys.exit(len(data))"
    done = await anyio.run_process([sys.executable, "-c", program], input=b"abc", check=False)
    print("process:", done.returncode, done.stdout, done.stderr)
    try:
        await anyio.run_process("exit 7")
    except CalledProcessError as error:
        print("failed:", error.returncode)
    lines = [sys.executable, "-uc", "for n in range(3): print('line', n)\ninput()"]
    async with await anyio.open_process(lines) as child:
        assert child.stdout is not None
        text = TextReceiveStream(child.stdout)
        seen = ""
        while seen.count("\n") < 3:
            seen += await text.receive()
        child.terminate()
        print("lines:", seen.split("\n"), await child.wait())
    with anyio.move_on_after(0.05) as scope:
        await anyio.run_process(["sleep", "60"])
    print("killed:", scope.cancelled_caught)
    print("in a process:", await to_process.run_sync(pow, 7, 77) == 7**77)


async def threads() -> None:
    main_thread = threading.get_ident()
    event = anyio.Event()

    async def on_the_loop(number: int) -> int:
        await anyio.sleep(0.001)
        assert threading.get_ident() == main_thread
        return number * 2

    def in_thread(number: int) -> int:
        assert threading.get_ident() != main_thread
        from_thread.check_cancelled()
        return from_thread.run(on_the_loop, number) + from_thread.run_sync(int, "1")

    async def call(number: int) -> None:
        results[number] = await to_thread.run_sync(in_thread, number)

    results: dict[int, int] = {}
    async with anyio.create_task_group() as group:
        for number in range(60):
            group.start_soon(call, number)
    print("threads:", [results[number] for number in range(60)] == [number * 2 + 1 for number in range(60)])

    async def until_cancelled() -> None:
        event.set()
        await anyio.sleep_forever()

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(to_thread.run_sync, from_thread.run, until_cancelled)
            await event.wait()
            raise LookupError("away")
    except* LookupError as errors:
        print("cancelled thread:", errors.exceptions)


async def signals() -> None:
    with anyio.open_signal_receiver(signal.SIGUSR1, signal.SIGTERM) as received:
        os.kill(os.getpid(), signal.SIGUSR1)
        async for number in received:
            print("signal:", signal.Signals(number).name)
            if number == signal.SIGTERM:
                break
            os.kill(os.getpid(), signal.SIGTERM)


def portal() -> None:
    """A program that is not asynchronous calls into a loop that runs in a thread."""

    async def answer(text: str) -> str:
        await anyio.sleep(0)
        return text

    with from_thread.start_blocking_portal() as portal:
        print(
            "portal:",
            portal.call(answer, "called"),
            [portal.start_task_soon(answer, n).result() for n in "abc"],
        )
        future = portal.start_task_soon(anyio.sleep_forever)
        future.cancel()
        print("cancelled:", future.cancelled())


async def main(*files: str) -> None:
    await task_groups()
    await cancel_scopes()
    await memory_streams()
    await networks(*files)
    await processes()
    await threads()
    await signals()


async def last() -> None:
    loop = type(asyncio.get_running_loop())
    print(f"Ran on {loop.__module__}.{loop.__qualname__}.")


if __name__ == "__main__":
    anyio.run(main, *sys.argv[1:])
    portal()
    anyio.run(last, backend_options={"debug": True})
