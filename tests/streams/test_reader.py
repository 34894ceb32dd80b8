"""The contract of StreamReader: what is fed is read, in every way there is."""

import asyncio
import gc
import sys
import weakref

import pytest
from harness import PY, settle

HAS_SEVERAL = pytest.mark.skipif(PY < (3, 13), reason="asyncio's readuntil() takes one separator only")


class Transport:
    def __init__(self):
        self.calls = []

    def pause_reading(self):
        self.calls.append("pause")

    def resume_reading(self):
        self.calls.append("resume")


@pytest.fixture
def reader(aio, loop):
    return aio.StreamReader(loop=loop)


def full(aio, loop, data, limit=2**16):
    """A reader at whose end all of the data has arrived."""
    reader = aio.StreamReader(limit, loop)
    reader.feed_data(data)
    reader.feed_eof()
    return reader


async def fed(reader, *pieces):
    """Feed pieces, one an iteration, and the end."""
    for piece in pieces:
        await asyncio.sleep(0)
        reader.feed_data(piece)
    await asyncio.sleep(0)
    reader.feed_eof()


async def test_read_takes_what_is_there_up_to_a_number(loop, aio):
    reader = full(aio, loop, b"abcdef")
    assert await reader.read(0) == b""
    assert await reader.read(4) == b"abcd"
    assert not reader.at_eof()
    assert await reader.read(4) == b"ef"
    assert reader.at_eof()
    assert await reader.read(4) == await reader.read() == b""


async def test_read_of_nothing_does_not_wait(loop, reader):
    assert await reader.read(0) == await reader.readexactly(0) == b""


@pytest.mark.parametrize("arguments", [(), (-1,), (-5,)])
async def test_read_of_all_waits_for_the_end(loop, reader, arguments):
    feeding = loop.create_task(fed(reader, b"one", b"two", b"three"))
    assert await reader.read(*arguments) == b"onetwothree"
    await feeding


async def test_read_waits_for_the_first_byte(loop, reader):
    reading = loop.create_task(reader.read(100))
    assert not await settle(reading)
    reader.feed_data(b"")
    assert not await settle(reading)
    reader.feed_data(b"x")
    assert await reading == b"x"


async def test_what_is_read_is_bytes_whatever_was_fed(loop, aio, reader):
    for data in (b"ab", bytearray(b"cd"), memoryview(b"ef"), [103, 104]):
        reader.feed_data(data)
    result = await reader.read(100)
    assert result == b"abcdefgh"
    assert type(result) is bytes


@pytest.mark.parametrize("nonsense", ["text", 3, [300], None])
async def test_nonsense_cannot_be_fed(loop, reader, nonsense):
    if nonsense is None:
        reader.feed_data(nonsense)  # as false as an empty one
    else:
        with pytest.raises((TypeError, ValueError)):
            reader.feed_data(nonsense)
    assert not reader._buffer


async def test_nothing_can_be_fed_after_the_end(loop, reader):
    reader.feed_eof()
    reader.feed_eof()
    with pytest.raises(AssertionError, match="feed_data after feed_eof"):
        reader.feed_data(b"data")


async def test_readexactly_waits_for_all_of_it(loop, reader):
    feeding = loop.create_task(fed(reader, b"ab", b"cd", b"efg"))
    assert await reader.readexactly(5) == b"abcde"
    with pytest.raises(asyncio.IncompleteReadError) as caught:
        await reader.readexactly(3)
    assert (caught.value.partial, caught.value.expected) == (b"fg", 3)
    assert str(caught.value) == "2 bytes read on a total of 3 expected bytes"
    assert reader.at_eof()
    await feeding


async def test_readexactly_of_less_than_nothing_is_refused(loop, reader):
    with pytest.raises(ValueError, match="readexactly size can not be less than zero"):
        await reader.readexactly(-1)


@pytest.mark.parametrize("nonsense", ["3", None, 1.5])
async def test_a_size_must_be_a_number(loop, aio, nonsense):
    reader = full(aio, loop, b"data")
    with pytest.raises(TypeError):
        await reader.readexactly(nonsense)
    with pytest.raises(TypeError):
        await reader.read(nonsense)


async def test_a_size_may_be_larger_than_any_memory(loop, aio):
    assert await full(aio, loop, b"data").read(sys.maxsize) == b"data"
    with pytest.raises(asyncio.IncompleteReadError) as caught:
        await full(aio, loop, b"data").readexactly(2**70)
    assert caught.value.partial == b"data"


async def test_readline_takes_lines_and_at_the_end_what_there_is(loop, reader):
    feeding = loop.create_task(fed(reader, b"one\ntw", b"o\n\nthr", b"ee"))
    lines = [await reader.readline() for _ in range(5)]
    assert lines == [b"one\n", b"two\n", b"\n", b"three", b""]
    await feeding


