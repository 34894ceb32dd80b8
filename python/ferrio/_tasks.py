"""Makes native tasks known to asyncio: in `asyncio.all_tasks`, in the call graph, and by eager task factories."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import sys
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from ferrio import _ferrio

_CFuture = asyncio.Future


def release_waiter(waiter: asyncio.Future[None]) -> Callable[..., None]:
    """Return a callback that finishes a future unless it is done."""
    return functools.partial(asyncio.tasks._release_waiter, waiter)  # type: ignore[attr-defined]


class _Registry(weakref.WeakSet[Any]):
    """asyncio's set of the tasks that are not of its C class; its iterator adds the native tasks."""

    def __iter__(self) -> Iterator[Any]:
        yield from super().__iter__()
        yield from _ferrio._native_tasks()


class _Probe:
    """An object to register in place of a task."""


def _replace_registry() -> bool:
    """Make asyncio's registry of foreign tasks yield the native ones as well; tell whether that is possible.

    asyncio registers the tasks that are not of its C class in a `WeakSet`, which only C code can reach since Python
    3.14. It is found by registering an object: the set then holds a weak reference to the object, whose callback refers
    to the set.
    """
    probe = _Probe()
    asyncio.tasks._register_task(probe)  # type: ignore[arg-type]
    try:
        registry = weakref.getweakrefs(probe)[0].__callback__.__defaults__[0]()  # type: ignore[union-attr]
    except (AttributeError, IndexError, TypeError):
        return False
    finally:
        asyncio.tasks._unregister_task(probe)  # type: ignore[arg-type]
    if type(registry) is not weakref.WeakSet:
        return False
    registry.__class__ = _Registry
    return True


@functools.cache
def include_in_all_tasks() -> None:
    """Make `asyncio.all_tasks`, and Python 3.14's call graph, see native tasks. Only the first call does anything."""
    if _ferrio._tricks()["all-tasks"] and not _replace_registry():
        _ferrio._register_each_task()
    # asyncio's functions for the call graph take only asyncio's futures. ferrio's take either, and call asyncio's.
    for name in ("future_add_to_awaited_by", "future_discard_from_awaited_by"):
        function = getattr(_ferrio, name, None)
        if function is not None:
            setattr(asyncio, name, function)
            setattr(asyncio.futures, name, function)
            setattr(asyncio.futures, f"_c_{name}", function)
    if sys.version_info >= (3, 14):
        _include_in_call_graph()


def _include_in_call_graph() -> None:
    """Make the call graph of a future of asyncio's C class, which remembers only C tasks, show native tasks as well."""
    graph: Any = asyncio.graph  # type: ignore[attr-defined]
    build = getattr(graph, "_build_graph_for_future", None)
    if build is None:
        return

    @functools.wraps(build)
    def build_with_native_tasks(future: Any, *, limit: int | None = None) -> Any:
        built = build(future, limit=limit)
        if _ferrio.Future in type(future).__mro__ or not issubclass(type(future), _CFuture):
            return built
        waiting: set[Any] = {task for task in _ferrio._native_tasks() if task._fut_waiter is future}  # type: ignore[attr-defined]
        # A combinator has a callback at the future, which names the task that waits in the combinator.
        through = {getattr(callback, "_waiting_task", None) for callback, _ in future._callbacks or ()}
        waiting |= through - {None}
        more = tuple(graph._build_graph_for_future(task, limit=limit) for task in waiting)
        return dataclasses.replace(built, awaited_by=built.awaited_by + more)

    graph._build_graph_for_future = build_with_native_tasks


if sys.version_info >= (3, 12):
    # Libraries such as anyio recognise an eager factory by its code, and read the class of tasks from its closure.
    create_eager_task_factory = asyncio.create_eager_task_factory
else:

    def create_eager_task_factory(custom_task_constructor: Callable[..., Any]) -> Callable[..., Any]:
        """Return a task factory whose tasks run their first step inside `create_task`.

        Args:
            custom_task_constructor: a callable with the signature of `ferrio.Task`.
        """

        def factory(loop: Any, coro: Any, *, name: Any = None, context: Any = None) -> Any:
            return custom_task_constructor(coro, loop=loop, name=name, context=context, eager_start=True)

        return factory


eager_task_factory: Callable[..., Any] = create_eager_task_factory(_ferrio.Task)
eager_task_factory.__doc__ = """Make a native task whose first step runs at once: a factory for `loop.set_task_factory`.

    Args:
        loop: the loop of the task.
        coro: the coroutine.
        name: the task's; by default "Task-" and a number.
        context: the `contextvars.Context` that it runs in; by default a copy of the current one.
    """
