"""``python -m ferrio program`` is ``python program``, on ferrio's loop.

Each program runs both ways in a process of its own; what it prints, what it shows when it fails and how it ends must be
the same, byte for byte. Only the frames that an event loop has of its own are taken out of tracebacks, where one ran.
"""

from __future__ import annotations

import os
import py_compile
import re
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

FERRIO = ("-m", "ferrio")

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

ENDINGS = {
    "returns": "print('done')",
    "raises": "def outer():\n    inner()\ndef inner():\n    {}['missing']\nouter()",
    "raises with cause and notes": """\
try:
    1 / 0
except ZeroDivisionError as error:
    failure = ValueError("two\\nlines")
    failure.add_note("a note")
    raise failure from error
""",
    "raises while handling": "try:\n    1 / 0\nexcept ZeroDivisionError:\n    [][0]",
    "raises a group": "raise ExceptionGroup('both', [ValueError(1), TypeError(2)])",
    "exits with a number": "import sys; sys.exit(3)",
    "exits with a text": "import sys; sys.exit('no more')",
    "exits with nothing": "raise SystemExit",
    "exits with an object": "raise SystemExit(['a', 1])",
    "is interrupted": "raise KeyboardInterrupt",
    "is interrupted by a signal": "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nwhile True: pass",
    "kills itself": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "has its own excepthook": """\
import sys, traceback
def hook(kind, error, tb):
    print("hook", kind, error, sys.last_traceback is tb, sys.exc_info(), *traceback.format_tb(tb))
sys.excepthook = hook
raise ValueError("hooked")
""",
    "has an excepthook that exits": "import sys\nsys.excepthook = lambda *args: sys.exit(7)\n1 / 0",
    "leaves something to be done at exit": """\
import atexit, sys, threading, time
class Noisy:
    def __del__(self):
        print("deleted")
noisy = Noisy()
atexit.register(lambda: print("at exit", "__file__" in globals(), sys.excepthook))
threading.Thread(target=lambda: (time.sleep(0.05), print("thread done"))).start()
raise ValueError
""",
    "forgets its file when it ends": "import atexit; atexit.register(lambda: print('__file__' in globals()))",
    "warns": "import warnings; warnings.warn('old', DeprecationWarning); warnings.warn('hm')",
    "warns when compiled": "x = 1 is 1\nprint(x)",
    "never awaits": "import asyncio\nasync def f(): pass\nf()",
}

ASYNC_ENDINGS = {
    "raises": "raise ValueError('inside')",
    "exits": "sys.exit(5)",
    "exits with a text": "sys.exit('inside')",
    "is interrupted": "raise KeyboardInterrupt",
    "is interrupted by a signal": "os.kill(os.getpid(), signal.SIGINT); await asyncio.sleep(60)",
    "is cancelled": "asyncio.current_task().cancel(); await asyncio.sleep(60)",
    "fails in a task group": """\
async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(60))
        raise ValueError('grouped')""",
}

REFUSED = {
    "syntax": b"x = = 1\n",
    "name of the file": b"def f():\n    pass\n  y = 2\n",
    "unclosed": b"x = (1,\n",
    "end in a block": b"def f():\n",
    "end in a string": b'"""abc\n',
    "end in a line": b"x = 1\\",
    "tabs": b"if 1:\n\tx = 1\n        y = 2\n",
    "compiler": b"return 1\n",
    "future": b"from __future__ import nothing\n",
    "f-string": b'x = f"{a b}"\r\n',
    "byte order mark": b"\xef\xbb\xbfx = 1 1\n",
    "null": b"x = 1\0\n",
    "not utf-8": b'x = 1\ny = "\xe9"\n',
    "declared": b'# coding: latin-1\nx = "\xe9" y\n',
    "not as declared": b'# coding: ascii\nx = "\xe9"\n',
    "unknown encoding": b"# coding: unheard-of\nx = 1\n",
    "after a warning": b"x = 1 is 1\ny = = 2\n",
}


