"""Sets up ferrio in a process under ``python -m ferrio``: its own, and Pythons that it starts (`_ferrio_start`)."""

from __future__ import annotations

import os
import site
import sys
from collections.abc import Iterable
from typing import NamedTuple

import _ferrio_start

import ferrio
from ferrio import _loop


class Options(NamedTuple):
    """How a process runs on ferrio.

    Attributes:
        children: the Pythons that it starts run on ferrio, too.
        accelerate: the native types and functions are under asyncio's names.
        replace_uvloop: the program gets ferrio's loop where it asks for uvloop's.
        verbose: the process reports its loop on standard error.
    """

    children: bool = True
    accelerate: bool = True
    replace_uvloop: bool = True
    verbose: bool = False

    def to_words(self) -> list[str]:
        """Return the names of the options that are on."""
        return [name for name, is_on in self._asdict().items() if is_on]

    @classmethod
    def from_words(cls, words: Iterable[str]) -> Options:
        """Return the options of which these are on. Unknown words, which another version may have, are ignored."""
        return cls(**{name: name in words for name in cls._fields})


# The options of this process that were reported, if any.
_reported: Options | None = None


def set_up(options: Options, program: str | None = None) -> None:
    """Have this process run on ferrio, whatever was set up before.

    Args:
        options: how it runs.
        program: the name of the program, if `sys.argv` does not tell it yet.
    """
    global _reported
    ferrio.install()
    if options.accelerate:
        ferrio.accelerate()
    else:
        ferrio.restore()
    if options.replace_uvloop:
        _ferrio_start.when_imported("uvloop", _replace_uvloop)
    else:
        _ferrio_start.forget("uvloop")
    if options.verbose and options != _reported:
        if _reported is None:
            # If the program keeps uvloop's loops, a forked process may never make one of ferrio's: it reports at once.
            os.register_at_fork(after_in_child=_report_later if options.replace_uvloop else _report)
        _reported = options
        _report(program)


def set_up_children(options: Options, program: str) -> None:
    """Have the Pythons that this process starts run on ferrio, if the options say so, and without it otherwise.

    Args:
        options: how they run. With `verbose`, a line on standard error says so if they cannot be reached.
        program: the name of the program.
    """
    if options.children:
        if options.verbose and not _start_up_file_is_installed():
            found = f"{_ferrio_start.START_UP_FILE} is in none of {', '.join(_site_folders())}"
            advice = f"install ferrio by pip for {sys.executable}, since PYTHONPATH does not reach them"
            _ferrio_start.say(
                f"the Pythons that it starts run on asyncio's loop: {found} ({advice})", program
            )
        isolated = ["isolated"] if sys.flags.ignore_environment else []
        os.environ[_ferrio_start.VARIABLE] = ",".join(options.to_words() + isolated)
    else:
        os.environ.pop(_ferrio_start.VARIABLE, None)


def _site_folders() -> list[str]:
    """Return the folders in which a Python that this one starts reads start-up files."""
    user = [site.getusersitepackages()] if site.ENABLE_USER_SITE else []
    return [*site.getsitepackages(), *user]


def _start_up_file_is_installed() -> bool:
    """Whether the Pythons that this process starts find the file that has them run on ferrio."""
    return any(
        os.path.exists(os.path.join(folder, _ferrio_start.START_UP_FILE)) for folder in _site_folders()
    )


def _replace_uvloop() -> None:
    """Make `uvloop.Loop` ferrio's loop: everything in uvloop that makes a loop calls it."""
    sys.modules["uvloop"].Loop = ferrio.Loop  # type: ignore[attr-defined]


def _report_later() -> None:
    """Have a forked process report when it makes a loop. Many only execute another program and never do."""
    _loop.announcements[:] = [_report]


def _report(program: str | None = None) -> None:
    """Report which loop this process runs on."""
    if _reported is not None:
        accelerated = "accelerated" if _reported.accelerate else "not accelerated"
        uvloop = "" if _reported.replace_uvloop else ", uvloop's where it is asked for"
        _ferrio_start.say(f"ferrio's loop, {accelerated}{uvloop}", program)
