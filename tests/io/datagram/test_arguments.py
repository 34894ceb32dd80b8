"""create_datagram_endpoint(): arguments that do not fit, and addresses that cannot be had."""

import errno
import logging
import socket

import pytest

from tests.io.datagram.endpoints import Datagrams, datagram_socket, endpoint


def refuse(*args, **kwargs):
    raise AssertionError("the resolver was asked")


async def refused(loop, **options):
    await loop.create_datagram_endpoint(Datagrams, **options)


async def test_neither_address_nor_family_is_a_value_error(loop):
    with pytest.raises(ValueError, match=r"^unexpected address family$"):
        await refused(loop)


@pytest.mark.parametrize("address", ["127.0.0.1", ("127.0.0.1",), ("127.0.0.1", 1, 2), ["127.0.0.1", 1]])
@pytest.mark.parametrize("side", ["local_addr", "remote_addr"])
async def test_an_address_that_is_no_pair_is_a_type_error(loop, side, address):
    with pytest.raises(TypeError, match=r"^2-tuple is expected$"):
        await refused(loop, **{side: address})


@pytest.mark.parametrize("side", ["local_addr", "remote_addr"])
async def test_a_unix_address_that_is_not_text_is_a_type_error(loop, side):
    with pytest.raises(TypeError, match=r"^string is expected$"):
        await refused(loop, family=socket.AF_UNIX, **{side: ("127.0.0.1", 0)})


async def test_addresses_of_two_families_are_a_value_error(loop):
    with pytest.raises(ValueError, match=r"^can not get address information$"):
        await refused(loop, local_addr=("127.0.0.1", 0), remote_addr=("::1", 9))


async def test_a_stream_socket_is_a_value_error(loop):
    with socket.socket() as sock:
        with pytest.raises(ValueError, match=r"^A (UDP S|datagram s)ocket was expected, got <socket"):
            await refused(loop, sock=sock)


@pytest.mark.parametrize(
    "option",
    [
        {"local_addr": ("127.0.0.1", 0)},
        {"remote_addr": ("127.0.0.1", 9)},
        {"family": 1},
        {"proto": 1},
        {"flags": 8},
        {"reuse_port": True},
        {"allow_broadcast": True},
    ],
    ids=lambda option: next(iter(option)),
)
async def test_an_option_next_to_a_socket_is_a_value_error_that_names_it(loop, option):
    (name, value), *_ = option.items()
    with datagram_socket() as sock:
        with pytest.raises(ValueError) as caught:
            await refused(loop, sock=sock, **option)
        assert str(caught.value) == (
            f"socket modifier keyword arguments can not be used when sock is specified. ({name}={value})"
        )
        assert sock.fileno() != -1


async def test_a_name_without_addresses_is_an_os_error(loop, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args: [])
    with pytest.raises(OSError, match=r"^getaddrinfo\(\) returned empty list$"):
        await refused(loop, remote_addr=("example", 9))


async def test_the_resolver_s_error_is_raised(loop, monkeypatch):
    def resolver(*args):
        raise socket.gaierror(socket.EAI_NONAME, "from the resolver")

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    with pytest.raises(socket.gaierror, match="from the resolver"):
        await refused(loop, remote_addr=("example", 9))


async def test_addresses_in_figures_are_not_resolved(loop, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    async with endpoint(loop, local_addr=("127.0.0.1", 0), remote_addr=("127.0.0.1", 9)) as (transport, _):
        assert transport.get_extra_info("peername") == ("127.0.0.1", 9)


async def test_an_address_in_use_is_an_os_error(loop):
    with datagram_socket() as taken:
        with pytest.raises(OSError) as caught:
            await refused(loop, local_addr=taken.getsockname())
    assert caught.value.errno == errno.EADDRINUSE


async def test_an_address_that_is_not_ours_is_an_os_error(loop):
    with pytest.raises(OSError) as caught:
        await refused(loop, local_addr=("192.0.2.1", 0))
    assert caught.value.errno == errno.EADDRNOTAVAIL


async def test_the_first_of_several_failures_is_raised(loop, monkeypatch):
    with datagram_socket() as taken:
        infos = [
            (family, socket.SOCK_DGRAM, 17, "", address)
            for family, address in (
                (socket.AF_INET, taken.getsockname()),
                (socket.AF_INET6, ("2001:db8::1", 0, 0, 0)),
            )
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args: infos)
        with pytest.raises(OSError) as caught:
            await refused(loop, local_addr=("example", 0))
    assert caught.value.errno == errno.EADDRINUSE


async def test_a_family_alone_makes_an_endpoint_without_address(loop):
    async with endpoint(loop, family=socket.AF_INET) as (transport, _):
        assert transport.get_extra_info("sockname") == ("0.0.0.0", 0)


async def test_a_unix_path_that_is_no_socket_is_in_the_way(loop, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError) as caught:
        await refused(loop, family=socket.AF_UNIX, local_addr=str(tmp_path / "file"))
    assert caught.value.errno == errno.EADDRINUSE
    assert (tmp_path / "file").is_file()


async def test_a_unix_path_that_cannot_be_looked_at_is_logged(loop, tmp_path, caplog):
    (tmp_path / "file").touch()
    path = str(tmp_path / "file" / "socket")
    with caplog.at_level(logging.ERROR, "asyncio"), pytest.raises(NotADirectoryError):
        await refused(loop, family=socket.AF_UNIX, local_addr=path)
    (message,) = caplog.messages
    assert message.startswith(f"Unable to check or remove stale UNIX socket {path!r}: NotADirectoryError(")
