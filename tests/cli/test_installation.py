"""Installations that cannot run: no extension module for the Python, a Python too old, an unknown trick to turn off."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import ferrio
import pytest

from tests.cli.interpreter import FERRIO, Interpreter, Outcome

PACKAGE = Path(ferrio.__file__).parent


@pytest.fixture
def unbuilt(interpreter: Interpreter) -> str:
    """A folder with a ferrio whose extension modules are for other Pythons."""
    folder = interpreter.directory / "site"
    shutil.copytree(PACKAGE, folder / "ferrio", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    shutil.copy(PACKAGE.parent / "_ferrio_start.py", folder)
    for name in ("_ferrio.cpython-36m-some-where.so", "_ferrio.cpython-399t-some-where.so"):
        (folder / "ferrio" / name).touch()
    return str(folder)


@pytest.fixture
def script(interpreter: Interpreter) -> str:
    """The command `ferrio`, as pip writes it."""
    text = "import sys\nfrom ferrio.__main__ import main\nif __name__ == '__main__':\n    sys.exit(main())\n"
    return interpreter.write("bin/ferrio", text)


def assert_is_a_sentence(outcome: Outcome) -> None:
    """The command line has ended with one line on standard error."""
    assert (outcome.code, outcome.stdout) == (2, "")
    assert re.fullmatch(r"ferrio: .*\n", outcome.stderr)


@pytest.mark.parametrize("command", [("-c", "import ferrio"), (*FERRIO, "app.py")])
def test_a_missing_extension_module_is_named_with_those_that_are_there(
    interpreter: Interpreter, unbuilt: str, command: tuple[str, ...]
) -> None:
    outcome = interpreter.run(*command, PYTHONPATH=unbuilt)
    if command[0] == "-c":
        assert outcome.code == 1
        assert "\nImportError: ferrio's extension module is missing" in outcome.stderr
    else:
        assert_is_a_sentence(outcome)
    said = re.search(
        r"ferrio's extension module is missing for this Python, (.*)\. The installation", outcome.stderr
    )
    assert said is not None, outcome.stderr
    assert f"{sys.version_info.major}.{sys.version_info.minor}." in said[1]
    assert sys.executable in said[1]
    assert (
        "has been built for: CPython 3.6 (m), CPython 3.99 (free-threaded). Run the program by"
        in outcome.stderr
    )
    assert f"{sys.executable} -m pip install" in outcome.stderr


def test_an_installation_without_any_extension_module(interpreter: Interpreter, unbuilt: str) -> None:
    for path in Path(unbuilt, "ferrio").glob("*.so"):
        path.unlink()
    outcome = interpreter.run("-c", "import ferrio", PYTHONPATH=unbuilt)
    assert "has been built for: none." in outcome.stderr
    assert "During handling" not in outcome.stderr


def test_another_error_of_the_extension_module_is_shown(interpreter: Interpreter, unbuilt: str) -> None:
    Path(unbuilt, "ferrio", "_ferrio.py").write_text("import absent_module")
    outcome = interpreter.run("-c", "import ferrio", PYTHONPATH=unbuilt)
    assert outcome.stderr.endswith("ModuleNotFoundError: No module named 'absent_module'\n")


def test_an_old_python_is_told(interpreter: Interpreter) -> None:
    old = "import sys; sys.version_info = (3, 10, 1); sys.version = '3.10.1 (main)'; import ferrio"
    outcome = interpreter.run("-c", old)
    assert "ImportError: ferrio needs CPython 3.11 or newer, and " in outcome.stderr
    assert outcome.stderr.endswith(" is 3.10.1\n")


def test_an_old_python_ends_the_command_line_with_a_sentence(interpreter: Interpreter, script: str) -> None:
    run = f"import runpy; sys.argv = [{script!r}]; runpy.run_path({script!r})"
    old = f"import sys; sys.version_info = (3, 10, 1); {run}"
    outcome = interpreter.run("-c", old)
    assert_is_a_sentence(outcome)
    assert outcome.stderr.startswith("ferrio: ferrio needs CPython 3.11 or newer, and ")


UNKNOWN = 'ferrio: the environment variable FERRIO_PORTABLE is "bogus", but "bogus" is not the name of a trick. It has '


@pytest.mark.parametrize("arguments", [(), ("--help",), ("app.py",), ("-m", "app")])
def test_an_unknown_trick_ends_the_command_line_with_a_sentence(
    interpreter: Interpreter, script: str, arguments: tuple[str, ...]
) -> None:
    for command in (FERRIO, (script,)):
        outcome = interpreter.run(*command, *arguments, FERRIO_PORTABLE="bogus")
        assert_is_a_sentence(outcome)
        assert outcome.stderr.startswith(UNKNOWN)


def test_a_program_that_imports_ferrio_can_catch_the_error_of_an_unknown_trick(
    interpreter: Interpreter,
) -> None:
    text = "try:\n    import ferrio\nexcept ImportError as error:\n    print('ferrio:', error)\n"
    for command in ((interpreter.write("app.py", text),), ("-m", "app")):
        outcome = interpreter.run(*command, FERRIO_PORTABLE="bogus")
        assert (outcome.code, outcome.stderr) == (0, "")
        assert outcome.stdout.startswith(UNKNOWN)
