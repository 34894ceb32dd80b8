"""What ferrio's objects do not have, or have with another value: a pattern of kinds, a name, and the reason."""

from __future__ import annotations

import asyncio
import inspect

from tests.harness import PY

# The loop's parts, in the order of `dir`.
LOOP = "SelectorEventLoop"

MISSING: dict[tuple[str, str], str] = {
    ("*", "__weakref__"): "CPython puts it into classes that are Python code",
    ("*", "__slots__"): "CPython puts it into classes that are Python code",
    ("*", "__firstlineno__"): "CPython puts it into classes that are Python code",
    ("*", "__static_attributes__"): "CPython puts it into classes that are Python code",
    ("Timeout", "__final__"): "typing.final sets it; here the class may be derived from",
    ("_AsCompletedIterator", "_done"): "it has no queue",
    ("_AsCompletedIterator", "_handle_completion"): "futures tell it without a callback",
    ("_AsCompletedIterator", "_wait_for_one"): "a step inside __next__ and __anext__",
    ("TaskGroup", "_on_task_done"): "tasks tell the group without a callback",
    ("TaskGroup", "_aexit"): "a step inside __aexit__",
    ("Barrier", "_block"): "a step inside wait()",
    ("Barrier", "_wait"): "a step inside wait()",
    ("Barrier", "_release"): "a step inside wait()",
    ("Barrier", "_exit"): "a step inside wait()",
    ("_SelectorSocketTransport", "_read_ready__data_received"): "one way of _read_ready",
    ("_SelectorSocketTransport", "_read_ready__get_buffer"): "one way of _read_ready",
    ("_SelectorSocketTransport", "_read_ready__on_eof"): "one way of _read_ready",
    ("_SelectorSocketTransport", "_write_send"): "one way of _write_ready",
    ("_SelectorSocketTransport", "_write_sendmsg"): "one way of _write_ready",
    ("_SelectorSocketTransport", "_get_sendmsg_buffer"): "a step inside _write_ready",
    ("_SelectorSocketTransport", "_adjust_leftover_buffer"): "a step inside _write_ready",
    ("_UnixSubprocessTransport", "_start"): "a step inside the making",
    ("_UnixSubprocessTransport", "_connect_pipes"): "a step inside the making",
    ("_UnixSubprocessTransport", "_pipe_connection_lost"): "the pipes' protocols do it",
    ("_UnixSubprocessTransport", "_pipe_data_received"): "the pipes' protocols do it",
    (
        "_SSLProtocolTransport",
        "_maybe_pause_protocol",
    ): "asyncio's fails: it is inherited and lacks its limits",
    (
        "_SSLProtocolTransport",
        "_maybe_resume_protocol",
    ): "asyncio's fails: it is inherited and lacks its limits",
    ("_SSLProtocolTransport", "_set_write_buffer_limits"): "asyncio's has no effect",
    ("SSLProtocol", "_is_transport_closing"): "a step inside is_closing() of the application's transport",
    ("SSLProtocol", "_set_state"): "a step of the algorithm",
    ("SSLProtocol", "_do_read__buffered"): "one way of _do_read",
    ("SSLProtocol", "_do_read__copied"): "one way of _do_read",
    ("SSLProtocol", "_on_handshake_complete"): "a step inside _do_handshake",
    ("SSLProtocol", "_on_shutdown_complete"): "a step inside _do_shutdown",
    ("SSLProtocol", "_write_appdata"): "the application's transport does it",
}

OTHER: dict[tuple[str, str], str] = {
    ("TimerHandle", "_scheduled"): "a timer that is cancelled leaves the heap at once",
    ("Timeout", "_task"): "it lets its task go in the end",
    ("*Semaphore", "_waiters"): "a view, never None",
    ("Lock", "_waiters"): "a view, never None",
    ("SSLProtocol", "_ssl_buffer"): "ferrio's transports hand ciphertext over without it",
    ("SSLProtocol", "_ssl_buffer_view"): "ferrio's transports hand ciphertext over without it",
    (LOOP, "_selector"): "a view of the loop's own poller, of another class",
}

if inspect.getsource(asyncio.TaskGroup).count("self._parent_task = None") == 1:
    OTHER["TaskGroup", "_parent_task"] = "it lets its task go in the end, as newer releases of asyncio do"

if PY >= (3, 15):
    for name in ("_add_writer", "_call_soon"):
        MISSING["_Selector*Transport", name] = "a step inside writing and closing"

if PY >= (3, 12):
    OTHER["_SelectorSocketTransport", "_write_ready"] = "a method; asyncio's forgets it to break a cycle"

# What the system gives, and what is random: only the type is compared.
GIVEN = {"_address", "_fileno", "_pid", "_sock_fd", "_when", "pid", "_thread_id", "_clock_resolution"}
# The walk asks for attributes in no certain order, and the pair of sockets that counts is made when it asks for one.
GIVEN |= {"_internal_fds"}
