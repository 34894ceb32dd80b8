"""Programs that ask for uvloop's loop, under ``python -m ferrio``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.interpreter import FERRIO, Interpreter
from tests.installed import make_environment, need

# Each gives a coroutine function's result, on the loop that this way to ask for uvloop's gives.
WAYS = {
    "run": "uvloop.run(kind())",
    "new_event_loop": "on(uvloop.new_event_loop())",
    "Loop": "on(uvloop.Loop())",
    "imported names": "on(new_event_loop())",
    "loop_factory": "on(asyncio.Runner(loop_factory=uvloop.new_event_loop).get_loop())",
    "derived": "on(type('Derived', (uvloop.Loop,), {})())",
    "install": "uvloop.install() or asyncio.run(kind())",
    "policy": "asyncio.set_event_loop_policy(uvloop.EventLoopPolicy()) or asyncio.run(kind())",
    "policy's loop": "on(uvloop.EventLoopPolicy().new_event_loop())",
}
PROGRAM = """\
import sys
{before}
import asyncio, subprocess, uvloop, warnings
from uvloop import new_event_loop

async def kind():
    for kind in type(asyncio.get_running_loop()).__mro__:
        if kind.__module__.partition(".")[0] in ("ferrio", "uvloop", "asyncio"):
            return kind.__module__.partition(".")[0]

def on(loop):
    try:
        return loop.run_until_complete(kind())
    finally:
        loop.close()

warnings.simplefilter("ignore")
print(uvloop.__spec__.loader is uvloop.__loader__, type(uvloop.__loader__).__name__)
if sys.argv[1:]:
    subprocess.run([sys.executable, "app.py"])
else:
    print({way})
"""


@pytest.fixture(scope="module")
def with_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_environment(tmp_path_factory.mktemp("packages"), packages=True)


@pytest.fixture
def interpreter(tmp_path: Path, with_packages: Path) -> Interpreter:
    need("uvloop")
    return Interpreter(tmp_path, str(with_packages))


def said(interpreter: Interpreter, program: str, *arguments: str, options: tuple[str, ...] = ()) -> str:
    interpreter.write("app.py", program)
    outcome = interpreter.run(*FERRIO, *options, "app.py", *arguments)
    assert (outcome.code, outcome.stderr) == (0, "")
    return outcome.stdout.replace("True SourceFileLoader\n", "").strip()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("where", [(), ("child",)], ids=["program", "child"])
def test_each_way_gives_ferrio_s_loop(interpreter: Interpreter, way: str, where: tuple[str, ...]) -> None:
    assert said(interpreter, PROGRAM.format(way=WAYS[way], before=""), *where) == "ferrio"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("where", [(), ("child",)], ids=["program", "child"])
def test_each_way_gives_uvloop_s_if_it_is_to_be_kept(
    interpreter: Interpreter, way: str, where: tuple[str, ...]
) -> None:
    program = PROGRAM.format(way=WAYS[way], before="")
    assert said(interpreter, program, *where, options=("--keep-uvloop",)) == "uvloop"


@pytest.mark.parametrize("where", [(), ("child",)], ids=["program", "child"])
def test_it_may_be_imported_before_asyncio(interpreter: Interpreter, where: tuple[str, ...]) -> None:
    program = PROGRAM.format(way=WAYS["run"], before="import uvloop")
    assert said(interpreter, program, *where) == "ferrio"


@pytest.mark.parametrize(
    "before",
    [
        "import importlib.util; assert importlib.util.find_spec('uvloop').origin.endswith('uvloop/__init__.py')",
        "import pkgutil; assert 'uvloop' in pkgutil.resolve_name('uvloop').__name__",
        "sys.path_importer_cache.clear()",
        "sys.meta_path.insert(0, type('Finder', (), {'find_spec': lambda *arguments: None}))",
        "sys.meta_path[:] = [type('Wrapped', (), {'find_spec': it.find_spec})() for it in sys.meta_path]",
    ],
)
def test_other_ways_to_look_for_modules_do_not_disturb_it(interpreter: Interpreter, before: str) -> None:
    assert said(interpreter, PROGRAM.format(way=WAYS["run"], before=before)) == "ferrio"


def test_where_it_is_not_installed_all_is_as_without_ferrio(installed: Interpreter) -> None:
    outcome = installed.run_both(
        "-c", "import sys\ntry:\n    import uvloop\nexcept ImportError as e:\n    print(type(e).__name__, e)"
    )
    assert outcome.stdout == "ModuleNotFoundError No module named 'uvloop'\n"
    assert "ModuleNotFoundError: No module named 'uvloop'" in installed.run_both("-c", "import uvloop").stderr
    found = "import importlib.util as i; print(i.find_spec('uvloop'))"
    assert installed.run_both("-c", found).stdout == "None\n"


def test_where_it_cannot_be_imported_the_program_is_told_why(installed: Interpreter) -> None:
    installed.write("uvloop.py", "raise OSError('broken')")
    program = "try:\n    import uvloop\nexcept OSError as e:\n    print(e)"
    assert installed.run_both("-c", program).stdout == "broken\n"


def test_nothing_else_is_imported_for_it(installed: Interpreter) -> None:
    assert installed.run(*FERRIO, "-c", "import sys; print('uvloop' in sys.modules)").stdout == "False\n"
