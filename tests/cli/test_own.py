"""What is ferrio's own, and not the program's: options, complaints, the prompt."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time

import pytest
from ferrio.__main__ import _OPTIONS

from tests.cli.interpreter import FERRIO, Interpreter


class TestFerriosOwn:
    @pytest.mark.parametrize("option", ["-V", "--version"])
    def test_version(self, interpreter: Interpreter, option: str) -> None:
        outcome = interpreter.run(*FERRIO, option)
        # The second line is there if tricks are off.
        versions = r"ferrio \d+\.\d+\.\d+\S* \(\w+ 3\.\d+\.\d+\S*\)\n"
        assert re.fullmatch(versions + r"((portable|not used): .*\n)?", outcome.stdout)
        assert (outcome.code, outcome.stderr) == (0, "")

    @pytest.mark.parametrize("option", ["-h", "--help"])
    def test_help(self, interpreter: Interpreter, option: str) -> None:
        outcome = interpreter.run(*FERRIO, option)
        assert outcome.stdout.startswith("usage: python -m ferrio")
        assert (outcome.code, outcome.stderr) == (0, "")
        assert max(map(len, outcome.stdout.splitlines())) < 80
        for option in (*_OPTIONS, "--version", "-c cmd", "-m mod", "jupyter install", "FERRIO_PORTABLE"):
            assert option in outcome.stdout

    def test_missing_file_is_named(self, interpreter: Interpreter) -> None:
        outcome = interpreter.run_both("absent.py")
        assert outcome.code == 2
        assert re.search(
            r"can't open file '/.*/absent\.py': \[Errno 2\] No such file or directory", outcome.stderr
        )

    @pytest.mark.parametrize(
        ("arguments", "complaint"),
        [
            (
                ("-X", "dev", "app.py", "an argument"),
                "ferrio: -X is an option of the interpreter, which stands before -m ferrio:\n"
                "    python -X dev -m ferrio app.py 'an argument'\n",
            ),
            (
                ("--verbose", "-OO", "-m", "app"),
                "ferrio: -OO is an option of the interpreter, which stands before -m ferrio:\n"
                "    python -OO -m ferrio --verbose -m app\n",
            ),
            (
                ("-Wignore", "app.py"),
                "ferrio: -Wignore is an option of the interpreter, which stands before -m ferrio:\n"
                "    python -Wignore -m ferrio app.py\n",
            ),
            (("-X",), "ferrio: -X is an option of the interpreter, which stands before -m ferrio:\n"),
            (
                ("--loop=fast", "app.py"),
                "ferrio: unknown option --loop=fast (python -m ferrio --help lists the options)\n",
            ),
            (
                ("--no-child", "app.py"),
                "ferrio: unknown option --no-child; did you mean --no-children? (python -m ferrio --help",
            ),
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
