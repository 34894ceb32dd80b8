"""StreamReader as an object: its class, attributes and representation, and subclasses."""

import asyncio
import gc
import weakref

import pytest

from tests.harness import PY, settle
from tests.io.streams.streams import Transport, fed, full


async def test_the_buffer_can_be_looked_at_and_changed(loop, reader):
    reader.feed_data(b"abc")
    buffer = reader._buffer
    assert type(buffer) is bytearray
    assert buffer == b"abc"
    buffer.extend(b"def\n")
    reader.feed_data(b"ghi")
    assert buffer == b"abcdef\nghi"
    assert await reader.readline() == b"abcdef\n"
    assert buffer == b"ghi"
    assert reader._buffer is buffer
    del buffer[0]
    assert await reader.read(1) == b"h"
    reader._buffer = bytearray(b"other")
    reader.feed_eof()
    assert await reader.read() == b"other"
    assert reader.at_eof()


async def test_private_attributes_can_be_read_and_set(loop, aio, reader):
    assert (reader._limit, reader._eof, reader._paused) == (2**16, False, False)
    assert reader._waiter is reader._exception is reader._transport is None
    assert reader._loop is loop
    transport = Transport()
    reader._transport, reader._limit = transport, 2
    reader.feed_data(b"12345")
    assert reader._paused
    assert transport.calls == ["pause"]
    reader._exception = error = LookupError("set")
    assert reader.exception() is error
    reader._exception = None
    reader._eof = True
    assert await reader.read() == b"12345"


async def test_somebody_else_can_wait_with_the_reader_s_own_future(loop, reader):
    waiting = loop.create_task(reader._wait_for_data("mine"))
    await settle(waiting)
    assert reader._waiter is not None
    with pytest.raises(RuntimeError, match=r"^other\(\) called while another coroutine is already waiting"):
        await reader._wait_for_data("other")
    reader._wakeup_waiter()
    assert await waiting is None
    assert reader._waiter is None


async def test_a_reader_begins_anew_when_it_is_initialised_again(loop, reader):
    reader.feed_data(b"data")
    reader.feed_eof()
    reader.__init__(limit=5, loop=loop)
    assert (reader._limit, reader._eof, bytes(reader._buffer)) == (5, False, b"")


async def test_the_representation_says_what_is_going_on(loop, aio):
    reader = aio.StreamReader(loop=loop)
    assert repr(reader) == "<StreamReader>"
    reader = aio.StreamReader(limit=2, loop=loop)
    reading = loop.create_task(reader.readexactly(7))
    await settle(reading)
    assert repr(reader).startswith("<StreamReader limit=2 waiter=<Future pending cb=[")
    transport = Transport()
    reader.set_transport(transport)
    reader.feed_data(b"12345")
    assert repr(reader) == f"<StreamReader 5 bytes limit=2 transport={transport!r} paused>"
    reader.feed_eof()
    with pytest.raises(asyncio.IncompleteReadError):
        await reading
    reader.set_exception(LookupError("set"))
    assert (
        repr(reader)
        == f"<StreamReader eof limit=2 exception={reader.exception()!r} transport={transport!r} paused>"
    )


async def test_a_reader_takes_the_running_loop_if_none_is_given(loop, aio):
    assert aio.StreamReader()._loop is loop


async def test_debug_mode_keeps_where_a_reader_was_made(loop, aio):
    assert aio.StreamReader(loop=loop)._source_traceback is None
    loop.set_debug(True)
    reader = aio.StreamReader(loop=loop)
    assert reader._source_traceback[-1].name == "test_debug_mode_keeps_where_a_reader_was_made"


async def test_it_is_asyncio_s_reader_to_everybody(loop, reader):
    assert isinstance(reader, asyncio.StreamReader)
    assert reader.__class__ is asyncio.StreamReader


