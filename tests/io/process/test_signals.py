"""`send_signal`, `terminate`, `kill`, and their races with the exit."""

import asyncio
import os
import signal

import pytest

from tests.io.process.children import BLOCKED, PIPE, Recorder, wait_for_zombie


@pytest.mark.parametrize(
    ("method", "arguments", "number"),
    [
        ("send_signal", (signal.SIGUSR1,), signal.SIGUSR1),
        ("send_signal", (signal.SIGINT,), signal.SIGINT),
        ("terminate", (), signal.SIGTERM),
        ("kill", (), signal.SIGKILL),
    ],
)
async def test_signals_reach_the_process(loop, method, arguments, number):
    process = await asyncio.create_subprocess_exec("sleep", "3600")
    getattr(process, method)(*arguments)
    assert await process.wait() == -number


async def test_a_process_can_handle_a_signal(loop):
    process = await asyncio.create_subprocess_shell(
        "trap 'echo caught; exit 4' TERM; echo ready; while :; do sleep 0.01; done", stdout=PIPE
    )
    assert await process.stdout.readline() == b"ready\n"
    process.terminate()
    assert await process.stdout.read() == b"caught\n"
    assert await process.wait() == 4


@pytest.mark.parametrize("method", ["terminate", "kill"])
async def test_after_the_connection_is_lost_there_is_no_process_to_signal(loop, method):
    process = await asyncio.create_subprocess_exec("true")
    await process.wait()
    while process._transport.get_protocol() is not None:
        await asyncio.sleep(0)
    with pytest.raises(ProcessLookupError):
        getattr(process, method)()
    with pytest.raises(ProcessLookupError):
        process.send_signal(signal.SIGTERM)


async def test_between_exit_and_connection_lost_signals_go_nowhere(loop):
    transport, protocol = await loop.subprocess_shell(
        Recorder, "sleep 3600 & echo $!", stdin=None, stderr=None
    )
    await protocol.called("process_exited")
    transport.kill()
    transport.terminate()
    transport.send_signal(signal.SIGHUP)
    await protocol.called("pipe_data_received", 1)
    os.kill(int(protocol.received[1]), signal.SIGKILL)
    await protocol.lost()
    transport.close()


@pytest.mark.parametrize("method", ["terminate", "kill", "close"])
async def test_signals_that_race_with_the_exit_do_no_harm(loop, method):
    for i in range(60):
        transport, protocol = await loop.subprocess_exec(
            Recorder, "true", stdin=None, stdout=None, stderr=None
        )
        for _ in range(i % 7):
            await asyncio.sleep(0)
        if i % 3 == 0:
            wait_for_zombie(transport.get_pid())
        if protocol.calls[-1:] != [("connection_lost", None)]:
            getattr(transport, method)()
        if protocol.calls[-1:] != [("connection_lost", None)]:
            await protocol.lost()
        # asyncio gives 255 where Popen has reaped the process first.
        assert transport.get_returncode() in (0, -signal.SIGTERM, -signal.SIGKILL, 255)
        assert protocol.calls.count("process_exited") == 1
        transport.close()


@pytest.mark.ferrio_only
async def test_the_code_is_never_lost_in_a_race(loop):
    for i in range(100):
        transport, protocol = await loop.subprocess_shell(
            Recorder, "exit 9", stdin=None, stdout=None, stderr=None
        )
        if i % 2 == 0:
            wait_for_zombie(transport.get_pid())
        for _ in range(i % 5):
            await asyncio.sleep(0)
        if transport.get_returncode() is None:
            transport.kill()
        await protocol.called("process_exited")
        assert transport.get_returncode() in (9, -signal.SIGKILL)
        await protocol.lost()
        transport.close()


async def test_signal_handlers_of_the_loop_run_while_children_come_and_go(loop):
    arrived = loop.create_future()
    loop.add_signal_handler(signal.SIGUSR2, lambda: arrived.done() or arrived.set_result(None))
    process = await asyncio.create_subprocess_shell(f"kill -USR2 {os.getpid()}")
    await arrived
    assert await process.wait() == 0
    loop.remove_signal_handler(signal.SIGUSR2)


async def test_sigchld_stays_the_programs(loop):
    seen = []
    previous = signal.signal(signal.SIGCHLD, lambda *_: seen.append(True))
    try:
        process = await asyncio.create_subprocess_exec("true")
        assert await process.wait() == 0
        while not seen:
            await asyncio.sleep(0)
    finally:
        signal.signal(signal.SIGCHLD, previous)


async def test_sigchld_may_have_a_handler_of_the_loop(loop):
    children = []
    loop.add_signal_handler(signal.SIGCHLD, children.append, True)
    codes = [(await asyncio.create_subprocess_shell(f"exit {code}")).wait() for code in range(10)]
    assert await asyncio.gather(*codes) == list(range(10))
    while not children:
        await asyncio.sleep(0)
    assert loop.remove_signal_handler(signal.SIGCHLD) is True


async def test_a_stopped_process_has_not_exited(loop):
    process = await asyncio.create_subprocess_exec(*BLOCKED)
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED)
    waiting = loop.create_task(process.wait())
    # The loop notices the exit of another process, which came later.
    other = await asyncio.create_subprocess_exec("true")
    assert await other.wait() == 0
    assert not waiting.done()
    process.send_signal(signal.SIGCONT)
    process.kill()
    assert await waiting == -signal.SIGKILL