@dataclass(frozen=True)
class Outcome:
    """How a program ended.

    Attributes:
        code: the exit code; minus the signal's number, if the program died by one.
        stdout: what it printed.
        stderr: what it complained of.
    """

    code: int
    stdout: str
    stderr: str


class Interpreter:
    """Runs programs in one directory, by python and by ferrio."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._loops = directory / "loops.txt"

    def write(self, name: str, content: str | bytes) -> str:
        """Write a file into the directory; returns its name."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return name

    def run(self, *arguments: str, stdin: bytes = b"", **environment: str) -> Outcome:
        """Run ``python`` with these arguments, this file as standard input, and these environment variables more."""
        with tempfile.TemporaryFile() as file:
            file.write(stdin)
            file.seek(0)
            return self.run_reading(file.fileno(), *arguments, **environment)

    def run_reading(self, stdin: int, *arguments: str, **environment: str) -> Outcome:
        """Run ``python`` on this standard input."""
        process = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.directory,
            stdin=stdin,
            env=self.environment(**environment),
            capture_output=True,
            timeout=60,
        )
        return Outcome(process.returncode, _readable(process.stdout), _readable(process.stderr))

    def run_both(
        self, *program: str, options: tuple[str, ...] = (), stdin: bytes = b"", **environment: str
    ) -> Outcome:
        """Run a program by python and by ferrio; assert that it ends in the same way, which is returned."""
        expected = self.run(*options, *program, stdin=stdin, **environment)
        self._loops.unlink(missing_ok=True)
        assert self.run(*options, *FERRIO, *program, stdin=stdin, **environment) == expected
        return expected

    def environment(self, **additional: str) -> dict[str, str]:
        """The environment of a program: ours, but for what would change how Python behaves."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        if "PYTHONPATH" in os.environ:
            kept["PYTHONPATH"] = os.environ["PYTHONPATH"]
        return kept | {"LOOPS": str(self._loops)} | additional

    def loops(self) -> list[str]:
        """The packages that the loops came from which the last program run by ferrio reported."""
        return [line.partition(".")[0] for line in self._loops.read_text().splitlines()]


def _readable(output: bytes) -> str:
    return re.sub(r" at 0x[0-9a-f]+", " at 0x…", output.decode(errors="backslashreplace"))


def _without_loop_frames(outcome: Outcome) -> Outcome:
    """Take out of tracebacks the frames that lie in asyncio, and 3.13's marks of what follows them."""
    frame = r'^( *(?:\| +)?)File "[^"]*/asyncio/[^"]+", line \d+, in .*\n(?:\1  .*\n)*'
    return Outcome(outcome.code, outcome.stdout, re.sub(frame, "", outcome.stderr, flags=re.MULTILINE))


@pytest.fixture
def interpreter(tmp_path: Path) -> Interpreter:
    """An interpreter in a directory that is empty but for the way to it, which has a space and a symbolic link."""
    directory = tmp_path / "a directory"
    directory.mkdir()
    (tmp_path / "link").symlink_to(directory)
    return Interpreter(tmp_path / "link")


class TestForms:
    """Each way to name a program."""

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


