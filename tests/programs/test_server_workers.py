"""The processes of uvicorn, hypercorn, gunicorn, granian and daphne under ``python -m ferrio`` run on its loop."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.harness import PY
from tests.installed import make_environment, need, site_packages
from tests.programs.running import APPS

APP = "asgi_app:app"
WORKERS = ("--workers", "2")
BIND = ("--bind", "127.0.0.1:0")
UVICORN = ("-m", "uvicorn", "--host", "127.0.0.1", "--port", "0", APP)
HYPERCORN = ("-m", "hypercorn", *BIND, *WORKERS, APP)
# Its control socket would lie in the user's home.
GUNICORN = (
    *("-m", "gunicorn", *BIND, *WORKERS, "--no-control-socket"),
    *("-k", "uvicorn_worker.UvicornWorker", APP),
)
# For a server that does not tell which port it has got, the test looks for a free one.
PORT = "PORT"
GRANIAN = (
    *("-m", "granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", PORT),
    *(*WORKERS, APP, "--loop"),
)
DAPHNE = ("-m", "daphne", "-b", "127.0.0.1", "-p", PORT, APP)
SERVERS = {
    # A worker that has not answered after some seconds is replaced, which happens on a busy machine.
    "uvicorn": (*UVICORN, *WORKERS, "--timeout-worker-healthcheck", "60"),
    "uvicorn with reload": (*UVICORN, "--reload"),
    "hypercorn": HYPERCORN,
    "hypercorn for uvloop": (*HYPERCORN, "--worker-class", "uvloop"),
    "gunicorn": GUNICORN,
    "granian": (*GRANIAN, "asyncio"),
    "granian for uvloop": (*GRANIAN, "uvloop"),
    # autobahn, which it needs, does not build on 3.15.
    **({"daphne": DAPHNE} if PY < (3, 15) else {}),
}


@pytest.fixture(scope="module")
def pythons(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Interpreters of environments with ferrio and the servers, with and without uvloop."""
    need("uvicorn", "hypercorn", "gunicorn", "uvicorn_worker", "uvloop", "granian")
    if "daphne" in SERVERS:
        need("daphne")
    made = {
        name: make_environment(tmp_path_factory.mktemp("environment"), packages=True)
        for name in ("with uvloop", "without uvloop")
    }
    absent = "raise ModuleNotFoundError(\"No module named 'uvloop'\", name='uvloop')\n"
    (site_packages(made["without uvloop"]) / "uvloop.py").write_text(absent)
    return made


LISTENS = re.compile(r"(?:running on|listening at:) (https?://\S+)|Listening on TCP address", re.IGNORECASE)


