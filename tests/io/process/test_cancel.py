"""A start that is cancelled leaves neither process nor descriptor."""

import asyncio
import os
import signal

import pytest

from tests.harness import descriptor_count
from tests.io.process.children import BLOCKED, PIPE, Recorder, zombies_and_children


@pytest.mark.parametrize("turns", range(7))
async def test_cancelling_a_start_at_any_iteration_kills_the_process(loop, turns):
    before = descriptor_count(), zombies_and_children()
    starting = loop.create_task(loop.subprocess_exec(Recorder, *BLOCKED))
    for _ in range(turns):
        await asyncio.sleep(0)
    starting.cancel()
    try:
        transport, protocol = await starting
    except asyncio.CancelledError:
        pass
    else:
        transport.close()
        await protocol.lost()
    for _ in range(5):
        await asyncio.sleep(0)
    assert (descriptor_count(), zombies_and_children()) == before


async def test_a_timeout_kills_the_process(loop):
    before = zombies_and_children()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(loop.subprocess_exec(Recorder, *BLOCKED), 0)
    while zombies_and_children() != before:
        await asyncio.sleep(0.001)


@pytest.mark.ferrio_only  # asyncio before Python 3.14 waits forever, or leaves the pipes to the garbage collector
@pytest.mark.parametrize("method", ["connect_read_pipe", "connect_write_pipe"])
@pytest.mark.parametrize("error", [asyncio.CancelledError, OSError])
async def test_pipes_that_cannot_be_connected_end_the_process(loop, monkeypatch, method, error):
    async def fail(*args):
        raise error

    before = descriptor_count(), zombies_and_children()
    monkeypatch.setattr(loop, method, fail)
    with pytest.raises(error):
        await asyncio.create_subprocess_exec(*BLOCKED, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    for _ in range(5):
        await asyncio.sleep(0)
    assert (descriptor_count(), zombies_and_children()) == before


async def test_cancelling_communicate_leaves_the_process_running(loop):
    process = await asyncio.create_subprocess_exec("cat", stdin=PIPE, stdout=PIPE)
    talking = loop.create_task(process.communicate(b"x"))
    for _ in range(3):
        await asyncio.sleep(0)
    talking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await talking
    process.stdin.close()
    await process.stdout.read()
    assert await process.wait() == 0


async def test_cancelling_wait_does_not_touch_the_process(loop):
    process = await asyncio.create_subprocess_exec(*BLOCKED)
    waiting = loop.create_task(process.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert process.returncode is None
    os.kill(process.pid, 0)
    process.kill()
    assert await process.wait() == -signal.SIGKILL
