"""The worker processes of uvicorn, hypercorn and gunicorn under ``python -m ferrio`` run on its loop."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

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
SERVERS = {
    # A worker that has not answered after some seconds is replaced, which happens on a busy machine.
    "uvicorn": (*UVICORN, *WORKERS, "--timeout-worker-healthcheck", "60"),
    "uvicorn with reload": (*UVICORN, "--reload"),
    "hypercorn": HYPERCORN,
    "hypercorn for uvloop": (*HYPERCORN, "--worker-class", "uvloop"),
    "gunicorn": GUNICORN,
}


@pytest.fixture(scope="module")
def pythons(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Interpreters of environments with ferrio and the servers, with and without uvloop."""
    need("uvicorn", "hypercorn", "gunicorn", "uvicorn_worker", "uvloop")
    made = {
        name: make_environment(tmp_path_factory.mktemp("environment"), packages=True)
        for name in ("with uvloop", "without uvloop")
    }
    absent = "raise ModuleNotFoundError(\"No module named 'uvloop'\", name='uvloop')\n"
    (site_packages(made["without uvloop"]) / "uvloop.py").write_text(absent)
    return made


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


@contextmanager
def served(python: Path, *command: str) -> Iterator[Server]:
    """Start a server; at the end have it shut down, which it has to do in order."""
    process = subprocess.Popen(
        [python, *command], cwd=APPS, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    log = ""
    try:
        assert process.stderr is not None
        for line in process.stderr:
            log += line
            if found := re.search(r"(?:running on|listening at:) (https?://\S+)", line, re.IGNORECASE):
                server = Server(found[1])
                yield server
                break
        process.send_signal(signal.SIGTERM)
        log += process.communicate(timeout=30)[1]
    finally:
        process.kill()
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
    ],
)
def test_workers_run_on(
    pythons: dict[str, Path], server: str, installed: str, options: tuple[str, ...], loop: str
) -> None:
    command = ("-m", "ferrio", "--verbose", *options, *SERVERS[server])
    workers = 1 if "reload" in server else 2
    with served(pythons[installed], *command) as running:
        assert running.loops_that_answer(workers) == {loop}
    said = re.findall(r"^ferrio: process (\d+) \(.+\): ferrio's loop, accelerated", running.log, re.MULTILINE)
    told = 1 if "--no-children" in options and server != "gunicorn" else 1 + workers
    assert len(said) == len(set(said)) == told, running.log
