"""The servers that programs talk to, and what stock Python makes of each program."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from tests.programs import running, servers

Say = Callable[..., str]


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """PEM files: a server's `certificate` for the loopback with its `key`, and the `authority` that vouches for it."""
    folder = tmp_path_factory.mktemp("certificates")
    files = {name: folder / f"{name}.pem" for name in ("authority", "certificate", "key")}
    authority = trustme.CA()
    identity = authority.issue_cert("localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(files["authority"])
    identity.cert_chain_pems[0].write_to_path(files["certificate"])
    identity.private_key_pem.write_to_path(files["key"])
    return files


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with servers.redis() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_url(certificates: dict[str, Path]) -> Iterator[str]:
    with servers.postgres(certificates["certificate"], certificates["key"]) as url:
        yield url


@pytest.fixture(scope="session")
def said_by_python() -> Say:
    """What a program prints under plain python, where each is run once."""

    @functools.cache
    def say(*program: str) -> str:
        output, ran_on = running.run(running.PYTHON, program)
        assert ran_on == "asyncio"
        return output

    return say


@pytest.fixture(params=running.FERRIO)
def says_the_same(request: pytest.FixtureRequest, said_by_python: Say) -> Say:
    """Runs a program under ferrio and compares what it prints with what it prints under python; returns it."""

    def compare(*program: str) -> str:
        expected = said_by_python(*program)
        output, ran_on = running.run(running.FERRIO[request.param], program)
        assert ran_on == "ferrio"
        assert output == expected
        return output

    return compare


@pytest.fixture
def app_says_the_same(says_the_same: Say) -> Say:
    """The same for a program that is a file in the folder of apps, and its arguments."""
    return lambda name, *arguments: says_the_same(str(running.APPS / name), *arguments)
