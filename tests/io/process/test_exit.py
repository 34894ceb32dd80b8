"""How a process's exit becomes known."""

import asyncio
import contextvars
import gc
import logging
import os
import signal
import sys

import pytest

from tests.harness import settle
from tests.io.pipe.ends import forget
from tests.io.process.children import BLOCKED, CAT, PIPE, Recorder, python, wait_for_zombie

KNOWN_AT_EXIT = "_exit_waiters" in (
    asyncio.base_subprocess.BaseSubprocessTransport._process_exited.__code__.co_names
)


@pytest.mark.parametrize("code", [0, 1, 7, 254, 255])
async def test_the_exit_code_is_returned(loop, code):
    process = await asyncio.create_subprocess_shell(f"exit {code}")
    assert await process.wait() == code
    assert process.returncode == code
    assert await process.wait() == code


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGABRT, signal.SIGUSR1])
async def test_death_by_signal_is_a_negative_code(loop, number):
    process = await asyncio.create_subprocess_exec(*python(f"import os; os.kill(os.getpid(), {number:d})"))
    assert await process.wait() == -number


async def test_many_may_wait_and_one_may_stop_waiting(loop):
    process = await asyncio.create_subprocess_exec(*CAT, stdin=PIPE)
    waits = [loop.create_task(process.wait()) for _ in range(5)]
    await asyncio.sleep(0)
    waits[0].cancel()
    await asyncio.sleep(0)
    assert waits[0].cancelled()
    process.stdin.close()
    assert await asyncio.gather(*waits[1:]) == [0] * 4


async def test_the_calls_of_the_protocol_come_in_order(loop):
    transport, protocol = await loop.subprocess_exec(
        Recorder, *python("import os; os.write(1, b'out'); os.write(2, b'err')"), stdin=None
    )
    await protocol.lost()
    calls = protocol.calls
    assert calls[0] == "connection_made"
    assert calls[-1] == ("connection_lost", None)
    assert calls.count("process_exited") == 1
    for fd in (1, 2):
        assert calls.index(("pipe_data_received", fd)) < calls.index(("pipe_connection_lost", fd, None))
    assert protocol.received == {1: b"out", 2: b"err"}
    assert transport.get_returncode() == 0
    assert not transport.is_closing()
    transport.close()


async def test_connection_lost_waits_for_the_pipes(loop):
    """A grandchild keeps the pipe open."""
    transport, protocol = await loop.subprocess_shell(
        Recorder, "sleep 3600 & echo $!", stdin=None, stderr=None
    )
    await protocol.called("process_exited")
    await settle(loop.create_future())
    assert ("connection_lost", None) not in protocol.calls
    assert transport.get_returncode() == 0
    await protocol.called("pipe_data_received", 1)
    os.kill(int(protocol.received[1]), signal.SIGKILL)
    await protocol.lost()
    assert protocol.calls[-2:] == [("pipe_connection_lost", 1, None), ("connection_lost", None)]
    transport.close()


async def test_wait_returns_at_the_exit_where_asyncios_does(loop):
    process = await asyncio.create_subprocess_shell(
        "sleep 3600 & echo $!; read line", stdin=PIPE, stdout=PIPE
    )
    waiting = loop.create_task(process.wait())
    grandchild = int(await process.stdout.readline())
    process.stdin.write(b"\n")
    while process.returncode is None:
        await asyncio.sleep(0.001)
    assert await settle(waiting) is KNOWN_AT_EXIT
    os.kill(grandchild, signal.SIGKILL)
    assert await process.stdout.read() == b""
    process.stdin.close()
    assert await waiting == 0
    await settle(loop.create_future())


async def test_an_exit_before_the_pipes_are_connected_is_told_after_connection_made(loop):
    transport, protocol = await loop.subprocess_exec(Recorder, "true")
    wait_for_zombie(transport.get_pid())
    await protocol.lost()
    assert protocol.calls[0] == "connection_made"
    transport.close()


async def test_popen_knows_the_code_too(loop):
    transport, protocol = await loop.subprocess_shell(
        Recorder, "exit 5", stdin=None, stdout=None, stderr=None
    )
    popen = transport.get_extra_info("subprocess")
    assert popen.pid == transport.get_pid()
    await protocol.lost()
    assert popen.returncode == 5
    assert transport.get_extra_info("subprocess") is popen
    transport.close()


@pytest.mark.stock_bug(sys.version_info < (3, 12), reason="a thread waits too, and who comes first is open")
async def test_a_process_that_somebody_else_has_reaped_counts_as_255_with_a_warning(loop, caplog):
    transport, protocol = await loop.subprocess_exec(Recorder, *CAT, stdout=None, stderr=None)
    pid = transport.get_pid()
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    transport.get_pipe_transport(0).close()
    await protocol.lost()
    assert transport.get_returncode() == 255
    (message,) = caplog.messages
    assert f"process pid {pid}" in message
    assert "will report returncode 255" in message
    transport.close()


@pytest.mark.ferrio_only
async def test_a_process_that_popen_has_reaped_keeps_its_code(loop, caplog):
    transport, protocol = await loop.subprocess_exec(Recorder, *BLOCKED, stdout=None, stderr=None)
    popen = transport.get_extra_info("subprocess")
    popen.kill()
    popen.wait()
    transport.get_pipe_transport(0).close()
    await protocol.lost()
    assert transport.get_returncode() == -signal.SIGKILL
    assert caplog.messages == []
    transport.close()


