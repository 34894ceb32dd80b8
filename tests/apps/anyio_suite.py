"""Tests that anyio's plugin runs, on asyncio: with fixtures of wider scope that stay open between tests."""

import asyncio

import anyio
import pytest
from anyio.abc import SocketAttribute

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
async def server():
    async def answer(stream):
        async with stream:
            await stream.send((await stream.receive()).upper())

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, answer)
        yield listener.extra(SocketAttribute.local_port)
        group.cancel_scope.cancel()


@pytest.mark.parametrize("text", [b"one", b"two"])
async def test_talks_to_a_fixture(server, text):
    async with await anyio.connect_tcp("127.0.0.1", server) as stream:
        await stream.send(text)
        assert await stream.receive() == text.upper()


async def test_gives_up_waiting():
    with pytest.raises(TimeoutError), anyio.fail_after(0.01):
        await anyio.sleep_forever()


async def test_runs_in_a_thread():
    assert await anyio.to_thread.run_sync(anyio.from_thread.run, anyio.sleep, 0) is None


@pytest.mark.xfail(strict=True, raises=LookupError)
async def test_fails():
    raise LookupError


async def test_says_where_it_runs():
    loop = type(asyncio.get_running_loop())
    print(f"Ran on {loop.__module__}.{loop.__qualname__}.")
