"""Real servers for the programs to talk to: each on a free port of the loopback, with a folder of its own.

They come from the PATH, from where Debian installs them, or from where `get-servers.sh` has unpacked Debian's packages.
"""

from __future__ import annotations

import contextlib
import glob
import os
import pwd
import shutil
import socket
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

UNPACKED = Path(__file__).parents[2] / "target" / "servers"
START_TIMEOUT = 30


def find(program: str) -> Path:
    """Where a server's program is. Without it, the test that asks is skipped; on continuous integration it fails."""
    if found := shutil.which(program):
        return Path(found)
    for pattern in (
        "/usr/lib/postgresql/*/bin",
        f"{UNPACKED}/usr/bin",
        f"{UNPACKED}/usr/lib/postgresql/*/bin",
    ):
        if paths := sorted(glob.glob(f"{pattern}/{program}")):
            return Path(paths[-1])
    reason = f"no {program} on this machine: `make servers` gets it from Debian's packages"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def free_port() -> int:
    """A port of the loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def environment() -> dict[str, str]:
    """What a server may know: its own libraries, if it was unpacked, and nothing of this process's locale."""
    libraries = UNPACKED / "usr" / "lib" / sysconfig.get_config_var("MULTIARCH")
    return {"PATH": os.defpath, "LC_ALL": "C", "LD_LIBRARY_PATH": str(libraries)}


@contextlib.contextmanager
def folder(owner: str | None) -> Iterator[Path]:
    """A temporary folder of that user. Not one of pytest's, which lie in a folder that other users may not enter."""
    path = Path(tempfile.mkdtemp(prefix="ferrio-server-"))
    try:
        if owner is not None:
            shutil.chown(path, owner)
        yield path
    finally:
        shutil.rmtree(path)


@contextlib.contextmanager
def running(
    command: list[str], folder: Path, owner: str | None, answers: Callable[[], bool]
) -> Iterator[None]:
    """Run a server until the end of the block, which begins when it answers.

    Raises:
        AssertionError: with its log, if it ends before or does not answer in time.
    """
    log = folder / "log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            command,
            cwd=folder,
            env=environment(),
            user=owner,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + START_TIMEOUT
        while not answers():
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)  # A server says in no way that all can wait for when it is ready.
        yield
    finally:
        server.terminate()
        try:
            server.wait(START_TIMEOUT)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def replies(port: int, request: bytes, beginning: bytes) -> bool:
    """Whether the server on that port answers this request in this way."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(request)
        return connection.recv(len(beginning), socket.MSG_WAITALL) == beginning
    return False


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """Run a Redis server; gives its URL."""
    program = find("redis-server")
    with folder(None) as directory:
        port = free_port()
        settings = {
            "bind": "127.0.0.1",
            "port": str(port),
            "dir": str(directory),
            "save": "",
            "appendonly": "no",
        }
        command = [str(program), *(word for name, value in settings.items() for word in (f"--{name}", value))]
        with running(command, directory, None, lambda: replies(port, b"PING\r\n", b"+PONG")):
            yield f"redis://127.0.0.1:{port}"


@contextlib.contextmanager
def postgres(certificate: Path, key: Path) -> Iterator[str]:
    """Run a PostgreSQL server that also speaks TLS; gives its URL. It refuses to be root: then it is another user.

    Args:
        certificate, key: its TLS certificate and the key, as PEM files.
    """
    program, initdb = find("postgres"), find("initdb")
    owner = unprivileged_user() if os.geteuid() == 0 else None
    with folder(owner) as directory:
        data = directory / "data"
        initialised = subprocess.run(
            [str(initdb), "-D", str(data), "-U", "program", "-E", "UTF8", "--auth=trust", "--no-sync"],
            cwd=directory,
            env=environment(),
            user=owner,
            capture_output=True,
            text=True,
        )
        assert initialised.returncode == 0, initialised.stdout + initialised.stderr
        for source, name in ((certificate, "server.crt"), (key, "server.key")):
            shutil.copy(source, data / name)
            (data / name).chmod(0o600)
            if owner is not None:
                shutil.chown(data / name, owner)
        port = free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": str(directory),
            "ssl": "on",
            "fsync": "off",
        }
        command = [str(program), "-D", str(data)]
        command += [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        # SSLRequest of the protocol, to which the answer is one byte; the server gives it before it takes sessions,
        # but whoever connects then is told that it is starting: so ask whether it says so (StartupMessage, 3.0).
        startup = b"user\0program\0database\0postgres\0\0"
        startup = (len(startup) + 8).to_bytes(4, "big") + (3 << 16).to_bytes(4, "big") + startup
        with running(command, directory, owner, lambda: replies(port, startup, b"R")):
            yield f"postgresql://program@127.0.0.1:{port}/postgres"


def unprivileged_user() -> str:
    """A user that is not root; Debian's package of PostgreSQL makes one."""
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            pwd.getpwnam(name)
            return name
    pytest.fail("PostgreSQL refuses to run as root, and there is no user nobody")
