"""The classes of CPython's tests that are about one implementation, made to be about ferrio's.

Many tests are mixins that CPython runs once for each selector, or once for asyncio's classes in C and once for those in
Python. Here each mixin is run with ferrio's loop and, if the names are accelerated, with ferrio's classes.
"""

from __future__ import annotations

import asyncio
import re
import unittest
from collections.abc import Callable
from types import ModuleType
from typing import Any

LoopFactory = Callable[..., Any]

# Where a class says itself how its loop is made: file, class (the first that is there), method.
LOOP_METHODS = (
    ("test_server", "SelectorStartServerTests", "new_loop"),
    ("test_buffered_proto", "BufferedProtocolSelectorTests", "new_loop"),
    ("test_sslproto", "SelectorStartTLSTests", "new_loop"),
    ("test_events", "EPollEventLoopTests", "create_event_loop"),
    ("test_sock_lowlevel", "EPollEventLoopTests", "create_event_loop"),
    ("test_sendfile", "EPollEventLoopTests", "create_event_loop"),
)
# The same tests for other selectors.
OTHER_SELECTORS = ("SelectEventLoopTests", "PollEventLoopTests", "KqueueEventLoopTests")
# Whose loop is made in setUp: file, class, and the bases that make it a test.
LOOPS_OF_SET_UP = (
    ("test_pep492", "BaseTest"),
    ("test_base_events", "BaseEventLoopTests"),
    ("test_unix_events", "SelectorEventLoopUnixSocketTests"),
)
CHILD_WATCHER_TESTS = re.compile(r"Subprocess(Threaded|Safe|Fast|Pidfd)WatcherTests")


def use_loop(name: str, module: ModuleType, new_loop: LoopFactory) -> None:
    """Gives the tests of a file ferrio's loop where they make one of a certain kind."""
    from test.test_asyncio import utils

    def set_up(self: Any) -> None:
        utils.TestCase.setUp(self)
        self.loop = new_loop()
        self.set_event_loop(self.loop)

    for file, class_name, method in LOOP_METHODS:
        if file == name:
            setattr(getattr(module, class_name), method, lambda self: new_loop())
            remove(module, OTHER_SELECTORS)
    for file, class_name in LOOPS_OF_SET_UP:
        if file == name and hasattr(module, class_name):
            getattr(module, class_name).setUp = set_up
    if name == "test_subprocess":
        remove(module, [it for it in vars(module) if CHILD_WATCHER_TESTS.fullmatch(it)])
        add(module, "FerrioSubprocessTests", (module.SubprocessMixin, utils.TestCase), setUp=set_up)
    if name == "test_runners":
        module.BaseTest.new_loop = lambda self: runners_loop(new_loop())
    use_for_test_loops(utils, new_loop)


def runners_loop(loop: Any) -> Any:
    """A loop that notes whether its asynchronous generators were shut down, as the tests of runners want."""
    shut_down = loop.shutdown_asyncgens
    loop.shutdown_ag_run = False

    async def shutdown_asyncgens() -> None:
        loop.shutdown_ag_run = True
        await shut_down()

    loop.shutdown_asyncgens = shutdown_asyncgens
    return loop


def use_for_test_loops(utils: Any, new_loop: LoopFactory) -> None:
    """A loop for tests that has no clock of its own can be any loop."""
    make = utils.TestCase.new_test_loop

    def new_test_loop(self: Any, gen: Any = None) -> Any:
        if gen is not None:
            return make(self, gen)
        loop = new_loop()
        self.set_event_loop(loop)
        return loop

    utils.TestCase.new_test_loop = new_test_loop


def use_classes(name: str, module: ModuleType, stock: dict[str, Any]) -> None:
    """Replaces the tests of asyncio's classes in C and in Python by those of ferrio's, after `ferrio.accelerate()`."""
    if replace := REPLACEMENTS.get(name):
        replace(module, stock)


def add(module: ModuleType, name: str, bases: tuple[Any, ...], **namespace: Any) -> type:
    cls = type(name, bases, {**namespace, "__module__": module.__name__})
    setattr(module, name, cls)
    return cls


def remove(module: ModuleType, names: Any) -> None:
    """Leaves classes without tests under these names, which other tests ask for."""
    for name in list(names):
        if hasattr(module, name):
            setattr(module, name, type(name, (), {}))


def remove_matching(module: ModuleType, pattern: str) -> None:
    remove(module, [name for name in vars(module) if re.fullmatch(pattern, name)])


def functions(*names: str, of: Any = asyncio) -> dict[str, Any]:
    """Functions as class attributes that do not bind."""
    return {name: staticmethod(getattr(of, name)) for name in names}


