"""What ``python -m ferrio`` sets up in a process, in its own and in those that this one starts (`_ferrio_start`)."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import NamedTuple

import _ferrio_start

import ferrio
from ferrio import _loop


class Options(NamedTuple):
    """How a process runs on ferrio.

    Attributes:
        children: the Pythons that it starts do, too.
        accelerate: with the native types and functions under asyncio's names.
        replace_uvloop: with ferrio's loop where the program asks for uvloop's.
        verbose: it says so on standard error.
    """

    children: bool = True
    accelerate: bool = True
    replace_uvloop: bool = True
    verbose: bool = False

    def to_words(self) -> list[str]:
        """The names of the options that are on."""
        return [name for name, is_on in self._asdict().items() if is_on]

    @classmethod
    def from_words(cls, words: Iterable[str]) -> Options:
        """The options of which these are on; words that name none are those of another version."""
        return cls(**{name: name in words for name in cls._fields})


# How this process runs on ferrio, if it was told to say so.
_reported: Options | None = None


def set_up(options: Options, program: str | None = None) -> None:
    """Have this process run on ferrio in this way, whatever was set up before.

    Args:
        options: the way.
        program: the program's name, if it cannot be told yet from `sys.argv`.
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
            # A fork whose loop may be uvloop's says so at once.
            os.register_at_fork(after_in_child=_report_later if options.replace_uvloop else _report)
        _reported = options
        _report(program)


def set_up_children(options: Options) -> None:
    """Have the Pythons that this process starts run on ferrio in this way if they are to, and else as without it."""
    if options.children:
        isolated = ["isolated"] if sys.flags.ignore_environment else []
        os.environ[_ferrio_start.VARIABLE] = ",".join(options.to_words() + isolated)
    else:
        os.environ.pop(_ferrio_start.VARIABLE, None)


def _replace_uvloop() -> None:
    """Have `uvloop.Loop`, of which all that uvloop offers makes its loops, be ferrio's."""
    sys.modules["uvloop"].Loop = ferrio.Loop  # type: ignore[attr-defined]


def _report_later() -> None:
    """Have a forked process say which loop it runs on when it makes one: it may just run another program."""
    _loop.announcements[:] = [_report]


def _report(program: str | None = None) -> None:
    """Say which loop this process runs on."""
    if _reported is not None:
        accelerated = "accelerated" if _reported.accelerate else "not accelerated"
        uvloop = "" if _reported.replace_uvloop else ", uvloop's where it is asked for"
        _ferrio_start.say(f"ferrio's loop, {accelerated}{uvloop}", program)
