"""Each way to end, of each kind of program.

Only the frames that an event loop has of its own are taken out of tracebacks, where one ran.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import pytest

from tests.cli.interpreter import FERRIO, Interpreter, Outcome, readable

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


def _without_loop_frames(outcome: Outcome) -> Outcome:
    """Take out of tracebacks the frames that lie in asyncio, and 3.13's marks of what follows them."""
    frame = r'^( *(?:\| +)?)File "[^"]*/asyncio/[^"]+", line \d+, in .*\n(?:\1  .*\n)*'
    return Outcome(outcome.code, outcome.stdout, re.sub(frame, "", outcome.stderr, flags=re.MULTILINE))


class TestEndings:
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
            outcomes.append((process.returncode, readable(process.stderr)))
        assert outcomes[0] == outcomes[1]
        assert "BrokenPipeError" in outcomes[0][1]
