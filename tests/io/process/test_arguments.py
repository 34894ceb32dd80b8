"""Every argument of `subprocess.Popen` reaches it, and what it raises comes back."""

import asyncio
import fcntl
import os
import pathlib
import resource
import signal
import stat
import subprocess
import sys

import pytest

from tests.harness import descriptor_count
from tests.io.process.children import CAT, DEVNULL, PIPE, Recorder, output_of, python

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs to be root")


async def test_env(loop):
    assert await output_of(*python("import os; print(os.environ['A'])"), env={"A": "b"}) == b"b\n"


async def test_cwd(loop, tmp_path):
    assert await output_of("pwd", cwd=tmp_path) == f"{tmp_path}\n".encode()


async def test_executable(loop):
    assert await output_of("not-sh", "-c", "echo $0", executable="/bin/sh") == b"not-sh\n"


async def test_shell(loop):
    process = await asyncio.create_subprocess_shell("echo $((1 + 1))", stdout=PIPE)
    assert await process.communicate() == (b"2\n", None)


async def test_programs_and_arguments_may_be_paths_and_bytes(loop, tmp_path):
    assert await output_of(pathlib.Path("/bin/echo"), pathlib.Path("a"), b"b") == b"a b\n"


async def test_start_new_session(loop):
    process = await asyncio.create_subprocess_exec(*CAT, stdin=PIPE, start_new_session=True)
    assert os.getsid(process.pid) == process.pid
    await process.communicate(b"")


async def test_process_group(loop):
    process = await asyncio.create_subprocess_exec(*CAT, stdin=PIPE, process_group=0)
    assert os.getpgid(process.pid) == process.pid
    await process.communicate(b"")


async def test_umask(loop, tmp_path):
    file = tmp_path / "file"
    process = await asyncio.create_subprocess_shell(f"touch {file}", umask=0o077)
    assert await process.wait() == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_pass_fds(loop):
    read, write = os.pipe()
    code = f"import os; os.write({write}, b'passed')"
    process = await asyncio.create_subprocess_exec(*python(code), pass_fds=[write])
    os.close(write)
    assert await process.wait() == 0
    assert os.read(read, 10) == b"passed"
    os.close(read)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_preexec_fn(loop):
    code = "import os, sys; sys.exit(os.nice(0) % 256)"
    process = await asyncio.create_subprocess_exec(*python(code), preexec_fn=lambda: os.nice(3))
    assert await process.wait() == min(os.nice(0) + 3, 19) % 256


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_an_exception_of_preexec_fn_is_raised(loop):
    def fail():
        raise ZeroDivisionError

    before = descriptor_count()
    with pytest.raises(subprocess.SubprocessError, match="preexec_fn"):
        await asyncio.create_subprocess_exec("true", preexec_fn=fail, stdin=PIPE, stdout=PIPE)
    assert descriptor_count() == before


@ROOT
async def test_user_group_and_extra_groups(loop):
    process = await asyncio.create_subprocess_exec(
        "/usr/bin/env",
        "sh",
        "-c",
        "id -u; id -g; id -G",
        user=65534,
        group=65533,
        extra_groups=[7],
        stdout=PIPE,
    )
    output, _ = await process.communicate()
    user, group, groups = output.split(b"\n", 2)
    assert (user, group, set(groups.split())) == (b"65534", b"65533", {b"65533", b"7"})


@pytest.mark.skipif(not hasattr(fcntl, "F_GETPIPE_SZ"), reason="pipes have one size here")
async def test_pipesize(loop):
    size = 8 * resource.getpagesize()
    code = f"import fcntl, sys; sys.exit([fcntl.fcntl(fd, {fcntl.F_GETPIPE_SZ}) for fd in range(3)] != [{size}] * 3)"
    process = await asyncio.create_subprocess_exec(
        *python(code), stdin=PIPE, stdout=PIPE, stderr=PIPE, pipesize=size
    )
    assert await process.communicate() == (b"", b"")
    assert process.returncode == 0


async def test_close_fds(loop):
    read, write = os.pipe()
    os.set_inheritable(write, True)
    for close in (True, False):
        code = f"import os; os.fstat({write})"
        process = await asyncio.create_subprocess_exec(*python(code), close_fds=close, stderr=DEVNULL)
        assert bool(await process.wait()) is close
    os.close(read)
    os.close(write)


