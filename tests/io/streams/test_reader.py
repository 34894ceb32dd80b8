"""The contract of StreamReader: data that is fed can be read by each method."""

import asyncio
import sys

import pytest

from tests.harness import PY, settle
from tests.io.streams.streams import Transport, fed, full

HAS_SEVERAL = pytest.mark.skipif(PY < (3, 13), reason="asyncio's readuntil() takes one separator only")


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
