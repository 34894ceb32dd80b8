"""What protocols, loggers, loops and files see when a transport has caught an exception."""

import asyncio
import contextlib
import errno
import socket

import pytest

from tests.handling.conftest import Failing, connected, until_seen
from tests.harness import PY, reset, tcp_pair


class FailingBuffered(Failing, asyncio.BufferedProtocol):
    def get_buffer(self, sizehint):
        return bytearray(16)

    def buffer_updated(self, nbytes):
        pass


@pytest.mark.parametrize(
    ("factory", "method", "happens"),
    [
        (Failing, "data_received", lambda peer: peer.send(b"x")),
        (Failing, "eof_received", lambda peer: peer.shutdown(socket.SHUT_WR)),
        (FailingBuffered, "get_buffer", lambda peer: peer.send(b"x")),
        (FailingBuffered, "buffer_updated", lambda peer: peer.send(b"x")),
        (FailingBuffered, "eof_received", lambda peer: peer.shutdown(socket.SHUT_WR)),
    ],
)
def test_a_method_that_raises_while_something_arrives(loop, run_around, probe, factory, method, happens):
    async def main():
        async with connected(loop, lambda: factory(method)) as (_, _, peer):
            loop.set_exception_handler(probe)
            happens(peer)
            await until_seen(probe)

    run_around(main())
    assert probe.seen == [["LookupError", *run_around.names]]


@pytest.mark.parametrize("method", ["pause_writing", "resume_writing"])
def test_a_flow_control_method_that_raises(loop, run_around, probe, method):
    async def main():
        left, right = socket.socketpair()
        right.setblocking(False)
        async with connected(loop, lambda: Failing(method), (left, right)) as (transport, _, peer):
            loop.set_exception_handler(probe)
            transport.set_write_buffer_limits(high=1)
            transport.write(bytes(1 << 22))
            while not probe.seen:
                with contextlib.suppress(BlockingIOError):
                    peer.recv(1 << 20)
                await asyncio.sleep(0)

    run_around(main())
    assert probe.seen == [["LookupError", *run_around.names]]


@pytest.mark.parametrize("method", ["connection_made", "connection_lost"])
def test_a_method_that_the_loop_calls(loop, run_around, probe, method):
    async def main():
        loop.set_exception_handler(probe)
        async with connected(loop, lambda: Failing(method)):
            pass
        await until_seen(probe)

    run_around(main())
    assert probe.seen == [["LookupError", *run_around.names]]


def closing_with(probe):
    class Socket(socket.socket):
        def close(self):
            if self.fileno() != -1:
                probe()
            super().close()

    return Socket


def test_closing_the_socket_after_connection_lost_has_raised(loop, run_around, probe, errors):
    async def main():
        left, right = tcp_pair()
        left = closing_with(probe)(fileno=left.detach())
        async with connected(loop, lambda: Failing("connection_lost"), (left, right)):
            pass
        await until_seen(probe)

    run_around(main())
    assert probe.seen == [["LookupError", *run_around.names]]
    assert isinstance(errors.take_one()["exception"], LookupError)


def test_a_socket_that_cannot_be_closed_after_that(loop, run_around, errors):
    class Socket(socket.socket):
        def close(self):
            super().close()
            raise OSError("close")

    async def main():
        left, right = tcp_pair()
        left = Socket(fileno=left.detach())
        async with connected(loop, lambda: Failing("connection_lost"), (left, right)) as (transport, _, _):
            pass
        with contextlib.suppress(AttributeError):
            transport._sock = None  # asyncio's thinks that it is not closed.

    run_around(main())
    error = errors.take_one()["exception"]
    assert str(error) == "close"
    assert isinstance(error.__context__, LookupError)


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("Fatal read error on socket transport", lambda transport: None),
        ("Fatal write error on socket transport", lambda transport: transport.write(b"x")),
    ],
)
def test_the_debug_log_of_an_error_of_the_network(loop, run_around, probe, text, act):
    async def main():
        async with connected(loop, lambda: Failing("pause_writing")) as (transport, protocol, peer):
            if "write" in text:
                transport.pause_reading()
            loop.set_debug(True)
            with probe.in_logger(text):
                reset(peer)
                while not probe.seen:
                    act(transport)
                    await asyncio.sleep(0)
            loop.set_debug(False)
            assert id(await protocol.lost) == probe.identity

    run_around(main())
    ((name, *outside),) = probe.seen
    assert name in ("ConnectionResetError", "BrokenPipeError")
    assert outside == run_around.names


def test_fatal_error_called_by_hand_handles_nothing(loop, run_around, probe):
    async def main():
        async with connected(loop, lambda: Failing("pause_writing")) as (transport, _, _):
            loop.set_exception_handler(probe)
            transport._fatal_error(LookupError(), "here")

    run_around(main())
    assert probe.seen == [run_around.names]


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # the standard library's
def test_a_protocol_factory_of_a_server_that_raises(loop, run_around, probe):
    async def main():
        loop.set_debug(True)  # Otherwise asyncio says nothing.
        loop.set_exception_handler(probe)

        def factory():
            raise LookupError

        server = await loop.create_server(factory, "127.0.0.1", 0)
        with socket.create_connection(server.sockets[0].getsockname()):
            await until_seen(probe)
        server.close()

    run_around(main())
    assert probe.seen == [["LookupError", *run_around.names]]


def test_a_listening_socket_that_is_out_of_descriptors(loop, run_around, probe):
    """The exception handler is called, and then the loop's `call_later`."""

    class Listener(socket.socket):
        def accept(self):
            raise OSError(errno.EMFILE, "none left")

    async def main():
        sock = Listener()
        sock.bind(("127.0.0.1", 0))
        loop.set_exception_handler(probe)
        server = await loop.create_server(asyncio.Protocol, sock=sock)
        loop.call_later = probe
        with socket.create_connection(sock.getsockname()):
            await until_seen(probe, 2)
        del loop.call_later
        server.close()

    run_around(main())
    # asyncio goes on accepting, up to the backlog.
    assert len(probe.seen) >= 2
    assert all(names == ["OSError", *run_around.names] for names in probe.seen)


def test_a_server_that_is_cancelled_while_it_serves_for_ever(loop, run_around, probe):
    async def main():
        sock = closing_with(probe)()
        sock.bind(("127.0.0.1", 0))
        server = await loop.create_server(asyncio.Protocol, sock=sock)
        serving = asyncio.create_task(server.serve_forever())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving

    run_around(main())
    assert [names[0] for names in probe.seen] == ["CancelledError"]


@pytest.mark.skipif(PY < (3, 12), reason="asyncio fails otherwise while it waits for that")
def test_sendfile_that_fails(loop, run_around, probe):
    """Reading is resumed, which the debug log says."""

    async def fail(*args, **kwargs):
        raise LookupError

    async def main():
        async with connected(loop, lambda: Failing("pause_writing")) as (transport, _, _):
            loop.sock_sendfile = fail
            loop.set_debug(True)
            with probe.in_logger("resumes reading"), pytest.raises(LookupError), open(__file__, "rb") as file:
                await loop.sendfile(transport, file)
            loop.set_debug(False)
            del loop.sock_sendfile

    run_around(main())
    assert [names[0] for names in probe.seen] == ["LookupError"]
