"""The library and the two workers."""

import pytest
import trustme

from tests.faults.both import Both
from tests.faults.injection import build, missing


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """A folder with `authority.pem` and `server.pem`."""
    folder = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    return folder


@pytest.fixture(scope="session")
def both(certificates, tmp_path_factory):
    """Runs programs on both loops, under faults."""
    reason = missing()
    if reason:
        pytest.skip(reason)
    runner = Both(certificates, build(tmp_path_factory.mktemp("library")))
    yield runner
    runner.stop()
