"""The Pythons that a program under ``python -m ferrio`` starts: which run on ferrio, and what they see of it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import ferrio
import pytest

from tests.cli.interpreter import FERRIO, Interpreter
from tests.installed import make_bare_environment, site_packages

# Says whose loop and names a process has. With an argument, starts another in that way, which says so instead.
APP = """\
import asyncio, multiprocessing, os, subprocess, sys

async def main():
    return f"{type(asyncio.get_running_loop()).__module__} {asyncio.Queue.__module__}".replace(".queues", "")

def say():
    return asyncio.run(main()).replace(".unix_events", "")

def pool(method):
    with multiprocessing.get_context(method).Pool(1) as processes:
        return processes.apply(say)

def output(*command, **options):
    process = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, **options)
    return process.stdout.strip()

SCRIPT = f"#!{sys.executable}\\nimport app\\nprint(app.say())\\n"
WAYS = {
    "fork": lambda: pool("fork"),
    "spawn": lambda: pool("spawn"),
    "forkserver": lambda: pool("forkserver"),
    "file": lambda: output(sys.executable, "app.py"),
    "module": lambda: output(sys.executable, "-m", "app"),
    "command": lambda: output(sys.executable, "-c", "import app; print(app.say())"),
    "standard input": lambda: output(sys.executable, "-", input="import app; print(app.say())"),
    "script": lambda: output("./script"),
    "copy of the environment": lambda: output(sys.executable, "app.py", env=dict(os.environ)),
    "exec": lambda: os.execv(sys.executable, [sys.executable, "app.py"]),
    "grandchild": lambda: output(sys.executable, "app.py", "spawn"),
    "names taken at once": lambda: output(sys.executable, "-c", '''
from asyncio.queues import Queue
from asyncio import new_event_loop
loop = new_event_loop()
print(type(loop).__module__.replace(".unix_events", ""), Queue.__module__.replace(".queues", ""))
loop.close()
'''),
    "imports ferrio": lambda: output(sys.executable, "-c", "import ferrio, app; print(app.say())"),
    "ferrio": lambda: output(sys.executable, "-m", "ferrio", "app.py"),
    "ferrio --verbose": lambda: output(sys.executable, "-m", "ferrio", "--verbose", "app.py"),
    "ferrio --no-accelerate": lambda: output(sys.executable, "-m", "ferrio", "--no-accelerate", "app.py"),
    "ferrio --no-children": lambda: output(sys.executable, "-m", "ferrio", "--no-children", "app.py", "file"),
    "-I": lambda: output(sys.executable, "-I", "app.py"),
    "-E": lambda: output(sys.executable, "-E", "app.py"),
    "-S": lambda: output(sys.executable, "-S", "app.py"),
    "cleared environment": lambda: output(sys.executable, "app.py", env={}),
    "emptied variable": lambda: output(sys.executable, "app.py", env={**os.environ, "FERRIO_CHILDREN": ""}),
}

if __name__ == "__main__":
    if sys.argv[1:]:
        with open("script", "w") as script:
            script.write(SCRIPT)
        os.chmod("script", 0o755)
        print(WAYS[sys.argv[1]]())
    else:
        print(say())
