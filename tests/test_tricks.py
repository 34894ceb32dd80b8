"""Tricks (ARCHITECTURE.md has their table): each can be turned off, and turns itself off if its proof fails."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import trustme
from ferrio import _ferrio

NAMES = ("slots", "calls", "recycling", "current-task", "class-versions", "openssl", "all-tasks")

# What the tricks are about, on ferrio's loop: awaiting, calling, the current task, patched classes, all tasks.
PROGRAM = """
import asyncio, gc, socket
import ferrio

async def wait(lock, queue):
    async with asyncio.timeout(5), lock:
        await queue.put(asyncio.current_task().get_name())
        return await ferrio.sleep(0, "slept")

async def main():
    lock, queue = ferrio.Lock(), ferrio.Queue()
    tasks = [asyncio.create_task(wait(lock, queue), name=f"task {number}") for number in range(3)]
    assert asyncio.all_tasks() == {asyncio.current_task(), *tasks}
    assert await ferrio.gather(*tasks) == ["slept"] * 3
    assert [queue.get_nowait() for _ in tasks] == ["task 0", "task 1", "task 2"]
    try:
        await ferrio.wait_for(asyncio.get_running_loop().create_future(), 0.001)
    except TimeoutError:
        pass
    loop = asyncio.get_running_loop()
    seen = []
    process_events = type(loop)._process_events
    type(loop)._process_events = lambda self, events: seen.append(events) or process_events(self, events)
    await ferrio.sleep(0.001)
    del type(loop)._process_events
    assert seen, "an iteration did not notice what was put into the class"
    left, right = socket.socketpair()
    with left, right:
        left.setblocking(False)
        await loop.sock_sendall(left, b"sent")
        assert right.recv(4) == b"sent"

class Loop(ferrio.Loop):
    pass

with asyncio.Runner(loop_factory=Loop) as runner:
    runner.run(main())
gc.collect()
"""
SAY = "\nfrom ferrio import _ferrio\nprint(*[name for name, used in _ferrio._tricks().items() if not used])"


def run(program: str, **environment: str) -> str:
    """Run a program in another process, and return what it prints."""
    inherited = {name: value for name, value in os.environ.items() if name != "FERRIO_PORTABLE"}
    command = [sys.executable, "-W", "error", "-X", "dev", "-c", program]
    ended = subprocess.run(command, env=inherited | environment, capture_output=True, text=True, timeout=50)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def test_the_names_are_those_of_the_tricks() -> None:
    assert tuple(_ferrio._tricks()) == NAMES


def test_all_are_used_on_a_known_interpreter() -> None:
    assert run(PROGRAM + SAY) == "\n"


@pytest.mark.parametrize("name", NAMES)
def test_each_can_be_turned_off(name: str) -> None:
    assert run(PROGRAM + SAY, FERRIO_PORTABLE=name).split() == [name]


def test_several_can_be_turned_off() -> None:
    assert run(PROGRAM + SAY, FERRIO_PORTABLE="slots, openssl").split() == ["slots", "openssl"]


def test_all_can_be_turned_off() -> None:
    assert run(PROGRAM + SAY, FERRIO_PORTABLE="1").split() == list(NAMES)


@pytest.mark.parametrize(
    ("value", "unknown"), [("slots,nothing", "nothing"), ("bogus", "bogus"), ("1,slots", "1"), ("slots,", "")]
)
def test_an_unknown_name_is_refused_with_the_known_ones(value: str, unknown: str) -> None:
    program = "try:\n    import ferrio\nexcept ImportError as error:\n    print(error)"
    assert run(program, FERRIO_PORTABLE=value) == (
        f'the environment variable FERRIO_PORTABLE is "{value}", but "{unknown}" is not the name of a trick. '
        f"It has to be 0, 1, or names with commas in between, of these: {', '.join(NAMES)}\n"
    )


NEWER = "import sys\nsys.hexversion = 0x03100000\n"


def test_none_is_used_on_an_interpreter_that_is_newer_than_all_known_ones() -> None:
    assert run(NEWER + PROGRAM + SAY).split() == list(NAMES)


def test_all_are_used_there_if_the_user_says_so() -> None:
    assert run(NEWER + PROGRAM + SAY, FERRIO_PORTABLE="0") == "\n"


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("1", "portable: only documented interfaces of the interpreter are used, which is slower"),
        ("openssl,calls", "not used: calls, openssl"),
        ("0", None),
    ],
)
def test_the_version_says_what_is_not_used(value: str, line: str | None) -> None:
    program = (
        "import sys, runpy\nsys.argv = ['ferrio', '-V']\nrunpy.run_module('ferrio', run_name='__main__')"
    )
    version, *more = run(program, FERRIO_PORTABLE=value).splitlines()
    assert version.startswith("ferrio ")
    assert more == ([line] if line else [])


# Each takes away what a proof wants to see, before ferrio is imported.
BROKEN = {
    # The functions that enter and leave a task keep it somewhere else.
    "current-task": """
import asyncio, _asyncio
current = {}
def enter(loop, task):
    assert loop not in current
    current[loop] = task
def leave(loop, task):
    assert current.pop(loop) is task
_asyncio._enter_task, _asyncio._leave_task = enter, leave
asyncio.current_task = asyncio.tasks.current_task = lambda loop=None: current.get(asyncio.get_running_loop())
""",
    # The registry of tasks is no set that tells who is in it.
    "all-tasks": """
