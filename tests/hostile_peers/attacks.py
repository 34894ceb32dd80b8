"""What hostile peers do. An attack is a function with a connected, blocking socket and the scene."""

import contextlib
import os
import random
import socket
import ssl
import time

from tests.faults.scene import pattern, reset


def leave(sock, how):
    """Go away: with an end of stream, or with a reset."""
    if how == "reset":
        reset(sock)
    else:
        sock.close()


def read_tickets(sock, scene):
    """Reads the session tickets that a server sends after the handshake.

    A kernel resets a connection that is closed with unread data; then an end of stream would be a reset if the tickets
    have arrived by then.
    """
    if scene.options.get("victim") == "client":
        return
    raw = socket.socket(fileno=os.dup(sock.fileno()))
    with raw:
        raw.settimeout(5)
        raw.recv(10_000)


# At any point of a plain connection


def goes_at_once(sock, scene, how):
    if scene.options.get("victim") == "client" and not scene.options["tls"]:
        # Otherwise connecting would fail, or not.
        scene.until("made")
    leave(sock, how)


def goes_after_data(sock, scene, how):
    sock.sendall(pattern(0, 100))
    # What has not been read when a reset comes is lost.
    scene.until("data")
    if scene.options["tls"]:
        read_tickets(sock, scene)
    leave(sock, how)


def goes_with_an_answer_unread(sock, scene, how):
    """The kernel makes a reset of it either way."""
    sock.sendall(pattern(0, 100))
    scene.until("data")
    sock.recv(1)
    leave(sock, how)


def half_open(sock, scene, how):
    """Says that nothing more will come, and wants to have everything."""
    sock.sendall(pattern(0, 3000))
    sock.shutdown(socket.SHUT_WR)
    while data := sock.recv(1000):
        scene.journal.data("hostile", data)
    scene.note("hostile", "end")
    leave(sock, how)


def silent(sock, scene, how):
    """Says nothing while others are served."""
    scene.until("good client")
    leave(sock, how)