async def test_a_reader_can_be_iterated_by_lines(loop, reader):
    feeding = loop.create_task(fed(reader, b"one\ntw", b"o\n\nthr", b"ee"))
    assert [line async for line in reader] == [b"one\n", b"two\n", b"\n", b"three"]
    assert aiter(reader) is reader
    with pytest.raises(StopAsyncIteration):
        await anext(reader)
    await feeding


async def test_a_line_longer_than_the_limit_is_dropped(loop, aio):
    reader = full(aio, loop, b"12345\n123456\nend\n1234567", limit=5)
    assert await reader.readline() == b"12345\n"
    with pytest.raises(ValueError, match="Separator is found, but chunk is longer than limit") as caught:
        await reader.readline()
    assert isinstance(caught.value.__context__, asyncio.LimitOverrunError)
    assert await reader.readline() == b"end\n"
    with pytest.raises(ValueError, match="Separator is not found, and chunk exceed the limit"):
        await reader.readline()
    assert await reader.readline() == b""


async def test_a_line_that_grows_past_the_limit_is_dropped_up_to_there(loop, aio):
    reader = aio.StreamReader(limit=5, loop=loop)
    feeding = loop.create_task(fed(reader, b"123", b"456", b"78\nnext\n"))
    with pytest.raises(ValueError, match="not found"):
        await reader.readline()
    assert await reader.readline() == b"78\n"
    assert await reader.readline() == b"next\n"
    await feeding


async def test_readuntil_takes_up_to_and_with_the_separator(loop, reader):
    feeding = loop.create_task(fed(reader, b"key=val", b"ue\r", b"\nrest"))
    assert await reader.readuntil(b"=") == b"key="
    assert await reader.readuntil(separator=b"\r\n") == b"value\r\n"
    with pytest.raises(asyncio.IncompleteReadError) as caught:
        await reader.readuntil()
    assert (caught.value.partial, caught.value.expected) == (b"rest", None)
    assert await reader.read() == b""
    await feeding


@pytest.mark.parametrize("separator", [bytearray(b"--"), memoryview(b"--")])
async def test_a_separator_may_be_any_bytes(loop, aio, separator):
    reader = full(aio, loop, b"one--two")
    assert await reader.readuntil(separator) == b"one--"


async def test_nonsense_is_no_separator(loop, aio):
    reader = full(aio, loop, b"data\n")
    with pytest.raises(ValueError, match="Separator should be at least one-byte string"):
        await reader.readuntil(b"")
    for nonsense in ("\n", 10, None, ["\n"]):
        with pytest.raises((TypeError, IndexError)):
            await reader.readuntil(nonsense)
    assert await reader.readline() == b"data\n"


@HAS_SEVERAL
async def test_of_several_separators_the_first_to_end_counts(loop, aio):
    reader = full(aio, loop, b"one\r\ntwo\nthree ab four")
    assert await reader.readuntil((b"\n", b"\r\n")) == b"one\r\n"
    assert await reader.readuntil((b"\r\n", b"\n")) == b"two\n"
    assert await reader.readuntil((b"b", b"ab f", b" ab ")) == b"three ab"


@HAS_SEVERAL
async def test_several_separators_are_found_across_pieces(loop, reader):
    feeding = loop.create_task(fed(reader, b"on", b"e-", b"-", b"two+", b"three"))
    assert await reader.readuntil((b"--", b"+")) == b"one--"
    assert await reader.readuntil((b"--", b"+")) == b"two+"
    with pytest.raises(asyncio.IncompleteReadError) as caught:
        await reader.readuntil((b"--", b"+"))
    assert caught.value.partial == b"three"
    await feeding


@pytest.mark.ferrio_only
async def test_ferrio_s_readers_know_several_separators_on_every_python(loop):
    import ferrio

    assert await full(ferrio, loop, b"one\ntwo").readuntil((b"--", b"\n")) == b"one\n"


@HAS_SEVERAL
async def test_there_must_be_a_separator_and_none_may_be_empty(loop, aio):
    reader = full(aio, loop, b"data\n")
    with pytest.raises(ValueError, match="Separator should contain at least one element"):
        await reader.readuntil(())
    with pytest.raises(ValueError, match="Separator should be at least one-byte string"):
        await reader.readuntil((b"\n", b""))


async def test_too_much_before_a_separator_stays_in_the_buffer(loop, aio):
    reader = full(aio, loop, b"12345;;6", limit=4)
    for _ in range(2):
        with pytest.raises(asyncio.LimitOverrunError, match="Separator is found, but") as caught:
            await reader.readuntil(b";;")
        assert caught.value.consumed == 5
    assert await reader.readexactly(caught.value.consumed) == b"12345"
    assert await reader.readuntil(b";;") == b";;"