class Server:
    """A server that runs.

    Attributes:
        url: where it answers.
        log: what it said, once it has ended.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.log = ""

    def loops_that_answer(self, workers: int) -> set[str]:
        """Ask until that many processes have answered; returns the packages of their loops."""
        found: dict[int, str] = {}
        deadline = time.monotonic() + 40
        while len(found) < workers:
            assert time.monotonic() < deadline, f"only {len(found)} of {workers} workers have answered"
            try:
                with urllib.request.urlopen(self.url, timeout=30) as response:
                    answer = json.load(response)
            except urllib.error.URLError as error:
                if not isinstance(error.reason, ConnectionRefusedError):
                    raise
                time.sleep(0.02)  # uvicorn's workers listen some time after it has told where.
                continue
            found[answer["process"]] = answer["loop"].partition(".")[0]
        return set(found.values())


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


@contextmanager
def served(python: Path, *command: str) -> Iterator[Server]:
    """Start a server; at the end have it shut down, which it has to do in order."""
    port = _free_port() if PORT in command else 0
    command = tuple(str(port) if part == PORT else part for part in command)
    process = subprocess.Popen(
        [python, *command],
        cwd=APPS,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    log = ""
    try:
        assert process.stdout is not None
        for line in process.stdout:
            log += line
            if found := LISTENS.search(line):
                server = Server(found[1] or f"http://127.0.0.1:{port}")
                yield server
                break
        process.send_signal(signal.SIGTERM)
        log += process.communicate(timeout=30)[0]
    finally:
        with contextlib.suppress(ProcessLookupError):  # Workers that are left hold the pipe.
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert not re.search("Traceback|ERROR", log), log
    assert process.returncode in (0, -signal.SIGTERM), log
    server.log = log


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("server", "installed", "options", "loop"),
    [
        *((server, "with uvloop", (), "ferrio") for server in SERVERS),
        *((server, "without uvloop", (), "ferrio") for server in SERVERS if "for uvloop" not in server),
        ("uvicorn", "with uvloop", ("--keep-uvloop",), "uvloop"),
        ("uvicorn", "without uvloop", ("--keep-uvloop",), "ferrio"),
        ("uvicorn", "with uvloop", ("--no-children",), "uvloop"),
        ("uvicorn", "without uvloop", ("--no-children",), "asyncio"),
        ("hypercorn", "with uvloop", ("--keep-uvloop",), "ferrio"),
        ("hypercorn for uvloop", "with uvloop", ("--keep-uvloop",), "uvloop"),
        ("hypercorn", "with uvloop", ("--no-children",), "asyncio"),
        ("gunicorn", "with uvloop", ("--keep-uvloop",), "uvloop"),
        # Its workers are forks.
        ("gunicorn", "with uvloop", ("--no-children",), "ferrio"),
        ("granian for uvloop", "with uvloop", ("--keep-uvloop",), "uvloop"),
    ],
)
def test_workers_run_on(
    pythons: dict[str, Path], server: str, installed: str, options: tuple[str, ...], loop: str
) -> None:
    command = ("-m", "ferrio", "--verbose", *options, *SERVERS[server])
    workers = 1 if "reload" in server or server == "daphne" else 2
    with served(pythons[installed], *command) as running:
        assert running.loops_that_answer(workers) == {loop}
    said = re.findall(r"^ferrio: process (\d+) \(.+\): ferrio's loop, accelerated", running.log, re.MULTILINE)
    children = 0 if server == "daphne" or ("--no-children" in options and server != "gunicorn") else workers
    told = 1 + children
    # granian's workers come from a fork server since Python 3.14, which is one process more.
    more = 1 if server.startswith("granian") and PY >= (3, 14) else 0
    assert len(said) == len(set(said)), running.log
    assert told <= len(said) <= told + more, running.log


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("command", "workers"),
    [
        ((*GUNICORN[:-3], "-k", "ferrio.workers.UvicornWorker", APP), 2),
        ((*GUNICORN[:-3], "-k", "ferrio.workers.UvicornH11Worker", APP), 2),
        ((*UVICORN, *WORKERS, "--timeout-worker-healthcheck", "60", "--loop", "ferrio:new_event_loop"), 2),
        ((*UVICORN, "--reload", "--loop", "ferrio:new_event_loop"), 1),
    ],
    ids=["gunicorn", "gunicorn with h11", "uvicorn", "uvicorn with reload"],
)
def test_a_server_that_is_told_so_runs_on_ferrio(
    pythons: dict[str, Path], command: tuple[str, ...], workers: int
) -> None:
    with served(pythons["with uvloop"], *command) as running:
        assert running.loops_that_answer(workers) == {"ferrio"}
    assert "ferrio: process" not in running.log


def test_worker_classes_without_uvicorn_worker_say_what_to_install(tmp_path: Path) -> None:
    python = make_environment(tmp_path)
    ended = subprocess.run(
        [python, "-c", "import ferrio.workers"], capture_output=True, text=True, timeout=30
    )
    assert ended.returncode == 1
    assert "cannot be imported (No module named 'uvicorn_worker'). Install them: " in ended.stderr