def slow_loris(sock, scene, how):
    """A byte at a time."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for offset in range(60):
        sock.sendall(pattern(offset, 1))
        time.sleep(0.001)
    got = b""
    while len(got) < 60 and (data := sock.recv(100)):
        got += data
    scene.note("hostile", "answered", got == pattern(0, 60))
    leave(sock, how)


def never_reads(sock, scene, how):
    """Sends until nothing more is taken, since the other side has stopped reading because of the unread answers."""
    sock.settimeout(0.3)
    with contextlib.suppress(TimeoutError, ssl.SSLWantWriteError):
        while True:
            sock.send(b"x" * 50_000)
    scene.until("good client")
    leave(sock, how)


PLAIN = {
    attack.__name__: attack
    for attack in (
        goes_at_once,
        goes_after_data,
        goes_with_an_answer_unread,
        half_open,
        silent,
        slow_loris,
        never_reads,
    )
}


# TLS, record by record


class Half:
    """One side of TLS with the bytes in hand."""

    def __init__(self, sock, scene, server_side):
        self.sock = sock
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = scene.server_context() if server_side else scene.client_context()
        name = None if server_side else "localhost"
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side, name)

    def flight(self):
        """What is to be sent next in the handshake; empty if the handshake is over."""
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                if self.outgoing.pending:
                    return self.outgoing.read()
                data = self.sock.recv(10_000)
                if not data:
                    raise EOFError from None
                self.incoming.write(data)
            else:
                return self.outgoing.read()

    def shake_hands(self):
        while data := self.flight():
            self.sock.sendall(data)

    def record(self, data):
        self.tls.write(data)
        return self.outgoing.read()


def records(data):
    """The TLS records in the bytes."""
    while data:
        length = 5 + int.from_bytes(data[3:5])
        yield data[:length]
        data = data[length:]


# Where a handshake ends: the flight, the record in it, and the bytes of this record that are still sent.
ENDS = {
    "nothing": (0, 0, 0),
    "a byte": (0, 0, 1),
    "a record's header": (0, 0, 5),
    "half of the hello": (0, 0, 60),
    "all but a byte of the hello": (0, 0, -1),
    "the hello": (0, 1, 0),
    "a record of the second flight": (1, 0, None),
    "half a record of the second flight": (1, 0, 20),
    "all but a byte of the second flight": (1, -1, -1),
}


def ends_in_the_handshake(sock, scene, how):
    """Goes away after so much of the handshake."""
    half = Half(sock, scene, scene.options.get("victim") == "client")
    flights, number, count = ENDS[scene.options["end"]]
    if scene.options.get("victim") == "client":
        flights = min(flights, 0)
    for _ in range(flights):
        sock.sendall(half.flight())
    parts = list(records(half.flight()))
    sock.sendall(b"".join(parts[:number]))
    if number < len(parts):
        sock.sendall(parts[number][:count])
    # The answer is read, so that leaving is an end of stream unless a reset is wanted.
    time.sleep(0.03)
    sock.settimeout(0.01)
    with contextlib.suppress(OSError):
        sock.recv(100_000)
    leave(sock, how)


def says_garbage(sock, scene, how):
    """Something else instead of TLS."""
    sock.sendall(GARBAGE[scene.options["garbage"]])
    drain(sock)
    leave(sock, how)


def drain(sock):
    """Reads until the other side has closed."""
    with contextlib.suppress(OSError):
        while sock.recv(10_000):
            pass


GARBAGE = {
    "http": b"GET / HTTP/1.0\r\n\r\n",
    "zeros": bytes(1000),
    "noise": random.Random(1).randbytes(3000),
    "oversized record": b"\x16\x03\x01\xff\xff" + bytes(70_000),
    "empty records": b"\x16\x03\x01\x00\x00" * 100,
    "an alert": b"\x15\x03\x03\x00\x02\x02\x28",
    "application data": b"\x17\x03\x03\x00\x20" + bytes(32),
    "an impossible hello": b"\x16\x03\x01\x00\x04\x01\xff\xff\xff",
    "old SSL": b"\x80\x2e\x01\x00\x02" + bytes(50),
}


def says_garbage_after_the_handshake(sock, scene, how):
    half = Half(sock, scene, scene.options.get("victim") == "client")
    half.shake_hands()
    sock.sendall(half.record(pattern(0, 100)))
    scene.until("data")
    record = bytearray(half.record(b"y" * 100))
    kind = scene.options["garbage"]
    if kind == "flipped bit":
        record[50] ^= 1
    elif kind == "oversized record":
        record = b"\x17\x03\x03\xff\xff" + bytes(70_000)
    elif kind == "half a record":
        record = record[:50]
    elif kind == "plain text":
        record = b"hello, how are you?" * 10
    elif kind == "repeated record":
        sock.sendall(record)
        # asyncio loses data that it reads together with a record that it refuses.
        scene.until("data", 200)
    elif kind == "plain alert":
        record = b"\x15\x03\x03\x00\x02\x02\x28"
    elif kind == "nothing":
        record = b""
    sock.sendall(record)
    if kind in ("half a record", "nothing"):
        # An end without TLS's own.
        sock.shutdown(socket.SHUT_WR)
    drain(sock)
    leave(sock, how)


AFTER_HANDSHAKE = (
    "flipped bit",
    "oversized record",
    "half a record",
    "plain text",
    "repeated record",
    "plain alert",
    "nothing",
)


def slow_tls(sock, scene, how):
    """The handshake and the data a byte at a time."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    half = Half(sock, scene, scene.options.get("victim") == "client")

    def slowly(data):
        for offset in range(len(data)):
            sock.sendall(data[offset : offset + 1])
            if offset % 20 == 0:
                time.sleep(0.001)

    while data := half.flight():
        slowly(data)
    slowly(half.record(pattern(0, 100)))
    scene.until("data")
    read_tickets(sock, scene)
    leave(sock, how)


def tiny_records(sock, scene, how):
    """A record for each byte, all at once."""
    half = Half(sock, scene, scene.options.get("victim") == "client")
    half.shake_hands()
    sock.sendall(b"".join(half.record(pattern(offset, 1)) for offset in range(2000)))
    scene.until("data", 2000)
    read_tickets(sock, scene)
    leave(sock, how)


def never_shakes_hands(sock, scene, how):
    """Waits until the other side has had enough."""
    drain(sock)
    leave(sock, how)


