"""The processes beside the worker in the echo benchmarks: the client that makes the load, and the baseline's server."""

import asyncio
import contextlib
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from types import ModuleType

from benchmarks import tools
from benchmarks.benchmark import Setting, Unavailable

CONNECTIONS = 20
SIZE = 1024


@contextlib.contextmanager
def process(*command: object) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process that takes commands as lines on its standard input, and ends when that is closed."""
    arguments = [str(word) for word in command]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as started:
        try:
            yield started
        finally:
            assert started.stdin is not None
            started.stdin.close()
            try:
                started.wait(2)
            except subprocess.TimeoutExpired:
                started.kill()


class Client:
    """The client, connected to the server that is being measured."""

    def __init__(self, aio: ModuleType, running: subprocess.Popen[bytes]) -> None:
        assert running.stdin is not None
        assert running.stdout is not None
        self._loop: asyncio.AbstractEventLoop = aio.get_running_loop()
        self._orders = running.stdin.fileno()
        self._answers = running.stdout.fileno()

    async def answer(self) -> None:
        """Run the loop, and with it the server, until the client reports that it is done."""
        readable = self._loop.create_future()
        self._loop.add_reader(self._answers, readable.set_result, None)
        try:
            await readable
        finally:
            self._loop.remove_reader(self._answers)
        if not os.read(self._answers, 64):
            raise RuntimeError("the client has given up")

    async def make(self, requests: int) -> None:
        os.write(self._orders, b"%d\n" % requests)
        await self.answer()


@contextlib.asynccontextmanager
async def client(setting: Setting, kind: str, port: int) -> AsyncIterator[Client]:
    """The client, on a core of its own if there is one."""
    program = setting.tool(tools.TLS_CLIENT if kind == "tls" else tools.CLIENT)
    with process(program, kind, port, CONNECTIONS, SIZE) as running:
        if setting.load_cpu is not None:
            os.sched_setaffinity(running.pid, {setting.load_cpu})
        connected = Client(setting.peer.aio, running)
        await connected.answer()
        yield connected


class BaselineServer:
    """The echo server in C."""

    def __init__(self, running: subprocess.Popen[bytes]) -> None:
        assert running.stdin is not None
        assert running.stdout is not None
        self._orders = running.stdin
        self._answers = running.stdout
        self.port = int(self._answers.readline())

    def cpu_time(self) -> int:
        """Return the CPU time that the server has used so far, in nanoseconds."""
        self._orders.write(b"\n")
        return int(self._answers.readline())


@contextlib.contextmanager
def baseline_server(setting: Setting, kind: str) -> Iterator[BaselineServer]:
    if kind == "tls":
        raise Unavailable("the server in C knows no TLS")
    with process(setting.tool(tools.SERVER), kind) as running:
        yield BaselineServer(running)
