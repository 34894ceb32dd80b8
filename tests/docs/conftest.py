"""The services that programs of the documentation talk to, and what `make test` leaves to `make docs-test`."""

from __future__ import annotations

import os

from tests.programs.conftest import certificates, postgres_url, redis_url

__all__ = ["certificates", "postgres_url", "redis_url"]

# `make docs-test` has the libraries of the extra `docs`; `make test` does not.
collect_ignore = [] if os.environ.get("FERRIO_DOCS_GROUP") else ["test_docs_group.py"]
