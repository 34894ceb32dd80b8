"""A descriptor that is ready when the poll returns and not any more when its turn comes: nothing happens."""

import os
import socket

import pytest

from tests.harness import Buffered, Recorder, connect, finish, serve, tcp_pair, turn


def turn_after(loop, callback):
    """One iteration in which the callback runs between the poll and what it found."""
    loop.call_soon(callback)
    turn(loop)


@pytest.mark.parametrize("kind", [Recorder, Buffered])
def test_data_that_somebody_else_has_read_is_no_data_and_no_end(loop, kind):
    async def make():
        ours, peer = tcp_pair()
        thief = ours.dup()
        _, protocol = await loop.create_connection(kind, sock=ours)
        return protocol, peer, thief

    protocol, peer, thief = loop.run_until_complete(make())
    with peer, thief:
        thief.setblocking(False)
        peer.send(b"stolen")
        turn_after(loop, lambda: thief.recv(100))
        turn(loop)
        assert protocol.calls == ["connection_made"]
        peer.send(b"left alone")
        assert loop.run_until_complete(protocol.got(10)) == b"left alone"
        loop.run_until_complete(finish(protocol))


def test_a_connection_that_somebody_else_has_accepted_makes_no_protocol(loop):
    server, made, address = loop.run_until_complete(serve(loop))
    with socket.create_connection(address), socket.socket(fileno=os.dup(server.sockets[0].fileno())) as thief:
        thief.setblocking(False)
        turn_after(loop, lambda: thief.accept()[0].close())
        turn(loop)
        assert made == []
    client = loop.run_until_complete(connect(loop, address))
    loop.run_until_complete(made.connected(1))
    loop.run_until_complete(finish(client, *made))
    server.close()
