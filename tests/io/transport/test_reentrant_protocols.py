"""Protocols that use their transport, or drop it, at awkward moments."""

import asyncio
import gc

import pytest

from tests.harness import PY, Recorder, socket_pair, transport_and_peer


async def test_the_transport_may_be_used_from_every_callback_of_its_protocol(loop):
    class Awkward(Recorder):
        def note(self, name):
            transport = self.transport
            transport.set_protocol(self)
            transport.write(b"x")
            transport.pause_reading()
            transport.resume_reading()
            transport.set_write_buffer_limits(high=0)
            gc.collect()
            assert transport.get_protocol() in (self, None)
            repr(transport)
            super().note(name)

    async with transport_and_peer(loop, Awkward()) as (transport, protocol, peer):
        peer.send(b"data")
        await protocol.got(4)
        transport.close()
        await protocol.lost()


async def test_pause_writing_may_close_or_write_more(loop):
    class Closing(Recorder):
        def pause_writing(self):
            super().pause_writing()
            self.transport.write(b"y" * 1000)
            self.transport.abort()

    async with transport_and_peer(loop, Closing()) as (transport, protocol, _):
        transport.write(b"x" * (64 << 20))
        assert await protocol.lost() is None
        assert protocol.calls == ["connection_made", "pause_writing", "connection_lost"]
        assert transport.get_write_buffer_size() == 0


@pytest.mark.stock_bug(PY < (3, 14), reason="the transport is closed a second time after that")
async def test_resume_writing_may_close_or_abort(loop):
    """While the loop is in the middle of sending, with nothing left or a little."""

    class Closing(Recorder):
        def resume_writing(self):
            super().resume_writing()
            getattr(self.transport, self.method)()

    for Closing.method in ("close", "abort"):
        for low in (0, 1 << 20):
            async with transport_and_peer(loop, Closing()) as (transport, protocol, peer):
                transport.set_write_buffer_limits(high=2 << 20, low=low)
                transport.write(b"x" * (16 << 20))
                sending = loop.create_task(protocol.lost())
                received = 0
                while data := await loop.sock_recv(peer, 1 << 20):
                    received += len(data)
                assert await sending is None
                assert received == 16 << 20 or (Closing.method == "abort" and low)
                assert protocol.calls == [
                    "connection_made",
                    "pause_writing",
                    "resume_writing",
                    "connection_lost",
                ]


async def test_the_last_reference_to_protocol_and_transport_may_go_inside_a_callback(loop):
    done = loop.create_future()

    class Vanishing(asyncio.Protocol):
        def connection_made(self, transport):
            self.transport = transport

        def data_received(self, data):
            transport, self.transport = self.transport, None
            transport.set_protocol(Recorder())
            transport.close()
            del transport
            gc.collect()
            done.set_result(data)

    with socket_pair() as (ours, theirs):
        await loop.create_connection(Vanishing, sock=ours)
        gc.collect()
        theirs.send(b"data")
        assert await done == b"data"
        assert await loop.sock_recv(theirs, 10) == b""
