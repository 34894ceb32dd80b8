"""A server under attack goes on serving a good client."""

import pytest

from tests.hostile_peers.attacks import AFTER_HANDSHAKE, ENDS, GARBAGE, PLAIN, TLS
from tests.hostile_peers.victims import GREETING, many_resets_before_accept, server

HOW = ("end", "reset")
WAYS = ("protocols", "streams")
SERVED = ["answered", GREETING]


@pytest.mark.parametrize("way", WAYS)
class TestServers:
    @pytest.mark.parametrize("how", HOW)
    @pytest.mark.parametrize("attack", PLAIN)
    def test_plain(self, both, way, attack, how):
        # How much is in the buffers of the kernel when the peer stops is a matter of time.
        amounts = attack not in ("never_reads", "goes_at_once")
        outcome = both.same(server, attack=attack, how=how, way=way, tls=False, amounts=amounts)
        assert SERVED in outcome["journal"]["good client"]

    @pytest.mark.parametrize("how", HOW)
    @pytest.mark.parametrize("attack", TLS)
    def test_tls(self, both, way, attack, how):
        amounts = "never_reads" not in attack
        outcome = both.same(server, attack=attack, how=how, way=way, tls=True, amounts=amounts)
        assert SERVED in outcome["journal"]["good client"]

    @pytest.mark.parametrize("how", HOW)
    @pytest.mark.parametrize("end", ENDS)
    def test_the_handshake_ends(self, both, way, end, how):
        outcome = both.same(server, attack="ends_in_the_handshake", end=end, how=how, way=way, tls=True)
        assert outcome["journal"]["good client"] == [SERVED]

    @pytest.mark.parametrize("garbage", GARBAGE)
    def test_garbage_instead_of_tls(self, both, way, garbage):
        outcome = both.same(server, attack="says_garbage", garbage=garbage, how="end", way=way, tls=True)
        assert outcome["journal"]["good client"] == [SERVED]

    @pytest.mark.parametrize("garbage", AFTER_HANDSHAKE)
    def test_garbage_after_the_handshake(self, both, way, garbage):
        outcome = both.same(
            server, attack="says_garbage_after_the_handshake", garbage=garbage, how="end", way=way, tls=True
        )
        assert outcome["journal"]["good client"] == [SERVED]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("how", HOW)
def test_many_connections_that_are_gone_before_they_are_accepted(both, tls, how):
    outcome = both.same(many_resets_before_accept, tls=tls, how=how)
    assert outcome["journal"]["good client"] == [SERVED]
