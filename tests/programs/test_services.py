"""Services and their clients in one process: aiohttp, websockets, FastAPI under uvicorn, aiosmtpd."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

# Two runs of a program, each of which has its own, shorter limit.
pytestmark = pytest.mark.timeout(120)


def test_aiohttp_service_and_its_clients_say_the_same(
    app_says_the_same: Callable[..., str], certificates: dict[str, Path]
) -> None:
    files = [str(certificates[name]) for name in ("certificate", "key", "authority")]
    output = app_says_the_same("aiohttp_service.py", *files)
    assert output.count("streams: [True, 4000000, True, 4000000]\n") == 2
    assert output.endswith("at the end: answered all the same\n")


def test_websockets_service_and_its_clients_say_the_same(
    app_says_the_same: Callable[..., str], certificates: dict[str, Path]
) -> None:
    files = [str(certificates[name]) for name in ("certificate", "key", "authority")]
    output = app_says_the_same("websockets_service.py", *files)
    assert output.count("echoes: True\n") == output.count("nothing is lost: True\n") == 2


def test_fastapi_service_and_its_clients_say_the_same(app_says_the_same: Callable[..., str]) -> None:
    output = app_says_the_same("fastapi_service.py")
    assert "items: True " in output
    assert output.endswith("trace: ['startup', 'in a thread', 'shutdown']\n")


def test_mail_server_and_its_clients_say_the_same(
    app_says_the_same: Callable[..., str], certificates: dict[str, Path]
) -> None:
    files = [str(certificates[name]) for name in ("certificate", "key", "authority")]
    output = app_says_the_same("smtp_service.py", *files)
    assert "answers: [250, 220, {}, 552, 250]\n" in output
    assert output.endswith("all the same: True\nmails: True\n")
