"""Functions that open connections, start servers and start processes whose streams are native.

They run once for each connection or process, so they are Python.
"""

from __future__ import annotations

import asyncio
import asyncio.subprocess
from collections.abc import Callable
from typing import Any

from ferrio._ferrio import StreamReader, StreamReaderProtocol, StreamWriter

_LIMIT = 2**16


async def open_connection(
    host: Any = None, port: Any = None, *, limit: int = _LIMIT, **kwds: Any
) -> tuple[StreamReader, StreamWriter]:
    """Connect to a TCP server and return a reader and a writer, as `asyncio.open_connection` does.

    Args:
        host: a name or address; None with `sock=`.
        port: a number or a service's name.
        limit: of the reader, in bytes.
        kwds: the other arguments of `loop.create_connection`.

    Raises:
        OSError: it cannot be connected.
    """
    loop = asyncio.events.get_running_loop()
    reader, protocol = _client(limit, loop)
    transport, _ = await loop.create_connection(lambda: protocol, host, port, **kwds)
    return reader, StreamWriter(transport, protocol, reader, loop)


async def start_server(
    client_connected_cb: Callable[[StreamReader, StreamWriter], Any],
    host: Any = None,
    port: Any = None,
    *,
    limit: int = _LIMIT,
    **kwds: Any,
) -> asyncio.Server:
    """Start a TCP server that calls a function with a reader and a writer for each connection.

    Args:
        client_connected_cb: a function, or a coroutine function whose coroutines become tasks.
        host: a name or address, or several; None for all interfaces.
        port: a number or a service's name; 0 for a free one.
        limit: of the readers, in bytes.
        kwds: the other arguments of `loop.create_server`.

    Raises:
        OSError: the address cannot be bound.
    """
    loop = asyncio.events.get_running_loop()
    return await loop.create_server(_server(client_connected_cb, limit, loop), host, port, **kwds)


async def open_unix_connection(
    path: Any = None, *, limit: int = _LIMIT, **kwds: Any
) -> tuple[StreamReader, StreamWriter]:
    """Connect to a Unix socket and return a reader and a writer, as `asyncio.open_unix_connection` does.

    Args:
        path: of the socket; None with `sock=`.
        limit: of the reader, in bytes.
        kwds: the other arguments of `loop.create_unix_connection`.

    Raises:
        OSError: it cannot be connected.
    """
    loop = asyncio.events.get_running_loop()
    reader, protocol = _client(limit, loop)
    transport, _ = await loop.create_unix_connection(lambda: protocol, path, **kwds)
    return reader, StreamWriter(transport, protocol, reader, loop)


async def start_unix_server(
    client_connected_cb: Callable[[StreamReader, StreamWriter], Any],
    path: Any = None,
    *,
    limit: int = _LIMIT,
    **kwds: Any,
) -> asyncio.Server:
    """Start a server on a Unix socket that calls a function with a reader and a writer for each connection.

    Args:
        client_connected_cb: a function, or a coroutine function whose coroutines become tasks.
        path: of the socket; None with `sock=`.
        limit: of the readers, in bytes.
        kwds: the other arguments of `loop.create_unix_server`.

    Raises:
        OSError: the path cannot be bound.
    """
    loop = asyncio.events.get_running_loop()
    return await loop.create_unix_server(_server(client_connected_cb, limit, loop), path, **kwds)


def _client(limit: int, loop: asyncio.AbstractEventLoop) -> tuple[StreamReader, StreamReaderProtocol]:
    reader = StreamReader(limit=limit, loop=loop)
    return reader, StreamReaderProtocol(reader, loop=loop)


def _server(
    client_connected_cb: Callable[[StreamReader, StreamWriter], Any],
    limit: int,
    loop: asyncio.AbstractEventLoop,
) -> Callable[[], StreamReaderProtocol]:
    def factory() -> StreamReaderProtocol:
        reader = StreamReader(limit=limit, loop=loop)
        return StreamReaderProtocol(reader, client_connected_cb, loop=loop)  # type: ignore[arg-type]

    return factory


class SubprocessStreamProtocol(asyncio.subprocess.SubprocessStreamProtocol):
    """`asyncio.subprocess.SubprocessStreamProtocol` with native readers and a native writer."""

    def connection_made(self, transport: Any) -> None:
        loop = self._loop  # type: ignore[attr-defined]
        self._transport = transport
        for fd, name in (1, "stdout"), (2, "stderr"):
            pipe = transport.get_pipe_transport(fd)
            if pipe is not None:
                reader = StreamReader(limit=self._limit, loop=loop)  # type: ignore[attr-defined]
                reader.set_transport(pipe)
                setattr(self, name, reader)
                self._pipe_fds.append(fd)  # type: ignore[attr-defined]
        pipe = transport.get_pipe_transport(0)
        if pipe is not None:
            self.stdin = StreamWriter(pipe, self, None, loop)  # type: ignore[assignment]


async def create_subprocess_exec(
    program: Any,
    *args: Any,
    stdin: Any = None,
    stdout: Any = None,
    stderr: Any = None,
    limit: int = _LIMIT,
    **kwds: Any,
) -> asyncio.subprocess.Process:
    """Start a process, as `asyncio.create_subprocess_exec` does.

    Args:
        program: the program, and args, its arguments.
        stdin: `subprocess.PIPE` for a writer, or whatever `subprocess.Popen` takes; stdout and stderr for readers.
        limit: of the readers, in bytes.
        kwds: the other arguments of `subprocess.Popen`.

    Raises:
        OSError: it cannot be started.
    """
    loop = asyncio.events.get_running_loop()
    transport, protocol = await loop.subprocess_exec(
        lambda: SubprocessStreamProtocol(limit=limit, loop=loop),
        program,
        *args,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        **kwds,
    )
    return asyncio.subprocess.Process(transport, protocol, loop)


async def create_subprocess_shell(
    cmd: Any,
    stdin: Any = None,
    stdout: Any = None,
    stderr: Any = None,
    limit: int = _LIMIT,
    **kwds: Any,
) -> asyncio.subprocess.Process:
    """Start a command in a shell, as `asyncio.create_subprocess_shell` does.

    Args:
        cmd: the command.
        stdin: `subprocess.PIPE` for a writer, or whatever `subprocess.Popen` takes; stdout and stderr for readers.
        limit: of the readers, in bytes.
        kwds: the other arguments of `subprocess.Popen`.

    Raises:
        OSError: the shell cannot be started.
    """
    loop = asyncio.events.get_running_loop()
    transport, protocol = await loop.subprocess_shell(
        lambda: SubprocessStreamProtocol(limit=limit, loop=loop),
        cmd,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        **kwds,
    )
    return asyncio.subprocess.Process(transport, protocol, loop)
