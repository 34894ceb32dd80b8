"""Certificates, contexts, and both ways in which ferrio drives OpenSSL."""

import asyncio
import contextlib
import ssl

import pytest
import trustme

from tests.harness import Made, Recorder

PATHS = ("direct", "methods")


def pytest_generate_tests(metafunc):
    if "loop_name" in metafunc.fixturenames:
        metafunc.parametrize("data_path", PATHS, indirect=True)


def pytest_collection_modifyitems(config, items):
    """asyncio knows only one way."""
    here = [item for item in items if "data_path" in getattr(item, "fixturenames", ())]
    twice = [item for item in here if item.callspec.params.get("loop_name") == "asyncio"]
    twice = [item for item in twice if item.callspec.params.get("data_path") == "methods"]
    config.hook.pytest_deselected(items=twice)
    items[:] = [item for item in items if item not in twice]


@pytest.fixture(autouse=True)
def data_path(request, loop_name):
    """Whether ferrio's data goes past the methods of the SSLObject."""
    if loop_name != "ferrio":
        yield None
        return
    from ferrio._ferrio import TlsProtocol

    TlsProtocol._allow_direct(request.param == "direct")
    yield request.param
    TlsProtocol._allow_direct(True)


async def settled():
    """Wait until nothing else runs: asyncio has a task for each connection that a server accepts."""
    for _ in range(50):
        await asyncio.sleep(0.001)
    while len(asyncio.all_tasks()) > 1:
        await asyncio.sleep(0.001)


class MadeBy(Made):
    """Made, with protocols of another class."""

    def __init__(self, factory):
        super().__init__()
        self.factory = factory

    def __call__(self):
        self.append(self.factory())
        self.changed.set()
        return self[-1]


class Certificates:
    """An authority, and what it issues."""

    def __init__(self):
        self.authority = trustme.CA()
        self.server = self.authority.issue_cert("localhost", "127.0.0.1", "other.example")
        self.client = self.authority.issue_cert("client@example.org")
        self.stranger = trustme.CA()

    def server_context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.configure_cert(context)
        return context

    def client_context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.authority.configure_trust(context)
        return context


@pytest.fixture(scope="session")
def certificates():
    return Certificates()


@pytest.fixture
def server_context(certificates):
    return certificates.server_context()


@pytest.fixture
def client_context(certificates):
    return certificates.client_context()


@pytest.fixture
def pair(loop, server_context, client_context):
    """`async with pair() as (client, server)`: two protocols that are connected by TLS."""

    @contextlib.asynccontextmanager
    async def connect(client=Recorder, server=Recorder, *, server_options=None, **options):
        made = MadeBy(server)
        listener = await loop.create_server(
            made, "127.0.0.1", 0, ssl=server_context, **(server_options or {})
        )
        options = {"ssl": client_context, "server_hostname": "localhost", **options}
        _, ours = await loop.create_connection(client, *listener.sockets[0].getsockname(), **options)
        await made.connected(1)
        try:
            yield ours, made[0]
        finally:
            for protocol in (ours, made[0]):
                protocol.transport.abort()
            for protocol in (ours, made[0]):
                await protocol.lost()
            listener.close()
            await listener.wait_closed()

    return connect
