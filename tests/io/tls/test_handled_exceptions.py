"""What is called while TLS handles an exception, and sees it."""

import asyncio
import socket

import pytest

from tests.handling import conftest as handling
from tests.harness import tcp_pair
from tests.io.tls.conftest import settled
from tests.io.tls.peer import connected

probe, run_around, until_seen = handling.probe, handling.run_around, handling.until_seen


class Failing(asyncio.Protocol):
    """Raises in one of its methods."""

    def __init__(self, method):
        setattr(self, method, self.fail)

    def connection_made(self, transport):
        self.transport = transport

    @staticmethod
    def fail(*args):
        raise LookupError


@pytest.mark.parametrize(
    ("method", "happens"),
    [
        ("data_received", lambda peer: peer.until_done(peer.tls.write, b"x")),
        ("eof_received", lambda peer: peer.sock.shutdown(socket.SHUT_WR)),
    ],
)
def test_a_method_that_raises_while_something_arrives(
    loop, run_around, probe, server_context, client_context, method, happens
):
    async def main():
        async with connected(loop, server_context, client_context, Failing(method)) as peer:
            loop.set_exception_handler(probe)
            happens(peer)
            await until_seen(probe)

    run_around(main())
    assert probe.seen == [["LookupError", *run_around.names]]


def test_a_flow_control_method_that_raises(loop, run_around, probe, server_context, client_context):
    async def main():
        protocol = Failing("pause_writing")
        async with connected(loop, server_context, client_context, protocol):
            loop.set_exception_handler(probe)
            protocol.transport.set_write_buffer_limits(high=1, low=0)
            while not probe.seen:
                protocol.transport.write(bytes(1 << 16))
                await asyncio.sleep(0)

    run_around(main())
    assert probe.seen[0] == ["LookupError", *run_around.names]


def test_the_debug_log_of_a_certificate_that_is_refused(
    loop, run_around, probe, certificates, server_context
):
    async def main():
        loop.set_debug(True)
        context = certificates.client_context()
        server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0, ssl=server_context)
        with probe.in_logger("SSL handshake failed on verifying"), pytest.raises(OSError):
            await loop.create_connection(
                asyncio.Protocol, *server.sockets[0].getsockname(), ssl=context, server_hostname="example.com"
            )
        loop.set_debug(False)
        server.close()
        await settled()

    run_around(main())
    assert probe.seen == [["SSLCertVerificationError", *run_around.names]]


class Underlying(asyncio.Transport):
    """Another transport for TLS to write to."""

    _start_tls_compatible = True

    def __init__(self, written):
        super().__init__()
        self.written = written

    def write(self, data):
        self.written()

    def set_protocol(self, protocol):
        pass

    def pause_reading(self):
        pass

    def resume_reading(self):
        pass

    def close(self):
        pass

    def is_closing(self):
        return False

    def _force_close(self, exc):
        pass


@pytest.mark.filterwarnings("ignore:unclosed transport:ResourceWarning")  # the standard library's
def test_writing_while_the_handshake_waits_for_the_peer(loop, run_around, probe, client_context):
    """What is written then asyncio writes inside `except SSLWantReadError`."""

    async def main():
        starting = loop.create_task(
            loop.start_tls(Underlying(probe), asyncio.Protocol(), client_context, server_hostname="localhost")
        )
        await until_seen(probe)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting

    run_around(main())
    assert probe.seen == [["SSLWantReadError", *run_around.names]]


def test_a_handshake_that_takes_too_long_handles_nothing(loop, run_around, probe, client_context):
    async def main():
        ours, theirs = tcp_pair()
        loop.set_debug(True)
        with theirs, probe.in_logger("Fatal error on transport"), pytest.raises(ConnectionAbortedError):
            await loop.create_connection(
                asyncio.Protocol,
                sock=ours,
                ssl=client_context,
                server_hostname="localhost",
                ssl_handshake_timeout=0.01,
            )
        loop.set_debug(False)
        await asyncio.sleep(0)

    run_around(main())
    assert probe.seen == [run_around.names]
