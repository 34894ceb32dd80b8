"""From the connection to connection_made."""

import asyncio
import contextlib
import gc
import socket
import ssl

import pytest
from ferrio import _ferrio

from tests.harness import Recorder, serve, tcp_pair, until_closed
from tests.io.tls.conftest import settled


async def test_both_sides_talk(pair, loop_name, data_path):
    async with pair() as (client, server):
        client.transport.write(b"ping")
        assert await server.got(4) == b"ping"
        server.transport.write(b"pong")
        assert await client.got(4) == b"pong"
        assert isinstance(client.transport, asyncio.Transport)
        if loop_name == "ferrio":
            is_direct = data_path == "direct" and _ferrio._tricks()["openssl"]
            assert client.transport._ssl_protocol._direct == is_direct


async def test_extra_information(pair, client_context):
    async with pair() as (client, server):
        info = client.transport.get_extra_info
        assert isinstance(info("ssl_object"), ssl.SSLObject)
        assert info("sslcontext") is client_context
        assert ("DNS", "localhost") in info("peercert")["subjectAltName"]
        assert info("cipher") == info("ssl_object").cipher()
        assert info("compression") is None
        assert info("peername") == server.transport.get_extra_info("sockname")
        assert info("socket").fileno() > 0
        assert info("nothing") is None
        assert info("nothing", 5) == 5
        assert server.transport.get_extra_info("peercert") is None


async def test_the_server_asks_the_client_for_a_certificate(
    pair, certificates, server_context, client_context
):
    certificates.authority.configure_trust(server_context)
    server_context.verify_mode = ssl.CERT_REQUIRED
    certificates.client.configure_cert(client_context)
    async with pair() as (client, server):
        client.transport.write(b"x")
        await server.got(1)
        names = server.transport.get_extra_info("peercert")["subjectAltName"]
        assert ("email", "client@example.org") in names


async def test_both_sides_choose_a_protocol(pair, server_context, client_context):
    server_context.set_alpn_protocols(["h2", "http/1.1"])
    client_context.set_alpn_protocols(["http/1.1"])
    async with pair() as (client, server):
        for protocol in (client, server):
            chosen = protocol.transport.get_extra_info("ssl_object").selected_alpn_protocol()
            assert chosen == "http/1.1"


async def test_the_server_sees_the_name_that_the_client_wants(pair, certificates, server_context):
    seen = []
    other = certificates.server_context()

    def choose(ssl_object, name, context):
        seen.append((name, context))
        ssl_object.context = other

    server_context.sni_callback = choose
    async with pair(server_hostname="other.example") as (client, server):
        client.transport.write(b"x" * 100_000)
        assert await server.got(100_000) == b"x" * 100_000
        assert seen == [("other.example", server_context)]
        assert server.transport.get_extra_info("ssl_object").context is other


async def test_what_a_message_callback_does_reaches_the_data_path(pair, client_context):
    messages = []
    client_context._msg_callback = lambda *message: messages.append(message)
    async with pair() as (client, server):
        before = len(messages)
        client.transport.write(b"x")
        await server.got(1)
        assert len(messages) > before
    client_context._msg_callback = None  # _ssl has cycles with callbacks that no collector finds


async def test_a_certificate_of_a_stranger_is_refused(loop, server_context, certificates):
    server, _, address = await serve(loop, ssl=server_context)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    certificates.stranger.configure_trust(context)
    protocol = Recorder()
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        await loop.create_connection(lambda: protocol, *address, ssl=context, server_hostname="localhost")
    assert caught.value.verify_code == 20
    assert protocol.calls == []
    server.close()
    await settled()


async def test_a_certificate_for_another_name_is_refused(loop, server_context, client_context):
    server, _, address = await serve(loop, ssl=server_context)
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        await loop.create_connection(Recorder, *address, ssl=client_context, server_hostname="wrong.example")
    server.close()
    await settled()


async def test_a_client_that_does_not_speak_tls_is_let_go(loop, server_context):
    server, made, address = await serve(loop, ssl=server_context)
    with socket.create_connection(address) as client:
        client.setblocking(False)
        await loop.sock_sendall(client, b"GET / HTTP/1.0\r\n\r\n")
        try:
            while await loop.sock_recv(client, 100):
                pass
        except ConnectionResetError:
            pass
    assert made[0].calls == []
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("timeout", [0, -1])
async def test_timeouts_must_be_positive(loop, client_context, timeout):
    ours, peer = tcp_pair()
    with ours, peer:
        with pytest.raises(ValueError, match=f"should be a positive number, got {timeout}"):
            await loop.create_connection(
                Recorder, sock=ours, ssl=client_context, server_hostname="x", ssl_handshake_timeout=timeout
            )


