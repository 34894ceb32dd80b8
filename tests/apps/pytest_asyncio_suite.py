"""Tests that pytest-asyncio runs: each has a loop, of its own or of the module, that fixtures share."""

import asyncio

import pytest
import pytest_asyncio

pytestmark = pytest.mark.asyncio
loops = []  # That tests of the module's loop have run on.


@pytest_asyncio.fixture
async def server():
    async def answer(reader, writer):
        writer.write((await reader.readline()).upper())
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shared():
    queue = asyncio.Queue()
    yield queue
    assert queue.empty()


@pytest.mark.parametrize("text", [b"one\n", b"two\n"])
async def test_talks_to_a_fixture(server, text):
    reader, writer = await asyncio.open_connection("127.0.0.1", server)
    writer.write(text)
    assert await reader.readline() == text.upper()
    writer.close()
    await writer.wait_closed()


@pytest.mark.asyncio(loop_scope="module")
async def test_puts_into_what_the_module_shares(shared):
    loops.append(asyncio.get_running_loop())
    await shared.put(1)


@pytest.mark.asyncio(loop_scope="module")
async def test_gets_from_what_the_module_shares(shared):
    assert loops == [asyncio.get_running_loop()]
    assert await shared.get() == 1


async def test_has_a_loop_of_its_own():
    assert asyncio.get_running_loop() not in loops
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        task = group.create_task(asyncio.sleep(0, "slept"))
    assert task.result() == "slept"


@pytest.mark.xfail(strict=True, raises=LookupError)
async def test_fails():
    raise LookupError


async def test_says_where_it_runs():
    loop = type(asyncio.get_running_loop())
    print(f"Ran on {loop.__module__}.{loop.__qualname__}.")
