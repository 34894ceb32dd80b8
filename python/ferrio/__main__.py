"""The command line: ``python -m ferrio program`` and ``ferrio program`` run an unchanged program on ferrio's loop."""

from __future__ import annotations

import sys
from typing import NoReturn

import ferrio
from ferrio import _ferrio, _process, _program
from ferrio._process import Options

_USAGE = """\
usage: python -m ferrio [-h] [-V] [--no-accelerate] [--no-children] [--keep-uvloop] [--verbose]
                        [-c cmd | -m mod | file | -] [arg] ..."""

_HELP = f"""\
{_USAGE}

Run a Python program, as it is, on ferrio's event loop instead of asyncio's,
with ferrio's native queues, locks, streams, gather, ... under asyncio's names.
So do the Pythons that the program starts, and uvloop's names give this loop.

-h, --help        print this help and exit
-V, --version     print the versions of ferrio and of Python and exit
--no-accelerate   leave asyncio's names as they are: ferrio's loop only
--no-children     leave alone the Pythons that the program starts
--keep-uvloop     leave uvloop's names as they are
--verbose         say on standard error which loop each process runs on
-c cmd            program passed in as a string
-m mod            module or package to run
file              script, or directory or zip file with a __main__.py, to run
-                 program read from stdin (default; asyncio's prompt if a tty)
arg ...           arguments of the program: its sys.argv[1:]

Options of the interpreter go to it: python -X dev -m ferrio app.py
"""

_OPTIONS = {
    "--no-accelerate": {"accelerate": False},
    "--no-children": {"children": False},
    "--keep-uvloop": {"replace_uvloop": False},
    "--verbose": {"verbose": True},
}
# The interpreter's own one-letter options.
_INTERPRETER_OPTIONS = frozenset("bBdEiIOPqRsSuvWxX")


def main() -> None:
    """Run the program that the command line (``sys.argv``) names, with ferrio's loop as the default one.

    ferrio's native types and functions are put under asyncio's names, and the Pythons that the program starts run in
    the same way, unless options say otherwise.

    Returns when the program has come to its end.

    Raises:
        SystemExit: with code 2 if the command line is wrong; or raised by the program.
        BaseException: whatever else the program raises.
    """
    arguments = sys.argv[1:]
    options = Options()
    while arguments and arguments[0].startswith("-") and arguments[0] != "-":
        option = arguments.pop(0)
        if option == "--":
            break
        if option in ("-h", "--help"):
            print(_HELP, end="")
            return
        if option in ("-V", "--version"):
            _print_version()
            return
        if option in _OPTIONS:
            options = options._replace(**_OPTIONS[option])
            continue
        if option[:2] not in ("-c", "-m"):
            hint = f" (an option of the interpreter goes to it: python {option} ... -m ferrio)"
            _refuse(f"unknown option {option}{hint if option[1] in _INTERPRETER_OPTIONS else ''}")
        if len(option) == 2 and not arguments:
            _refuse(f"argument expected for the {option} option")
        kind, what = option[:2], option[2:] or arguments.pop(0)
        _process.set_up_children(options)
        _process.set_up(options, kind if kind == "-c" else f"-m {what}")
        run = _program.run_command if kind == "-c" else _program.run_module
        run(what, arguments)
        return
    _process.set_up_children(options)
    _process.set_up(options, arguments[0] if arguments else "-")
    if not arguments or arguments[0] == "-":
        _program.run_stdin(arguments or [""])
    else:
        _program.run_file(arguments[0], arguments[1:])


def _print_version() -> None:
    import platform

    print(f"ferrio {ferrio.__version__} ({platform.python_implementation()} {platform.python_version()})")
    tricks = _ferrio._tricks()
    off = [name for name, is_used in tricks.items() if not is_used]
    if len(off) == len(tricks):
        print("portable: only documented interfaces of the interpreter are used, which is slower")
    elif off:
        print(f"not used: {', '.join(off)}")


def _refuse(reason: str) -> NoReturn:
    print(f"ferrio: {reason}\n{_USAGE}", file=sys.stderr)
    raise SystemExit(2)


if __name__ == "__main__":
    main()