class TestEndings:
    """Each way to end, of each kind of program."""

    @pytest.mark.parametrize("ending", ENDINGS)
    @pytest.mark.parametrize("form", ["script", "module", "directory", "command", "standard input"])
    def test_program(self, interpreter: Interpreter, form: str, ending: str) -> None:
        source = ENDINGS[ending]
        if form == "script":
            interpreter.run_both(interpreter.write("app.py", source))
        elif form == "module":
            interpreter.write("app.py", source)
            interpreter.run_both("-m", "app", PYTHONDONTWRITEBYTECODE="1")
        elif form == "directory":
            interpreter.write("app/__main__.py", source)
            interpreter.run_both("app", PYTHONDONTWRITEBYTECODE="1")
        elif form == "command":
            interpreter.run_both("-c", source)
        else:
            interpreter.run_both(stdin=source.encode())

    def test_interrupted_program_dies_by_the_signal(self, interpreter: Interpreter) -> None:
        assert interpreter.run_both("-c", "raise KeyboardInterrupt").code == -signal.SIGINT

    @pytest.mark.parametrize("ending", ASYNC_ENDINGS)
    def test_program_in_a_loop(self, interpreter: Interpreter, ending: str) -> None:
        program = interpreter.write(
            "app.py",
            "import asyncio, os, signal, sys\n"
            f"async def main():\n    {ASYNC_ENDINGS[ending]}\n"
            "asyncio.run(main())\n",
        )
        expected, outcome = interpreter.run(program), interpreter.run(*FERRIO, program)
        assert _without_loop_frames(outcome) == _without_loop_frames(expected)

    @pytest.mark.parametrize("content", REFUSED)
    def test_source_that_does_not_compile(self, interpreter: Interpreter, content: str) -> None:
        program = interpreter.write("app.py", REFUSED[content])
        assert interpreter.run_both(program).code == 1
        assert interpreter.run_both("-m", "app").code == 1
        assert interpreter.run_both(stdin=REFUSED[content]).code == 1

    @pytest.mark.parametrize("options", [("-W", "error"), ("-W", "ignore"), ("-W", "always")])
    def test_warnings_filters(self, interpreter: Interpreter, options: tuple[str, ...]) -> None:
        interpreter.run_both("-c", ENDINGS["warns"], options=options)
        interpreter.run_both("-", options=options, stdin=ENDINGS["warns when compiled"].encode())

    @pytest.mark.parametrize(
        ("program", "code"),
        [
            (("missing.py",), 2),
            (("./missing.py",), 2),
            (("../missing/",), 2),
            (("/missing/app.py", "arg"), 2),
            (("unreadable\n.py",), 2),
            (("empty",), 1),
            (("-m", "missing"), 1),
            (("-m", "missing.part"), 1),
            (("-m", "app.py"), 1),
            (("-m", "empty"), 1),
            (("-m", "package"), 1),
            (("-m", ".app"), 1),
            (("-m", "broken"), 1),
            (("truncated.pyc",), 1),
        ],
    )
    def test_program_that_is_not_there(
        self, interpreter: Interpreter, program: tuple[str, ...], code: int
    ) -> None:
        (interpreter.directory / "empty").mkdir()
        interpreter.write("app.py", "")
        interpreter.write("package/__init__.py", "")
        interpreter.write("broken/__init__.py", "import not_installed")
        interpreter.write("truncated.pyc", b"1234567890123456")
        assert interpreter.run_both(*program).code == code

    @pytest.mark.parametrize("source", ["x = 1", "x = 1; raise ValueError", "x = 1; raise SystemExit(3)"])
    def test_inspected_program(self, interpreter: Interpreter, source: str) -> None:
        program = interpreter.write("app.py", source)
        stdin = (
            b"print('x is', x, '__file__' in globals())\nimport sys; print(getattr(sys, 'last_type', None))\n"
        )
        outcome = interpreter.run_both(program, options=("-i",), stdin=stdin, PYTHON_BASIC_REPL="1")
        assert "x is 1" in outcome.stdout

    @pytest.mark.parametrize(
        "program", ["print('x' * 100_000)", "print('x')", "print('x' * 100_000, flush=True)"]
    )
    def test_nobody_reads_the_output(self, interpreter: Interpreter, program: str) -> None:
        outcomes = []
        for arguments in ((), FERRIO):
            reader, writer = os.pipe()
            os.close(reader)
            with os.fdopen(writer, "wb") as stdout:
                process = subprocess.run(
                    [sys.executable, *arguments, "-c", program],
                    stdout=stdout,
                    stderr=subprocess.PIPE,
                    env=interpreter.environment(),
                    timeout=60,
                )
            outcomes.append((process.returncode, _readable(process.stderr)))
        assert outcomes[0] == outcomes[1]
        assert "BrokenPipeError" in outcomes[0][1]