async def test_other_peoples_children_are_left_alone(loop):
    stranger = os.spawnlp(os.P_NOWAIT, "true", "true")
    for _ in range(5):
        process = await asyncio.create_subprocess_exec("true")
        assert await process.wait() == 0
    wait_for_zombie(stranger)
    # The loop notices exits again.
    process = await asyncio.create_subprocess_exec("true")
    assert await process.wait() == 0
    assert os.waitpid(stranger, 0) == (stranger, 0)


async def test_close_kills_a_running_process(loop):
    transport, protocol = await loop.subprocess_exec(Recorder, *BLOCKED)
    transport.close()
    transport.close()
    assert transport.is_closing()
    await protocol.lost()
    assert transport.get_returncode() == -signal.SIGKILL
    assert protocol.calls.count("process_exited") == 1
    assert {call[1] for call in protocol.calls if call[0] == "pipe_connection_lost"} == {0, 1, 2}


async def test_close_does_not_kill_a_process_that_has_exited(loop):
    transport, protocol = await loop.subprocess_shell(Recorder, "exit 3", stdout=None, stderr=None)
    await protocol.called("process_exited")
    transport.close()
    await protocol.lost()
    assert transport.get_returncode() == 3


async def test_the_transport_lets_go_of_everything_when_the_connection_is_lost(loop):
    transport, protocol = await loop.subprocess_exec(Recorder, "true", stdin=None, stdout=None, stderr=None)
    await protocol.lost()
    await asyncio.sleep(0)
    assert transport.get_protocol() is None
    assert transport.get_returncode() == 0
    transport.close()


async def test_debug_mode_logs_start_exit_and_kill(loop, caplog):
    caplog.set_level(logging.DEBUG, "asyncio")
    loop.set_debug(True)
    transport, protocol = await loop.subprocess_exec(Recorder, *BLOCKED)
    transport.close()
    await protocol.lost()
    loop.set_debug(False)
    pid = transport.get_pid()
    assert f"process {sys.executable!r} created: pid {pid}" in caplog.text
    assert "Close running child process: kill <" in caplog.text
    assert "exited with return code -9" in caplog.text


async def test_the_representation_says_how_the_process_does(loop):
    transport, protocol = await loop.subprocess_exec(Recorder, *CAT, stderr=None)
    pid = transport.get_pid()
    text = repr(transport)
    assert f"SubprocessTransport pid={pid} running stdin=<" in text
    assert " stdout=<" in text
    assert " stderr=<" not in text
    transport.get_pipe_transport(0).close()
    await protocol.lost()
    assert f"SubprocessTransport pid={pid} returncode=0" in repr(transport)
    transport.close()
    assert f"SubprocessTransport closed pid={pid} returncode=0" in repr(transport)


async def test_classes_and_extra_information_are_asyncios(loop):
    transport, protocol = await loop.subprocess_exec(Recorder, *CAT, stderr=None)
    assert isinstance(transport, asyncio.SubprocessTransport)
    assert isinstance(transport.get_pipe_transport(0), asyncio.WriteTransport)
    assert isinstance(transport.get_pipe_transport(1), asyncio.ReadTransport)
    assert transport.get_pipe_transport(2) is None
    assert transport.get_pipe_transport(99) is None
    pipe = transport.get_pipe_transport(1).get_protocol()
    assert isinstance(pipe, asyncio.Protocol)
    assert repr(pipe).startswith("<ReadSubprocessPipeProto fd=1 pipe=<")
    assert transport.get_extra_info("nothing", 5) == 5
    assert transport.get_protocol() is protocol
    other = Recorder()
    transport.set_protocol(other)
    assert transport.get_protocol() is other
    transport.get_pipe_transport(0).close()
    await other.lost()
    transport.close()


@pytest.mark.ferrio_only  # asyncio leaves the descriptor of the process open
def test_a_transport_that_nobody_closed_warns_and_kills_the_process(loop_factory, process_state):
    loop = loop_factory()
    transport, _ = loop.run_until_complete(
        loop.subprocess_exec(asyncio.SubprocessProtocol, *BLOCKED, stdin=None, stdout=None, stderr=None)
    )
    pid = transport.get_pid()
    popen = transport.get_extra_info("subprocess")
    loop.close()
    references = [transport, loop]
    del transport, loop
    with pytest.warns(ResourceWarning, match="unclosed transport"):
        forget(references)
    assert popen.wait() == -signal.SIGKILL
    assert pid == popen.pid
    gc.collect()


@pytest.mark.ferrio_only  # asyncio leaves the descriptor of the process open
def test_closing_the_loop_before_the_exit_leaves_nothing_open(loop_factory, process_state):
    loop = loop_factory()
    transport, _ = loop.run_until_complete(
        loop.subprocess_exec(asyncio.SubprocessProtocol, *BLOCKED, stdin=None, stdout=None, stderr=None)
    )
    popen = transport.get_extra_info("subprocess")
    transport.close()
    loop.close()
    popen.wait()
    del transport, loop


async def test_the_exit_is_told_in_the_context_of_whoever_has_started_the_process(loop):
    variable = contextvars.ContextVar("variable", default="nobody")
    told = []
    ended = loop.create_future()

    class Protocol(asyncio.SubprocessProtocol):
        def process_exited(self):
            told.append(variable.get())

        def connection_lost(self, exc):
            told.append(variable.get())
            ended.set_result(None)

    variable.set("the starter")
    no_pipes = dict.fromkeys(("stdin", "stdout", "stderr"))
    transport, _ = await loop.subprocess_exec(Protocol, sys.executable, "-c", "", **no_pipes)
    variable.set("somebody later")
    await ended
    transport.close()
    assert told == ["the starter" if sys.version_info >= (3, 12) else "nobody"] * 2
