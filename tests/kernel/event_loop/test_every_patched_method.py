"""Each public method that a native one hides, replaced in asyncio's classes before a loop is made: the loop obeys it.

The replacement calls asyncio's own method, which does on ferrio's loop what the native method does.
"""

import asyncio
import functools
import socket
import threading

import pytest

from tests.harness import tcp_pair
from tests.kernel.event_loop.patching import PUBLIC, WAYS, closing, talk


async def wait_for(loop, schedule):
    """Wait until a callback has run."""
    future = loop.create_future()
    schedule(lambda: future.done() or future.set_result("ran"))
    return await future


async def with_sockets(use):
    """Use a pair of connected sockets that do not block."""
    one, other = tcp_pair()
    with one, other:
        return await use(one, other)


async def with_datagrams(use):
    with socket.socket(type=socket.SOCK_DGRAM) as one, socket.socket(type=socket.SOCK_DGRAM) as other:
        for sock in (one, other):
            sock.setblocking(False)
            sock.bind(("127.0.0.1", 0))
        return await use(one, other)


async def watch(loop, add, remove):
    one, other = socket.socketpair()
    with one, other:
        other.send(b"x")
        try:
            return await wait_for(loop, lambda callback: add(one, callback)), remove(one), remove(one)
        finally:
            remove(one)


async def accept(loop):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        with socket.create_connection(listening.getsockname()):
            sock, _ = await loop.sock_accept(listening)
            sock.close()
            return sock.family


async def connect_socket(loop):
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket() as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, listening.getsockname())
        return sock.getpeername() == listening.getsockname()


async def recv_into(loop, one, other):
    buffer = bytearray(9)
    other.send(b"data")
    return await loop.sock_recv_into(one, buffer), bytes(buffer)


async def recvfrom_into(loop, one, other):
    buffer = bytearray(9)
    other.sendto(b"data", one.getsockname())
    count, address = await loop.sock_recvfrom_into(one, buffer)
    return count, bytes(buffer), address == other.getsockname()


async def recvfrom(loop, one, other):
    other.sendto(b"data", one.getsockname())
    data, address = await loop.sock_recvfrom(one, 9)
    return data, address == other.getsockname()


async def sendall(loop, one, other):
    await loop.sock_sendall(one, b"data")
    return other.recv(9)


async def recv(loop, one, other):
    other.send(b"data")
    return await loop.sock_recv(one, 9)


async def sendto(loop, one, other):
    return await loop.sock_sendto(one, b"data", other.getsockname()), other.recv(9)


async def talk_over_unix(loop, path):
    received = loop.create_future()

    class Protocol(asyncio.Protocol):
        def data_received(self, data):
            received.set_result(data)

        def connection_lost(self, exc):
            lost.set_result(exc)

    lost = loop.create_future()
    server = await loop.create_unix_server(Protocol, path)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, path)
        sock.send(b"data")
        data = await received
    await lost
    server.close()
    return data


async def start_tls_without_a_context(loop):
    with pytest.raises(TypeError) as caught:
        await loop.start_tls(None, asyncio.Protocol(), None)
    return str(caught.value)


async def call_from_a_thread(loop):
    future = loop.create_future()
    thread = threading.Thread(target=lambda: loop.call_soon_threadsafe(future.set_result, "called"))
    thread.start()
    result = await future
    thread.join()
    return result


# What a program does with each method, the loop and a path being given; what comes of it is the same with the patch.
USES = {
    "add_reader": lambda loop, path: watch(loop, loop.add_reader, loop.remove_reader),
    "remove_reader": lambda loop, path: watch(loop, loop.add_reader, loop.remove_reader),
    "add_writer": lambda loop, path: watch(loop, loop.add_writer, loop.remove_writer),
    "remove_writer": lambda loop, path: watch(loop, loop.add_writer, loop.remove_writer),
    "call_at": lambda loop, path: wait_for(loop, functools.partial(loop.call_at, loop.time() + 0.01)),
    "call_later": lambda loop, path: wait_for(loop, functools.partial(loop.call_later, 0.01)),
    "call_soon": lambda loop, path: wait_for(loop, loop.call_soon),
    "call_soon_threadsafe": lambda loop, path: call_from_a_thread(loop),
    "create_future": lambda loop, path: wait_for(loop, loop.call_soon),
    "create_task": lambda loop, path: loop.create_task(asyncio.sleep(0, "slept"), name="name"),
    "create_server": lambda loop, path: talk(loop),
    "create_unix_server": talk_over_unix,
    "get_debug": lambda loop, path: asyncio.sleep(0, loop.get_debug()),
    "get_task_factory": lambda loop, path: asyncio.sleep(0, loop.get_task_factory()),
    "set_debug": lambda loop, path: asyncio.sleep(0, (loop.set_debug(False), loop.get_debug())),
    "is_closed": lambda loop, path: asyncio.sleep(0, loop.is_closed()),
    "is_running": lambda loop, path: asyncio.sleep(0, loop.is_running()),
    "sock_accept": lambda loop, path: accept(loop),
    "sock_connect": lambda loop, path: connect_socket(loop),
    "sock_recv": lambda loop, path: with_sockets(functools.partial(recv, loop)),
    "sock_recv_into": lambda loop, path: with_sockets(functools.partial(recv_into, loop)),
    "sock_recvfrom": lambda loop, path: with_datagrams(functools.partial(recvfrom, loop)),
    "sock_recvfrom_into": lambda loop, path: with_datagrams(functools.partial(recvfrom_into, loop)),
    "sock_sendall": lambda loop, path: with_sockets(functools.partial(sendall, loop)),
    "sock_sendto": lambda loop, path: with_datagrams(functools.partial(sendto, loop)),
    "start_tls": lambda loop, path: start_tls_without_a_context(loop),
    "stop": lambda loop, path: asyncio.sleep(0, "stopped"),
    "run_forever": lambda loop, path: asyncio.sleep(0, "ran"),
    "time": lambda loop, path: wait_for(loop, functools.partial(loop.call_later, 0.01)),
}


async def use(name, loop, path):
    return await asyncio.wait_for(USES[name](loop, path), 5)


def test_every_method_that_a_native_one_hides_is_walked():
    assert sorted(USES) == PUBLIC


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("name", PUBLIC)
def test_a_patched_method_is_called_and_does_what_it_did(loop_factory, process_state, tmp_path, name, way):
    with closing(loop_factory()) as loop:
        expected = loop.run_until_complete(use(name, loop, f"{tmp_path}/1"))
    calls = []
    with way(name, calls.append):
        with closing(loop_factory()) as loop:
            assert loop.run_until_complete(use(name, loop, f"{tmp_path}/2")) == expected
        assert calls
        assert loop.is_closed()
    # And never again, for loops that are made afterwards.
    calls.clear()
    with closing(loop_factory()) as loop:
        assert loop.run_until_complete(use(name, loop, f"{tmp_path}/3")) == expected
    assert not calls