import asyncio
registered = []
asyncio._register_task = asyncio.tasks._register_task = registered.append
asyncio.tasks._unregister_task = registered.remove
asyncio.all_tasks = lambda: {task for task in registered if not task.done()}
""",
}


@pytest.mark.parametrize("name", BROKEN)
def test_one_whose_proof_fails_is_not_used(name: str) -> None:
    assert run(BROKEN[name] + PROGRAM + SAY).split() == [name]


TLS = """
import asyncio, ssl, sys, _ssl
import ferrio
from ferrio import _ferrio

async def serve(reader, writer):
    writer.write(await reader.readline())
    await writer.drain()
    writer.close()
    await writer.wait_closed()

async def main(certificate, key, authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    async with await ferrio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
        client = ssl.create_default_context(cafile=authority)
        address = server.sockets[0].getsockname()
        reader, writer = await ferrio.open_connection(*address, ssl=client, server_hostname="localhost")
        writer.write(b"over TLS\\n")
        assert await reader.read() == b"over TLS\\n"
        print(writer.transport._ssl_protocol._direct)
        writer.close()
        await writer.wait_closed()

ferrio.run(main(*sys.argv[1:]))
"""

# What OpenSSL's proof looks at: the library's version, the types of its objects, and their sizes.
OPENSSL = {
    "another version": "_ssl.OPENSSL_VERSION_NUMBER += 1",
    "no version": "del _ssl.OPENSSL_VERSION_NUMBER",
    "another file": "_ssl.__file__ = '/nowhere'",
    "another class of connections": "_ssl._SSLSocket = type('_SSLSocket', (), {})",
    "another class of buffers": "_ssl.MemoryBIO = object",
}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The paths of a certificate that signs itself, and of its key."""
    folder = tmp_path_factory.mktemp("certificate")
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    paths = folder / "chain.pem", folder / "key.pem", folder / "authority.pem"
    issued.private_key_pem.write_to_path(str(paths[1]))
    for pem in issued.cert_chain_pems:
        pem.write_to_path(str(paths[0]), append=True)
    authority.cert_pem.write_to_path(str(paths[2]))
    return tuple(map(str, paths))


def run_tls(first: str, certificate: tuple[str, ...], **environment: str) -> str:
    program = f"import sys\nsys.argv[1:] = {certificate!r}\n" + TLS.replace(
        "import ferrio\n", f"import ferrio\n{first}\n", 1
    )
    return run(program, **environment)


def test_tls_goes_to_openssl_directly(certificate: tuple[str, ...]) -> None:
    assert run_tls("", certificate) == "True\n"


@pytest.mark.parametrize("change", OPENSSL)
def test_tls_goes_through_methods_if_openssl_is_not_as_expected(
    certificate: tuple[str, ...], change: str
) -> None:
    assert run_tls(OPENSSL[change], certificate) == "False\n"


def test_tls_goes_through_methods_if_the_trick_is_off(certificate: tuple[str, ...]) -> None:
    assert run_tls("", certificate, FERRIO_PORTABLE="openssl") == "False\n"


# Private names of asyncio that ferrio asks for; without them it takes the newest behaviour.
MISSING = [
    "asyncio.selector_events._SelectorTransport.__del__",
    "asyncio.unix_events._UnixReadPipeTransport.__del__",
    "asyncio.sslproto._SSLProtocolTransport.__del__",
    "asyncio.sslproto.SSLProtocol._on_shutdown_complete",
    "asyncio.base_subprocess.BaseSubprocessTransport._process_exited",
    "asyncio.base_subprocess.BaseSubprocessTransport.send_signal",
]
PROCESS = """
async def process():
    child = await ferrio.create_subprocess_exec("cat", stdin=-1, stdout=-1)
    assert await child.communicate(b"through a process") == (b"through a process", None)
    assert child.returncode == 0
    child = await ferrio.create_subprocess_exec("sleep", "60")
    child.send_signal(15)
    assert await child.wait() == -15
ferrio.run(process())
"""


@pytest.mark.parametrize("name", MISSING)
def test_a_private_name_of_asyncio_may_be_missing(certificate: tuple[str, ...], name: str) -> None:
    before = f"import asyncio.sslproto\ndel {name}\n"
    program = f"import sys\nsys.argv[1:] = {certificate!r}\n{before}{TLS}{PROCESS}"
    assert run(program) == "True\n"


# Loads the native module before the package, and has it refuse its metaclass.
WITHOUT_METACLASS = """
import importlib.machinery, importlib.util, sys
folder = importlib.util.find_spec("ferrio").submodule_search_locations[0]
spec = importlib.machinery.PathFinder.find_spec("ferrio._ferrio", [folder])
_ferrio = importlib.util.module_from_spec(spec)
sys.modules["ferrio._ferrio"] = _ferrio
spec.loader.exec_module(_ferrio)
set_metaclass = _ferrio._set_metaclass
def refuse(native, metaclass):
    assert not set_metaclass(native, object)
    return False
_ferrio._set_metaclass = refuse
"""
PATCHED = """
async def patched():
    puts = []
    put_nowait = ferrio.Queue.put_nowait
    ferrio.Queue.put_nowait = lambda self, item: puts.append(item) or put_nowait(self, item)
    queue = ferrio.Queue()
    await queue.put(1)
    queue.put_nowait(2)
    ferrio.Queue.put_nowait = put_nowait
    assert puts[-1] == 2 and await queue.get() == 1
ferrio.run(patched())
"""


def test_without_their_metaclass_native_classes_work() -> None:
    assert run(WITHOUT_METACLASS + PROGRAM + PATCHED + "print(type(ferrio.Queue) is type)") == "True\n"
