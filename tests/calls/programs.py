"""Programs: an object in one of its states, and a few calls. Everything that is called is found by inspection."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import ferrio
from hypothesis import strategies as st

from tests.attributes import specimens_connections, specimens_waiting  # noqa: F401 (enter their kinds)
from tests.attributes.walking import KINDS, Side, kind
from tests.calls import live_values, values  # noqa: F401 (enters its values when it is imported)

# The kind whose object is the module itself: its methods are the functions and the constructors.
MODULE = "module"


class Call(NamedTuple):
    """One operation on the object of a program."""

    # "call", "get", "set", "delete", or "operate".
    verb: str
    # The name of the attribute, or of the operator.
    name: str
    # Values, by their names or as constants.
    arguments: tuple[Any, ...] = ()
    options: tuple[tuple[str, Any], ...] = ()
    # Whether what is returned is awaited, if it can be.
    awaits: bool = True
    # Whether no loop runs while the call is made.
    outside: bool = False


class Program(NamedTuple):
    kind: str
    state: int
    calls: tuple[Call, ...]


class Constant(NamedTuple):
    """A value that hypothesis has made."""

    value: object


@kind(MODULE, "namespace")
async def module(side: Side) -> AsyncIterator[object]:
    yield side.aio


def native_names() -> set[str]:
    """The public names of asyncio that are others in ferrio: what is native."""
    return {
        name
        for name in asyncio.__all__
        if callable(getattr(asyncio, name))
        and (getattr(ferrio, name, None) is not getattr(asyncio, name) or name in CALL_GRAPH)
        and name not in NOT_CALLED
    }


# The first loop of ferrio's puts its own in the place of these.
CALL_GRAPH = {"future_add_to_awaited_by", "future_discard_from_awaited_by"}

NOT_CALLED = {
    # They start another loop, and block.
    "run",
    # asyncio's own classes with another name here, tested as objects.
    "DefaultEventLoopPolicy",
    "Runner",
}

OPERATORS = (
    "hash",
    "repr",
    "bool",
    "len",
    "iter",
    "next",
    "aiter",
    "anext",
    "await",
    "async with",
    "with",
    "==",
    "!=",
    "<",
    "in",
    "copy",
    "deepcopy",
    "pickle",
    "weakref",
    "isinstance",
    "format",
    "index",
    "float",
    "call",
    "subscript",
    "class subscript",
    "init",
    "dir",
)
BINARY = {"==", "!=", "<", "in", "init", "call", "subscript", "class subscript", "isinstance"}

# Calls that block, or that end this process.
DANGEROUS = {
    "run_forever",
    "run_until_complete",
    "run_in_executor",  # Threads would outlive the program.
    "subprocess_shell",
    "subprocess_exec",
    "run",
}


def describe(target: Any) -> dict[str, inspect.Signature | None]:
    """The public attributes of an object: callable ones with their signatures, if they are known, else None."""
    found: dict[str, inspect.Signature | None] = {}
    for name in names_of(target):
        attribute = inspect.getattr_static(target, name, None)
        if isinstance(attribute, property) or not callable(getattr(target, name, None)):
            found[name] = None
            continue
        try:
            found[name] = inspect.signature(getattr(target, name))
        except (TypeError, ValueError):
            found[name] = inspect.signature(lambda *arguments: None)
    return found


def names_of(target: Any) -> list[str]:
    if target is asyncio:
        return sorted(native_names())
    return sorted(name for name in dir(target) if not name.startswith("_") and name not in DANGEROUS)


def constants() -> st.SearchStrategy[Any]:
    return st.one_of(
        st.integers(),
        st.floats(),
        st.text(max_size=5),
        st.binary(max_size=20),
    ).map(Constant)


ANY = st.one_of(st.sampled_from(sorted(values.VALUES)), constants())


def likely(name: str) -> st.SearchStrategy[Any]:
    """A value for a parameter: more often than not one that is accepted."""
    pool = values.POOLS.get(values.PARAMETERS.get(name, ""), [])
    if not pool:
        return ANY
    return st.one_of(st.sampled_from(pool), st.sampled_from(pool), ANY)


@st.composite
def arguments(draw: st.DrawFn, signature: inspect.Signature) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Arguments and keyword arguments of a call: mostly as many as there have to be."""
    positional: list[Any] = []
    options: list[tuple[str, Any]] = []
    if draw(st.integers(0, 9)) == 0:
        positional = draw(st.lists(ANY, max_size=4))
        if draw(st.booleans()):
            options = [(draw(st.sampled_from(["unknown", "loop", "timeout"])), draw(ANY))]
        return tuple(positional), tuple(options)
    by_name = False
    for name, parameter in signature.parameters.items():
        if parameter.kind is parameter.VAR_POSITIONAL:
            if not by_name:
                positional += draw(st.lists(likely(name), max_size=2))
        elif parameter.kind is parameter.VAR_KEYWORD:
            pass
        elif parameter.default is not parameter.empty and draw(st.booleans()):
            by_name = True
        elif parameter.kind is parameter.KEYWORD_ONLY or by_name:
            if parameter.kind is not parameter.POSITIONAL_ONLY:
                options.append((name, draw(likely(name))))
        else:
            positional.append(draw(likely(name)))
    return tuple(positional), tuple(options)


