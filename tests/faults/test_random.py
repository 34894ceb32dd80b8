"""Faults by chance. A failure says which SEED shows it again: `make faults SEED=17`."""

import random

import pytest

from tests.faults.drawing import seeds, timeout
from tests.faults.programs import others
from tests.faults.programs.connections import CARRIERS, SIZE, WAYS, receiving, sending

KINDS = ["tcp", "unix", "pipe"]
ERRORS = ("ECONNRESET", "EPIPE", "ECONNABORTED", "ETIMEDOUT", "ENOBUFS", "EBADF", "EIO", "EHOSTUNREACH")


def passing(draw, on):
    """A rule for faults that nobody may notice."""
    fault = draw.choice([{"fails": "EINTR"}, {"fails": "EAGAIN"}, {"short": draw.choice([1, 100, 5000])}])
    if on == "wait":
        fault = {"fails": "EINTR"}
    # Single bytes only for a while.
    times = 200 if "short" in fault else 500
    return {"on": on, "kinds": [*KINDS, "udp"], "permille": draw.randint(10, 700), "times": times, **fault}


def connection(draw):
    """A connection in one direction, and perhaps an error at some byte."""
    program, on = draw.choice([(receiving, "read"), (sending, "write")])
    carrier, way = draw.choice(CARRIERS), draw.choice(WAYS)
    if carrier == "pipe" and way == "buffered":
        way = "protocol"
    rules = [passing(draw, on) for _ in range(draw.randint(0, 2))]
    amounts = True
    if draw.random() < 0.5:
        if way == "streams":
            # Whether drain() meets the error or wait_closed() depends on how far sending has come, call by call.
            rules = []
        rules.append({"on": on, "kinds": KINDS, "fails": draw.choice(ERRORS), "after": draw.randrange(SIZE)})
        amounts = carrier[:3] != "tls"
    return program, rules, {"carrier": carrier, "way": way, "amounts": amounts}


def other(draw):
    """Anything else, with faults that pass."""
    program, options = draw.choice(
        [
            (others.subprocess, {}),
            (others.process_protocol, {}),
            (others.waiting, {}),
            (others.sock_methods, {"direction": "sending"}),
            (others.sock_methods, {"direction": "receiving", "into": draw.random() < 0.5}),
            (others.file_sending, {"carrier": draw.choice(["tcp_client", "unix_client", "tls_client"])}),
            (
                others.datagrams,
                {"connected": draw.random() < 0.5, "direction": draw.choice(["sending", "receiving"])},
            ),
        ]
    )
    if program is others.waiting:
        return program, [passing(draw, "wait")], options
    return program, [passing(draw, draw.choice(["read", "write"])) for _ in range(2)], options


@pytest.mark.timeout(timeout())
@pytest.mark.parametrize("kind", [connection, other])
def test_random_faults(both, kind):
    for seed in seeds(50):
        draw = random.Random(seed)
        program, rules, options = kind(draw)
        if draw.random() < 0.5:
            rules.append(passing(draw, "wait"))
        try:
            both.same(program, rules, seed, fired=False, **options)
        except AssertionError as error:
            error.add_note(f"SEED={seed}: {program.__name__} with {options} under {rules}")
            raise
