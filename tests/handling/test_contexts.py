"""What asyncio raises while it handles another exception has that as its context."""

import asyncio
import signal
import socket
import threading

import pytest

from tests.harness import PY, connect, finish, serve, transport_and_peer


def names_of(error):
    error = error.__context__
    while error is not None:
        yield type(error).__name__
        error = error.__context__


@pytest.mark.parametrize("remove", [False, True])
def test_a_signal_that_cannot_be_caught(loop, remove):
    with pytest.raises((RuntimeError, ValueError)) as caught:
        if remove:
            loop.add_signal_handler(signal.SIGUSR1, print)
            loop.remove_signal_handler(signal.SIGUSR1)
            loop.add_signal_handler(signal.SIGSTOP, print)
        else:
            loop.add_signal_handler(signal.SIGKILL, print)
    assert str(caught.value).endswith("cannot be caught")
    assert list(names_of(caught.value)) == ["OSError"]


def test_a_signal_handler_in_another_thread(loop):
    raised = []

    def add():
        try:
            loop.add_signal_handler(signal.SIGUSR1, print)
        except RuntimeError as error:
            raised.append(error)

    thread = threading.Thread(target=add)
    thread.start()
    thread.join()
    assert list(names_of(raised[0])) == ["ValueError"]


def test_what_has_no_descriptor(loop, probe):
    class File:
        def __repr__(self):
            probe()
            return "file"

    with pytest.raises(ValueError, match="Invalid file object: file") as caught:
        loop.add_reader(File(), print)
    assert list(names_of(caught.value)) == ["AttributeError"]
    assert caught.value.__suppress_context__
    assert probe.seen == [["AttributeError"]]


async def test_accepting_from_a_socket_that_has_a_transport(loop):
    """asyncio finds out inside `except BlockingIOError`."""
    async with transport_and_peer(loop) as (transport, _, _):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.setblocking(False)
            loop._transports[listener.fileno()] = transport
            with pytest.raises(RuntimeError, match="is used by transport") as caught:
                await loop.sock_accept(listener)
            del loop._transports[listener.fileno()]
        assert list(names_of(caught.value)) == ["BlockingIOError"]


async def test_connecting_a_socket_that_has_a_transport(loop):
    async with transport_and_peer(loop) as (transport, _, _):
        with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as sock:
            sock.setblocking(False)
            loop._transports[sock.fileno()] = transport
            with pytest.raises(RuntimeError, match="is used by transport") as caught:
                await loop.sock_connect(sock, listener.getsockname())
            del loop._transports[sock.fileno()]
        assert list(names_of(caught.value)) == ["BlockingIOError"]


async def test_a_server_that_is_cancelled_again_while_it_closes(loop):
    """The second cancellation is raised. Before Python 3.12 closing does not wait for connections."""
    server, made, address = await serve(loop)
    client = await connect(loop, address)
    await made.connected(1)
    made[0].transport.pause_reading()  # Python 3.14 closes the connections.
    raised = []

    async def serve_forever():
        try:
            await server.serve_forever()
        except asyncio.CancelledError as error:
            raised.append(error.args)
            if error.__context__ is not None:
                raised.append(error.__context__.args)

    serving = asyncio.create_task(serve_forever())
    for _ in range(3):
        await asyncio.sleep(0)
    serving.cancel("first")
    await asyncio.sleep(0)
    serving.cancel("second")
    await asyncio.wait([serving])
    assert raised == ([("first",)] if PY < (3, 12) else [("second",), ("first",)])
    await finish(client, *made)
