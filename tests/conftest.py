"""One test, two loops: every behaviour test runs on stock asyncio and on ferrio.

A test that takes `loop`, `loop_factory`, `loop_name` or `script` is parametrised with the ids `asyncio`
and `ferrio`, so `pytest -k asyncio` proves a test without ferrio. When ferrio cannot be imported its side
fails: it is never skipped. A test may be a coroutine function that takes `loop`: it then runs as a task of
that loop.
"""

import asyncio
import contextlib
import gc
import inspect
import os
import signal
import subprocess
import sys
import textwrap
import threading

import pytest

from tests.harness import FD_FOLDER

LOOPS = ("asyncio", "ferrio")
DEFAULT_TIMEOUT = 30


def pytest_configure(config):
    config.addinivalue_line("markers", "ferrio_only: makes sense on ferrio's loop only")
    config.addinivalue_line("markers", "many_objects: takes too long where the collector runs all the time")
    config.addinivalue_line(
        "markers",
        "stock_bug(when, reason): this Python's own asyncio is known to fail here; ferrio must not",
    )
    # Programs that tests start must end by these signals also where nohup or a shell's `&` had them ignored.
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            by_default = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
            signal.signal(number, by_default)


# How many tests have ended.
ended = 0


def pytest_generate_tests(metafunc):
    if "loop_name" in metafunc.fixturenames:
        only_ferrio = metafunc.definition.get_closest_marker("ferrio_only")
        metafunc.parametrize("loop_name", LOOPS[1:] if only_ferrio else LOOPS)


def pytest_collection_modifyitems(config, items):
    for item in items:
        if config.pluginmanager.hasplugin("timeout") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(DEFAULT_TIMEOUT))
        on_asyncio = getattr(item, "callspec", None) and item.callspec.params.get("loop_name") == "asyncio"
        bug = item.get_closest_marker("stock_bug")
        if on_asyncio and bug and bug.args[0]:
            item.add_marker(pytest.mark.xfail(reason=bug.kwargs["reason"], run=False))


def pytest_collection_finish(session):
    """Every test collects garbage: keep pytest's own objects out of it, which makes that ten times faster."""
    gc.collect()
    gc.freeze()


def pytest_runtest_logfinish(nodeid, location):
    """Keep what pytest remembers of the tests that have ended out of it, too."""
    global ended
    ended += 1
    if ended % 50 == 0:
        gc.collect()
        gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Run a test that is a coroutine function on the loop that it asked for."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    loop = pyfuncitem.funcargs["loop"]
    loop.run_until_complete(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


@pytest.fixture
def aio(loop_name):
    """The names under test: asyncio's on asyncio's loop, and ferrio's on ferrio's."""
    if loop_name == "asyncio":
        return asyncio
    import ferrio

    return ferrio


@pytest.fixture
def loop_factory(loop_name):
    """What makes a new loop of the kind under test."""
    if loop_name == "asyncio":
        return asyncio.SelectorEventLoop
    import ferrio

    return ferrio.new_event_loop


class Errors:
    """Keeps what reaches the exception handler: a test takes what it expects, anything left fails it."""

    def __init__(self):
        self.contexts = []

    def __call__(self, loop, context):
        self.contexts.append(context)

    def take(self):
        """The contexts since the last call, oldest first."""
        taken, self.contexts = self.contexts, []
        return taken

    def take_one(self):
        """The only context since the last call."""
        (context,) = self.take()
        return context


@pytest.fixture
def errors():
    return Errors()


def open_descriptors():
    found = {}
    for name in os.listdir(FD_FOLDER):
        with contextlib.suppress(OSError):  # the descriptor of the listing itself
            found[int(name)] = os.readlink(f"{FD_FOLDER}/{name}")
    return found


class Process:
    """What a loop must leave behind exactly as it found it."""

    def __init__(self):
        gc.collect()
        self.descriptors = open_descriptors()
        self.threads = set(threading.enumerate())
        self.hooks = sys.get_asyncgen_hooks()
        self.wakeup_fd = self.read_wakeup_fd()

    @staticmethod
    def read_wakeup_fd():
        fd = signal.set_wakeup_fd(-1)
        with contextlib.suppress(OSError):  # whoever set it has closed it: that is found out at the end
            signal.set_wakeup_fd(fd)
        return fd

    def check(self):
        for thread in set(threading.enumerate()) - self.threads:
            thread.join(5)
        assert set(threading.enumerate()) <= self.threads, "threads outlive the loop"
        gc.collect()
        now = open_descriptors()
        left = {fd: name for fd, name in now.items() if fd not in self.descriptors}
        assert not left, f"descriptors left open: {left}"
        lost = set(self.descriptors) - set(now)
        assert not lost, f"descriptors closed that were somebody else's: {lost}"
        assert asyncio._get_running_loop() is None
        hooks, wakeup_fd = sys.get_asyncgen_hooks(), self.read_wakeup_fd()
        sys.set_asyncgen_hooks(*self.hooks)  # so that only the guilty test fails
        signal.set_wakeup_fd(self.wakeup_fd)
        assert hooks == self.hooks, "sys.set_asyncgen_hooks() was not undone"
        assert wakeup_fd == self.wakeup_fd, "signal.set_wakeup_fd() was not undone"


@pytest.fixture
def process_state():
    """Checks at teardown that descriptors, threads, hooks and the wake-up descriptor are as before."""
    state = Process()
    yield state
    state.check()


@pytest.fixture
def loop(process_state, loop_factory, errors):
    """A fresh loop, closed at teardown, that must leak nothing and report no error but the expected."""
    loop = loop_factory()
    loop.set_exception_handler(errors)
    yield loop
    left = []
    gc.collect()
    if not loop.is_closed():
        left = [task for task in asyncio.all_tasks(loop) if not task.done()]
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.close()
    names, left = [repr(task) for task in left], None
    gc.collect()
    contexts = errors.take()
    assert not contexts, f"unexpected calls of the exception handler: {contexts}"
    assert not names, f"tasks left running: {names}"


@pytest.fixture
def run(loop):
    """Runs a coroutine on the test's loop."""
    return loop.run_until_complete


PRELUDES = {
    "asyncio": "import asyncio\nnew_loop = asyncio.SelectorEventLoop\n",
    "ferrio": "import asyncio\nimport ferrio\nnew_loop = ferrio.new_event_loop\n",
}


class Script:
    """Runs code in a process of its own, where `new_loop()` makes a loop of the kind under test."""

    def __init__(self, prelude):
        self.prelude = prelude

    def start(self, code, *flags, **environment):
        """Start the code and return the process; its standard output is a pipe of text."""
        return subprocess.Popen(
            [sys.executable, "-W", "error", *flags, "-c", self.prelude + textwrap.dedent(code)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment},
        )

    def __call__(self, code, *flags, **environment):
        """Run the code to its end, which must be a success, and return what it printed."""
        with self.start(code, *flags, **environment) as process:
            try:
                out, err = process.communicate(timeout=DEFAULT_TIMEOUT - 5)
            except BaseException:
                process.kill()
                raise
        assert process.returncode == 0, f"exit status {process.returncode}\n{out}\n{err}"
        return out.strip()


@pytest.fixture
def script(loop_name):
    return Script(PRELUDES[loop_name])
