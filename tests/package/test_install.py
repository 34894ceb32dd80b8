"""What importing and installing ferrio does. Only ferrio can pass this file."""

import importlib.metadata
import os
import site
import sys
import textwrap
from pathlib import Path

import pytest

from tests.harness import PY
from tests.installed import START_UP_FILE

pytestmark = pytest.mark.ferrio_only


def test_importing_changes_nothing(script):
    code = """
        import asyncio, sys
        modules = [module for name, module in sys.modules.items() if name.split(".")[0] == "asyncio"]
        before = [dict(vars(module)) for module in modules]
        before.append({name: id(value) for name, value in vars(asyncio.BaseEventLoop).items()})
        hooks = sys.get_asyncgen_hooks(), sys.excepthook, sys.unraisablehook
        import ferrio
        after = [dict(vars(module)) for module in modules]
        after.append({name: id(value) for name, value in vars(asyncio.BaseEventLoop).items()})
        assert hooks == (sys.get_asyncgen_hooks(), sys.excepthook, sys.unraisablehook)
        assert before == after
        loop = asyncio.new_event_loop()
        print(isinstance(loop, ferrio.Loop))
        loop.close()
    """
    script.prelude = ""
    assert script(code) == "False"


INSTALLED = """
    import gc, selectors, threading
    Own = asyncio.SelectorEventLoop

    class Before(asyncio.SelectorEventLoop):
        pass

    ferrio.install()

    def kind(make):
        loop = make()
        try:
            assert loop.run_until_complete(asyncio.sleep(0, "ran")) == "ran"
            return type(loop)
        finally:
            loop.close()

    def is_ours(loop):
        return kind(lambda: loop) is ferrio.Loop

    async def name():
        return type(asyncio.get_running_loop()).__name__
"""


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("asyncio.run(name()) == 'Loop'", id="run"),
        pytest.param("is_ours(asyncio.new_event_loop())", id="new_event_loop"),
        pytest.param("is_ours(asyncio.Runner().get_loop())", id="Runner"),
        pytest.param("is_ours(asyncio.SelectorEventLoop())", id="SelectorEventLoop"),
        pytest.param("is_ours(asyncio.SelectorEventLoop(None))", id="SelectorEventLoop(None)"),
        pytest.param(
            "is_ours(asyncio.SelectorEventLoop(selector=None))", id="SelectorEventLoop(selector=None)"
        ),
        pytest.param("is_ours(getattr(asyncio, 'EventLoop', asyncio.SelectorEventLoop)())", id="EventLoop"),
        pytest.param("is_ours(asyncio.Runner(loop_factory=Own).get_loop())", id="loop_factory"),
        pytest.param("ferrio.install() is None and asyncio.run(name()) == 'Loop'", id="installed twice"),
        pytest.param("asyncio.run(asyncio.to_thread(asyncio.run, name())) == 'Loop'", id="in a thread"),
        pytest.param("asyncio.run(name(), debug=True) == 'Loop'", id="run in debug mode"),
    ],
)
def test_after_install_every_way_to_get_a_loop_gives_ours(script, code):
    assert script(f"{INSTALLED}\n    print({code})") == "True"


@pytest.mark.skipif(PY >= (3, 16), reason="policies are gone")
@pytest.mark.parametrize("policy", ["None", "asyncio.DefaultEventLoopPolicy()"])
def test_after_install_asyncio_s_policy_gives_ours(script, policy):
    code = f"""
        asyncio.set_event_loop_policy({policy})
        print(is_ours(asyncio.get_event_loop_policy().new_event_loop()), asyncio.run(name()))
    """
    assert script(textwrap.dedent(INSTALLED) + textwrap.dedent(code), "-W", "ignore") == "True Loop"


# How 3.16 has it. Where its `new_event_loop` finds the class is not known yet.
WITHOUT_POLICIES = """
import asyncio
for module in (asyncio, asyncio.events, asyncio.unix_events):
    for gone in [name for name in vars(module) if "policy" in name.lower()]:
        delattr(module, gone)
        if gone in module.__all__:
            module.__all__ = type(module.__all__)(name for name in module.__all__ if name != gone)

current = {}

def new_event_loop():
    return asyncio.unix_events.SelectorEventLoop()

def set_event_loop(loop):
    current[None] = loop

def get_event_loop():
    return current[None]

for module in (asyncio, asyncio.events):
    module.new_event_loop = new_event_loop
    module.set_event_loop = set_event_loop
    module.get_event_loop = get_event_loop
"""


