"""Datagrams, subprocesses, sockets, files, closing, and the loop's own calls under faults."""

import sys

import pytest

from tests.faults.programs import others
from tests.faults.programs.connections import CARRIERS, SIZE, receiving, sending

PASSING = {
    "interrupted": {"fails": "EINTR", "nth": 2, "times": 3},
    "would_block": {"fails": "EAGAIN", "nth": 2, "times": 3},
    "short": {"short": 1000, "times": 1 << 30},
}
ERRORS = ("ECONNRESET", "EPIPE", "ENOBUFS", "EBADF")


@pytest.mark.parametrize("connected", [True, False])
class TestDatagrams:
    @pytest.mark.parametrize("fault", [{"fails": "EINTR"}, {"fails": "EAGAIN"}, {"short": 1}])
    @pytest.mark.parametrize("direction", ["sending", "receiving"])
    def test_nothing_is_lost(self, both, connected, direction, fault):
        on = "write" if direction == "sending" else "read"
        rule = {"on": on, "kinds": ["udp"], "nth": 1, "times": 2, **fault}
        outcome = both.same(others.datagrams, [rule], connected=connected, direction=direction)
        who = "peer" if direction == "sending" else "loop"
        numbers = [event[2] for event in outcome["journal"][who] if event[0] == "datagram"]
        assert numbers == [f"{number:02}" for number in range(others.COUNT)]

    @pytest.mark.parametrize(
        "error", ["ECONNREFUSED", "ENOBUFS", "ENOMEM", "EPERM", "EMSGSIZE", "ENETUNREACH"]
    )
    def test_an_error_when_sending(self, both, connected, error):
        rule = {"on": "write", "kinds": ["udp"], "fails": error}
        both.same(others.datagrams, [rule], connected=connected, direction="sending")

    @pytest.mark.parametrize("error", ["ECONNREFUSED", "ENOBUFS", "ENOMEM", "EHOSTUNREACH"])
    def test_an_error_when_receiving(self, both, connected, error):
        rule = {"on": "read", "kinds": ["udp"], "fails": error}
        both.same(others.datagrams, [rule], connected=connected, direction="receiving")


