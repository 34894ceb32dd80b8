"""What is called when a transport of datagrams, of a pipe or of a process has caught an exception."""

import asyncio
import os
import pty
import socket
import sys

import pytest

from tests.handling.conftest import Failing, until_seen


async def endpoint(loop, protocol, **options):
    transport, _ = await loop.create_datagram_endpoint(lambda: protocol, **options)
    return transport


class Told(asyncio.DatagramProtocol):
    def __init__(self, called):
        self.called = called

    def error_received(self, exc):
        self.called()
        assert sys.exc_info()[1] is exc


def unreachable():
    """The address of a socket that is closed."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()


@pytest.mark.parametrize("arrives", [True, False])
def test_error_received(loop, run_around, probe, arrives):
    """The error comes while receiving, or while sending."""

    async def main():
        transport = await endpoint(loop, Told(probe), remote_addr=unreachable())
        if not arrives:
            transport.pause_reading()
        while not probe.seen:
            transport.sendto(b"x")
            await asyncio.sleep(0)
        transport.abort()
        await asyncio.sleep(0)

    run_around(main())
    assert probe.seen[0] == ["ConnectionRefusedError", *run_around.names]


def test_error_received_of_what_is_too_long(loop, run_around, probe):
    async def main():
        transport = await endpoint(loop, Told(probe), local_addr=("127.0.0.1", 0))
        transport.sendto(bytes(1 << 17), unreachable())
        transport.abort()
        await asyncio.sleep(0)

    run_around(main())
    assert probe.seen == [["OSError", *run_around.names]]


def test_error_received_that_raises(loop, run_around, probe):
    """Whoever sends gets the exception, with the error as its context."""

    def fail():
        raise LookupError

    async def main():
        transport = await endpoint(loop, Told(fail), local_addr=("127.0.0.1", 0))
        try:
            transport.sendto(bytes(1 << 17), unreachable())
        except LookupError:
            probe()
        transport.abort()
        await asyncio.sleep(0)

    run_around(main())
    assert probe.seen == [["LookupError", "OSError", *run_around.names]]


@pytest.mark.parametrize("reading", [True, False])
def test_closing_a_pipe_after_connection_lost_has_raised(loop, run_around, probe, errors, reading):
    class File:
        def __init__(self, fd):
            self.fd = fd

        def fileno(self):
            return self.fd

        def close(self):
            probe()
            os.close(self.fd)

    async def main():
        read_end, write_end = os.pipe()
        ours, peer = (read_end, write_end) if reading else (write_end, read_end)
        connect = loop.connect_read_pipe if reading else loop.connect_write_pipe
        transport, _ = await connect(lambda: Failing("connection_lost"), File(ours))
        transport.close()
        await until_seen(probe)
        os.close(peer)

    run_around(main())
    assert probe.seen == [["LookupError", *run_around.names]]
    assert isinstance(errors.take_one()["exception"], LookupError)


def test_the_debug_log_of_a_broken_pipe(loop, run_around, probe):
    async def main():
        read_end, write_end = os.pipe()
        file = os.fdopen(write_end, "wb", 0)
        transport, protocol = await loop.connect_write_pipe(lambda: Failing("data_received"), file)
        await asyncio.sleep(0)
        loop.set_debug(True)
        with probe.in_logger("Fatal write error on pipe transport"):
            loop._remove_reader(write_end)  # It would see first that the other end is closed.
            os.close(read_end)
            transport.write(b"x")
            await until_seen(probe)
            loop.set_debug(False)
        assert id(await protocol.lost) == probe.identity

    run_around(main())
    assert probe.seen == [["BrokenPipeError", *run_around.names]]


@pytest.mark.skipif(sys.platform != "linux", reason="others say the end of the file")
def test_the_debug_log_of_a_terminal_whose_other_side_is_closed(loop, run_around, probe):
    async def main():
        ours, other = pty.openpty()
        file = os.fdopen(ours, "rb", 0)
        _, protocol = await loop.connect_read_pipe(lambda: Failing("data_received"), file)
        loop.set_debug(True)
        with probe.in_logger("Fatal read error on pipe transport"):
            os.close(other)
            await until_seen(probe)
        loop.set_debug(False)
        assert id(await protocol.lost) == probe.identity
        await asyncio.sleep(0)

    run_around(main())
    assert probe.seen == [["OSError", *run_around.names]]


def test_a_process_whose_start_is_cancelled(loop, run_around, probe):
    """It is killed, which the debug log says."""

    async def main():
        streams = {"stdin": None, "stdout": None, "stderr": None}
        starting = loop.subprocess_exec(asyncio.SubprocessProtocol, "sleep", "60", **streams)
        task = loop.create_task(starting)
        await asyncio.sleep(0)
        loop.set_debug(True)
        with probe.in_logger("Close running child process"):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        loop.set_debug(False)

    run_around(main())
    assert [names[0] for names in probe.seen] == ["CancelledError"]
