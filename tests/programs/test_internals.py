"""The private parts of streams and loops that libraries read (of tasks: `tests/kernel/task/test_mixing.py`)."""

from __future__ import annotations

import asyncio
import inspect
import sys
from asyncio.base_events import _run_until_complete_cb
from types import ModuleType

import pytest


@pytest.fixture
def streams(loop_name: str) -> ModuleType:
    """Where the loop's own streams come from."""
    if loop_name == "asyncio":
        return asyncio
    import ferrio

    return ferrio


async def test_redis_py_sees_what_a_reader_has_buffered(
    loop: asyncio.AbstractEventLoop, streams: ModuleType
) -> None:
    """It asks before it gives a connection to somebody else, and closes one that holds an unread answer."""

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"+OK\r\n+unread")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await streams.start_server(answer, "127.0.0.1", 0) as server:
        reader, writer = await streams.open_connection(*server.sockets[0].getsockname())
        assert not reader._buffer
        assert len(reader._buffer) == 0
        await reader.readline()
        assert reader._buffer == b"+unread"
        assert not reader.at_eof()
        await reader.read()
        assert len(reader._buffer) == 0
        assert reader.at_eof()
        writer.close()
        await writer.wait_closed()


async def test_anyio_reaches_the_transport_and_the_protocol_of_a_process(
    loop: asyncio.AbstractEventLoop, streams: ModuleType
) -> None:
    """It looks whether writing is paused before it waits for a drain, and closes the pipes without waiting."""
    process = await streams.create_subprocess_exec(
        sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin._protocol._paused is False
    process.stdin.write(b"x" * 10_000_000)
    assert process.stdin._protocol._paused is True
    process.stdin._transport.abort()
    process.stdout._transport.close()
    assert process.stdin._transport.is_closing()
    process.kill()
    await process.wait()


def test_starlette_takes_asynchronous_methods_for_coroutine_functions(
    streams: ModuleType,
) -> None:
    """What is none, like a background task's `queue.put`, it calls in a thread, and awaits no result."""
    assert inspect.iscoroutinefunction(streams.Queue.put)
    assert inspect.iscoroutinefunction(streams.Event().wait)
    assert inspect.iscoroutinefunction(streams.StreamReader.read)


def test_anyio_finds_the_task_that_run_until_complete_runs(loop: asyncio.AbstractEventLoop) -> None:
    """It looks for the one with asyncio's own callback, and ends its threads with that task."""

    def is_root(task: asyncio.Task[object]) -> bool:
        return any(callback is _run_until_complete_cb for callback, _context in task._callbacks or ())

    async def other() -> bool:
        return is_root(asyncio.current_task())

    async def main() -> tuple[bool, bool]:
        return is_root(asyncio.current_task()), await asyncio.create_task(other())

    assert loop.run_until_complete(main()) == (True, False)