@pytest.mark.parametrize("name", ["startupinfo", "creationflags"])
async def test_arguments_of_another_system_are_popens_to_refuse(loop, name):
    with pytest.raises(ValueError, match=f"{name} is only supported on Windows"):
        await asyncio.create_subprocess_exec("true", **{name: 1})


async def test_restore_signals(loop):
    """Python ignores SIGPIPE; a child does so only when it is asked to."""
    script = "grep -q '^SigIgn:.*1...$' /proc/self/status"
    if not os.path.exists("/proc/self/status"):
        pytest.skip("no /proc")
    process = await asyncio.create_subprocess_exec("sh", "-c", script, restore_signals=False)
    assert await process.wait() == 0
    process = await asyncio.create_subprocess_exec("sh", "-c", script)
    assert await process.wait() == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"universal_newlines": True}, "universal_newlines must be False"),
        ({"bufsize": 1}, "bufsize must be 0"),
        ({"text": True}, "text must be False"),
        ({"encoding": "utf-8"}, "encoding must be None"),
        ({"errors": "strict"}, "errors must be None"),
        ({"shell": True}, "shell must be False"),
    ],
)
async def test_arguments_that_make_no_sense_are_refused(loop, options, message):
    with pytest.raises(ValueError, match=message):
        await loop.subprocess_exec(Recorder, "true", **options)


async def test_an_unknown_argument_is_popens_to_refuse(loop):
    with pytest.raises(TypeError, match="nonsense"):
        await asyncio.create_subprocess_exec("true", nonsense=1)


async def test_a_program_that_does_not_exist(loop):
    before = descriptor_count()
    with pytest.raises(FileNotFoundError) as caught:
        await asyncio.create_subprocess_exec("/does/not/exist", stdin=PIPE, stdout=PIPE, stderr=PIPE)
    assert caught.value.filename == "/does/not/exist"
    assert descriptor_count() == before


async def test_a_directory_to_start_in_that_does_not_exist(loop):
    with pytest.raises(FileNotFoundError) as caught:
        await asyncio.create_subprocess_exec("true", cwd="/does/not/exist")
    assert caught.value.filename == "/does/not/exist"


async def test_a_program_that_may_not_be_executed(loop, tmp_path):
    program = tmp_path / "program"
    program.write_text("")
    before = descriptor_count()
    with pytest.raises(PermissionError) as caught:
        await asyncio.create_subprocess_exec(program, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    assert caught.value.filename in (str(program), program)
    assert descriptor_count() == before


async def test_an_exception_of_the_protocol_factory_starts_nothing(loop):
    def fail():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await loop.subprocess_exec(fail, "true")


async def test_a_replaced_popen_is_called(loop, monkeypatch):
    """Instrumentation replaces subprocess.Popen."""
    calls = []

    class Popen(subprocess.Popen):
        def __init__(self, args, **options):
            calls.append(args)
            super().__init__(args, **options)

    monkeypatch.setattr(subprocess, "Popen", Popen)
    process = await asyncio.create_subprocess_exec("true")
    assert await process.wait() == 0
    assert calls == [("true",)]


async def test_popen_that_raises_any_exception_leaks_nothing(loop, monkeypatch):
    def popen(*args, **options):
        raise ZeroDivisionError

    monkeypatch.setattr(subprocess, "Popen", popen)
    with pytest.raises(ZeroDivisionError):
        await asyncio.create_subprocess_exec("true", stdin=PIPE)


async def test_the_process_is_killed_by_its_group(loop):
    process = await asyncio.create_subprocess_shell(
        "sleep 3600 & echo; wait", stdout=PIPE, start_new_session=True
    )
    await process.stdout.readline()
    os.killpg(process.pid, signal.SIGKILL)
    assert await process.stdout.read() == b""
    assert await process.wait() == -signal.SIGKILL


async def test_the_child_is_this_python(loop):
    output = await output_of(*python("import sys; print(sys.version_info[:2])"))
    assert output.decode().strip() == str(sys.version_info[:2])
