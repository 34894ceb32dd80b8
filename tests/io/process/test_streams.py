"""Standard streams: pipes, files, descriptors, and `communicate`."""

import asyncio
import os
import sys
import tempfile

import ferrio
import pytest

from tests.io.process.children import CAT, DEVNULL, PIPE, STDOUT, Recorder, output_of, python

BOTH = "import os; os.write(1, b'out'); os.write(2, b'err')"


async def test_communicate_sends_and_receives(loop):
    process = await asyncio.create_subprocess_exec(*CAT, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    assert await process.communicate(b"some data") == (b"some data", b"")
    assert process.returncode == 0


@pytest.mark.timeout(180)
async def test_communicate_carries_a_hundred_megabytes_both_ways(loop):
    data = os.urandom(1 << 20) * 100
    process = await asyncio.create_subprocess_exec(*CAT, stdin=PIPE, stdout=PIPE)
    output, _ = await process.communicate(data)
    assert output == data
    assert process.returncode == 0


@pytest.mark.parametrize("data", [b"", None] if sys.version_info >= (3, 12) else [b""])
async def test_communicate_without_input_closes_stdin(loop, data):
    process = await asyncio.create_subprocess_exec(*CAT, stdin=PIPE, stdout=PIPE)
    assert await process.communicate(data) == (b"", None)


@pytest.mark.parametrize("module", [asyncio, ferrio])
async def test_the_protocol_of_a_process_says_what_it_has(loop, module):
    process = await module.create_subprocess_exec(*CAT, stdin=PIPE, stdout=PIPE)
    text = repr(process._protocol)
    assert text.startswith("<SubprocessStreamProtocol stdin=<StreamWriter transport=<")
    assert " stdout=<StreamReader transport=<" in text
    await process.communicate(b"")


async def test_stdout_and_stderr_are_apart(loop):
    process = await asyncio.create_subprocess_exec(*python(BOTH), stdout=PIPE, stderr=PIPE)
    assert await process.communicate() == (b"out", b"err")


async def test_stderr_can_go_where_stdout_goes(loop):
    process = await asyncio.create_subprocess_exec(*python(BOTH), stdout=PIPE, stderr=STDOUT)
    assert await process.communicate() == (b"outerr", None)
    assert process.stderr is None


async def test_devnull_is_empty_and_takes_everything(loop):
    process = await asyncio.create_subprocess_exec(
        *python("import sys, os; assert sys.stdin.read() == ''; " + BOTH),
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=DEVNULL,
    )
    assert await process.communicate() == (None, None)
    assert process.returncode == 0
    assert process.stdin is process.stdout is process.stderr is None


async def test_files_are_given_to_the_process(loop):
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as target:
        source.write(b"from a file")
        source.seek(0)
        process = await asyncio.create_subprocess_exec(*CAT, stdin=source, stdout=target)
        assert await process.wait() == 0
        target.seek(0)
        assert target.read() == b"from a file"


async def test_descriptors_are_given_to_the_process(loop):
    read, write = os.pipe()
    process = await asyncio.create_subprocess_exec("echo", "hi", stdout=write)
    os.close(write)
    assert await process.wait() == 0
    assert os.read(read, 10) == b"hi\n"
    os.close(read)


async def test_one_process_can_feed_another(loop):
    read, write = os.pipe()
    first = await asyncio.create_subprocess_exec("echo", "through", stdout=write)
    os.close(write)
    second = await asyncio.create_subprocess_exec(*CAT, stdin=read, stdout=PIPE)
    os.close(read)
    assert await second.communicate() == (b"through\n", None)
    assert await first.wait() == 0


async def test_inherited_streams_are_the_parents(loop, capfd):
    process = await asyncio.create_subprocess_exec(*python(BOTH))
    assert await process.wait() == 0
    assert capfd.readouterr() == ("out", "err")


async def test_stdin_is_a_pipe_that_can_be_opened_again(loop):
    """A socket could not: open(2) of /dev/stdin fails with ENXIO for one."""
    if not os.path.exists("/dev/stdin"):
        pytest.skip("no /dev/stdin")
    process = await asyncio.create_subprocess_exec(
        *python("import sys; sys.stdout.write(open('/dev/stdin').read())"), stdin=PIPE, stdout=PIPE
    )
    assert await process.communicate(b"again") == (b"again", None)


async def test_the_parents_ends_of_pipes_are_not_inherited(loop):
    first = await asyncio.create_subprocess_exec(*CAT, stdin=PIPE, stdout=PIPE)
    second = await asyncio.create_subprocess_exec(*CAT, stdin=PIPE, stdout=PIPE, close_fds=False)
    assert await first.communicate(b"1") == (b"1", None)
    assert await second.communicate(b"2") == (b"2", None)


async def test_a_conversation_goes_back_and_forth(loop):
    process = await asyncio.create_subprocess_exec(*CAT, stdin=PIPE, stdout=PIPE)
    for i in range(200):
        process.stdin.write(b"%d\n" % i)
        await process.stdin.drain()
        assert await process.stdout.readline() == b"%d\n" % i
    process.stdin.close()
    await process.stdin.wait_closed()
    assert await process.stdout.read() == b""
    assert await process.wait() == 0


async def test_a_small_limit_pauses_the_pipe(loop):
    process = await asyncio.create_subprocess_exec(
        *python("import sys; sys.stdout.write('x' * 1000000)"), stdout=PIPE, limit=10
    )
    pipe = process._transport.get_pipe_transport(1)
    while pipe.is_reading():
        await asyncio.sleep(0)
    assert len(await process.stdout.read()) == 1_000_000
    assert await process.wait() == 0


async def test_writing_to_a_process_that_does_not_read_pauses_the_protocol(loop):
    transport, protocol = await loop.subprocess_exec(Recorder, "sleep", "3600", stdout=None, stderr=None)
    pipe = transport.get_pipe_transport(0)
    pipe.write(b"x" * 1_000_000)
    assert pipe.get_write_buffer_size() > 65536
    assert protocol.calls[-1] == "pause_writing"
    transport.kill()
    await protocol.lost()
    assert ("pipe_connection_lost", 0, BrokenPipeError) in protocol.calls
    transport.close()


async def test_a_process_that_reads_again_resumes_the_protocol(loop):
    transport, protocol = await loop.subprocess_exec(Recorder, *CAT, stdout=DEVNULL, stderr=None)
    pipe = transport.get_pipe_transport(0)
    pipe.write(b"x" * 10_000_000)
    await protocol.called("resume_writing")
    assert protocol.calls.index("pause_writing") < protocol.calls.index("resume_writing")
    pipe.close()
    await protocol.lost()
    transport.close()


async def test_communicate_ignores_a_process_that_does_not_read(loop):
    process = await asyncio.create_subprocess_exec("true", stdin=PIPE)
    await process.communicate(b"x" * 1_000_000)
    assert process.returncode == 0


async def test_drain_tells_that_the_process_is_gone(loop):
    process = await asyncio.create_subprocess_exec("true", stdin=PIPE)
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        while True:
            process.stdin.write(b"x" * 100_000)
            await process.stdin.drain()
    assert await process.wait() == 0


async def test_a_process_that_closes_stdin_is_noticed(loop):
    transport, protocol = await loop.subprocess_shell(
        Recorder, "exec <&-; sleep 3600", stdout=None, stderr=None
    )
    await protocol.called("pipe_connection_lost", 0, None)
    assert transport.get_returncode() is None
    transport.close()
    await protocol.lost()


async def test_closing_one_pipe_leaves_the_others(loop):
    transport, protocol = await loop.subprocess_exec(Recorder, *CAT, stderr=None)
    transport.get_pipe_transport(1).close()
    await protocol.called("pipe_connection_lost", 1, None)
    assert not transport.get_pipe_transport(0).is_closing()
    transport.get_pipe_transport(0).write(b"nobody reads")
    await protocol.lost()
    assert transport.get_returncode() != 0
    transport.close()


async def test_reading_goes_on_after_the_exit(loop):
    process = await asyncio.create_subprocess_exec(
        *python("import sys; sys.stdout.write('x' * 50000)"), stdout=PIPE
    )
    while process.returncode is None:
        await asyncio.sleep(0.001)
    assert len(await process.stdout.read()) == 50_000
    await process.wait()


async def test_output_may_be_anything(loop):
    assert await output_of("printf", r"\0\377") == b"\0\xff"
