"""Addresses of datagrams, in whatever form: they go where the `socket` module sends them, or raise what it raises.

`make fuzz` runs more examples with other values.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import tempfile
from collections.abc import Iterator
from typing import Any

import ferrio
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "300"))
usual = settings(
    max_examples=EXAMPLES,
    derandomize="FUZZ_EXAMPLES" not in os.environ,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
IPV6_FREEBIND = 78
# Thousands of examples take longer than other tests may.
pytestmark = pytest.mark.timeout(600)


class Text(str):
    """Text of a class of its own."""


class Port(int):
    """A number of a class of its own."""


class Collects(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.received: list[Any] = []
        self.errors: list[Exception] = []

    def datagram_received(self, data: bytes, address: Any) -> None:
        self.received.append(address)

    def error_received(self, error: Exception) -> None:
        self.errors.append(error)


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = ferrio.new_event_loop()
    yield loop
    loop.close()


def plain(family: int, name: Any) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.bind(name)
    return sock


def outcome(send: Any) -> object:
    """What a call does: nothing, or the type and the number of what it raises."""
    try:
        send()
    except OSError as error:
        return (type(error).__name__, error.errno)
    except Exception as error:
        return type(error).__name__
    return None


def sent_by_ferrio(loop: Any, sock: socket.socket, address: Any) -> object:
    return outcome(lambda: loop.run_until_complete(loop.sock_sendto(sock, b"data", address)))


def arrived(sock: socket.socket) -> list[Any]:
    """What has arrived at a socket: the address that it was sent to, as far as the kernel says."""
    found = []
    with contextlib.suppress(BlockingIOError):
        while True:
            data, extra, _, _ = sock.recvmsg(100, 200)
            found.append((data, extra))
    return found


def of_loopback(parts: list[int], how: int) -> str:
    """Notations of an address of this machine, of which some are read only by `inet_aton(3)`, and some by nobody."""
    a, b, c = parts
    return (
        f"127.{a}.{b}.{c}",
        f"127.{a}.{b * 256 + c}",
        f"127.{a * 65536 + b * 256 + c}",
        f"0x7f.{a}.{b}.{c}",
        f"0177.{a}.{b}.{c}",
        f"127.{a:03}.{b}.{c}",
        f"{127 * 2**24 + a * 65536 + b * 256 + c}",
        f" 127.{a}.{b}.{c}",
        f"127.{a}.{b}.{c} ",
        f"127.{a}.{b}.{c}.",
        f"127.{a}.{b}.{c}\0",
        f"\N{ARABIC-INDIC DIGIT ONE}27.{a}.{b}.{c}",
        f"::ffff:127.{a}.{b}.{c}",
    )[how]


BYTE = st.integers(0, 255)
NOT_A_HOST = st.one_of(
    st.none(), st.integers(), st.binary(max_size=5), st.just(""), st.just("\ud800"), st.just("<broadcast>x")
)
HOSTS = st.builds(of_loopback, st.lists(BYTE, min_size=3, max_size=3), st.integers(0, 12))
# Of the wrong kind, or out of range. None stands for the right port.
PORTS = st.one_of(
    *[st.none()] * 6,
    st.sampled_from([-1, 65536, 2**32, 2**64, True, 1.5, "9", b"9", Port(9)]),
    st.integers(),
)


@usual
@given(
    host=st.one_of(HOSTS, HOSTS.map(Text), HOSTS.map(str.encode), NOT_A_HOST),
    port=PORTS,
    more=st.lists(st.integers(-1, 2), max_size=2),
    shape=st.sampled_from([tuple, tuple, tuple, list]),
)
def test_an_inet_address_is_where_the_socket_module_sends(
    loop: Any, host: Any, port: Any, more: list[int], shape: Any
) -> None:
    with plain(socket.AF_INET, ("0.0.0.0", 0)) as receiver, plain(socket.AF_INET, ("0.0.0.0", 0)) as sender:
        receiver.setsockopt(socket.IPPROTO_IP, 8, 1)  # IP_PKTINFO: the address that it was sent to
        number = receiver.getsockname()[1] if port is None else port
        address = shape([host, number, *more])
        expected = outcome(lambda: sender.sendto(b"data", address))
        stock = arrived(receiver)
        assert sent_by_ferrio(loop, sender, address) == expected
        assert arrived(receiver) == stock


def has_ipv6() -> bool:
    with contextlib.suppress(OSError), plain(socket.AF_INET6, ("::1", 0)):
        return True
    return False


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


@needs_ipv6
@usual
@given(
    host=st.one_of(
        st.sampled_from(
            [
                "::1",
                "0::1",
                "0:0:0:0:0:0:0:1",
                "::0001",
                "::1%lo",
                "::1%1",
                "::01",
                "0:0::0.0.0.1",
                ":::1",
                "[::1]",
            ]
        ),
        st.sampled_from(["::", "::ffff:127.0.0.1", "::ffff:7f00:1", "::1 ", "::1\0", "1", "127.0.0.1"]),
        NOT_A_HOST,
    ),
    port=PORTS,
    more=st.lists(
        st.one_of(st.integers(0, 1), st.sampled_from([-1, 0xFFFFF, 0x100000, 2**32, True, "0", None])),
        max_size=3,
    ),
)
def test_an_inet6_address_is_where_the_socket_module_sends(
    loop: Any, host: Any, port: Any, more: list[Any]
) -> None:
    with plain(socket.AF_INET6, ("::1", 0)) as receiver, plain(socket.AF_INET6, ("::", 0)) as sender:
        number = receiver.getsockname()[1] if port is None else port
        address = (host, number, *more)
        expected = outcome(lambda: sender.sendto(b"data", address))
        stock = arrived(receiver)
        assert sent_by_ferrio(loop, sender, address) == expected
        assert arrived(receiver) == stock


@usual
@given(
    name=st.one_of(
        st.binary(max_size=120),
        st.text(max_size=60),
        st.binary(max_size=110).map(lambda it: b"\0" + it),
        st.integers(90, 112).map(lambda it: "/" + "x" * it),
        st.integers(90, 112).map(lambda it: b"\0" + b"x" * it),
        st.sampled_from(
            [None, 5, (), "x\0y", b"x\0y", "\0abstract", bytearray(b"\0a"), Text("x"), "\ud800", "ü"]
        ),
    )
)
@example(name=b"\0")
@example(name="")
def test_a_unix_address_is_where_the_socket_module_sends(loop: Any, name: Any) -> None:
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        with receiver, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            receiver.setblocking(False)
            sender.setblocking(False)
            with contextlib.suppress(Exception):
                receiver.bind(name)
            expected = outcome(lambda: sender.sendto(b"data", name))
            stock = arrived(receiver)
            assert sent_by_ferrio(loop, sender, name) == expected
            assert arrived(receiver) == stock


def address_seen(loop: Any, family: int, receiver_name: Any, sender: socket.socket) -> tuple[Any, Any]:
    """The address of a sender, as the socket module and as a transport of ferrio's show it."""

    async def receive(sock: socket.socket) -> list[Any]:
        transport, protocol = await loop.create_datagram_endpoint(Collects, sock=sock)
        sender.sendto(b"data", sock.getsockname())
        for _ in range(200):
            if protocol.received:
                break
            await asyncio.sleep(0.0005)
        transport.close()
        await asyncio.sleep(0)
        return protocol.received  # type: ignore[no-any-return]

    with plain(family, receiver_name) as receiver:
        sender.sendto(b"data", receiver.getsockname())
        expected = receiver.recvfrom(100)[1]
        (seen,) = loop.run_until_complete(receive(receiver))
    return expected, seen


