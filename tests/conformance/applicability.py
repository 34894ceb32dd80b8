"""Which of CPython's tests say something about another loop than asyncio's.

A test that does not pass is *not applicable* if it looks into private attributes of asyncio's objects, or puts mocks in
place of modules, methods or sockets that asyncio uses. README.md says where the behaviour itself is tested.
"""

from __future__ import annotations

import inspect
import re
import unittest
from fnmatch import fnmatchcase
from typing import Any

# The files whose tests run, in this order; those about the loop first.
FILES = (
    *("test_events", "test_sock_lowlevel", "test_server", "test_server_context", "test_sendfile", "test_ssl"),
    *("test_sslproto", "test_buffered_proto", "test_streams", "test_subprocess", "test_taskgroups"),
    *(
        "test_timeouts",
        "test_waitfor",
        "test_locks",
        "test_queues",
        "test_runners",
        "test_threads",
        "test_tasks",
    ),
    *("test_futures", "test_futures2", "test_eager_task_factory", "test_context", "test_pep492"),
    *("test_base_events", "test_unix_events", "test_staggered", "test_graph", "test_free_threading"),
)

# Tests of one of asyncio's own classes, or of its functions in Python: they are not run.
STOCK = (
    "test_events.TestPyGetEventLoop.*",
    "test_subprocess.GenericWatcherTests.*",
    "test_subprocess.MultiLoopChildWatcherTests.*",
    "test_subprocess.SubprocessTransportTests.*",
    "test_sslproto.SslProtoHandshakeTests.*",
    "test_unix_events.SelectorEventLoopSignalTests.*",
    "test_unix_events.SelectorEventLoopUnixSockSendfileTests.*",
    "test_unix_events.Unix*PipeTransportTests.*",
    "test_unix_events.*ChildWatcherTests.*",
    "test_unix_events.PolicyTests.*",
    "test_base_events.BaseEventTests.*",
    "test_base_events.TestSelectorUtils.*",
    "test_base_events.BaseLoopSockSendfileTests.*",
    "test_base_events.*.test_not_implemented*",
)
# With ferrio's names under asyncio's: the tests of asyncio's own functions in Python, which know no native task, and
# those that name the frames of coroutines that are native then ("coroutines of `sleep`, `wait` ..." in
# docs/differences.md).
STOCK_IF_ACCELERATED = (
    "test_graph.TestCallStackPy.*",
    "test_graph.TestCallStackC.test_stack_as_completed*",
    "test_graph.TestCallStackC.test_stack_tgroup",
    "test_graph.TestCallStackC.test_stack_wait",
    "test_graph.TestCallStackC.test_stack_wait_for_*",
)

PRIVATE = re.compile(
    r"\b(?:\w*_loop|loop\d?|_?transport|tr|trans|server|srv|handle|h|r_handle|_?writer|watcher)\._(?!_)\w+"
)
REPLACED_ON_LOOP = re.compile(r"\b(?:self\.)?loop\.\w+ = (?!None)")
PATCHES = re.compile(
    r"patch\(\s*[rf]?['\"](?:asyncio|socket|selectors|time|os|signal|threading|subprocess|concurrent|ssl)\b"
    r"|patch\.object\(\s*(?:self\.)?(?:\w*loop|asyncio|base_events|selector_events|unix_events|events|socket)\b"
    r"|patch_socket"
)
MOCKED_SOCKET = re.compile(r"\b\w*sock\w* = (?:mock\.)?(?:Mock|MagicMock)\(|mock_nonblocking_socket\(")
WHY = (
    (PRIVATE, "looks into a private attribute"),
    (REPLACED_ON_LOOP, "replaces a method of the loop"),
    (PATCHES, "puts a mock in place of what asyncio uses"),
    (MOCKED_SOCKET, "mocks a socket"),
)


def is_about_stock(test: str, accelerated: bool) -> bool:
    """Whether a test is not to be run: its name with the file's."""
    patterns = STOCK + (STOCK_IF_ACCELERATED if accelerated else ())
    return any(fnmatchcase(test, pattern) for pattern in patterns)


def why_not(test: unittest.TestCase) -> str | None:
    """Why it would say nothing if this test did not pass."""
    for name in reached_from(type(test), [test._testMethodName, "setUp", "asyncSetUp"]):
        for pattern, reason in WHY:
            if found := pattern.search(source(type(test), name)):
                return f"{reason}: {found.group().strip()}"
    return None


def reached_from(cls: type, names: list[str]) -> list[str]:
    """The methods with these names, and those of the test that they call."""
    seen: list[str] = []
    while names:
        name = names.pop()
        if name not in seen:
            seen.append(name)
            names += re.findall(r"\bself\.(?!assert)(\w+)\(", source(cls, name))
    return seen


def source(cls: type, name: str) -> str:
    """The source of a method, if it is one of CPython's tests."""
    function: Any = inspect.getattr_static(cls, name, None)
    function = inspect.unwrap(getattr(function, "__func__", function)) if callable(function) else None
    code = getattr(function, "__code__", None)
    if code is None or "test_asyncio" not in code.co_filename:
        return ""
    try:
        return inspect.getsource(code)
    except OSError:
        return ""
