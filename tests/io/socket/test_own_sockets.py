"""Sockets whose methods are a program's, by subclass, wrapper or patch: they are called where asyncio calls them."""

import asyncio
import socket
from unittest import mock

import pytest

from tests.harness import PY, socket_pair
from tests.io.socket.own_sockets import KINDS, outcome_of
from tests.io.socket.uses import USES

# How methods fail: not yet, an error of the network, any other error.
FAILURES = {
    "would block": BlockingIOError,
    "interrupted": InterruptedError,
    "network": lambda: ConnectionResetError(104, "reset"),
    "other": lambda: ValueError("mine"),
}

# The method that fails, and a use of the socket in which it is called.
FAILING = {
    "recv": ("sock_recv", "connection", "streams"),
    "recv_into": ("sock_recv_into", "buffered_connection", "tls"),
    "recvfrom": ("sock_recvfrom", "datagrams"),
    "recvfrom_into": ("sock_recvfrom",),
    "send": ("sock_sendall", "connection", "connected_datagrams", "slow_reader"),
    "sendmsg": ("slow_reader",),
    "sendto": ("sock_sendto", "datagrams"),
    "connect": ("sock_connect",),
    "accept": ("sock_accept",),
    "getsockname": ("connection", "datagrams"),
    "getpeername": ("connection", "datagrams"),
    "close": ("connection", "datagrams"),
    "shutdown": ("connection",),
}


@pytest.fixture
def factories():
    import ferrio

    return asyncio.SelectorEventLoop, ferrio.new_event_loop


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("use", USES)
def test_the_methods_of_a_socket_are_called_as_asyncio_calls_them(factories, use, kind):
    theirs, ours = (outcome_of(factory, use, kind) for factory in factories)
    assert theirs[2], "the socket was not used"
    assert ours == theirs


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize(("method", "use"), [(method, use) for method in FAILING for use in FAILING[method]])
def test_what_a_method_raises_has_asyncios_consequences(factories, method, use, failure):
    theirs, ours = (
        outcome_of(factory, use, "subclass", [(method, FAILURES[failure])]) for factory in factories
    )
    assert ours == theirs
    if method != "sendmsg" or PY >= (3, 12):
        assert method in str(theirs[2]), "the method was not called"


async def test_a_class_is_looked_at_again_whenever_it_has_changed(loop):
    with socket_pair() as (ours, theirs):
        for _ in range(3):
            theirs.send(b"data")
            assert await loop.sock_recv(ours, 100) == b"data"
            with mock.patch.object(socket.socket, "recv", return_value=b"patched"):
                assert await loop.sock_recv(ours, 100) == b"patched"
            with mock.patch.object(socket.socket, "send", lambda self, data: len(data)):
                await loop.sock_sendall(theirs, b"kept back")
        theirs.send(b"last")
        assert await loop.sock_recv(ours, 100) == b"last"


async def test_an_instance_whose_class_was_changed_afterwards_counts_as_of_the_new_class(loop):
    class Plain(socket.socket):
        __slots__ = ()

    class Own(socket.socket):
        __slots__ = ()

        def recv(self, size):
            return b"own"

    with socket_pair() as (left, theirs):
        ours = Plain(fileno=left.detach())
        with ours:
            theirs.send(b"data")
            assert await loop.sock_recv(ours, 100) == b"data"
            ours.__class__ = Own
            assert await loop.sock_recv(ours, 100) == b"own"


@pytest.mark.parametrize("name", ["recv", "recv_into", "recvfrom", "recvfrom_into"])
async def test_an_object_that_only_has_the_method_can_be_received_from(loop, name):
    class Source:
        def method(self, *args):
            return ("received", *args)

    setattr(Source, name, Source.method)
    args = (bytearray(3),) if name.endswith("into") else (3,)
    received = await getattr(loop, f"sock_{name}")(Source(), *args)
    assert received == ("received", *args, *([3] if name == "recvfrom_into" else []))


async def test_mocks_are_taken_for_sockets(loop):
    sock = mock.Mock()
    sock.recv.return_value = b"data"
    sock.send.return_value = 4
    assert await loop.sock_recv(sock, 10) == b"data"
    await loop.sock_sendall(sock, b"data")
    assert sock.mock_calls == [mock.call.recv(10), mock.call.send(b"data")]


async def test_an_object_without_the_method_is_refused(loop):
    with pytest.raises(AttributeError, match="recv"):
        await loop.sock_recv(object(), 10)
    with pytest.raises(AttributeError, match="send"):
        await loop.sock_sendall(object(), b"data")


@pytest.mark.parametrize("size", ["ten", None, 1.5, -1, 1 << 80])
def test_sizes_that_cannot_be_are_refused_in_asyncios_words(factories, size):
    def refusal(factory):
        async def main():
            with socket_pair() as (ours, _), pytest.raises((TypeError, ValueError, OverflowError)) as caught:
                await asyncio.get_running_loop().sock_recv(ours, size)
            return caught.type, str(caught.value)

        with asyncio.Runner(loop_factory=factory) as runner:
            return runner.run(main())

    theirs, ours = map(refusal, factories)
    assert ours == theirs
