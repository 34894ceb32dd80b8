"""TLS over Unix sockets: there is no address, so the name to check the certificate against must be given."""

import asyncio
import os
import ssl

import pytest
import trustme

from tests.harness import Made, Recorder, descriptor_count, finish


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def server_context(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


@pytest.fixture
def client_context(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    return context


@pytest.fixture(params=["path", "abstract"])
def name(request, tmp_path):
    return str(tmp_path / "socket") if request.param == "path" else f"\0ferrio-tls-{os.getpid()}"


async def test_both_sides_talk(loop, name, server_context, client_context):
    made = Made()
    async with await loop.create_unix_server(made, name, ssl=server_context):
        _, client = await loop.create_unix_connection(
            Recorder, name, ssl=client_context, server_hostname="localhost"
        )
        await made.connected(1)
        data = bytes(range(256)) * 4000
        client.transport.write(data)
        assert await made[0].got(len(data)) == data
        made[0].transport.write(data)
        assert await client.got(len(data)) == data
        info = client.transport.get_extra_info
        assert info("cipher")
        assert info("sslcontext") is client_context
        assert info("peername") == (name if name[0] != "\0" else name.encode())
        await finish(client, *made)
        assert client.reason is made[0].reason is None


async def test_streams_talk(loop, name, server_context, client_context):
    async def shout(reader, writer):
        writer.write((await reader.readline()).upper())
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_unix_server(shout, name, ssl=server_context):
        reader, writer = await asyncio.open_unix_connection(
            name, ssl=client_context, server_hostname="localhost"
        )
        writer.write(b"hello\n")
        assert await reader.read() == b"HELLO\n"
        writer.close()
        await writer.wait_closed()


async def test_a_plain_connection_is_upgraded(loop, tmp_path, server_context, client_context):
    path, made = str(tmp_path / "socket"), Made()
    async with await loop.create_unix_server(made, path):
        _, client = await loop.create_unix_connection(Recorder, path)
        await made.connected(1)
        client.transport, made[0].transport = await asyncio.gather(
            loop.start_tls(client.transport, client, client_context, server_hostname="localhost"),
            loop.start_tls(made[0].transport, made[0], server_context, server_side=True),
        )
        client.transport.write(b"secret")
        assert await made[0].got(6) == b"secret"
        await finish(client, *made)


async def test_the_certificate_must_be_for_the_name_that_was_given(
    loop, tmp_path, server_context, client_context
):
    path, made = str(tmp_path / "socket"), Made()
    async with await loop.create_unix_server(made, path, ssl=server_context):
        before = descriptor_count()
        with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
            await loop.create_unix_connection(
                Recorder, path, ssl=client_context, server_hostname="wrong.example"
            )
        # The server's side is over, too; asyncio has a task for it.
        while descriptor_count() > before or len(asyncio.all_tasks()) > 1:
            await asyncio.sleep(0)
    assert [protocol.calls for protocol in made] == [[]] * len(made)


async def test_a_name_has_to_be_given(loop, tmp_path, client_context):
    with pytest.raises(ValueError, match=r"^you have to pass server_hostname when using ssl$"):
        await loop.create_unix_connection(Recorder, str(tmp_path / "socket"), ssl=client_context)


async def test_a_peer_that_says_nothing_runs_into_the_timeout(loop, tmp_path, client_context):
    path = str(tmp_path / "socket")
    async with await loop.create_unix_server(Made(), path) as server:
        with pytest.raises(ConnectionAbortedError, match="SSL handshake is taking longer"):
            await loop.create_unix_connection(
                Recorder, path, ssl=client_context, server_hostname="x", ssl_handshake_timeout=0.05
            )
        assert server.is_serving()
