"""What a connection that cannot be made raises: one error, all of them in one text, or a group of them."""

import errno
import socket

import pytest

from tests.harness import PY, Recorder, descriptor_count, unused_port

groups = pytest.mark.skipif(PY < (3, 12), reason="all_errors is new in 3.12")


@pytest.fixture
def resolve_to(monkeypatch):
    def set_answer(*addresses, local=()):
        def answer(host, *_):
            found = local if host == "local" else addresses
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in found]

        monkeypatch.setattr(socket, "getaddrinfo", answer)

    return set_answer


@groups
async def test_a_group_tells_each_address_in_order(loop, resolve_to):
    addresses = [(f"127.0.0.{last}", unused_port()) for last in (1, 2, 3)]
    resolve_to(*addresses)
    with pytest.raises(ExceptionGroup) as caught:
        await loop.create_connection(Recorder, "example", 80, all_errors=True)
    assert caught.value.message == "create_connection failed"
    assert [(exc.errno, exc.strerror) for exc in caught.value.exceptions] == [
        (errno.ECONNREFUSED, f"Connect call failed {address}") for address in addresses
    ]


@groups
async def test_a_single_failure_is_a_group_too_if_all_are_asked_for(loop):
    with pytest.raises(ExceptionGroup) as caught:
        await loop.create_connection(Recorder, "127.0.0.1", unused_port(), all_errors=True)
    (only,) = caught.value.exceptions
    assert isinstance(only, ConnectionRefusedError)


@groups
async def test_failures_of_one_kind_are_all_in_the_group(loop, resolve_to):
    address = ("127.0.0.1", unused_port())
    resolve_to(address, address)
    with pytest.raises(ExceptionGroup) as caught:
        await loop.create_connection(Recorder, "example", 80, all_errors=True)
    assert len(caught.value.exceptions) == 2


@groups
async def test_wrong_options_are_no_group(loop):
    with pytest.raises(ValueError, match=r"^host and port was not specified and no sock specified$"):
        await loop.create_connection(Recorder, all_errors=True)


@pytest.mark.skipif(PY >= (3, 12), reason="all_errors is new in 3.12")
async def test_groups_are_unknown_before_python_3_12(loop):
    with pytest.raises(TypeError, match="all_errors"):
        await loop.create_connection(Recorder, "127.0.0.1", 80, all_errors=True)


async def test_every_local_address_that_fails_is_told(loop, resolve_to):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        resolve_to(address, local=[address, ("192.0.2.1", 0)])
        with pytest.raises(OSError) as caught:
            await loop.create_connection(Recorder, "example", 80, local_addr=("local", 0))
    text = str(caught.value)
    assert text.startswith("Multiple exceptions: ")
    assert f"error while attempting to bind on address {address!r}: " in text
    assert "error while attempting to bind on address ('192.0.2.1', 0): " in text


async def test_the_second_local_address_is_used_when_the_first_cannot_be(loop, resolve_to):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        resolve_to(listener.getsockname(), local=[("192.0.2.1", 0), ("127.0.0.2", 0)])
        transport, client = await loop.create_connection(Recorder, "example", 80, local_addr=("local", 0))
        assert transport.get_extra_info("sockname")[0] == "127.0.0.2"
        transport.close()
        await client.lost()


async def test_a_local_name_without_addresses_is_an_os_error(loop, resolve_to):
    resolve_to(("127.0.0.1", unused_port()))
    with pytest.raises(OSError, match=r"^getaddrinfo\(\) returned empty list$"):
        await loop.create_connection(Recorder, "example", 80, local_addr=("local", 0))


async def test_no_failure_leaves_a_socket(loop, resolve_to):
    resolve_to(*[("127.0.0.1", unused_port()) for _ in range(10)])
    before = descriptor_count()
    for _ in range(3):
        with pytest.raises(OSError):
            await loop.create_connection(Recorder, "example", 80)
        assert descriptor_count() == before