async def test_attributes_of_one_s_own_weak_references_and_cycles(loop, aio):
    class Reader(aio.StreamReader):
        pass

    for kind in (aio.StreamReader, Reader) if PY >= (3, 12) else (Reader,):
        reader = kind(loop=loop)
        reader.mine = [reader]
        reader.set_transport(reader)
        reader.set_exception(LookupError(reader))
        reference = weakref.ref(reader)
        del reader
        gc.collect()
        assert reference() is None


async def test_a_subclass_may_feed_itself(loop, aio):
    class Upper(aio.StreamReader):
        def feed_data(self, data):
            super().feed_data(bytes(data).upper())

    reader = Upper(loop=loop)
    feeding = loop.create_task(fed(reader, b"some", b"thing"))
    assert await reader.read() == b"SOMETHING"
    await feeding


async def test_a_subclass_s_readuntil_is_what_readline_and_iteration_use(loop, aio):
    class Semicolons(aio.StreamReader):
        async def readuntil(self, separator=b"\n"):
            assert separator == b"\n"
            return await super().readuntil(b";")

    reader = full(Only(Semicolons), loop, b"one;two;three")
    assert await reader.readline() == b"one;"
    assert [line async for line in reader] == [b"two;", b"three"]


class Only:
    """A namespace with one class of readers in it."""

    def __init__(self, kind):
        self.StreamReader = kind


async def test_a_subclass_s_readline_is_what_iteration_uses(loop, aio):
    class Stripped(aio.StreamReader):
        async def readline(self):
            return (await super().readline()).strip()

    reader = Stripped(loop=loop)
    reader.feed_data(b"one\n\tthree")
    reader.feed_eof()
    assert [line async for line in reader] == [b"one", b"three"]


async def test_a_subclass_s_readuntil_that_overruns_has_readline_drop_the_line(loop, aio):
    class Overrun(aio.StreamReader):
        async def readuntil(self, separator=b"\n"):
            raise asyncio.LimitOverrunError("too long", 3)

    reader = Overrun(loop=loop)
    reader.feed_data(b"123\n456")
    with pytest.raises(ValueError, match="too long"):
        await reader.readline()
    assert reader._buffer == b"456"


async def test_a_subclass_with_its_own_init_must_call_ours(loop, aio):
    class Mine(aio.StreamReader):
        def __init__(self, *, loop, extra):
            super().__init__(limit=7, loop=loop)
            self.extra = extra

    reader = Mine(loop=loop, extra="extra")
    assert (reader._limit, reader.extra) == (7, "extra")
    reader.feed_data(b"data")
    assert await reader.readexactly(4) == b"data"


async def test_none_is_no_limit(loop, aio):
    with pytest.raises(TypeError, match="'<=' not supported"):
        aio.StreamReader(limit=None, loop=loop)


async def test_an_exception_can_be_taken_back(loop, reader):
    reader.feed_data(b"data")
    reader.set_exception(ConnectionError("gone"))
    with pytest.raises(ConnectionError, match="gone"):
        await reader.read(1)
    reader.set_exception(None)
    assert reader.exception() is None
    assert await reader.read(10) == b"data"
    assert "exception" not in repr(reader)


async def test_a_subclass_s_read_is_what_reading_all_uses(loop, aio):
    asked = []

    class Upper(aio.StreamReader):
        async def read(self, n=-1):
            asked.append(n)
            data = await super().read(n)
            return data if n < 0 else bytearray(data.upper())

    reader = Upper(limit=4, loop=loop)
    reader.feed_data(b"abcdef")
    loop.call_soon(reader.feed_eof)
    assert await reader.read() == b"ABCDEF"
    assert asked == [-1, 4, 4, 4]


@pytest.mark.timeout(5)
async def test_a_look_at_the_buffer_does_not_make_the_reader_slow(loop, reader):
    lines = 100_000
    reader.feed_data(b"a line\n" * lines)
    assert len(reader._buffer) == 7 * lines
    for _ in range(lines):
        assert await reader.readline() == b"a line\n"
    assert reader._buffer == b""