def never_says_goodbye(sock, scene, how):
    """Does not answer the end of the TLS session, but reads on."""
    half = Half(sock, scene, scene.options.get("victim") == "client")
    half.shake_hands()
    sock.sendall(half.record(pattern(0, 100)))
    scene.until("data")
    scene.loop.call_soon_threadsafe(scene.goodbye)
    drain(sock)
    leave(sock, how)


def wrapped(attack):
    """A plain attack inside of TLS."""

    def play(sock, scene, how):
        server_side = scene.options.get("victim") == "client"
        context = scene.server_context() if server_side else scene.client_context()
        name = None if server_side else "localhost"
        with context.wrap_socket(sock, server_side=server_side, server_hostname=name) as tls:
            attack(tls, scene, how)

    return play


TLS = {
    attack.__name__: attack
    for attack in (slow_tls, tiny_records, never_shakes_hands, never_says_goodbye, goes_at_once, silent)
}
TLS.update(
    {
        f"tls_{attack.__name__}": wrapped(attack)
        for attack in (
            goes_at_once,
            goes_after_data,
            goes_with_an_answer_unread,
            silent,
            slow_loris,
            never_reads,
        )
    }
)
ALL = {
    **PLAIN,
    **TLS,
    "ends_in_the_handshake": ends_in_the_handshake,
    "says_garbage": says_garbage,
    "says_garbage_after_the_handshake": says_garbage_after_the_handshake,
}


# By chance


def random_plain(sock, scene, how):
    """Sends, reads, waits and goes as the dice fall; goes only when everything that it has sent has been read."""
    draw = random.Random(scene.options["draw"])
    steps = [
        (draw.choice([1, 10, 1000, 20_000]), draw.random() < 0.6, draw.choice([0, 0, 0.005]))
        for _ in range(draw.randint(1, 10))
    ]
    piece, half_open = draw.choice([1, 100, 10_000, 100_000]), draw.random() < 0.3
    sent = got = 0
    for size, reads, pause in steps:
        sock.sendall(pattern(sent, size))
        sent += size
        while reads and got < sent:
            data = sock.recv(max(piece, size // 50))
            if not data or data != pattern(got, len(data)):
                scene.note("hostile", "wrong data", got)
                return
            got += len(data)
        time.sleep(pause)
    scene.until("data", sent)
    if half_open:
        sock.shutdown(socket.SHUT_WR)
        drain(sock)
    # An end of stream with answers on their way would be an end or a reset for the other side.
    leave(sock, how if half_open or got == sent else "reset")


def random_tls(sock, scene, how):
    """A TLS client whose records are spoiled from some point on; everything before has been read by then."""
    draw = random.Random(scene.options["draw"])
    half = Half(sock, scene, False)
    if draw.random() < 0.3:
        sock.sendall(spoiled(draw, half.flight()))
    else:
        half.shake_hands()
        count = draw.randint(0, 3)
        for number in range(count):
            sock.sendall(half.record(pattern(1000 * number, 1000)))
        if count:
            scene.until("data", 1000 * count)
        sock.sendall(spoiled(draw, half.record(b"z" * draw.choice([1, 500, 16_000]))))
    if draw.random() < 0.5:
        sock.shutdown(socket.SHUT_WR)
        drain(sock)
    else:
        # The other side has an end of its own for everything but a record that is not complete.
        sock.settimeout(0.7)
        drain(sock)
        how = "end"
    leave(sock, how)


def spoiled(draw, data):
    """The bytes with a fault at a random place behind the record's header: what another length leads to is chance."""
    data, place = bytearray(data), draw.randrange(5, len(data))
    kind = draw.choice(["changed", "cut", "left out", "repeated", "put in"])
    if kind == "changed":
        data[place] ^= draw.randint(1, 255)
    elif kind == "cut":
        del data[place:]
    elif kind == "left out":
        del data[place : place + draw.randint(1, 50)]
    elif kind == "repeated":
        data[place:place] = data[place : place + draw.randint(1, 50)]
    else:
        data[place:place] = draw.randbytes(draw.randint(1, 50))
    return bytes(data)


ALL.update(random_plain=random_plain, random_tls=random_tls)
