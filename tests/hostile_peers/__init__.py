"""Hostile peers over loopback: asyncio's loop and ferrio's see the same, lose nothing, and go on serving good clients.

`attacks.py` is what a peer does, in a thread with a blocking socket: it is slow, silent, goes away at every stage with
an end of stream or a reset, sends garbage. `victims.py` are the programs on the loop: a server that echoes, plain or
TLS, with protocols or streams, which is asked by a good client during the attack and after it; and a client. The
programs run in the worker processes of `tests/faults`, which compare what they write down. `test_random.py` draws
attacks by chance: `make hostile SECONDS=600` does so for ten minutes, and a failure prints the seed.
"""
