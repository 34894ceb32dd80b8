"""Functions that warn of objects that nobody has closed, each at the place where asyncio warns.

A warning belongs to the code that calls `warnings.warn`: filters look at the module of that code, `default` and `once`
count in the registry of the module, and the message shows its file and line. So each function here has the globals of
asyncio's module, and the file and line of asyncio's call.
"""

from __future__ import annotations

import asyncio.base_subprocess
import asyncio.selector_events
import asyncio.sslproto
import asyncio.streams
import asyncio.unix_events
import operator
import types
import warnings
from collections.abc import Callable
from typing import Any


def _by_function(text: str, source: object, warn: Callable[..., object] = warnings.warn) -> None:
    warn(text, ResourceWarning, source=source)


def _by_module(text: str, _source: object, warnings: Any = warnings) -> None:
    warnings.warn(text, ResourceWarning)


def _in(module: types.ModuleType, name: str, line: int, warn: Any) -> Any:
    """Return a copy of `warn` that seems to be in another function, or `warn` itself if there is no such function.

    Args:
        module: the module of the function.
        name: the function's name in the module, with dots.
        line: the line on which `warn` calls `warnings.warn`, counted from 0 among the function's lines that have code.
        warn: `_by_function` or `_by_module`.
    """
    try:
        function = operator.attrgetter(name)(module)
    except AttributeError:
        return warn  # Another version of asyncio has no such function.
    code = getattr(function, "__code__", None)
    if not isinstance(code, types.CodeType):
        return warn  # A program has replaced asyncio's function with one that is not Python code.
    lines = sorted({number for _, _, number in code.co_lines() if number is not None})
    there = warn.__code__.replace(
        co_filename=code.co_filename,
        co_name=code.co_name,
        co_qualname=code.co_qualname,
        co_firstlineno=lines[: line + 1][-1] - 1,  # The body is on the line below.
    )
    return types.FunctionType(there, function.__globals__, code.co_name, warn.__defaults__)


# Before Python 3.11.5 a writer has no finalizer.
_del_writer = "StreamWriter.__del__" if hasattr(asyncio.StreamWriter, "__del__") else "StreamWriter.close"
_selector_events, _unix_events = asyncio.selector_events, asyncio.unix_events

transport = _in(_selector_events, "_SelectorTransport.__del__", 2, _by_function)
read_pipe = _in(_unix_events, "_UnixReadPipeTransport.__del__", 2, _by_function)
write_pipe = _in(_unix_events, "_UnixWritePipeTransport.__del__", 2, _by_function)
process = _in(asyncio.base_subprocess, "BaseSubprocessTransport.__del__", 2, _by_function)
tls = _in(asyncio.sslproto, "_SSLProtocolTransport.__del__", 3, _by_module)
writer_of_closed_loop = _in(asyncio.streams, _del_writer, 3, _by_module)
writer = _in(asyncio.streams, _del_writer, 5, _by_module)
loop_with_signal_handlers = _in(_unix_events, "_UnixSelectorEventLoop.close", 6, _by_function)
