"""uvicorn serves thousands of requests on ferrio's loop, whichever way it is told to, and shuts down as usual."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

APPS = Path(__file__).parent / "apps"
CONNECTIONS = 50
REQUESTS_PER_CONNECTION = 100  # Of each server; there are two, which makes 10,000.
BODY_SIZES = (0, 10, 1_000, 70_000)  # The last does not come in one read.

COMMANDS = {
    "loop option": ["-m", "uvicorn", "--loop", "ferrio:new_event_loop"],
    "python -m ferrio": ["-m", "ferrio", "-m", "uvicorn"],
}


@contextmanager
def served(command: list[str]) -> Iterator[str]:
    """Start uvicorn on a port that the system chooses; gives its URL. At the end interrupts it and checks how it ends.

    Raises:
        AssertionError: if it does not start, or does not shut down in order.
    """
    process = subprocess.Popen(
        [
            *(sys.executable, "-W", "error", *command),
            *(
                "--app-dir",
                str(APPS),
                "--host",
                "127.0.0.1",
                "--port",
                "0",
                "--lifespan",
                "on",
                "--no-access-log",
            ),
            "asgi_app:app",
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    log = ""
    try:
        assert process.stderr is not None
        for line in process.stderr:
            log += line
            if found := re.search(r"running on (http://\S+)", line):
                yield found[1]
                break
        process.send_signal(signal.SIGINT)
        log += process.communicate(timeout=30)[1]
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0, log
    assert "Application startup complete" in log
    assert "Finished server process" in log
    assert not re.search("Traceback|Warning|ERROR", log), log


async def make_requests(url: str) -> set[str]:
    """Make all requests of one server and check the answers; returns the modules of the loops that answered."""
    loops = set()

    async def connection(client: httpx.AsyncClient, number: int) -> None:
        for request in range(REQUESTS_PER_CONNECTION):
            if request % 2:
                text = "é" * BODY_SIZES[(number + request // 2) % len(BODY_SIZES)]
                response = await client.post("/", json={"number": number, "text": text})
                assert response.json() == {"number": number, "text": text}
            else:
                response = await client.get(f"/{number}/{request}")
                answer = response.json()
                assert answer["path"] == f"/{number}/{request}"
                loops.add(answer["loop"])
            assert response.status_code == 200

    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=60, trust_env=False) as client:
        async with asyncio.TaskGroup() as group:
            for number in range(CONNECTIONS):
                group.create_task(connection(client, number))
    return loops


@pytest.mark.timeout(300)
@pytest.mark.parametrize("command", COMMANDS)
def test_thousands_of_requests_without_an_error(command: str) -> None:
    with served(COMMANDS[command]) as url, asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        loops = runner.run(make_requests(url))
    assert [loop.partition(".")[0] for loop in loops] == ["ferrio"]
