"""Which differences are known: a table whose entries name the row of docs/differences.md that states them.

No entry covers an end of the process, a panic, or an exception that nobody can catch.
"""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from tests.calls.programs import Call, Program
from tests.calls.running import Outcome

NEVER_KNOWN = ("PANIC", "UNRAISABLE")


class Difference(NamedTuple):
    """The first call of a program whose outcome is not the same on both sides."""

    program: Program
    call: Call
    stock: Outcome
    native: Outcome


class Known(NamedTuple):
    # Patterns of kinds and of names of calls, separated by spaces.
    kinds: str
    names: str
    # How the row of docs/differences.md begins, or else why nobody can rely on what asyncio does.
    reason: str
    applies: Callable[[Difference], Any] = lambda _: True

    def covers(self, it: Difference) -> bool:
        return bool(
            matches(it.program.kind, self.kinds) and matches(it.call.name, self.names) and self.applies(it)
        )


def matches(name: str, patterns: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns.split())


def refuses(it: Difference) -> bool:
    """ferrio says at once that a type is wrong."""
    return it.native in (("raises", "TypeError"), ("awaited", ("raises", "TypeError")))


def both_raise(it: Difference) -> bool:
    return it.native[0] == it.stock[0] == "raises"


def mentions(*words: str) -> Callable[[Difference], bool]:
    """One of the arguments is one of these."""
    return lambda it: any(word in repr((it.call.arguments, it.call.options)).lower() for word in words)


def is_set_and_refused(it: Difference) -> bool:
    return it.call.verb == "set" and it.native == ("raises", "AttributeError")


def is_deleted_and_refused(it: Difference) -> bool:
    return it.call.verb == "delete" and it.native[0] == "raises"


def has_attribute_error(it: Difference) -> bool:
    return "AttributeError" in it.stock


def has_overflow(it: Difference) -> bool:
    return it.native == ("raises", "OverflowError")


def is_of_a_semaphore(it: Difference) -> bool:
    return refuses(it) and "emaphore" in f"{it.program.kind} {it.call.name}"


def has_begun_anew(it: Difference) -> bool:
    """`__init__` was called again with what it may have refused, and has left the object half made."""
    return any(call.name == "init" for call in it.program.calls[: it.program.calls.index(it.call) + 1])


# What docs/differences.md states.
STATED = (
    Known(
        "SelectorEventLoop module Timeout", "*", "`call_later`, `call_at`, `timeout`", mentions("nan", "liar")
    ),
    Known("Future Task _GatheringFuture", "next", "`next(future)`"),
    Known("_Unix*PipeTransport", "abort", "`abort()` a second time"),
    Known("* module", "copy deepcopy pickle", "`copy` and `pickle`", refuses),
    Known("Barrier *Queue Lock Event Condition *Semaphore", "copy deepcopy pickle", "`copy` and `pickle`"),
    Known("*", "*", "`vars(obj).clear()` and `del`", is_deleted_and_refused),
    Known(
        "*",
        "*",
        "private attributes that nobody but their class sets",
        is_set_and_refused,
    ),
    Known(
        "_SSLProtocolTransport StreamWriter *SocketTransport",
        "writelines",
        "a wrong type, or a released memoryview",
    ),
    Known(
        "*Transport StreamWriter SelectorEventLoop",
        "write writelines sock_sendall",
        "a buffer whose `len()` is not its number of bytes",
        mentions("array", "dimensions"),
    ),
    Known(
        "*Semaphore module",
        "*",
        "`Semaphore(value)` with a number",
        is_of_a_semaphore,
    ),
    Known("Future Task", "init", "`Future.__init__` called again"),
    Known(
        "SelectorEventLoop Timeout module",
        "call_at reschedule timeout_at",
        "`call_at`, `timeout_at`, `reschedule`",
    ),
    Known("module", "as_completed", "`as_completed` and `wait`"),
    Known("TaskGroup", "create_task", "`TaskGroup`", both_raise),
    Known(
        "_SSLProtocolTransport",
        "*",
        "a TLS transport after its second `close()`",
        lambda it: "AttributeError" in it.stock,
    ),
)

# What nobody can rely on.
ACCIDENTS = (
    Known(
        "SSLProtocol *SubprocessPipeProto SubprocessStreamProtocol",
        "*",
        "only asyncio makes these and calls them",
    ),
    Known("*", "pickle deepcopy", "neither can, and the exception is that of some part", both_raise),
    Known("StreamReader", "read readexactly", "a number of bytes that is no integer", refuses),
    Known("SelectorEventLoop", "*_reader *_writer", "a number that can be no descriptor", has_overflow),
    Known("*Transport", "set_*_buffer_limits", "a number of bytes that is no integer", refuses),
    Known(
        "StreamReader", "readuntil", "a separator that is no bytes: asyncio fails when bytes come", refuses
    ),
    Known(
        "SelectorEventLoop",
        "create_server create_unix_server",
        "arguments that are refused when the call is awaited",
    ),
    Known("_SelectorDatagramTransport", "writelines", "no datagram transport has it", both_raise),
    Known("*", "*", "an object that was made anew and refused its arguments", has_begun_anew),
    Known(
        "module",
        "Handle TimerHandle Server StreamReader StreamWriter StreamReaderProtocol EventLoop SelectorEventLoop Timeout",
        "made with what is no loop, transport, selector ...: asyncio fails when it is first used",
        lambda it: has_attribute_error(it) or "AttributeError" in it.native or refuses(it),
    ),
    Known(
        "SelectorEventLoop",
        "slow_callback_duration",
        "a float here: what is none is converted, or refused at once",
    ),
)


def is_known(it: Difference) -> bool:
    if it.native[0] in NEVER_KNOWN:
        return False
    return any(known.covers(it) for known in STATED + ACCIDENTS)
