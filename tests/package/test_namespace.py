"""`import ferrio as asyncio`: all names are there, native or asyncio's own. Only ferrio can pass this file."""

import ast
import asyncio
import inspect
import re
import subprocess
import sys
from pathlib import Path

import ferrio
import pytest
from ferrio import _accelerate

from tests.harness import PY

EXAMPLES = Path(__file__).parents[2] / "examples"
ASYNCIO_S_OWN = _accelerate._originals
# What has another object in ferrio although accelerate() does not replace it.
FERRIO_S = {
    "DefaultEventLoopPolicy",
    "EventLoop",
    "Handle",
    "Runner",
    "SelectorEventLoop",
    "Server",
    "TimerHandle",
    "new_event_loop",
    "run",
}
# What this version of asyncio does not have, or does not list.
NEWER = {
    "EventLoop",
    "QueueShutDown",
    "create_eager_task_factory",
    "eager_task_factory",
    "timeout",
    "timeout_at",
}
NO_ASYNCIO = {
    "EventLoopPolicy",
    "Loop",
    "SocketTransport",
    "__version__",
    "accelerate",
    "install",
    "restore",
    "uninstall",
}


def test_everything_in_asyncio_is_in_ferrio():
    assert set(asyncio.__all__) <= set(ferrio.__all__)
    assert [name for name in ferrio.__all__ if not hasattr(ferrio, name)] == []
    assert set(ferrio.__all__) - set(asyncio.__all__) <= NEWER | NO_ASYNCIO


def test_what_is_not_native_is_asyncio_s_own_object():
    # Two functions about the call graph are put under asyncio's names as soon as there is a native task.
    names = set(asyncio.__all__) - {"future_add_to_awaited_by", "future_discard_from_awaited_by"}
    native = {name for name in names if getattr(ferrio, name) is not getattr(asyncio, name)}
    assert native == (set(_accelerate.CLASSES + _accelerate.FUNCTIONS) | FERRIO_S) & names


@pytest.mark.skipif(PY < (3, 14), reason="there is no call graph")
def test_the_call_graph_functions_are_ferrio_s():
    for name in ("future_add_to_awaited_by", "future_discard_from_awaited_by"):
        assert getattr(ferrio, name) is getattr(ferrio._ferrio, name)


@pytest.mark.parametrize("name", _accelerate.CLASSES)
def test_native_classes_are_ferrio_s_and_documented(name):
    native = getattr(ferrio, name)
    assert native.__module__ == "ferrio"
    assert native.__name__ == name
    assert native.__doc__
    assert native is getattr(ferrio._ferrio, name)


@pytest.mark.parametrize("name", _accelerate.FUNCTIONS)
def test_native_functions_are_ferrio_s_and_documented(name):
    native = getattr(ferrio, name)
    if native is ferrio.eager_task_factory:  # made by create_eager_task_factory(), which is asyncio's own
        assert inspect.getclosurevars(native).nonlocals == {"custom_task_constructor": ferrio.Task}
        return
    assert native.__module__.startswith("ferrio")
    assert native.__name__ == name
    assert native.__doc__


def test_star_import_gives_all_of_it():
    names = {}
    exec("from ferrio import *", names)
    assert set(ferrio.__all__) <= set(names)
    assert names["Queue"] is ferrio.Queue


def test_submodules_can_be_reached_as_attributes():
    modules = {name: it for name, it in vars(asyncio).items() if inspect.ismodule(it) and name != "sys"}
    assert {"events", "subprocess", "taskgroups"} <= modules.keys()
    assert {name: getattr(ferrio, name, None) for name in modules} == modules
    assert ferrio.subprocess.PIPE == subprocess.PIPE


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.py")))
def test_an_example_that_imports_ferrio_as_asyncio_says_the_same(name):
    code = (EXAMPLES / name).read_text()
    assert "import asyncio\n" in code
    changed = code.replace("import asyncio\n", "import ferrio as asyncio\n")
    outputs = []
    for each in (code, changed):
        process = subprocess.run(
            [sys.executable, "-W", "error", "-c", each], capture_output=True, text=True, timeout=60
        )
        assert (process.returncode, process.stderr) == (0, ""), process.stderr
        outputs.append(re.sub(r"Ran on \S+|\d+\.\d+ s|\d+ requests per second", "…", process.stdout))
    assert outputs[0] == outputs[1] != ""


def test_the_stub_exports_what_the_package_exports():
    package = Path(ferrio.__file__)
    stated = [
        ast.literal_eval(node.value)
        for path in (package, package.with_suffix(".pyi"))
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    assert len(stated) == 2
    assert stated[0] == stated[1]