# Made by loops only: what their `__init__` does is private.
MADE_BY_LOOPS = {"SelectorEventLoop", "Runner", "Server"}


def operators(kind: str) -> tuple[str, ...]:
    can_begin_anew = kind in native_names() - MADE_BY_LOOPS
    return OPERATORS if can_begin_anew else tuple(it for it in OPERATORS if it != "init")


@st.composite
def calls(draw: st.DrawFn, kind: str, described: dict[str, inspect.Signature | None], outside: bool) -> Call:
    verb = draw(st.sampled_from(["call"] * 7 + ["operate", "operate", "get", "set", "delete"]))
    is_outside = outside and draw(st.integers(0, 4)) == 0
    names = sorted(name for name, it in described.items() if (it is not None) == (verb == "call"))
    if verb == "operate":
        name = draw(st.sampled_from(operators(kind)))
        operands = (draw(ANY),) if name in BINARY else ()
        return Call(verb, name, operands, outside=is_outside)
    if verb in ("set", "delete"):
        names.append("mine")
    if not names:
        return Call("operate", draw(st.sampled_from(OPERATORS[:4])))
    name = draw(st.sampled_from(names))
    if verb == "set":
        return Call(verb, name, (draw(ANY),))
    if verb in ("get", "delete"):
        return Call(verb, name)
    signature = described[name]
    assert signature is not None
    positional, options = draw(arguments(signature))
    return Call(verb, name, positional, options, draw(st.integers(0, 5)) != 0, is_outside)


def programs(kind: str, described: dict[str, inspect.Signature | None]) -> st.SearchStrategy[Program]:
    """Programs for objects of a kind that have been described."""
    # A loop that runs without being the running one is asked to run inside another.
    outside = kind not in ("SelectorEventLoop", "Runner")
    states = range(len(KINDS[kind].states))
    if kind == MODULE:
        # What a namespace does has no state: no other attribute is set, and there are no operators.
        one = st.sampled_from(sorted(described)).flatmap(
            lambda name: st.builds(
                lambda given, awaits, is_outside: Call("call", name, *given, awaits, is_outside),
                arguments(described[name] or inspect.signature(lambda *it: None)),
                st.integers(0, 5).map(bool),
                st.integers(0, 4).map(lambda it: it == 0),
            )
        )
        return st.builds(Program, st.just(kind), st.just(0), st.tuples(one))
    return st.builds(
        Program,
        st.just(kind),
        st.sampled_from(states),
        st.lists(calls(kind, described, outside), min_size=1, max_size=5).map(tuple),
    )