@pytest.mark.parametrize("program", [others.subprocess, others.process_protocol])
class TestSubprocess:
    @pytest.mark.parametrize("fault", PASSING)
    @pytest.mark.parametrize("on", ["read", "write"])
    def test_nothing_is_lost(self, both, program, on, fault):
        outcome = both.same(program, [{"on": on, "kinds": ["pipe", "unix"], **PASSING[fault]}])
        assert any(["data", SIZE] in events for events in outcome["journal"].values())

    @pytest.mark.parametrize("error", ERRORS)
    @pytest.mark.parametrize("on", ["read", "write"])
    @pytest.mark.parametrize("after", [0, SIZE // 2])
    def test_a_pipe_fails(self, both, program, on, after, error):
        rule = {"on": on, "kinds": ["pipe", "unix"], "after": after, "fails": error}
        both.same(program, [rule], amounts=on == "read", dying=on == "read")


@pytest.mark.skipif(sys.version_info < (3, 12), reason="asyncio waits in a thread, which has no faults")
@pytest.mark.parametrize("error", ["EINTR", "ECHILD"])
def test_waiting_for_a_child(both, error):
    both.same(others.child, [{"on": "child", "fails": error}])


@pytest.mark.parametrize("direction", ["sending", "receiving", "receiving_into"])
class TestSockMethods:
    @pytest.mark.parametrize("fault", PASSING)
    def test_nothing_is_lost(self, both, direction, fault):
        sends = direction == "sending"
        rule = {"on": "write" if sends else "read", "kinds": ["unix"], **PASSING[fault], "nth": 1}
        outcome = both.same(
            others.sock_methods, [rule], direction=direction.split("_")[0], into="into" in direction
        )
        assert ["data", SIZE] in outcome["journal"]["peer" if sends else "loop"]

    @pytest.mark.parametrize("error", ERRORS)
    @pytest.mark.parametrize("after", [0, SIZE // 2])
    def test_an_error(self, both, direction, after, error):
        rule = {"on": "write" if direction == "sending" else "read", "kinds": ["unix"], "after": after}
        rule["fails"] = error
        both.same(others.sock_methods, [rule], direction=direction.split("_")[0], into="into" in direction)


@pytest.mark.parametrize("carrier", ["tcp_client", "unix_client", "tls_client"])
class TestSendfile:
    @pytest.mark.parametrize("fault", PASSING)
    def test_nothing_is_lost(self, both, carrier, fault):
        rule = {"on": "write", "kinds": ["tcp", "unix"], **PASSING[fault]}
        outcome = both.same(others.file_sending, [rule], carrier=carrier)
        assert outcome["journal"]["peer"][0] == ["data", SIZE]

    @pytest.mark.parametrize("error", [*ERRORS, "EIO", "EINVAL"])
    @pytest.mark.parametrize("after", [0, SIZE // 2])
    def test_an_error(self, both, carrier, after, error):
        rule = {"on": "write", "kinds": ["tcp", "unix"], "after": after, "fails": error}
        both.same(others.file_sending, [rule], carrier=carrier)


@pytest.mark.parametrize("carrier", CARRIERS)
class TestClosing:
    @pytest.mark.parametrize("error", ["EINTR", "EIO", "ECONNRESET"])
    @pytest.mark.parametrize("way", ["protocol", "streams"])
    def test_close_fails(self, both, carrier, way, error):
        rule = {"on": "close", "kinds": ["tcp", "unix", "pipe"], "fails": error}
        both.same(receiving, [rule], carrier=carrier, way=way)

    @pytest.mark.parametrize("program", [receiving, sending])
    def test_the_poller_does_not_know_the_descriptor_any_more(self, both, carrier, program):
        if (carrier, program) == ("pipe", sending):
            pytest.skip("it is also asked to watch for the room in the pipe")
        rule = {"on": "control", "kinds": ["tcp", "unix", "pipe"], "fails": "EPERM"}
        outcome = both.same(program, [rule], carrier=carrier, way="protocol")
        assert not outcome["handler"]


@pytest.mark.parametrize("way", ["protocol", "streams"])
@pytest.mark.parametrize("carrier", CARRIERS)
def test_the_poller_refuses_to_watch_for_room(both, carrier, way):
    """asyncio's write() raises, and what it was given is lost. ferrio's has returned by then: the connection ends."""
    kinds = ["tcp", "unix", "pipe"]
    rules = [
        {"on": "write", "kinds": kinds, "fails": "EAGAIN"},
        {"on": "control", "kinds": kinds, "fails": "ENOSPC"},
    ]
    ours = both.on_ferrio(sending, rules, carrier=carrier, way=way)
    assert ours["fired"] == 2
    assert not ours["tasks"]
    assert not ours["left"]
    assert not ours["handler"]
    assert "program" not in ours["journal"]
    error = ["OSError", "No space left on device"]
    last = ["connection_lost", error] if way == "protocol" else ["wait_closed", error]
    assert ours["journal"]["loop"][-1] == last


@pytest.mark.parametrize("carrier", ["tcp_client", "tcp_server", "unix_client", "tls_client"])
@pytest.mark.parametrize(
    "steps",
    [
        ["close"],
        ["abort"],
        ["write", "sleep", "close"],
        ["write_eof", "sleep", "close"],
        ["write", "close"],
    ],
    ids="_".join,
)
@pytest.mark.parametrize("reused", [False, True], ids=["closed", "reused"])
def test_closed_under_the_loop(both, carrier, steps, reused):
    both.same(others.closed_under_the_loop, carrier=carrier, steps=steps, reused=reused)


@pytest.mark.parametrize(
    ("on", "carrier"),
    # When TLS writes, both loops hang: they watch for reading and writing, and fail to stop watching for one of them.
    [
        ("read", "tcp_client"),
        ("read", "unix_client"),
        ("read", "tls_client"),
        ("write", "tcp_client"),
        ("write", "unix_client"),
    ],
)
def test_closed_in_a_call(both, on, carrier):
    rule = {"on": on, "kinds": ["tcp", "unix"], "cut": True, "after": SIZE // 2}
    both.same(receiving if on == "read" else sending, [rule], carrier=carrier, way="protocol")


@pytest.mark.parametrize(
    "rule", [{"nth": 1, "times": 3}, {"nth": 2, "times": 50}, {"permille": 500}], ids=str
)
def test_waits_are_interrupted(both, rule):
    both.same(others.waiting, [{"on": "wait", "fails": "EINTR", **rule}])


@pytest.mark.parametrize("error", ["ENOMEM", "ENOSPC", "EPERM"])
@pytest.mark.parametrize("nth", [1, 3, 5])
def test_watching_fails(both, nth, error):
    """These are the calls that add a descriptor, each the first of its two."""
    both.same(others.watching, [{"on": "control", "fails": error, "nth": nth}])
