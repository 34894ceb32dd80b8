"""The implementations that are compared: the loop of each, and the names that its programs use."""

import asyncio
import importlib
import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

# What the echo rows are held against. Its server is no Python; the worker only starts it and its client.
BASELINE = "C"

# In the order of the report's columns.
PEERS = (BASELINE, "asyncio", "uvloop", "zuvloop", "ferrio")


class Names(ModuleType):
    """asyncio's names for programs: a peer's own where it has them, and otherwise asyncio's, noted in `borrowed`.

    Each name is looked up once and is then an ordinary attribute of a module, as cheap as in a real program.
    """

    def __init__(self, own: ModuleType) -> None:
        super().__init__(own.__name__)
        self._own = own
        self.borrowed: set[str] = set()

    def __getattr__(self, name: str) -> object:
        if not hasattr(self._own, name):
            self.borrowed.add(name)
        value = getattr(self._own, name, None) or getattr(asyncio, name)
        setattr(self, name, value)
        return value


@dataclass(frozen=True)
class Peer:
    """An implementation that is installed."""

    name: str
    version: str
    new_event_loop: Callable[[], asyncio.AbstractEventLoop]
    aio: ModuleType
    """What a program's `asyncio` is."""


def load(name: str) -> Peer:
    """The peer of this name; ImportError if it is not installed."""
    if name in (BASELINE, "asyncio"):
        return Peer(name, "", asyncio.new_event_loop, asyncio)
    module = importlib.import_module(name)
    version = getattr(module, "__version__", None) or importlib.metadata.version(name)
    # uvloop and zuvloop are loops only: what programs say is asyncio's.
    aio = Names(module) if name == "ferrio" else asyncio
    return Peer(name, version, module.new_event_loop, aio)