@pytest.mark.parametrize(
    "code",
    [
        "is_ours(asyncio.new_event_loop())",
        "is_ours(asyncio.Runner().get_loop())",
        "asyncio.run(name()) == ferrio.run(name()) == 'Loop'",
        "ferrio.uninstall() or (kind(asyncio.new_event_loop), asyncio.run(name())) == (Own, Own.__name__)",
    ],
)
def test_install_needs_no_policies(script, code):
    script.prelude = WITHOUT_POLICIES + "import ferrio\n"
    assert script(f"{INSTALLED}\n    print({code})") == "True"


def test_install_takes_no_names_and_leaves_the_policy_alone(script):
    code = f"""
        import asyncio.events, sys
        modules = [module for name, module in sys.modules.items() if name.split(".")[0] == "asyncio"]
        def names():
            return [dict(vars(module)) for module in modules]
        before = names()
        {textwrap.indent(INSTALLED, "    ").strip()}
        print(before == names())
    """
    assert script(code) == "True"


def test_install_leaves_the_signature_of_the_class(script):
    code = "import inspect; print(inspect.signature(asyncio.SelectorEventLoop))"
    assert script(f"import asyncio; {code}") == script(f"{INSTALLED}\n    {code}") == "(selector=None)"


# A loop of the package qasync in outline: Qt's, with a selector of its own behind it.
DERIVED = """
    class Selector(selectors.SelectSelector):
        asked = 0
        def select(self, timeout=None):
            type(self).asked += 1
            return super().select(timeout)

    class Derived(asyncio.SelectorEventLoop):
        def __init__(self):
            super().__init__(Selector())
            assert isinstance(self._selector, Selector)

    class Unlike(asyncio.SelectorEventLoop):
        def __init__(self, application, *, quit=False):
            self.application, self.quit = application, quit
            asyncio.SelectorEventLoop.__init__(self, Selector())

    class Counted:
        made = []
        def __new__(cls, *args, **kwargs):
            cls.made.append((args, kwargs))
            return super().__new__(cls)

    class Mixed(asyncio.SelectorEventLoop, Counted):
        def __init__(self, number, *, named):
            super().__init__(Selector())
"""
DERIVATIVES = {
    "made before": ("Before()", "Before"),
    "made before, with a selector": ("Before(Selector())", "Before"),
    "with a selector of its own": ("Derived()", "Derived"),
    "with other arguments": ("Unlike(1, quit=True)", "Unlike"),
    "with another base that has a __new__": ("Mixed(1, named=2)", "Mixed"),
    "none, but a selector": ("asyncio.SelectorEventLoop(Selector())", "Own"),
    "none, but a selector by name": ("asyncio.SelectorEventLoop(selector=Selector())", "Own"),
}


@pytest.mark.parametrize("uninstalled", [False, True], ids=["installed", "uninstalled"])
@pytest.mark.parametrize("derivative", DERIVATIVES)
def test_classes_that_derive_from_asyncio_s_loop_are_asyncio_s(script, derivative, uninstalled):
    make, kind = DERIVATIVES[derivative]
    code = f"""
        {textwrap.indent(INSTALLED, "    ").strip()}
        {textwrap.indent(DERIVED, "    ").strip()}
        if {uninstalled}:
            ferrio.uninstall()
        print(kind(lambda: {make}) is {kind}, Selector.asked > 0, Counted.made)
    """
    asked = "Selector" in make or kind != "Before"
    made = [((1,), {"named": 2})] if kind == "Mixed" else []
    assert script(code) == f"True {asked} {made}"


