"""Connections under faults that pass, and under faults that end them."""

import pytest

from tests.faults.programs.connections import CARRIERS, SIZE, WAYS, receiving, sending

KINDS = ["tcp", "unix", "pipe"]

# Faults after which everything goes on: nothing may be lost.
PASSING = {
    "interrupted": {"fails": "EINTR", "nth": 2, "times": 3},
    "would_block": {"fails": "EAGAIN", "nth": 2, "times": 3},
    "a_byte": {"short": 1, "nth": 1, "times": 20},
    "short": {"short": 1000},
}
ENDING = {
    "at_once": 0,
    "after_a_byte": 1,
    "in_the_middle": SIZE // 2 + 7,
}
ERRORS = ("ECONNRESET", "EPIPE", "ECONNABORTED", "ETIMEDOUT", "ENOBUFS", "EBADF", "EIO")


def cases():
    return [(carrier, way) for carrier in CARRIERS for way in WAYS if (carrier, way) != ("pipe", "buffered")]


@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.parametrize(("carrier", "way"), cases())
class TestPassing:
    def test_nothing_is_lost_when_reading(self, both, carrier, way, fault):
        rule = {"on": "read", "kinds": KINDS, "times": 1 << 30, **PASSING[fault]}
        outcome = both.same(receiving, [rule], carrier=carrier, way=way)
        assert ["data", SIZE] in outcome["journal"]["loop"]

    def test_nothing_is_lost_when_writing(self, both, carrier, way, fault):
        rule = {"on": "write", "kinds": KINDS, "times": 1 << 30, **PASSING[fault]}
        outcome = both.same(sending, [rule], carrier=carrier, way=way)
        assert outcome["journal"]["peer"][0] == ["data", SIZE]


def endings():
    """Every error on the connections that differ most, and on the others the first ones."""
    return [
        (carrier, way, error)
        for carrier, way in cases()
        for error in (ERRORS if carrier in ("tcp_client", "tls_client", "pipe") else ERRORS[:2])
    ]


@pytest.mark.parametrize("when", ENDING)
@pytest.mark.parametrize(("carrier", "way", "error"), endings())
class TestEnding:
    def test_reading_fails(self, both, carrier, way, when, error):
        rule = {"on": "read", "kinds": KINDS, "fails": error, "after": ENDING[when]}
        # TLS gives a buffer's worth to the protocol in each iteration, and what is left when the error comes is lost.
        amounts = (carrier[:3], way) != ("tls", "buffered")
        both.same(receiving, [rule], carrier=carrier, way=way, amounts=amounts)

    def test_writing_fails(self, both, carrier, way, when, error):
        rule = {"on": "write", "kinds": KINDS, "fails": error, "after": ENDING[when]}
        both.same(sending, [rule], carrier=carrier, way=way)
