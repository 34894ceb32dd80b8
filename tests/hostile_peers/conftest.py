"""The two workers."""

import pytest

from tests.faults.both import Both
from tests.faults.conftest import certificates  # noqa: F401
from tests.faults.injection import build, missing


@pytest.fixture(scope="session")
def both(certificates, tmp_path_factory):  # noqa: F811
    """Runs programs on both loops; where the system calls can be counted, their number is bounded, too."""
    library = None if missing() else build(tmp_path_factory.mktemp("library"))
    runner = Both(certificates, library)
    yield runner
    runner.stop()
