"""Each way to name a program, and what the program can see of it."""

from __future__ import annotations

import os
import py_compile
import zipfile

import pytest

from tests.cli.interpreter import FERRIO, Interpreter, Outcome

# What a program can see of the way in which it was started, and of the loops that it gets.
FACTS = """\
import asyncio, os, pickle, sys, warnings

class Thing:
    pass

def report(loop):
    with open(os.environ["LOOPS"], "a") as loops:
        print(type(loop).__module__, file=loops)

async def main():
    report(asyncio.get_running_loop())
    return "ran"

if __name__ == "__main__":
    print(sys.argv, sys.path, sys.flags)
    print(__name__, __doc__, __package__, __spec__, type(__loader__), globals().get("__file__"))
    print(list(globals()))
    print(sys.modules["__main__"].__dict__ is globals(), __builtins__)
    print(type(pickle.loads(pickle.dumps(Thing()))) is Thing)
    print(warnings.filters)
    print(asyncio.run(main()))
    made = asyncio.new_event_loop()
    report(made)
    made.close()
    with asyncio.Runner() as runner:
        report(runner.get_loop())
"""


class TestForms:
    def ran(self, interpreter: Interpreter, *program: str, stdin: bytes = b"") -> Outcome:
        outcome = interpreter.run_both(*program, "-c", "--help", "arg", stdin=stdin)
        assert outcome.code == 0, outcome.stderr
        assert "ran" in outcome.stdout
        assert interpreter.loops() == ["ferrio"] * 3
        return outcome

    @pytest.mark.parametrize("path", ["app.py", "./app.py", "../link/app.py"])
    def test_script(self, interpreter: Interpreter, path: str) -> None:
        interpreter.write("app.py", FACTS)
        self.ran(interpreter, path)

    def test_script_by_absolute_path(self, interpreter: Interpreter) -> None:
        self.ran(interpreter, str(interpreter.directory / interpreter.write("app.py", FACTS)))

    def test_script_behind_a_symbolic_link(self, interpreter: Interpreter) -> None:
        interpreter.write("elsewhere/app.py", FACTS)
        (interpreter.directory / "app").symlink_to("elsewhere/app.py")
        self.ran(interpreter, "app")

    def test_script_after_the_end_of_options(self, interpreter: Interpreter) -> None:
        self.ran(interpreter, "--", interpreter.write("-odd.py", FACTS))

    def test_bytecode(self, interpreter: Interpreter) -> None:
        interpreter.write("app.py", FACTS)
        py_compile.compile(str(interpreter.directory / "app.py"), str(interpreter.directory / "other.pyc"))
        (interpreter.directory / "app.py").unlink()
        self.ran(interpreter, "other.pyc")

    @pytest.mark.parametrize("path", ["app", "./app", "app/"])
    def test_directory(self, interpreter: Interpreter, path: str) -> None:
        interpreter.write("app/__main__.py", FACTS)
        self.ran(interpreter, path)

    def test_zip(self, interpreter: Interpreter) -> None:
        with zipfile.ZipFile(interpreter.directory / "app.zip", "w") as archive:
            archive.writestr("__main__.py", FACTS)
        self.ran(interpreter, "app.zip")

    @pytest.mark.parametrize("option", [("-m", "app"), ("-mapp",)])
    def test_module(self, interpreter: Interpreter, option: tuple[str, ...]) -> None:
        interpreter.write("app.py", FACTS)
        self.ran(interpreter, *option)

    @pytest.mark.parametrize("name", ["package", "package.__main__", "package.part"])
    def test_package(self, interpreter: Interpreter, name: str) -> None:
        interpreter.write("package/__init__.py", "import sys\nprint('imported', sys.argv)")
        interpreter.write("package/__main__.py", FACTS)
        interpreter.write("package/part.py", FACTS)
        self.ran(interpreter, "-m", name)

    @pytest.mark.parametrize("option", [("-c", FACTS), (f"-c{FACTS}",)])
    def test_command(self, interpreter: Interpreter, option: tuple[str, ...]) -> None:
        self.ran(interpreter, *option)

    @pytest.mark.parametrize("command", ["  1 / 0", "\n  if 1:\n\n \t \n    1 / 0\n", "1 /", "x = 'a"])
    def test_command_that_is_indented_or_wrong(self, interpreter: Interpreter, command: str) -> None:
        assert interpreter.run_both("-c", command).code == 1

    def test_standard_input(self, interpreter: Interpreter) -> None:
        self.ran(interpreter, "-", stdin=FACTS.encode())

    def test_standard_input_without_any_argument(self, interpreter: Interpreter) -> None:
        assert interpreter.run_both(stdin=FACTS.encode()).code == 0
        assert interpreter.loops() == ["ferrio"] * 3

    def test_standard_input_that_is_a_pipe(self, interpreter: Interpreter) -> None:
        outcomes = []
        for arguments in (("-",), (*FERRIO, "-")):
            reader, writer = os.pipe()
            os.write(writer, FACTS.encode())
            os.close(writer)
            outcomes.append(interpreter.run_reading(reader, *arguments))
            os.close(reader)
        assert outcomes[0] == outcomes[1]
        assert outcomes[0].code == 0

    def test_program_finds_nothing_left_on_standard_input(self, interpreter: Interpreter) -> None:
        assert interpreter.run_both("-", stdin=b"import sys; print(repr(sys.stdin.read()))").stdout == "''\n"

    def test_program_reads_standard_input(self, interpreter: Interpreter) -> None:
        assert interpreter.run_both("-c", "print(input())", stdin=b"line\n").stdout == "line\n"

    @pytest.mark.parametrize("option", ["-P", "-I", "-O", "-B", "-u"])
    @pytest.mark.parametrize(
        "program", [("app.py",), ("-m", "timeit", "-h"), ("-c", "import sys; print(sys.path)"), ("d",)]
    )
    def test_options_of_the_interpreter(
        self, interpreter: Interpreter, option: str, program: tuple[str, ...]
    ) -> None:
        if option == "-I" and "PYTHONPATH" in os.environ:
            pytest.skip("ferrio is not installed here but on PYTHONPATH, which -I ignores")
        interpreter.write("app.py", FACTS)
        interpreter.write("d/__main__.py", FACTS)
        assert interpreter.run_both(*program, options=(option,)).code == 0

    @pytest.mark.parametrize("way", ["option", "environment"])
    def test_asyncio_debug_mode(self, interpreter: Interpreter, way: str) -> None:
        program = interpreter.write(
            "app.py",
            "import asyncio, sys\n"
            "async def main(): return asyncio.get_running_loop().get_debug(), sys.flags.dev_mode\n"
            "print(asyncio.run(main()))\n",
        )
        if way == "option":
            outcome = interpreter.run_both(program, options=("-X", "dev"))
        else:
            outcome = interpreter.run_both(program, PYTHONASYNCIODEBUG="1")
        assert outcome.stdout == f"(True, {way == 'option'})\n"

    def test_console_script(self, interpreter: Interpreter) -> None:
        interpreter.write("bin/ferrio", "import sys\nfrom ferrio.__main__ import main\nsys.exit(main())\n")
        program = interpreter.write("app.py", FACTS + "raise ValueError")
        assert interpreter.run("bin/ferrio", program, "arg") == interpreter.run(program, "arg")
