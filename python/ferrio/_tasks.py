"""What native tasks need of the standard library: its own functions, its registry of tasks, and task factories."""

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
    """asyncio's set of tasks that are not its own, which has the native ones, too, when it is looked through."""

    def __iter__(self) -> Iterator[Any]:
        yield from super().__iter__()
        yield from _ferrio._native_tasks()


class _Probe:
    """Something that can be registered as if it were a task."""


def _replace_registry() -> bool:
    """Have asyncio's registry of tasks that are not its own yield the native ones as well; tell whether it does.

    The registry is a `WeakSet`, which only C code has since Python 3.14. It is found through the weak reference that
    registering something leaves.
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
    """Have `asyncio.all_tasks`, and Python 3.14's call graph, see native tasks from now on; once."""
    if _ferrio._tricks()["all-tasks"] and not _replace_registry():
        _ferrio._register_each_task()
    # asyncio's own functions about the call graph know its own futures only; these pass those on.
    for name in ("future_add_to_awaited_by", "future_discard_from_awaited_by"):
        function = getattr(_ferrio, name, None)
        if function is not None:
            setattr(asyncio, name, function)
            setattr(asyncio.futures, name, function)
            setattr(asyncio.futures, f"_c_{name}", function)
    if sys.version_info >= (3, 14):
        _include_in_call_graph()


def _include_in_call_graph() -> None:
    """Have the call graph of one of asyncio's C futures, which remember C tasks only, show native tasks as well."""
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
        # Combinators that wait for a task are among the callbacks.
        through = {getattr(callback, "_waiting_task", None) for callback, _ in future._callbacks or ()}
        waiting |= through - {None}
        more = tuple(graph._build_graph_for_future(task, limit=limit) for task in waiting)
        return dataclasses.replace(built, awaited_by=built.awaited_by + more)

    graph._build_graph_for_future = build_with_native_tasks


if sys.version_info >= (3, 12):
    # Libraries know an eager factory by its code, and read the class of tasks from its closure: anyio does.
    create_eager_task_factory = asyncio.create_eager_task_factory
else:

    def create_eager_task_factory(custom_task_constructor: Callable[..., Any]) -> Callable[..., Any]:
        """Return a task factory whose tasks begin at once: the first step runs inside `create_task`.

        Args:
            custom_task_constructor: a callable with the signature of `ferrio.Task`.
        """

        def factory(loop: Any, coro: Any, *, name: Any = None, context: Any = None) -> Any:
            return custom_task_constructor(coro, loop=loop, name=name, context=context, eager_start=True)

        return factory


eager_task_factory = create_eager_task_factory(_ferrio.Task)