@usual
@given(parts=st.lists(BYTE, min_size=3, max_size=3))
def test_an_inet_sender_is_shown_as_by_the_socket_module(loop: Any, parts: list[int]) -> None:
    # The last address of all is that of a broadcast.
    host = of_loopback([parts[0] % 254, *parts[1:]], 0)
    with contextlib.suppress(OSError), plain(socket.AF_INET, (host, 0)) as sender:
        expected, seen = address_seen(loop, socket.AF_INET, ("127.0.0.1", 0), sender)
        assert seen == expected


@needs_ipv6
@usual
@given(
    words=st.lists(st.sampled_from([0, 0, 0, 1, 0xFFFF, 0x10, 0x7F00, 0xABC]), min_size=8, max_size=8),
)
@example(words=[0, 0, 0, 0, 0, 0, 1, 2])
@example(words=[0x2001, 0xDB8, 0, 0, 1, 0, 0, 1])
@example(words=[0x2001, 0, 0, 1, 0, 0, 0, 1])
@example(words=[0x2001, 0, 3, 4, 5, 6, 7, 8])
def test_an_inet6_sender_is_shown_as_by_the_socket_module(loop: Any, words: list[int]) -> None:
    """Addresses that are not this machine's, as far as the kernel lets them be bound and sent from."""
    host = socket.inet_ntop(socket.AF_INET6, struct.pack(">8H", *words))
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender:
        try:
            sender.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
            sender.bind((host, 0))
            with plain(socket.AF_INET6, ("::1", 0)) as probe:
                sender.sendto(b"data", probe.getsockname())
                probe.recv(100)
        except OSError:
            return
        expected, seen = address_seen(loop, socket.AF_INET6, ("::1", 0), sender)
    assert seen == expected


@usual
@given(
    name=st.one_of(
        st.binary(min_size=1, max_size=100).map(lambda it: b"\0" + it),
        st.text(min_size=1, max_size=30).filter(
            lambda it: "\0" not in it and "/" not in it and it not in (".", "..")
        ),
        st.binary(min_size=1, max_size=100).filter(lambda it: b"\0" not in it and b"/" not in it),
    )
)
def test_a_unix_sender_is_shown_as_by_the_socket_module(loop: Any, name: Any) -> None:
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), contextlib.ExitStack() as stack:
        try:
            sender = stack.enter_context(plain(socket.AF_UNIX, name))
        except (OSError, UnicodeEncodeError):
            return
        expected, seen = address_seen(loop, socket.AF_UNIX, f"{folder}/receiver", sender)
    assert seen == expected
