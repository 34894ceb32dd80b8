"""getaddrinfo() and getnameinfo(): the system's resolver, asked in the executor. No network is needed."""

import asyncio
import logging
import socket
import threading

import pytest


@pytest.mark.parametrize(
    ("args", "options"),
    [
        (("127.0.0.1", 80), {}),
        (("127.0.0.1", 80), {"type": socket.SOCK_STREAM}),
        (("127.0.0.1", "http"), {"family": socket.AF_INET, "proto": socket.IPPROTO_TCP}),
        ((b"127.0.0.1", b"80"), {"type": socket.SOCK_DGRAM}),
        (("::1", 443), {"type": socket.SOCK_STREAM}),
        ((None, 8080), {"type": socket.SOCK_STREAM, "flags": socket.AI_PASSIVE}),
        ((None, None), None),
        (("localhost", None), {"type": socket.SOCK_STREAM}),
        (("localhost", 80), {"family": socket.AF_INET}),
    ],
)
async def test_getaddrinfo_answers_what_the_socket_module_answers(loop, args, options):
    if options is None:
        with pytest.raises(socket.gaierror):
            await loop.getaddrinfo(*args)
    else:
        assert await loop.getaddrinfo(*args, **options) == socket.getaddrinfo(*args, **options)


async def test_a_name_that_cannot_be_resolved_is_a_gaierror(loop):
    with pytest.raises(socket.gaierror) as caught:
        await loop.getaddrinfo("not a number", 80, flags=socket.AI_NUMERICHOST)
    assert caught.value.errno == socket.EAI_NONAME


async def test_a_wrong_type_is_a_type_error(loop):
    with pytest.raises(TypeError):
        await loop.getaddrinfo(object(), 80)
    with pytest.raises(TypeError):
        await loop.getaddrinfo("127.0.0.1", 80, 2)


async def test_getnameinfo_answers_what_the_socket_module_answers(loop):
    numeric = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
    for address in (("127.0.0.1", 80), ("::1", 443, 0, 0)):
        assert await loop.getnameinfo(address, numeric) == socket.getnameinfo(address, numeric)
    assert await loop.getnameinfo(("127.0.0.1", 80)) == socket.getnameinfo(("127.0.0.1", 80), 0)
    assert await loop.getnameinfo(("127.0.0.1", 80), flags=numeric) == ("127.0.0.1", "80")


async def test_getnameinfo_refuses_a_name(loop):
    with pytest.raises((socket.gaierror, OSError)):
        await loop.getnameinfo(("not a number", 80), socket.NI_NUMERICHOST)
    with pytest.raises(TypeError):
        await loop.getnameinfo("127.0.0.1")


async def test_a_resolver_put_into_the_socket_module_is_asked_in_another_thread(loop, monkeypatch):
    asked = []

    def resolver(*args):
        asked.append((args, threading.current_thread() is threading.main_thread()))
        return ["answer"]

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    assert await loop.getaddrinfo("example", 80, family=1, type=2, proto=3, flags=4) == ["answer"]
    assert asked == [(("example", 80, 1, 2, 3, 4), False)]


async def test_a_slow_resolver_does_not_stop_the_loop_and_can_be_cancelled(loop, monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args: release.wait(20) and [])
    lookup = asyncio.create_task(loop.getaddrinfo("example", 80))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not lookup.done()
    lookup.cancel()
    with pytest.raises(asyncio.CancelledError):
        await lookup
    release.set()
    await loop.shutdown_default_executor()


async def test_debug_mode_logs_what_is_asked_and_how_long_it_took(loop, caplog):
    caplog.set_level(logging.DEBUG, logger="asyncio")
    loop.set_debug(True)
    await loop.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM)
    messages = [record.getMessage() for record in caplog.records]
    assert any(message.startswith("Get address info 127.0.0.1:80, type=") for message in messages)
    assert any(message.startswith("Getting address info 127.0.0.1:80, type=") for message in messages)