def test_uninstall_leaves_everything_as_it_was(script):
    code = f"""
        import sys
        def everything():
            found = {{}}
            for path, module in list(sys.modules.items()):
                if path.split(".")[0] == "asyncio":
                    found[path] = dict(vars(module))
                    for name, value in vars(module).items():
                        if isinstance(value, type) and value.__module__.split(".")[0] == "asyncio":
                            found[path, name] = dict(vars(value))
            return found

        import gc, warnings
        warnings.simplefilter("ignore")
        policy = asyncio.get_event_loop_policy()
        # The first of ferrio's loops shows native tasks to the call graph (3.14), installed or not.
        ferrio.new_event_loop().close()
        before = everything()
        ferrio.uninstall()
        assert everything() == before
        for _ in range(2):
            {textwrap.indent(INSTALLED, " " * 8).strip()}
            ferrio.install()
            class During(asyncio.SelectorEventLoop):
                def __init__(self, *args):
                    super().__init__()
            assert asyncio.run(name()) == "Loop"
            assert asyncio.get_event_loop_policy() is policy
            for _ in range(2):
                ferrio.uninstall()
                assert everything() == before
                assert asyncio.get_event_loop_policy() is policy
                assert asyncio.run(name()) == Own.__name__
                for make in (Own, lambda: Own(selectors.SelectSelector()), asyncio.new_event_loop):
                    assert kind(make) is Own
                assert kind(lambda: During(1, 2)) is During
                assert Own.__new__ is During.__new__ is object.__new__
                try:
                    Own(1, 2)
                except TypeError as error:
                    assert "__init__" in str(error), error
        print("as before")
    """
    assert script(code) == "as before"


def test_loops_that_exist_outlive_uninstall(script):
    code = f"""
        {textwrap.indent(INSTALLED, "    ").strip()}
        loop = asyncio.new_event_loop()
        ferrio.uninstall()
        print(is_ours(loop))
    """
    assert script(code) == "True"


def test_uninstall_does_not_overwrite_what_a_program_has_set(script):
    code = f"""
        {textwrap.indent(INSTALLED, "    ").strip()}
        import warnings
        warnings.simplefilter("ignore")

        class Mine(asyncio.SelectorEventLoop):
            def __init__(self, selector=None):
                super().__init__(selector or selectors.SelectSelector())

        class Policy(asyncio.DefaultEventLoopPolicy):
            _loop_factory = Mine

        def new(cls, *args, **kwargs):
            return object.__new__(cls)

        policy = Policy()
        asyncio.set_event_loop_policy(policy)
        asyncio.SelectorEventLoop = Mine
        ferrio.uninstall()
        assert asyncio.get_event_loop_policy() is policy
        assert asyncio.SelectorEventLoop is Mine
        ferrio.install()
        Own.__new__ = new
        ferrio.uninstall()
        print(Own.__new__ is new, kind(Own) is Own, asyncio.run(name()))
    """
    assert script(code) == "True True Mine"


@pytest.mark.skipif(PY >= (3, 16), reason="policies are gone")
def test_the_policy_can_be_set_by_hand(script):
    code = """
        import warnings
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            asyncio.set_event_loop_policy(ferrio.EventLoopPolicy())
        async def main():
            return type(asyncio.get_running_loop()).__name__
        print(asyncio.run(main()))
    """
    assert script(code) == "Loop"


def test_isolated_test_cases_run_on_it_after_install(script):
    code = """
        import unittest
        ferrio.install()
        class Case(unittest.IsolatedAsyncioTestCase):
            async def test(self):
                self.assertIsInstance(asyncio.get_running_loop(), ferrio.Loop)
        result = unittest.TextTestRunner().run(unittest.defaultTestLoader.loadTestsFromTestCase(Case))
        print(result.wasSuccessful())
    """
    assert script(code) == "True"


def test_the_start_up_file_is_installed_with_the_package():
    try:
        files = importlib.metadata.files("ferrio")
    except importlib.metadata.PackageNotFoundError:
        reason = "ferrio is not installed here but on PYTHONPATH"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    (found,) = [file for file in files if file.name == START_UP_FILE.name]
    assert found.locate().read_bytes() == START_UP_FILE.read_bytes()
    assert found.locate().parent in map(Path, site.getsitepackages())


def test_the_python_that_runs_is_supported():
    assert sys.version_info >= (3, 11)
