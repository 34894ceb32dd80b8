"""What programs do with the dictionaries of asyncio's objects works with those of native ones."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
from types import ModuleType
from typing import Any
from unittest import mock

import ferrio
import pytest

from tests.harness import PY, tcp_pair, until_closed


@pytest.fixture(params=[asyncio, ferrio], ids=["asyncio's names", "ferrio's names"])
def aio(request: pytest.FixtureRequest) -> ModuleType:
    return request.param


async def test_a_protocol_s_state_survives_connection_lost(
    loop: asyncio.AbstractEventLoop, aio: ModuleType
) -> None:
    """As aioconsole's protocol of the standard streams does it, which several transports share."""

    class Shared(aio.StreamReaderProtocol):  # type: ignore[name-defined, misc]
        def connection_lost(self, exc: Exception | None) -> None:
            state = self.__dict__.copy()
            super().connection_lost(exc)
            self.__dict__.update(state)

    reader = aio.StreamReader(loop=loop)
    protocol = Shared(reader, loop=loop)
    protocol.label = "mine"
    ours, peer = tcp_pair()
    with peer:
        transport, _ = await loop.create_connection(lambda: protocol, sock=ours)
        transport.close()
        await until_closed(loop, ours)
    assert not protocol._connection_lost
    assert protocol._transport is transport
    assert protocol._stream_reader is reader
    assert protocol.label == "mine"
    await protocol._drain_helper()


def test_a_dictionary_shows_the_object_as_it_is(loop: asyncio.AbstractEventLoop, aio: ModuleType) -> None:
    reader = aio.StreamReader(limit=10, loop=loop)
    kept = vars(reader)
    assert isinstance(kept, dict)
    assert (kept["_limit"], kept.get("_eof"), "nothing" in kept) == (10, False, False)
    reader.feed_eof()
    assert kept["_eof"] is True
    kept["_limit"] = 20
    assert reader._limit == 20
    assert dict(kept) == {**kept} == kept.copy() == kept
    assert kept | {"more": 1} == {**kept, "more": 1}
    assert len(kept) == len(list(kept)) == len(kept.items())
    assert repr(kept) == repr(dict(kept))
    with pytest.raises(KeyError):
        kept["nothing"]


def test_one_s_own_attributes_are_among_them(loop: asyncio.AbstractEventLoop, aio: ModuleType) -> None:
    reader = aio.StreamReader(loop=loop)
    reader.mine = 1
    vars(reader)["other"] = 2
    assert (vars(reader)["mine"], reader.other) == (1, 2)
    assert vars(reader).pop("mine") == 1
    assert not hasattr(reader, "mine")


def test_a_reader_is_copied(loop: asyncio.AbstractEventLoop, aio: ModuleType) -> None:
    class Mine(aio.StreamReader):  # type: ignore[name-defined, misc]
        pass

    reader = Mine(limit=10, loop=loop)
    reader.mine = []
    reader.feed_data(b"data")
    copied = copy.copy(reader)
    assert type(copied) is Mine
    assert (copied._limit, bytes(copied._buffer), copied._loop) == (10, b"data", loop)
    assert copied.mine is reader.mine


def test_what_is_copied_of_a_dictionary_is_a_dictionary(
    loop: asyncio.AbstractEventLoop, aio: ModuleType
) -> None:
    queue: Any = aio.Queue(3)
    kept = {name: value for name, value in vars(queue).items() if name in ("_maxsize", "_unfinished_tasks")}
    assert kept == {"_maxsize": 3, "_unfinished_tasks": 0}
    timeout = vars(aio.Timeout(None))
    assert pickle.loads(pickle.dumps(timeout)) == copy.copy(timeout) == timeout
    assert type(copy.deepcopy(timeout)) is dict


async def test_a_private_attribute_is_patched_and_put_back(
    loop: asyncio.AbstractEventLoop,
) -> None:
    ours, peer = tcp_pair()
    with peer:
        transport, _ = await loop.create_connection(asyncio.Protocol, sock=ours)
        extra = transport._extra
        with mock.patch.object(transport, "_extra", {"peername": "somewhere"}):
            assert transport.get_extra_info("peername") == "somewhere"
        assert transport._extra is extra
        transport.abort()
        await until_closed(loop, ours)


async def test_extra_information_is_patched_for_all_transports(loop: asyncio.AbstractEventLoop) -> None:
    ours, peer = tcp_pair()
    with peer:
        transport, _ = await loop.create_connection(asyncio.Protocol, sock=ours)
        with mock.patch("asyncio.BaseTransport.get_extra_info", return_value="patched") as patched:
            assert transport.get_extra_info("peername") == "patched"
        patched.assert_called_with("peername")
        assert transport.get_extra_info("peername") == peer.getsockname()
        transport.abort()
        await until_closed(loop, ours)


def test_a_class_attribute_does_not_hide_an_object_s(
    loop: asyncio.AbstractEventLoop, aio: ModuleType
) -> None:
    class Mine(aio.Queue):  # type: ignore[name-defined, misc]
        _queue = None
        _maxsize = "none"

    assert (Mine._queue, Mine._maxsize) == (None, "none")
    queue = Mine(3)
    queue.put_nowait(1)
    assert (queue._maxsize, list(queue._queue)) == (3, [1])
    queue._maxsize = 5
    assert queue.maxsize == 5


async def test_settings_of_a_server_are_there_and_can_be_set(loop: asyncio.AbstractEventLoop) -> None:
    server: Any = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0, backlog=7, start_serving=False)
    assert (server._ssl_context, server._backlog, server._serving) == (None, 7, False)
    assert server._protocol_factory is asyncio.Protocol
    server._backlog = 9
    await server.start_serving()
    assert (server._backlog, server._serving) == (9, True)
    kept = server._sockets
    server.close()
    assert (server._sockets, server._serving, server._waiters) == (None, False, None)
    assert [sock.fileno() for sock in kept] == [-1]


async def test_a_server_counts_a_transport_that_attaches_itself(loop: asyncio.AbstractEventLoop) -> None:
    class Mine(asyncio.Transport):
        pass

    server: Any = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
    mine = [Mine()] if PY >= (3, 13) else []
    server._attach(*mine)
    waiting = loop.create_task(server.wait_closed())
    await asyncio.sleep(0)
    server.close()
    await asyncio.sleep(0)
    assert not waiting.done()
    server._detach(*mine)
    await waiting


CLASSES = [
    "Future",
    "Lock",
    "Event",
    "Condition",
    "Semaphore",
    "BoundedSemaphore",
    "Queue",
    "PriorityQueue",
    "LifoQueue",
]


@pytest.mark.parametrize("name", [*CLASSES, "StreamReader", "TaskGroup"])
def test_the_collector_meets_no_object_that_is_not_complete(
    loop: asyncio.AbstractEventLoop, aio: ModuleType, name: str
) -> None:
    """Python 3.11 makes the dictionary, which can start a collection, before there is anything in the object."""
    native = getattr(aio, name)
    mine = type("Mine", (native,), {})
    arguments = {"loop": loop} if name in ("Future", "StreamReader") else {}
    threshold = gc.get_threshold()
    gc.set_threshold(1)
    try:
        made = [class_(**arguments) for _ in range(50) for class_ in (native, mine)]
    finally:
        gc.set_threshold(*threshold)
    assert len({id(it) for it in made}) == 100
