"""A client of a hostile server, and datagrams."""

import pytest

from tests.hostile_peers.attacks import AFTER_HANDSHAKE, ENDS, GARBAGE
from tests.hostile_peers.victims import client, datagrams, flood

HOW = ("end", "reset")


@pytest.mark.parametrize("way", ["protocols", "streams"])
class TestClients:
    @pytest.mark.parametrize("how", HOW)
    @pytest.mark.parametrize("attack", ["goes_at_once", "goes_after_data"])
    @pytest.mark.parametrize("tls", ["", "tls_"], ids=["plain", "tls"])
    def test_the_server_goes(self, both, way, tls, attack, how):
        both.same(client, attack=tls + attack, how=how, way=way, tls=bool(tls), victim="client")

    @pytest.mark.parametrize("how", HOW)
    @pytest.mark.parametrize(
        "attack", ["slow_tls", "tiny_records", "never_shakes_hands", "never_says_goodbye", "goes_at_once"]
    )
    def test_tls(self, both, way, attack, how):
        both.same(client, attack=attack, how=how, way=way, tls=True, victim="client")

    @pytest.mark.parametrize("how", HOW)
    @pytest.mark.parametrize("end", [end for end, (flights, _, _) in ENDS.items() if not flights])
    def test_the_handshake_ends(self, both, way, end, how):
        both.same(
            client, attack="ends_in_the_handshake", end=end, how=how, way=way, tls=True, victim="client"
        )

    @pytest.mark.parametrize("garbage", GARBAGE)
    def test_garbage_instead_of_tls(self, both, way, garbage):
        both.same(
            client, attack="says_garbage", garbage=garbage, how="end", way=way, tls=True, victim="client"
        )

    @pytest.mark.parametrize("garbage", AFTER_HANDSHAKE)
    def test_garbage_after_the_handshake(self, both, way, garbage):
        attack = "says_garbage_after_the_handshake"
        both.same(client, attack=attack, garbage=garbage, how="end", way=way, tls=True, victim="client")


@pytest.mark.parametrize("connected", [True, False])
def test_datagrams(both, connected):
    both.same(datagrams, connected=connected)


def test_a_flood_of_datagrams(both):
    both.same(flood)
