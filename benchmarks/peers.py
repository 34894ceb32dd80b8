"""The implementations that are compared: the loop of each, and the names that its programs use."""

import asyncio
import importlib
import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

# The baseline of the echo rows. Its server is not Python; the worker only starts the server and its client.
BASELINE = "C"

# In the order of the report's columns.
PEERS = (BASELINE, "asyncio", "uvloop", "zuvloop", "ferrio")


@dataclass(frozen=True)
class Peer:
    """An implementation that is installed."""

    name: str
    version: str
    new_event_loop: Callable[[], asyncio.AbstractEventLoop]
    aio: ModuleType
    """The module that programs use as `asyncio`."""


def load(name: str) -> Peer:
    """Return the peer of this name. Raises ImportError if it is not installed."""
    if name in (BASELINE, "asyncio"):
        return Peer(name, "", asyncio.new_event_loop, asyncio)
    module = importlib.import_module(name)
    version = getattr(module, "__version__", None) or importlib.metadata.version(name)
    # uvloop and zuvloop are only loops, so their programs use asyncio's names. ferrio has all of these names.
    aio = module if name == "ferrio" else asyncio
    return Peer(name, version, module.new_event_loop, aio)
