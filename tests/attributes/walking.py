"""What is seen of an object: each of its attributes, and what kind of value that has.

A specimen is an asynchronous generator that takes a `Side` and yields one object, or a `Seen` of it, in each of the
states that it is declared with. It runs on asyncio's loop with asyncio's classes, and on ferrio's loop with ferrio's.
"""

from __future__ import annotations

import asyncio
import collections
import functools
import weakref
from collections.abc import AsyncIterator, Callable, Mapping, Sequence, Set
from types import ModuleType
from typing import NamedTuple

Specimen = Callable[["Side"], AsyncIterator[object]]


class Side(NamedTuple):
    """Where objects come from."""

    name: str
    loop: asyncio.AbstractEventLoop
    aio: ModuleType


class Kind(NamedTuple):
    states: tuple[str, ...]
    specimen: Specimen


KINDS: dict[str, Kind] = {}


def kind(name: str, *states: str) -> Callable[[Specimen], Specimen]:
    """Enter a specimen under the name of a class, with the states that it shows one after the other."""

    def enter(specimen: Specimen) -> Specimen:
        KINDS[name] = Kind(states, specimen)
        return specimen

    return enter


def shape(value: object) -> object:
    """What two values have in common that mean the same: the value itself where that can be compared."""
    if isinstance(value, weakref.ref):
        return ("reference", shape(value()))
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, type):
        return value.__name__
    if isinstance(value, asyncio.AbstractEventLoop):
        return "loop"
    if isinstance(value, asyncio.BaseTransport):
        return "transport"
    if isinstance(value, bytes | bytearray | memoryview):
        return ("bytes", bytes(value))
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value).__name__
    if isinstance(value, Mapping):
        return ("mapping", sorted(str(shape(it)) for it in value))
    if isinstance(value, Set):
        return ("set", sorted(str(shape(it)) for it in value))
    if isinstance(value, Sequence | collections.deque) or is_line(value):
        return ("sequence", [shape(it) for it in value])
    if callable(value) or isinstance(value, functools.partial):
        return "callable"
    return value.__class__.__name__


def is_line(value: object) -> bool:
    """Whether it is a view of those who wait, which is what ferrio has for a deque."""
    return type(value).__module__ == "ferrio" and hasattr(value, "popleft")


def names_of(value: object) -> set[str]:
    """The names in the dictionary and the slots of an object and of its class."""
    names = {*dir(type(value)), *getattr(value, "__dict__", ())}
    return names - {"__slotnames__"}  # copyreg leaves it in a class whose objects were copied before.


def look(value: object, name: str) -> object:
    """The shape of an attribute, or the exception that reading it raises."""
    try:
        return shape(getattr(value, name))
    except Exception as error:
        return ("raises", type(error).__name__)


class Seen(dict[str, object]):
    """The shapes of the attributes of an object, by name."""

    @classmethod
    def of(cls, value: object, names: set[str]) -> Seen:
        return cls({name: look(value, name) for name in names})


async def see(name: str, side: Side, asked: Callable[[str, object], set[str]]) -> dict[str, Seen]:
    """Run a specimen to its end; `asked` says which attributes of the object to look at in a state."""
    states, specimen = KINDS[name]
    seen = {}
    generator = specimen(side)
    try:
        for state in states:
            value = await anext(generator)
            seen[state] = Seen.of(value, asked(state, value))
        async for _ in generator:
            raise AssertionError(f"{name} shows more states than it declares")
    finally:
        await generator.aclose()
    return seen
