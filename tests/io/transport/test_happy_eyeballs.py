"""create_connection() with a delay after which the next address is tried while the first still waits."""

import asyncio
import contextlib
import socket

import pytest

from tests.harness import Recorder, descriptor_count, finish, unused_port


@contextlib.contextmanager
def silent_listener():
    """A listener that accepts no connection: its queue is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(10):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()


@pytest.fixture
def silent():
    with silent_listener() as address:
        yield address


@pytest.fixture
def good():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()


def resolve_to(monkeypatch, *addresses):
    infos = [
        (socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_STREAM, 6, "", address)
        for address in addresses
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args: infos)


async def test_the_second_address_is_used_when_the_first_stays_silent(loop, monkeypatch, silent, good):
    resolve_to(monkeypatch, silent, good)
    _, client = await loop.create_connection(Recorder, "example", 80, happy_eyeballs_delay=0.01)
    assert client.transport.get_extra_info("peername") == good
    await finish(client)


async def test_the_second_address_is_tried_at_once_when_the_first_fails(loop, monkeypatch, good):
    resolve_to(monkeypatch, ("127.0.0.1", unused_port()), good)
    start = loop.time()
    _, client = await loop.create_connection(Recorder, "example", 80, happy_eyeballs_delay=1000)
    assert loop.time() - start < 100
    assert client.transport.get_extra_info("peername") == good
    await finish(client)


async def test_the_first_address_is_kept_when_it_answers(loop, monkeypatch, silent, good):
    resolve_to(monkeypatch, good, silent)
    _, client = await loop.create_connection(Recorder, "example", 80, happy_eyeballs_delay=1000)
    assert client.transport.get_extra_info("peername") == good
    await finish(client)


async def test_all_failures_are_told(loop, monkeypatch):
    addresses = [("127.0.0.1", unused_port()), ("127.0.0.2", unused_port())]
    resolve_to(monkeypatch, *addresses)
    with pytest.raises(OSError, match=r"^Multiple exceptions: ") as caught:
        await loop.create_connection(Recorder, "example", 80, happy_eyeballs_delay=0.01)
    assert all(str(address) in str(caught.value) for address in addresses)


async def test_a_cancelled_race_closes_every_socket(loop, monkeypatch, silent):
    with silent_listener() as other:
        resolve_to(monkeypatch, silent, other)
        before = descriptor_count()
        task = loop.create_task(loop.create_connection(Recorder, "example", 80, happy_eyeballs_delay=0.001))
        while descriptor_count() < before + 2:
            await asyncio.sleep(0)
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # Before Python 3.12 the race does not wait for the attempts that it cancels.
        while len(asyncio.all_tasks()) > 1:
            await asyncio.sleep(0)


async def test_addresses_of_both_families_are_tried_in_turn_if_asked_for(loop, monkeypatch):
    port = unused_port()
    six, four = [("::1", port, 0, 0), ("::1", port, 1, 0)], [("127.0.0.1", port), ("127.0.0.2", port)]
    resolve_to(monkeypatch, *six, *four)
    for options, order in (
        ({}, [*six, *four]),
        ({"interleave": 1}, [six[0], four[0], six[1], four[1]]),
        ({"interleave": 2}, [six[0], six[1], four[0], four[1]]),
        ({"happy_eyeballs_delay": 1000}, [six[0], four[0], six[1], four[1]]),
    ):
        with pytest.raises(OSError, match=r"^Multiple exceptions: ") as caught:
            await loop.create_connection(Recorder, "example", 80, **options)
        assert [str(caught.value).index(str(address)) for address in order] == sorted(
            str(caught.value).index(str(address)) for address in order
        )
