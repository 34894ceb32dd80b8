"""The command line: ``python -m ferrio program`` and ``ferrio program`` run an unchanged program on ferrio's loop."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import ferrio
from ferrio import _ferrio, _process, _program
from ferrio._process import Options

_USAGE = """\
usage: python -m ferrio [option] ... [-c cmd | -m mod | file | -] [arg] ...
       python -m ferrio jupyter {install,uninstall} [option] ..."""

_HELP = f"""\
{_USAGE}

Runs a Python program, as it is, on ferrio's event loop instead of asyncio's.
The command `ferrio` is the same as `python -m ferrio`.

  python -m ferrio app.py --its-own options
  python -m ferrio -m uvicorn --workers 4 app:app
  python -m ferrio                          asyncio's prompt, on ferrio

the program:
  file              a script, or a directory or zip file with a __main__.py
  -m mod            a module or package
  -c cmd            a program in a string
  -                 a program on standard input; on a terminal, the prompt
  arg ...           the program's own arguments

options, before the program:
  --no-accelerate   leave asyncio's names as they are: ferrio's loop only;
                    otherwise asyncio.Queue, gather, ... are ferrio's
  --no-children     leave alone the Pythons that the program starts;
                    otherwise they run on ferrio as well
  --keep-uvloop     leave uvloop's names as they are;
                    otherwise they give ferrio's loop
  --verbose         say on standard error which loop each process runs on
  -V, --version     print the versions of ferrio and of Python and exit
  -h, --help        print this help and exit

Options of the interpreter stand before -m: python -X dev -m ferrio app.py

notebooks:
  jupyter install   let Jupyter start kernels on ferrio
                    (`jupyter install --help` lists its options)

environment:
  FERRIO_PORTABLE=1 use documented interfaces of the interpreter only
"""

_OPTIONS = {
    "--no-accelerate": {"accelerate": False},
    "--no-children": {"children": False},
    "--keep-uvloop": {"replace_uvloop": False},
    "--verbose": {"verbose": True},
}
# The interpreter's own one-letter options, and those that a value follows.
_INTERPRETER_OPTIONS = frozenset("bBdEiIOPqRsSuvWxX")
_INTERPRETER_OPTIONS_WITH_VALUE = frozenset("WX")


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
            _refuse_option(option, arguments)
        if len(option) == 2 and not arguments:
            _refuse(f"argument expected for the {option} option")
        kind, what = option[:2], option[2:] or arguments.pop(0)
        program = kind if kind == "-c" else f"-m {what}"
        _process.set_up_children(options, program)
        _process.set_up(options, program)
        run = _program.run_command if kind == "-c" else _program.run_module
        run(what, arguments)
        return
    if arguments[:1] == ["jupyter"] and not os.path.exists("jupyter"):
        from ferrio import _jupyter

        _jupyter.main(arguments[1:])
        return
    program = arguments[0] if arguments else "-"
    _process.set_up_children(options, program)
    _process.set_up(options, program)
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


def _refuse_option(option: str, arguments: list[str]) -> NoReturn:
    """Say that an option is not one of ferrio's: where the interpreter's own stand, or which option may be meant."""
    if option[1] in _INTERPRETER_OPTIONS:
        import shlex

        moved, rest = [option], [*arguments]
        if len(option) == 2 and option[1] in _INTERPRETER_OPTIONS_WITH_VALUE:
            moved += rest[:1]
            del rest[:1]
        own = sys.argv[1 : len(sys.argv) - len(arguments) - 1]
        command = shlex.join(["python", *moved, "-m", "ferrio", *own, *rest])
        _refuse(f"{option} is an option of the interpreter, which stands before -m ferrio:\n    {command}\n")
    import difflib

    close = difflib.get_close_matches(option.partition("=")[0], [*_OPTIONS, "--help", "--version"], 1, 0.7)
    meant = f"; did you mean {close[0]}?" if close else ""
    _refuse(f"unknown option {option}{meant} (python -m ferrio --help lists the options)")


def _refuse(reason: str) -> NoReturn:
    print(f"ferrio: {reason}\n{_USAGE}", file=sys.stderr)
    raise SystemExit(2)


if __name__ == "__main__":
    main()
