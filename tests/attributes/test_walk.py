"""Whatever asyncio's objects and their classes have is on ferrio's, in every state, with a true value."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

import ferrio
import pytest

from tests.attributes import specimens_connections, specimens_waiting  # noqa: F401 (enter their kinds)
from tests.attributes.exceptions import GIVEN, LOOP, MISSING, OTHER
from tests.attributes.walking import KINDS, Seen, Side, names_of, see

ABSENT = ("raises", "AttributeError")

# What this version of asyncio has.
HERE = [name for name in KINDS if name != "_AsCompletedIterator" or hasattr(asyncio.tasks, name)]
STATES = [(name, state) for name in HERE for state in KINDS[name].states]


def on_a_loop(
    name: str, side: str, asked: Callable[[str, Any], set[str]] = lambda _state, value: names_of(value)
) -> dict[str, Seen]:
    """What is seen of a kind on a loop of asyncio's or ferrio's."""
    loop = asyncio.SelectorEventLoop() if side == "asyncio" else ferrio.new_event_loop()
    aio = asyncio if side == "asyncio" else ferrio
    try:
        return loop.run_until_complete(see(name, Side(side, loop, aio), asked))
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


@functools.cache
def both(name: str) -> tuple[dict[str, Seen], dict[str, Seen]]:
    """What is seen of a kind on both loops: the attributes that asyncio's has, state by state."""
    stock = on_a_loop(name, "asyncio")
    return stock, on_a_loop(name, "ferrio", lambda state, _value: set(stock[state]))


def is_excepted(table: dict[tuple[str, str], str], kind: str, name: str) -> bool:
    return any(fnmatchcase(kind, pattern) and it == name for pattern, it in table)


def is_same(name: str, stock: object, native: object) -> bool:
    if name in GIVEN:
        return type(stock) is type(native)
    return name.startswith("__") or stock == native


@pytest.mark.parametrize(("kind", "state"), STATES)
def test_an_object_has_what_asyncio_s_has(kind: str, state: str) -> None:
    stock, native = both(kind)
    here = {name: shape for name, shape in stock[state].items() if shape != ABSENT}
    missing = {name for name in here if native[state][name] == ABSENT}
    assert missing - {name for name in missing if is_excepted(MISSING, kind, name)} == set()
    other = {
        name: (here[name], native[state][name])
        for name in here.keys() - missing
        if not is_same(name, here[name], native[state][name]) and not is_excepted(OTHER, kind, name)
    }
    assert other == {}


@pytest.mark.parametrize(("kind", "state"), [it for it in STATES if it[0] != LOOP])
def test_the_dictionary_has_what_asyncio_s_has(kind: str, state: str) -> None:
    stock, native = (side[state] for side in both(kind))
    if "__dict__" not in stock:
        pytest.skip("asyncio's has none")
    (_, kept), (_, ours) = stock["__dict__"], native["__dict__"]  # type: ignore[misc]
    # Methods that asyncio sets on an object are in the class here.
    kept = {name for name in kept if native[name] != "callable" and not is_excepted(MISSING, kind, name)}
    assert kept - set(ours) == set()


@pytest.mark.parametrize(("pattern", "name"), MISSING)
def test_what_is_excepted_is_really_missing(pattern: str, name: str) -> None:
    """Otherwise its line in the table can go, or asyncio has never had it."""
    found = [
        both(kind)[1][state][name]
        for kind, state in STATES
        if fnmatchcase(kind, pattern) and name in both(kind)[0][state]
    ]
    if not found:
        pytest.skip("this version of asyncio does not have it")
    assert ABSENT in found


@pytest.mark.parametrize(("pattern", "name"), OTHER)
def test_what_is_excepted_is_really_another_value(pattern: str, name: str) -> None:
    pairs = [
        (both(kind)[0][state][name], both(kind)[1][state][name])
        for kind, state in STATES
        if fnmatchcase(kind, pattern) and name in both(kind)[0][state]
    ]
    if not pairs:
        pytest.skip("this version of asyncio does not have it")
    assert any(not is_same(name, *pair) for pair in pairs)


def replaceable(kind: str, side: str) -> set[str]:
    """The names of public methods, and of no attribute at all, that one object of a kind can be given of its own."""

    def is_replaced(value: object, name: str) -> bool:
        mine = object()
        try:
            setattr(value, name, mine)
        except AttributeError:
            return False
        is_found = getattr(value, name) is mine
        delattr(value, name)
        return is_found

    found = set()

    def asked(_state: str, value: object) -> set[str]:
        methods = {
            name for name in dir(type(value)) if name[0] != "_" and callable(getattr(value, name, None))
        }
        found.update(name for name in methods | {"mine"} if is_replaced(value, name))
        return set()

    on_a_loop(kind, side, asked)
    return found


@pytest.mark.parametrize("kind", HERE)
def test_an_object_takes_what_asyncio_s_takes(kind: str) -> None:
    assert replaceable(kind, "asyncio") - replaceable(kind, "ferrio") == set()


@pytest.mark.parametrize("kind", HERE)
def test_a_dictionary_can_be_saved_and_restored_in_every_state(kind: str) -> None:
    """`vars()` has what is there, and putting it back changes nothing."""

    def restored(_state: str, value: Any) -> set[str]:
        saved = dict(getattr(value, "__dict__", {}))
        for name, it in saved.items():
            vars(value)[name] = it
            assert type(vars(value)[name]) is type(it)
        return set()

    on_a_loop(kind, "ferrio", restored)
