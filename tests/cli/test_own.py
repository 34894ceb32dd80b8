"""What is ferrio's own, and not the program's: options, complaints, the prompt."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time

import pytest

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

    @pytest.mark.parametrize(
        ("arguments", "complaint"),
        [
            (
                ("-X", "dev", "app.py"),
                "ferrio: unknown option -X (an option of the interpreter goes to it: python -X ... -m ferrio)\n",
            ),
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