class TestProcesses:
    """Programs that start themselves again."""

    @pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
    @pytest.mark.parametrize("form", [("app.py",), ("-m", "app"), ("-m", "package.part")])
    def test_multiprocessing(self, interpreter: Interpreter, method: str, form: tuple[str, ...]) -> None:
        source = f"""\
import asyncio, multiprocessing, sys
from concurrent.futures import ProcessPoolExecutor

def work(x):
    return x * 2, __name__, sys.argv

async def main():
    context = multiprocessing.get_context({method!r})
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return await asyncio.get_running_loop().run_in_executor(pool, work, 21)

if __name__ == "__main__":
    print(asyncio.run(main()))
"""
        for name in ("app.py", "package/__init__.py", "package/part.py"):
            interpreter.write(name, source)
        outcome = interpreter.run_both(*form, "arg", options=("-W", "ignore"))
        assert outcome.code == 0, outcome.stderr
        assert outcome.stdout.startswith("(42, ")


class TestFerriosOwn:
    """What is not the program's."""

    @pytest.mark.parametrize("option", ["-V", "--version"])
    def test_version(self, interpreter: Interpreter, option: str) -> None:
        outcome = interpreter.run(*FERRIO, option)
        assert re.fullmatch(r"ferrio \d+\.\d+\.\d+\S* \(\w+ 3\.\d+\.\d+\S*\)\n", outcome.stdout)
        assert (outcome.code, outcome.stderr) == (0, "")

    @pytest.mark.parametrize("option", ["-h", "--help"])
    def test_help(self, interpreter: Interpreter, option: str) -> None:
        outcome = interpreter.run(*FERRIO, option)
        assert outcome.stdout.startswith("usage: python -m ferrio")
        assert (outcome.code, outcome.stderr) == (0, "")

    @pytest.mark.parametrize(
        ("arguments", "complaint"),
        [
            (("-X", "dev", "app.py"), "ferrio: unknown option -X\n"),
            (("--loop=fast", "app.py"), "ferrio: unknown option --loop=fast\n"),
            (("-m",), "ferrio: argument expected for the -m option\n"),
            (("-c",), "ferrio: argument expected for the -c option\n"),
        ],
    )
    def test_command_line_that_makes_no_sense(
        self, interpreter: Interpreter, arguments: tuple[str, ...], complaint: str
    ) -> None:
        outcome = interpreter.run(*FERRIO, *arguments)
        assert outcome.stderr.startswith(complaint)
        assert "usage: " in outcome.stderr
        assert (outcome.code, outcome.stdout) == (2, "")

    def test_terminal_gets_asyncios_prompt(self, interpreter: Interpreter) -> None:
        terminal, child = os.openpty()
        process = subprocess.Popen(
            [sys.executable, *FERRIO],
            stdin=child,
            stdout=child,
            stderr=child,
            cwd=interpreter.directory,
            env=interpreter.environment(PYTHON_BASIC_REPL="1", TERM="dumb"),
            start_new_session=True,
        )
        os.close(child)
        try:
            _converse(
                terminal,
                (">>> import asyncio", "await asyncio.sleep(0, 'slept')\n"),
                ("'slept'", "type(asyncio.get_running_loop()).__module__\n"),
                ("'ferrio", "exit(4)\n"),
            )
            assert process.wait(timeout=20) == 4
        finally:
            process.kill()
            process.wait()
            os.close(terminal)


def _converse(terminal: int, *exchanges: tuple[str, str]) -> None:
    """Wait for each text to appear on the terminal, and answer it."""
    deadline = time.monotonic() + 20
    os.set_blocking(terminal, False)
    seen = ""
    for expected, answer in exchanges:
        while expected not in seen:
            assert time.monotonic() < deadline, f"{expected!r} did not appear in {seen!r}"
            try:
                seen += os.read(terminal, 4096).decode()
            except BlockingIOError:
                time.sleep(0.01)
        seen = seen.partition(expected)[2]
        os.write(terminal, answer.encode())
