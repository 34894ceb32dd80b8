"""The credentials of the peer of a Unix socket, from the transport's socket."""

import os
import socket
import struct

import pytest

from tests.harness import Made, Recorder, finish

pytestmark = pytest.mark.skipif(not hasattr(socket, "SO_PEERCRED"), reason="SO_PEERCRED is Linux's")

CREDENTIALS = struct.Struct("iII")

CLIENT = """
import os, socket, sys
with socket.socket(socket.AF_UNIX) as sock:
    sock.connect(sys.argv[1])
    sock.sendall(b"%d\\n" % os.getpid())
    sock.recv(1)
"""


def credentials(transport):
    """The process, the user and the group at the other end."""
    sock = transport.get_extra_info("socket")
    return CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size))


async def test_both_ends_of_a_connection_within_one_process_are_us(loop, tmp_path):
    made = Made()
    async with await loop.create_unix_server(made, tmp_path / "socket"):
        transport, client = await loop.create_unix_connection(Recorder, tmp_path / "socket")
        await made.connected(1)
        us = (os.getpid(), os.geteuid(), os.getegid())
        assert credentials(transport) == us
        assert credentials(made[0].transport) == us
        await finish(client, *made)


async def test_they_are_known_in_connection_made(loop, tmp_path):
    class Curious(Recorder):
        def connection_made(self, transport):
            self.peer = credentials(transport)
            super().connection_made(transport)

    async with await loop.create_unix_server(Made(), tmp_path / "socket"):
        _, client = await loop.create_unix_connection(Curious, tmp_path / "socket")
        assert client.peer == (os.getpid(), os.geteuid(), os.getegid())
        await finish(client)


def test_a_client_in_another_process_is_that_process(script, tmp_path):
    out = script(
        f"""
        import socket, struct, subprocess, sys

        async def greet(reader, writer):
            sock = writer.get_extra_info("socket")
            pid, uid, gid = struct.unpack("iII", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
            told = int(await reader.readline())
            met.set_result((pid == told, pid == client.pid))
            writer.close()
            await writer.wait_closed()

        async def main():
            global met, client
            met = asyncio.get_running_loop().create_future()
            async with await asyncio.start_unix_server(greet, {str(tmp_path / "socket")!r}):
                client = subprocess.Popen([sys.executable, "-c", {CLIENT!r}, {str(tmp_path / "socket")!r}])
                print(*await met)
                await asyncio.to_thread(client.wait)

        loop = new_loop()
        loop.run_until_complete(main())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
        """
    )
    assert out == "True True"