def replace_in_tasks(module: Any, stock: dict[str, Any]) -> None:
    test_case = test_cases()[0]
    remove_matching(module, r"(C|Py)(Task|Introspection|CurrentLoop)(?!_Future_Tests).*Tests")
    common = functions("all_tasks", "current_task")
    task, future = asyncio.Task, asyncio.Future
    add(
        module,
        "FerrioTask_FerrioFuture_Tests",
        (module.BaseTaskTests, module.SetMethodsTest, test_case),
        Task=task,
        Future=future,
        **common,
    )
    for name, classes in {
        "FerrioTask_FerrioFuture_SubclassTests": (task, future),
        "FerrioTask_PyFuture_Tests": (task, stock["PyFuture"]),
        "CTask_FerrioFuture_Tests": (stock["Task"], future),
        "PyTask_FerrioFuture_Tests": (stock["PyTask"], future),
    }.items():
        bases = (module.BaseTaskTests, test_case)
        cls = add(module, name, bases, Task=classes[0], Future=classes[1], **common)
        if "Subclass" in name:
            setattr(module, name, module.add_subclass_tests(cls))
    private = ("_register_task", "_unregister_task", "_enter_task", "_leave_task")
    add(
        module,
        "FerrioIntrospectionTests",
        (test_case, module.BaseTaskIntrospectionTests),
        Task=task,
        **common,
        **functions(*private, of=asyncio.tasks),
    )
    add(
        module,
        "FerrioCurrentLoopTests",
        (module.BaseCurrentLoopTests, test_case),
        new_task=lambda self, coro: asyncio.Task(coro, loop=self.loop),
        **functions("current_task"),
    )


def replace_in_futures(module: Any, stock: dict[str, Any]) -> None:
    test_case, future = test_cases()[0], asyncio.Future
    remove_matching(module, r"(C|CSub|Py)Future.*Tests")
    add(module, "FerrioFutureTests", (module.BaseFutureTests, test_case), cls=future)
    subclass = type("SubFuture", (future,), {})
    add(module, "FerrioSubFutureTests", (module.BaseFutureTests, test_case), cls=subclass)
    bases: tuple[Any, ...] = (module.BaseFutureDoneCallbackTests, test_case)
    add(module, "FerrioFutureDoneCallbackTests", bases, _new_future=lambda self: future(loop=self.loop))
    bases = (module.BaseFutureInheritanceTests, test_case)
    add(module, "FerrioFutureInheritanceTests", bases, _get_future_cls=lambda self: future)


def replace_in_futures2(module: Any, stock: dict[str, Any]) -> None:
    remove(module, ("CFutureTests", "PyFutureTests"))
    add(module, "FerrioFutureTests", (module.FutureTests, test_cases()[1]), cls=asyncio.Task)


def replace_in_eager_task_factory(module: Any, stock: dict[str, Any]) -> None:
    test_case, common = test_cases()[0], functions("all_tasks", "current_task")
    remove_matching(module, r"(Py|C)EagerTaskFactoryLoopTests|(Non)?Eager(PyTask|CTask)?Tests")
    add(
        module,
        "FerrioEagerTaskFactoryLoopTests",
        (module.EagerTaskFactoryLoopTests, test_case),
        Task=asyncio.Task,
    )
    for name in ("NonEager", "Eager"):
        bases = (getattr(module, f"Base{name}TaskFactoryTests"), test_case)
        add(module, f"Ferrio{name}Tests", bases, Task=asyncio.Task, **common)


def replace_in_events(module: Any, stock: dict[str, Any]) -> None:
    remove(module, ("TestPyGetEventLoop", "TestCGetEventLoop"))
    names = ("_get_running_loop", "_set_running_loop", "get_running_loop", "get_event_loop")
    running = {f"{name}_impl": staticmethod(getattr(asyncio.events, name)) for name in names}
    # Since Python 3.14 the test puts its own classes under these names, too.
    classes = {"Task": asyncio.Task, "Future": asyncio.Future}
    bases = (module.GetEventLoopTestsMixin, unittest.TestCase)
    add(module, "FerrioGetEventLoopTests", bases, **running, **classes)


def test_cases() -> tuple[type, type]:
    from test.test_asyncio import utils

    return utils.TestCase, unittest.IsolatedAsyncioTestCase


REPLACEMENTS: dict[str, Callable[[Any, dict[str, Any]], None]] = {
    "test_tasks": replace_in_tasks,
    "test_futures": replace_in_futures,
    "test_futures2": replace_in_futures2,
    "test_eager_task_factory": replace_in_eager_task_factory,
    "test_events": replace_in_events,
}