async def test_a_peer_that_says_nothing_runs_into_the_timeout(loop, client_context):
    ours, peer = tcp_pair()
    with peer:
        with pytest.raises(
            ConnectionAbortedError, match=r"SSL handshake is taking longer than 0\.05 seconds"
        ):
            await loop.create_connection(
                Recorder, sock=ours, ssl=client_context, server_hostname="x", ssl_handshake_timeout=0.05
            )
        await until_closed(loop, ours)


async def test_a_peer_that_vanishes_in_the_handshake(loop, client_context):
    ours, peer = tcp_pair()
    with peer:
        loop.call_later(0.02, peer.shutdown, socket.SHUT_WR)
        with pytest.raises(ConnectionResetError):
            await loop.create_connection(Recorder, sock=ours, ssl=client_context, server_hostname="x")
        await until_closed(loop, ours)


async def test_a_connection_attempt_that_is_cancelled(loop, client_context):
    ours, peer = tcp_pair()
    with peer:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(
                loop.create_connection(Recorder, sock=ours, ssl=client_context, server_hostname="x"), 0.05
            )
        await until_closed(loop, ours)


async def test_an_exception_in_connection_made_ends_the_connection(
    loop, errors, server_context, client_context
):
    class Broken(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            raise ZeroDivisionError

    server, _, address = await serve(loop, ssl=server_context)
    broken = Broken()
    task = asyncio.ensure_future(
        loop.create_connection(lambda: broken, *address, ssl=client_context, server_hostname="localhost")
    )
    await asyncio.wait([task])
    assert task.exception() is None or isinstance(task.exception(), ZeroDivisionError)
    assert isinstance(await broken.lost(), ZeroDivisionError)
    assert isinstance(errors.take_one()["exception"], ZeroDivisionError)
    server.close()
    await settled()


async def test_data_that_comes_with_the_handshake_is_not_lost(loop, server_context, client_context):
    class Greeting(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            transport.write(b"welcome")

    server = await loop.create_server(Greeting, "127.0.0.1", 0, ssl=server_context)
    _, client = await loop.create_connection(
        Recorder, *server.sockets[0].getsockname(), ssl=client_context, server_hostname="localhost"
    )
    assert await client.got(7) == b"welcome"
    assert client.order[:2] == ["connection_made", "data_received"]
    client.transport.close()
    assert await client.lost() is None
    server.close()


async def test_a_client_without_the_certificate_that_is_asked_for_is_refused(
    loop, certificates, server_context, client_context
):
    """With TLS 1.3 the client has finished by then: it learns of it by an alert, unless the socket is closed first."""
    certificates.authority.configure_trust(server_context)
    server_context.verify_mode = ssl.CERT_REQUIRED
    server, made, address = await serve(loop, ssl=server_context)
    _, client = await loop.create_connection(
        Recorder, *address, ssl=client_context, server_hostname="localhost"
    )
    reason = await client.lost()
    assert reason is None or "certificate required" in str(reason).replace("_", " ").lower()
    assert client.received == b""
    assert made[0].calls == []
    server.close()
    await settled()


async def test_a_server_lets_a_client_go_that_says_nothing(loop, server_context):
    server, made, address = await serve(loop, ssl=server_context, ssl_handshake_timeout=0.05)
    with socket.create_connection(address) as client:
        client.setblocking(False)
        with contextlib.suppress(ConnectionResetError):
            assert await loop.sock_recv(client, 100) == b""
    assert made[0].calls == []
    server.close()
    await settled()


async def test_extra_information_of_the_socket_is_gone_when_the_connection_is(loop, pair):
    async with pair() as (client, _):
        info = client.transport.get_extra_info
        client.transport.close()
        await client.lost()
        await asyncio.sleep(0)
        assert info("socket") is None
        assert info("socket", 5) == 5


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # the standard library's
def test_a_transport_that_nobody_has_closed_says_so(loop, server_context, client_context):
    async def connect():
        server, made, address = await serve(loop, ssl=server_context)
        _, client = await loop.create_connection(
            Recorder, *address, ssl=client_context, server_hostname="localhost"
        )
        await made.connected(1)
        server.close()
        return [client, made[0]]

    def forget(protocols):
        protocols.clear()
        gc.collect()

    protocols = loop.run_until_complete(connect())
    loop.close()
    with pytest.warns(ResourceWarning, match="unclosed transport <") as warned:
        forget(protocols)
    assert sum("SSL" in str(warning.message) or "Tls" in str(warning.message) for warning in warned) == 2
