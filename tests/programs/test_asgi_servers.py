"""uvicorn and hypercorn serve thousands of requests on ferrio's loop, however they are told to, and end as usual."""

from __future__ import annotations

import asyncio
import re
import signal
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest

from tests.programs.running import APPS, FERRIO

CONNECTIONS = 50
BODY_SIZES = (0, 10, 1_000, 70_000)  # The last does not come in one read.

UVICORN = (
    *("--app-dir", str(APPS), "--host", "127.0.0.1", "--port", "0"),
    *("--lifespan", "on", "--no-access-log", "asgi_app:app"),
)
# Without workers it serves in the process that was started.
HYPERCORN = ("--workers", "0", "--bind", "127.0.0.1:0", f"{APPS}/asgi_app:app")


@contextmanager
def served(*command: str, end: signal.Signals) -> Iterator[str]:
    """Start a server on a port that the system chooses; gives its URL. At the end sends it that signal.

    Raises:
        AssertionError: if it does not start, or does not shut down in order.
    """
    process = subprocess.Popen([sys.executable, "-W", "error", *command], stderr=subprocess.PIPE, text=True)
    log = ""
    try:
        assert process.stderr is not None
        for line in process.stderr:
            log += line
            if found := re.search(r"[Rr]unning on (https?://\S+)", line):
                yield found[1]
                break
        process.send_signal(end)
        log += process.communicate(timeout=30)[1]
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0, log
    assert not re.search("Traceback|Warning|ERROR", log), log
    if "uvicorn" in command:
        assert "Application startup complete" in log
        assert "Finished server process" in log


# Makes a request, of that method, path and JSON document; gives the document that it is answered with.
Call = Callable[[str, str, object], Awaitable[Any]]


@asynccontextmanager
async def http1(url: str, context: ssl.SSLContext | None) -> AsyncIterator[Call]:
    """A client that keeps many connections open."""

    async def call(method: str, path: str, document: object) -> Any:
        async with session.request(method, path, json=document) as response:
            assert response.status == 200
            return await response.json()

    connector = aiohttp.TCPConnector(limit=CONNECTIONS, ssl=context or True)
    async with aiohttp.ClientSession(url, connector=connector) as session:
        yield call


@asynccontextmanager
async def http2(url: str, context: ssl.SSLContext | None) -> AsyncIterator[Call]:
    """A client that sends all through one connection."""

    async def call(method: str, path: str, document: object) -> Any:
        response = await client.request(method, path, json=document)
        assert (response.status_code, response.http_version) == (200, "HTTP/2")
        return response.json()

    assert context is not None
    client = httpx.AsyncClient(
        base_url=url, verify=context, http1=False, http2=True, timeout=60, trust_env=False
    )
    async with client:
        yield call


async def make_requests(call: Call, requests: int) -> set[str]:
    """Make requests in each of many tasks and check the answers; returns the modules of the loops that answered."""
    loops = set()

    async def task(number: int) -> None:
        for request in range(requests):
            if request % 2:
                text = "é" * BODY_SIZES[(number + request // 2) % len(BODY_SIZES)]
                document = {"number": number, "text": text}
                assert await call("POST", "/", document) == document
            else:
                answer = await call("GET", f"/{number}/{request}", None)
                assert answer["path"] == f"/{number}/{request}"
                loops.add(answer["loop"])

    async with asyncio.TaskGroup() as group:
        for number in range(CONNECTIONS):
            group.create_task(task(number))
    return loops


def loops_that_answer(
    client: Callable[..., AbstractAsyncContextManager[Call]],
    url: str,
    context: ssl.SSLContext | None = None,
    *,
    requests: int,
) -> set[str]:
    """Make `requests` requests in each of the tasks; returns the packages of the loops that answered."""

    async def main() -> set[str]:
        async with client(url, context) as call:
            return await make_requests(call, requests)

    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        return {loop.partition(".")[0] for loop in runner.run(main())}


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "command",
    [
        ("-m", "uvicorn", "--loop", "ferrio:new_event_loop"),
        (*FERRIO["ferrio"], "-m", "uvicorn", "--loop", "asyncio"),
    ],
    ids=["by its loop option", "by python -m ferrio"],
)
def test_uvicorn_serves_thousands_of_requests_without_an_error(command: tuple[str, ...]) -> None:
    with served(*command, *UVICORN, end=signal.SIGINT) as url:
        assert loops_that_answer(http1, url, requests=100) == {"ferrio"}


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("client", "requests"),
    # A connection is closed after 1,000 requests.
    [(http1, 60), (http2, 1000 // CONNECTIONS)],
    ids=["HTTP 1.1", "HTTP 2"],
)
def test_hypercorn_serves_thousands_of_requests_over_tls_without_an_error(
    client: Callable[..., AbstractAsyncContextManager[Call]], requests: int, certificates: dict[str, Path]
) -> None:
    files = ("--certfile", str(certificates["certificate"]), "--keyfile", str(certificates["key"]))
    context = ssl.create_default_context(cafile=certificates["authority"])
    with served(*FERRIO["ferrio"], "-m", "hypercorn", *HYPERCORN, *files, end=signal.SIGTERM) as url:
        assert loops_that_answer(client, url, context, requests=requests) == {"ferrio"}
