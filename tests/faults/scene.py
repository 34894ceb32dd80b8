"""What a program runs in: a journal of what it observes, the faults, and peers that are never concerned by them.

A peer is a function with a blocking socket in a thread of its own. What it sees is in the journal, too.
"""

import asyncio
import contextlib
import itertools
import os
import socket
import ssl
import struct
import threading
from pathlib import Path

PATIENCE = 8
numbers = itertools.count()
# A prime, so that no block that is lost or sent twice goes unnoticed.
PERIOD = bytes(range(251))


def pattern(start, size):
    """What is sent: `size` bytes from the offset `start` on."""
    first = start % len(PERIOD)
    return (PERIOD * (size // len(PERIOD) + 2))[first : first + size]


def describe(error):
    """An exception without what differs between two runs: numbers of ports, addresses in memory."""
    if error is None:
        return None
    if isinstance(error, ssl.SSLError):
        return [type(error).__name__, error.reason]
    if isinstance(error, OSError) and error.errno is not None:
        return [type(error).__name__, os.strerror(error.errno)]
    if isinstance(error, asyncio.IncompleteReadError):
        return [type(error).__name__, len(error.partial)]
    if isinstance(error, BaseExceptionGroup):
        return [type(error).__name__, *map(describe, error.exceptions)]
    return [type(error).__name__, str(error)]


class Journal(dict):
    """For each observer the events in order; data that arrives in several pieces in a row is one event."""

    def note(self, who, *event):
        self.setdefault(who, []).append(list(event))

    def data(self, who, data):
        events = self.setdefault(who, [])
        received = sum(event[1] for event in events if event[0] == "data")
        if bytes(data) != pattern(received, len(data)):
            events.append(["wrong data", received, len(data)])
        elif events and events[-1][0] == "data":
            events[-1][1] += len(data)
        else:
            events.append(["data", len(data)])


class Scene:
    def __init__(self, loop, faults, rules, folder, options):
        self.loop = loop
        self.faults = faults
        self.rules = rules
        self.folder = Path(folder)
        self.options = options
        self.journal = Journal()
        self.threads = []
        # Set when there are faults: peers that would be too early wait for it.
        self.armed = threading.Event()
        self.stack = contextlib.ExitStack()

    def arm(self):
        """From now on there are faults."""
        for rule in self.rules:
            self.faults.add(rule)
        self.armed.set()

    def note(self, who, *event):
        self.journal.note(who, *event)

    # Peers

    def thread(self, function, *args, who="peer"):
        """Run the function in a thread, at whose end the socket (its first argument) is closed."""

        def run():
            try:
                function(*args)
            except Exception as error:
                self.note(who, "raised", *describe(error))
            finally:
                with contextlib.suppress(OSError):
                    args[0].close()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self.threads.append(thread)
        return thread

    def close(self):
        for thread in self.threads:
            thread.join(PATIENCE)
            if thread.is_alive():
                self.note("peer", "hangs")
        self.stack.close()

    def listener(self, family=socket.AF_INET):
        """A blocking listening socket."""
        sock = socket.socket(family)
        self.stack.callback(sock.close)
        sock.settimeout(PATIENCE)
        sock.bind(("127.0.0.1", 0) if family == socket.AF_INET else self.path())
        sock.listen(100)
        return sock

    def path(self):
        """For a Unix socket, one in each scene."""
        path = self.folder / f"{os.getpid()}-{next(numbers)}"
        self.stack.callback(path.unlink, missing_ok=True)
        return os.fspath(path)

    def accept_in_thread(self, listener, function, *args):
        """Let a thread accept one connection and play the peer. Returns an event that is set when it has accepted."""
        accepted = threading.Event()

        def serve(_):
            sock, _address = listener.accept()
            accepted.set()
            with sock:
                sock.settimeout(PATIENCE)
                function(sock, *args)

        self.thread(serve, listener)
        return accepted

    def connect_in_thread(self, address, function, *args):
        """Let a thread connect and play the peer."""

        def talk(sock):
            sock.settimeout(PATIENCE)
            sock.connect(address)
            function(sock, *args)

        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        return self.thread(talk, socket.socket(family))

    # TLS

    def server_context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "server.pem")
        # A ticket may come before the first data or with it.
        context.num_tickets = 0
        return context

    def client_context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.folder / "authority.pem")
        return context


def reset(sock):
    """Close with a reset instead of an end of stream."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
