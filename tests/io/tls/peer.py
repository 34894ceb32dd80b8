"""A peer that does exactly what a test tells it to, and nothing by itself."""

import contextlib
import ssl
import threading

from tests.harness import tcp_pair, until_closed


class Peer:
    """The other end, in a thread: over a blocking socket, or whatever has its `recv` and `sendall`."""

    def __init__(self, sock, context):
        self.sock = sock
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)

    def until_done(self, method, *args):
        while True:
            try:
                result = method(*args)
            except ssl.SSLWantReadError:
                self.send()
                data = self.sock.recv(65536)
                self.incoming.write(data) if data else self.incoming.write_eof()
            else:
                self.send()
                return result

    def send(self):
        if self.outgoing.pending:
            self.sock.sendall(self.outgoing.read())

    def close(self):
        self.sock.close()


@contextlib.asynccontextmanager
async def connected(loop, server_context, client_context, protocol, **options):
    """A TLS transport, and the peer at its other end."""
    ours, theirs = tcp_pair()
    theirs.settimeout(20)
    peer = Peer(theirs, server_context)
    shaking = threading.Thread(target=peer.until_done, args=(peer.tls.do_handshake,))
    shaking.start()
    await loop.create_connection(
        lambda: protocol, sock=ours, ssl=client_context, server_hostname="localhost", **options
    )
    shaking.join()
    try:
        yield peer
    finally:
        protocol.transport.abort()
        peer.close()
        await until_closed(loop, ours)