"""
FOLLOWING = (
    *("spawn", "forkserver", "file", "module", "command", "standard input", "script"),
    *("copy of the environment", "exec", "grandchild", "names taken at once", "imports ferrio"),
)
UNABLE = ("-I", "-E", "-S", "cleared environment", "emptied variable")
STRICT = ("-W", "error::ImportWarning", "-W", "error::RuntimeWarning")


class TestChildren:
    def says(self, interpreter: Interpreter, way: str, *options: str, python: tuple[str, ...] = ()) -> str:
        interpreter.write("app.py", APP)
        outcome = interpreter.run(*STRICT, *python, *FERRIO, *options, "app.py", way)
        assert (outcome.code, outcome.stderr) == (0, "")
        return outcome.stdout.strip()

    @pytest.mark.parametrize("way", FOLLOWING)
    def test_run_on_ferrio(self, installed: Interpreter, way: str) -> None:
        assert self.says(installed, way) == "ferrio ferrio"

    @pytest.mark.parametrize("way", FOLLOWING)
    def test_are_not_accelerated_if_the_program_is_not(self, installed: Interpreter, way: str) -> None:
        assert self.says(installed, way, "--no-accelerate") == "ferrio asyncio"

    @pytest.mark.parametrize("way", FOLLOWING)
    def test_can_be_left_alone(self, installed: Interpreter, way: str) -> None:
        assert self.says(installed, way, "--no-children") == "asyncio asyncio"

    @pytest.mark.parametrize("way", UNABLE)
    def test_run_as_before_where_the_environment_does_not_count(
        self, installed: Interpreter, way: str
    ) -> None:
        assert self.says(installed, way) == "asyncio asyncio"

    def test_a_fork_is_the_process_that_it_was(self, installed: Interpreter) -> None:
        assert self.says(installed, "fork", "--no-children") == "ferrio ferrio"

    @pytest.mark.parametrize(
        ("way", "said"),
        [
            ("ferrio", "ferrio ferrio"),
            ("ferrio --no-accelerate", "ferrio asyncio"),
            ("ferrio --no-children", "asyncio asyncio"),
        ],
    )
    def test_that_are_ferrio_s_command_line_obey_it(
        self, installed: Interpreter, way: str, said: str
    ) -> None:
        assert self.says(installed, way) == said
        assert self.says(installed, way, "--no-accelerate") == said

    @pytest.mark.parametrize("option", ["-I", "-E"])
    @pytest.mark.parametrize("way", ["spawn", "forkserver"])
    def test_inherit_the_interpreter_s_isolation(self, installed: Interpreter, way: str, option: str) -> None:
        assert self.says(installed, way, python=(option,)) == "ferrio ferrio"

    def test_another_python_without_ferrio_runs_as_before(
        self, installed: Interpreter, tmp_path: Path
    ) -> None:
        other = make_bare_environment(tmp_path / "other")
        installed.write("app.py", APP)
        command = f"import app; print(app.output({str(other)!r}, 'app.py'))"
        outcome = installed.run(*FERRIO, "--verbose", "-c", command)
        assert outcome.stdout == "asyncio asyncio\n"
        assert outcome.stderr.count("\n") == 1

    @pytest.mark.parametrize("options", [(), ("--verbose",)])
    def test_without_the_extension_run_as_before(
        self, installed: Interpreter, options: tuple[str, ...]
    ) -> None:
        package = Path(ferrio.__file__).parent
        copy = installed.directory / "copy"
        shutil.copytree(package, copy / "ferrio", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
        shutil.copy(package.parent / "_ferrio_start.py", copy)
        installed.write("app.py", APP)
        command = (
            "import app, os, sys\n"
            f"print(app.output(sys.executable, 'app.py', env={{**os.environ, 'PYTHONPATH': {str(copy)!r}}}))"
        )
        outcome = installed.run(*FERRIO, *options, "-c", command)
        assert outcome.stdout == "asyncio asyncio\n"
        said = [line.partition(": asyncio's loop (")[2] for line in outcome.stderr.splitlines()[1:]]
        assert [line[:26] for line in said] == ["ferrio's extension module "] * len(options)

    def test_a_subinterpreter_runs_as_before(self, installed: Interpreter) -> None:
        installed.write("app.py", APP)
        code = """\
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
program = "import sys; sys.path.insert(0, ''); import app; print(app.say(), flush=True)"
print(interpreters.run_string(interpreters.create(), program), flush=True)
# Python 3.12.1 by itself crashes when it ends an interpreter that has imported asyncio.
__import__("os")._exit(0)
"""
        outcome = installed.run(*FERRIO, "-c", code)
        assert (outcome.stdout, outcome.stderr, outcome.code) == ("asyncio asyncio\nNone\n", "", 0)

    def test_the_program_s_own_folder_may_have_a_ferrio_of_its_own(self, installed: Interpreter) -> None:
        installed.write("app.py", APP)
        installed.write("elsewhere/ferrio.py", "raise AssertionError")
        installed.write("elsewhere/app.py", APP)
        command = "import app, sys; print(app.output(sys.executable, 'app.py', cwd='elsewhere'))"
        assert installed.run(*FERRIO, "-c", command).stdout == "ferrio ferrio\n"

    @pytest.mark.parametrize("form", [("child.py",), ("-m", "child"), ("-c", "import child"), ("-",)])
    @pytest.mark.parametrize("options", [(), ("-P", "-B", "-O"), ("-W", "error", "-X", "dev")])
    @pytest.mark.parametrize("imports", ["", "import asyncio; print(asyncio.__loader__, asyncio.__spec__)"])
    def test_see_what_they_see_without(
        self, installed: Interpreter, form: tuple[str, ...], options: tuple[str, ...], imports: str
    ) -> None:
        facts = f"""\