async def test_too_much_without_a_separator_stays_in_the_buffer(loop, aio):
    reader = full(aio, loop, b"123456;", limit=4)
    with pytest.raises(asyncio.LimitOverrunError, match="Separator is not found, and") as caught:
        await reader.readuntil(b";;;")
    assert caught.value.consumed == 5
    assert reader._buffer == b"123456;"


async def test_a_limit_does_not_limit_read_and_readexactly(loop, aio):
    assert await full(aio, loop, b"x" * 100, limit=4).read() == b"x" * 100
    assert await full(aio, loop, b"x" * 100, limit=4).read(50) == b"x" * 50
    assert await full(aio, loop, b"x" * 100, limit=4).readexactly(60) == b"x" * 60


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_must_be_positive(loop, aio, limit):
    with pytest.raises(ValueError, match="Limit cannot be <= 0"):
        aio.StreamReader(limit, loop)


async def test_an_exception_reaches_who_waits_and_everybody_later(loop, aio, reader):
    reading = loop.create_task(reader.readline())
    assert not await settle(reading)
    assert reader.exception() is None
    error = LookupError("set")
    reader.feed_data(b"data\n")
    reader.set_exception(error)
    assert reader.exception() is error
    assert await reading == b"data\n"  # it was there before
    for method, arguments in [
        ("read", (1,)),
        ("read", (0,)),
        ("read", ()),
        ("readexactly", (1,)),
        ("readline", ()),
        ("readuntil", ()),
        ("__anext__", ()),
    ]:
        with pytest.raises(LookupError) as caught:
            await getattr(reader, method)(*arguments)
        assert caught.value is error


async def test_an_exception_ends_waiting(loop, reader):
    reading = loop.create_task(reader.readline())
    await settle(reading)
    reader.set_exception(LookupError("set"))
    with pytest.raises(LookupError, match="set"):
        await reading


@pytest.mark.parametrize(
    ("method", "name"),
    [("read", "read"), ("readline", "readuntil"), ("readuntil", "readuntil"), ("__anext__", "readuntil")],
)
async def test_only_one_can_wait(loop, reader, method, name):
    reading = loop.create_task(reader.readexactly(5))
    await settle(reading)
    with pytest.raises(RuntimeError, match=rf"^{name}\(\) called while another coroutine is already waiting"):
        await getattr(reader, method)()
    with pytest.raises(RuntimeError, match=r"^readexactly\(\) called while"):
        await reader.readexactly(1)
    reader.feed_data(b"12345")
    assert await reading == b"12345"


async def test_a_cancelled_read_takes_nothing(loop, reader):
    for method, arguments in [("read", (9,)), ("readexactly", (9,)), ("readline", ()), ("readuntil", ())]:
        reading = loop.create_task(getattr(reader, method)(*arguments))
        await settle(reading)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert reader._waiter is None
    reader.feed_data(b"data\n")
    assert await reader.readline() == b"data\n"


async def test_data_that_comes_with_a_cancellation_is_not_lost(loop, reader):
    reading = loop.create_task(reader.readline())
    await settle(reading)
    reader.feed_data(b"data\n")
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert await reader.readline() == b"data\n"


async def test_a_transport_pauses_above_twice_the_limit_and_resumes_at_it(loop, aio):
    reader, transport = aio.StreamReader(limit=10, loop=loop), Transport()
    reader.set_transport(transport)
    reader.feed_data(b"x" * 20)
    assert transport.calls == []
    reader.feed_data(b"x")
    reader.feed_data(b"x")
    assert transport.calls == ["pause"]
    assert await reader.read(11) == b"x" * 11
    assert transport.calls == ["pause"]
    assert await reader.read(1) == b"x"
    assert transport.calls == ["pause", "resume"]


async def test_whoever_waits_has_the_transport_go_on(loop, aio):
    reader, transport = aio.StreamReader(limit=10, loop=loop), Transport()
    reader.set_transport(transport)
    reader.feed_data(b"x" * 21)
    reading = loop.create_task(reader.readexactly(30))
    await settle(reading)
    assert transport.calls == ["pause", "resume"]
    reader.feed_data(b"x" * 9)
    assert await reading == b"x" * 30
    assert transport.calls == ["pause", "resume", "pause", "resume"]


async def test_a_transport_that_cannot_pause_is_not_asked_again(loop, aio):
    class CannotPause(Transport):
        def pause_reading(self):
            super().pause_reading()
            raise NotImplementedError

    reader, transport = aio.StreamReader(limit=1, loop=loop), CannotPause()
    reader.set_transport(transport)
    reader.feed_data(b"xxx")
    reader.feed_data(b"xxx")
    assert transport.calls == ["pause"]
    assert reader._transport is None


async def test_a_reader_has_one_transport(loop, reader):
    reader.set_transport(Transport())
    with pytest.raises(AssertionError, match="Transport already set"):
        reader.set_transport(Transport())


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
