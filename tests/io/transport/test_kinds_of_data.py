"""Every kind of object given to every method that takes bytes: what asyncio makes of it, ferrio makes of it."""

import asyncio

import pytest

from tests.io.transport.kinds_of_data import DATA, KINDS, WAYS, outcome_of

# Buffers whose length in Python is not their number of bytes, or that have none. asyncio counts what was sent by that
# length: it breaks the connection, goes on for ever or raises after all has been sent. ferrio sends their bytes.
NOT_SO_MANY_BYTES = {
    "memoryview of integers",
    "memoryview of two dimensions",
    "memoryview of no dimension",
    "array of integers",
    "ctypes array of integers",
    "ctypes structure",
    "exporter",
}


# The ways in which it is given without anything around it.
ALONE = (
    "write",
    "writelines of one",
    "StreamWriter.write",
    "TLS write",
    "TLS writelines of one",
    "pipe write",
    "sock_sendall",
)


def is_documented(way, kind, theirs, ours):
    """Whether docs/differences.md has the difference."""
    sent = DATA[:1] if "no dimension" in kind else DATA
    if kind in NOT_SO_MANY_BYTES and ours == {"sent": sent if way in ALONE else b"<" + sent + b">"}:
        return True
    if way.startswith("TLS writelines") and "Fatal error on SSL protocol" in str(theirs):
        # A wrong type breaks asyncio's connection.
        return ours.keys() == {"raised", "sent"} and ours["raised"][0] in ("TypeError", "ValueError")
    # Early writelines() waited for empty pieces to be sent, and later ones for those before a piece of a wrong type.
    return theirs.get("closed") == "never" and theirs | ours == theirs and ours["sent"] == b""


@pytest.mark.parametrize("way", WAYS)
def test_every_kind_of_data_is_taken_or_refused_as_by_asyncio(way):
    import ferrio

    differences, taken = {}, set()
    for kind in KINDS:
        theirs = outcome_of(asyncio.SelectorEventLoop, way, kind)
        ours = outcome_of(ferrio.new_event_loop, way, kind)
        if ours != theirs and not is_documented(way, kind, theirs, ours):
            differences[kind] = (theirs, ours)
        if ours["sent"]:
            taken.add(kind)
    assert not differences
    assert taken or way.endswith("of it")
