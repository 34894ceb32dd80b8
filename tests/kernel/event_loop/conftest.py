"""What tests of the loop share."""

import socket

import pytest


@pytest.fixture
def pair():
    a, b = socket.socketpair()
    with a, b:
        a.setblocking(False)
        b.setblocking(False)
        yield a, b
