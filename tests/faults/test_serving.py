"""Accepting, connecting, and opening descriptors under faults."""

import pytest

from tests.faults.programs.serving import accepting, connecting, handshaking, opening, streams_accepting

SERVERS = {"protocols": accepting, "streams": streams_accepting}


@pytest.mark.parametrize("server", SERVERS)
class TestAccepting:
    @pytest.mark.parametrize("error", ["EINTR", "EAGAIN", "ECONNABORTED"])
    @pytest.mark.parametrize("times", [1, 5])
    def test_errors_of_a_moment_cost_no_client(self, both, server, error, times):
        rule = {"on": "accept", "fails": error, "times": times}
        outcome = both.same(SERVERS[server], [rule])
        assert len(outcome["journal"]["peer"]) == 5

    @pytest.mark.parametrize("error", ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"])
    def test_the_server_rests_when_there_are_no_resources(self, both, server, error):
        rule = {"on": "accept", "fails": error, "nth": 2}
        outcome = both.same(SERVERS[server], [rule])
        assert len(outcome["journal"]["peer"]) == 5
        assert outcome["handler"][0][0] == "socket.accept() out of system resource"

    @pytest.mark.parametrize("error", ["EPERM", "EPROTO", "ENETDOWN", "EIO"])
    def test_other_errors(self, both, server, error):
        both.same(SERVERS[server], [{"on": "accept", "fails": error, "nth": 2}])


@pytest.mark.parametrize("way", ["protocol", "streams", "sock"])
@pytest.mark.parametrize(
    "error", ["EINTR", "ECONNREFUSED", "ETIMEDOUT", "ENETUNREACH", "EADDRNOTAVAIL", "ENOBUFS", "EPERM"]
)
def test_connecting(both, way, error):
    both.same(connecting, [{"on": "connect", "fails": error}], way=way)


@pytest.mark.parametrize("error", ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"])
@pytest.mark.parametrize("nth", [1, 2, 3, 4, 5])
def test_no_descriptor_can_be_opened(both, error, nth):
    both.same(opening, [{"on": "open", "fails": error, "nth": nth}], fired=False)


def test_a_child_is_watched_by_a_thread_when_it_cannot_have_a_descriptor(both):
    """asyncio raises, and leaves the child behind."""
    ours = both.on_ferrio(opening, [{"on": "open", "kinds": [], "fails": "EMFILE", "nth": 6}])
    assert ours["fired"]
    assert ours["journal"]["program"] == [["made"]] * 4


@pytest.mark.parametrize("carrier", ["tls_client", "tls_server"])
class TestHandshake:
    @pytest.mark.parametrize("on", ["read", "write"])
    @pytest.mark.parametrize("fault", [{"fails": "EINTR"}, {"fails": "EAGAIN"}, {"short": 1}, {"short": 100}])
    def test_faults_that_pass(self, both, carrier, on, fault):
        rule = {"on": on, "kinds": ["tcp"], "times": 3, **fault}
        outcome = both.same(handshaking, [rule], carrier=carrier)
        assert outcome["journal"]["loop"][0] == ["connection_made"]

    @pytest.mark.parametrize("error", ["ECONNRESET", "EPIPE", "ETIMEDOUT", "ENOBUFS"])
    @pytest.mark.parametrize("after", [0, 1, 50])
    @pytest.mark.parametrize("on", ["read", "write"])
    def test_faults_that_end_it(self, both, carrier, on, after, error):
        rule = {"on": on, "kinds": ["tcp"], "fails": error, "after": after}
        both.same(handshaking, [rule], carrier=carrier)
