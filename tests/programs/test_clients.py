"""Clients of real servers: redis-py and asyncpg."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

# Two runs of a program, each of which has its own, shorter limit.
pytestmark = pytest.mark.timeout(120)


def test_redis_clients_see_the_same_answers_and_failures(
    app_says_the_same: Callable[..., str], redis_url: str
) -> None:
    output = app_says_the_same("redis_clients.py", redis_url)
    assert "shared pool: 50 1000\n" in output
    assert "popped: True\n" in output
    assert "left: 0\n" in output


def test_postgres_clients_see_the_same_rows_and_failures(
    app_says_the_same: Callable[..., str], postgres_url: str, certificates: dict[str, Path]
) -> None:
    output = app_says_the_same("asyncpg_clients.py", postgres_url, str(certificates["authority"]))
    assert "shared pool: True 10\n" in output
    assert f"cancelled: {['CancelledError'] * 5}\n" in output
    assert "encrypted: TLSv1.3 True\n" in output