import sys, warnings
modules = set(sys.modules) - {{"_ferrio_start"}}
{imports}
print(sys.argv, sys.orig_argv, sys.path, sys.flags, warnings.filters, list(globals()), sorted(modules))
print(__name__, __doc__, __package__, __spec__, globals().get("__file__"))
print(sys.modules["__main__"].__dict__ is globals(), [f for f in sys.meta_path if "_ferrio" not in repr(f)])
"""
        installed.write("child.py", facts)
        program = installed.write(
            "app.py",
            "import subprocess, sys\n"
            f"subprocess.run([sys.executable, *{options!r}, *{form!r}, 'arg'], input={facts!r}, text=True)",
        )
        outcome = installed.run_both(program, PYTHONDONTWRITEBYTECODE="1", PYTHONPATH=os.curdir)
        assert "child" in outcome.stdout or form == ("-",)

    def test_pay_for_ferrio_only_if_they_import_asyncio(self, installed: Interpreter) -> None:
        code = "import sys; print([name for name in sys.modules if name.partition('.')[0] in ('asyncio', 'ferrio')])"
        command = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}])"
        assert installed.run(*FERRIO, "-c", command).stdout == "[]\n"

    def test_a_python_that_ferrio_has_not_started_only_looks_at_a_variable(
        self, installed: Interpreter
    ) -> None:
        outcome = installed.run("-c", "import sys; print('_ferrio_start' in sys.modules)")
        assert (outcome.stdout, outcome.stderr) == ("False\n", "")


class TestVerbose:
    def lines(self, interpreter: Interpreter, *arguments: str) -> list[str]:
        """What standard error says of each process, without its number, of which there is one for each."""
        interpreter.write("app.py", APP)
        outcome = interpreter.run(*FERRIO, "--verbose", *arguments)
        assert outcome.code == 0, outcome.stderr
        lines = [line.split(" ", 3) for line in outcome.stderr.splitlines()]
        assert all(line[:2] == ["ferrio:", "process"] for line in lines), outcome.stderr
        assert len({line[2] for line in lines}) == len(lines)
        return [line[3].replace(f"{interpreter.directory.resolve()}/", "") for line in lines]

    @pytest.mark.parametrize(
        ("program", "name"),
        [(("app.py",), "app.py"), (("-m", "app"), "-m app"), (("-c", "import app"), "-c"), ((), "-")],
    )
    def test_says_which_loop_the_program_runs_on(
        self, installed: Interpreter, program: tuple[str, ...], name: str
    ) -> None:
        assert self.lines(installed, *program) == [f"({name}): ferrio's loop, accelerated"]

    @pytest.mark.parametrize(
        ("options", "loop"),
        [
            (("--no-accelerate",), "ferrio's loop, not accelerated"),
            (("--keep-uvloop",), "ferrio's loop, accelerated, uvloop's where it is asked for"),
        ],
    )
    def test_says_how(self, installed: Interpreter, options: tuple[str, ...], loop: str) -> None:
        assert self.lines(installed, *options, "app.py", "file") == [f"(app.py): {loop}"] * 2

    @pytest.mark.parametrize(
        ("way", "name"),
        [
            ("fork", "app.py"),
            ("spawn", "app.py"),
            ("forkserver", "app.py"),
            ("file", "app.py"),
            ("module", "app.py"),
            ("command", "-c"),
            ("standard input", "-"),
            ("script", "./script"),
            ("ferrio --verbose", "app.py"),
        ],
    )
    def test_says_it_once_in_each_process(self, installed: Interpreter, way: str, name: str) -> None:
        parent, *children = self.lines(installed, "app.py", way)
        assert parent == "(app.py): ferrio's loop, accelerated"
        # Python 3.15's fork server imports the program, too.
        assert len(children) == 1 or way == "forkserver"
        assert set(children) == {f"({name}): ferrio's loop, accelerated"}

    def test_says_nothing_of_a_fork_that_becomes_another_program(self, installed: Interpreter) -> None:
        command = "import os; os.fork() or os.execvp('true', ['true']); os.wait()"
        assert self.lines(installed, "-c", command) == ["(-c): ferrio's loop, accelerated"]

    def test_says_nothing_of_processes_without_a_loop(self, installed: Interpreter) -> None:
        command = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import sys'])"
        assert self.lines(installed, "-c", command) == ["(-c): ferrio's loop, accelerated"]

    def test_does_without_standard_error(self, installed: Interpreter) -> None:
        installed.write("app.py", APP)
        command = "import app, os, sys; os.close(2); print(app.output(sys.executable, 'app.py'))"
        assert installed.run(*FERRIO, "--verbose", "-c", command).stdout == "ferrio ferrio\n"

    @pytest.mark.parametrize(
        ("options", "warned"),
        [
            (("--verbose",), True),
            (("--verbose", "--no-children"), False),
            ((), False),
        ],
    )
    def test_says_that_other_processes_are_not_reached_without_the_start_up_file(
        self, interpreter: Interpreter, tmp_path: Path, options: tuple[str, ...], warned: bool
    ) -> None:
        bare = Interpreter(interpreter.directory, str(make_bare_environment(tmp_path / "bare")))
        bare.write("app.py", APP)
        path = str(Path(ferrio.__file__).parents[1])
        outcome = bare.run(*FERRIO, *options, "app.py", "file", PYTHONPATH=path)
        assert (outcome.code, outcome.stdout) == (0, "asyncio asyncio\n")
        site = site_packages(Path(bare.executable))
        warning = (
            f"(app.py): the Pythons that it starts run on asyncio's loop: ferrio_start.pth is in none of {site} "
            f"(install ferrio by pip for {bare.executable}, since PYTHONPATH does not reach them)"
        )
        assert [line.split(" ", 3)[3] for line in outcome.stderr.splitlines()] == (
            [warning] * warned + ["(app.py): ferrio's loop, accelerated"] * ("--verbose" in options)
        )
