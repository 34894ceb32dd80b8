"""Runs a program as the interpreter itself would have run it.

For ``python -m ferrio``. The program starts with the ``__main__``, ``sys.argv`` and ``sys.path`` that ``python
program`` gives it, and ends with the same traceback, exit code, or death by SIGINT. This module knows nothing of event
loops, nor of ferrio's own options. Modules, directories and zip files are run by ``runpy``, as the interpreter does.
Scripts, ``-c`` and standard input run in C there (``Modules/main.c``, ``Python/pythonrun.c``); this module follows that
code step by step.

The interpreter ends the program: an exception leaves these functions, and `_hide_own_frames` only removes from the
traceback the frames that ``python program`` would not have.
"""

from __future__ import annotations

import builtins
import linecache
import marshal
import os
import pkgutil
import runpy
import sys
import textwrap
import warnings
from collections.abc import Callable
from functools import partial
from importlib.machinery import BuiltinImporter, SourceFileLoader, SourcelessFileLoader
from importlib.util import MAGIC_NUMBER
from types import CodeType, ModuleType, TracebackType
from typing import Any

_PY_FILE_INPUT = 257  # Py_file_input in Include/compile.h: a whole file, not an expression or a line.
_PYC_HEADER = 16  # Magic number, flags, and two words by which a change of the source is noticed.

# The function that the interpreter calls for -m, directories and zip files. runpy's public functions differ in details.
_run_module_as_main: Callable[..., object] = runpy._run_module_as_main  # type: ignore[attr-defined]


def run_file(path: str, arguments: list[str]) -> None:
    """Run a script, a ``.pyc`` file, or a directory or zip file that has a ``__main__.py``.

    Args:
        path: the path, as it was typed.
        arguments: the program's ``sys.argv[1:]``.

    Raises:
        SystemExit: with code 2 if the file cannot be opened, or raised by the program.
        BaseException: whatever else the program raises.
    """
    sys.argv = [path, *arguments]
    file = os.path.join(os.getcwd(), path)
    if pkgutil.get_importer(file) is not None:
        if sys.flags.safe_path:
            sys.path.insert(0, file)
        else:
            sys.path[0] = file
        sys.audit("cpython.run_module", "__main__")
        _fresh_main()
        _execute(partial(_run_module_as_main, "__main__", False))
        return

    _replace_path0(os.path.dirname(os.path.realpath(path)))
    sys.audit("cpython.run_file", file)
    try:
        with open(file, "rb") as stream:
            content = stream.read()
    except OSError as error:
        reason = f"{sys.orig_argv[0]}: can't open file {file!r}: [Errno {error.errno}] {error.strerror}"
    else:
        _execute_file(content, file)
        return
    print(reason, file=sys.stderr)
    raise SystemExit(2)


def run_module(name: str, arguments: list[str]) -> None:
    """Run a module or a package's ``__main__``, as ``python -m`` does.

    Args:
        name: the module's absolute name.
        arguments: the program's ``sys.argv[1:]``.

    Raises:
        SystemExit: with a message if there is no such module, or raised by the program.
        BaseException: whatever else the program raises.
    """
    sys.argv = ["-m", *arguments]
    _replace_path0(os.getcwd())
    sys.audit("cpython.run_module", name)
    _fresh_main()
    _execute(partial(_run_module_as_main, name))


def run_command(command: str, arguments: list[str]) -> None:
    """Run a program that is a string, as ``python -c`` does.

    Args:
        command: the source.
        arguments: the program's ``sys.argv[1:]``.

    Raises:
        BaseException: whatever the program raises.
    """
    sys.argv = ["-c", *arguments]
    _replace_path0("")
    sys.audit("cpython.run_command", command)
    _execute(partial(_run_command, command + "\n", vars(_fresh_main())))


def run_stdin(argv: list[str]) -> None:
    """Run a program that is read from standard input; on a terminal, start asyncio's interactive prompt.

    Args:
        argv: the program's whole ``sys.argv``: the first is ``"-"`` or, if nothing was typed, the empty string.

    Raises:
        BaseException: whatever the program raises.
    """
    sys.argv = argv
    _replace_path0("")
    if sys.stdin is not None and sys.stdin.isatty():
        _fresh_main()
        _execute(partial(_run_module_as_main, "asyncio"))
        return
    sys.audit("cpython.run_stdin")
    _execute_file(b"" if sys.stdin is None else sys.stdin.buffer.read(), "<stdin>")


def _replace_path0(entry: str) -> None:
    """Replace the entry of ``sys.path`` that the interpreter has made for ferrio by the program's directory."""
    if not sys.flags.safe_path:
        sys.path[0] = entry


def _fresh_main() -> ModuleType:
    """Replace ``__main__``, which ferrio was started in, by one such as the interpreter starts with."""
    main = ModuleType("__main__")
    main.__loader__ = BuiltinImporter  # type: ignore[assignment]
    if sys.version_info < (3, 14):
        main.__annotations__ = {}
    vars(main)["__builtins__"] = builtins
    sys.modules["__main__"] = main
    return main


def _execute(program: Callable[[], object], ended: Callable[[], object] | None = None) -> None:
    """Call the program; `ended` is called when it has ended and, if it failed, its traceback has been shown.

    Like the interpreter, which never comes back from printing a SystemExit, this does not call `ended` after one.
    """
    try:
        program()
    except BaseException as error:
        if not isinstance(error, SystemExit) or sys.flags.inspect:
            _hide_own_frames(ended)
        raise
    if ended is not None:
        ended()


def _execute_file(content: bytes, filename: str) -> None:
    """Run what a file holds, with the names in ``__main__`` that say which file it is (pythonrun.c)."""
    namespace = vars(_fresh_main())
    namespace["__file__"] = filename
    if sys.version_info < (3, 15):
        namespace["__cached__"] = None
    run: Callable[[bytes, str, dict[str, Any]], None] = _run_source
    if filename.endswith(".pyc") or content.startswith(MAGIC_NUMBER):
        run = _run_bytecode
        namespace["__loader__"] = SourcelessFileLoader("__main__", filename)
    elif filename != "<stdin>":
        namespace["__loader__"] = SourceFileLoader("__main__", filename)

    def forget() -> None:
        namespace.pop("__file__", None)
        namespace.pop("__cached__", None)

    _execute(partial(run, content, filename, namespace), forget)


def _run_bytecode(content: bytes, filename: str, namespace: dict[str, Any]) -> None:
    if not content.startswith(MAGIC_NUMBER):
        raise RuntimeError("Bad magic number in .pyc file")
    code = marshal.loads(content[_PYC_HEADER:])
    if not isinstance(code, CodeType):
        raise RuntimeError("Bad code object in .pyc file")
    exec(code, namespace)


def _run_source(source: bytes, filename: str, namespace: dict[str, Any]) -> None:
    try:
        code = compile(source, filename, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        refusal = error
    else:
        exec(code, namespace)
        return
    _raise_as_a_file(source, filename, namespace)
    raise refusal


def _raise_as_a_file(source: bytes, filename: str, namespace: dict[str, Any]) -> None:
    """Raise the error of a source that does not compile, as the interpreter raises it for a file.

    The tokenizer for files is another one than that of `compile`: it words errors of encoding differently and puts some
    carets elsewhere. So the source is passed to the interpreter again, as a file. Without ctypes this returns.

    Raises:
        SyntaxError: the interpreter's own.
    """
    try:
        import ctypes
        import tempfile
    except ImportError:
        return
    fdopen = ctypes.CDLL(None).fdopen
    fdopen.argtypes = [ctypes.c_int, ctypes.c_char_p]
    fdopen.restype = ctypes.c_void_p
    run = ctypes.pythonapi.PyRun_FileExFlags
    run.argtypes = [
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_int,
        ctypes.py_object,
        ctypes.py_object,
        ctypes.c_int,
        ctypes.c_void_p,
    ]
    run.restype = ctypes.py_object
    with tempfile.TemporaryFile() as file:
        file.write(source)
        file.seek(0)
        stream = fdopen(os.dup(file.fileno()), b"rb")
        # `compile` has already given these warnings.
        with warnings.catch_warnings(record=True):
            run(stream, os.fsencode(filename), _PY_FILE_INPUT, namespace, namespace, 1, None)


def _run_command(command: str, namespace: dict[str, Any]) -> None:
    if sys.version_info >= (3, 14):
        command = textwrap.dedent(command)
    code = compile(command, "<string>", "exec", dont_inherit=True)
    # Since Python 3.13 tracebacks show the lines of a command. Its patch releases differ in the key of the lines.
    if (register := getattr(linecache, "_register_code", None)) is not None:
        register(code if hasattr(linecache, "_interactive_cache") else "<string>", command, "<string>")
    exec(code, namespace)


def _hide_own_frames(shown: Callable[[], object] | None) -> None:
    """Have the program's exception hook called without the frames of ferrio and of the ``runpy`` that started it.

    The exception gathers those frames as it leaves. The interpreter then calls ``sys.excepthook``, which is the last
    place where they can be removed, and the only one where the interpreter still ends the program as usual (exit code,
    ``-i``, and death by SIGINT after KeyboardInterrupt).
    """
    hook = getattr(sys, "excepthook", None)
    if hook is None:
        return

    def excepthook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        sys.excepthook = hook
        traceback = sys.last_traceback = error.__traceback__ = _without_own_frames(traceback)
        try:
            hook(kind, error, traceback)
        finally:
            if shown is not None:
                shown()

    sys.excepthook = excepthook


def _without_own_frames(traceback: TracebackType | None) -> TracebackType | None:
    """Return the part of a traceback below the outermost frames of this module."""

    def own(entry: TracebackType) -> bool:
        return entry.tb_frame.f_globals is globals()

    entry = traceback
    while entry is not None and not own(entry):
        entry = entry.tb_next
    if entry is None:
        return traceback
    while entry is not None and own(entry):
        entry = entry.tb_next
    return entry
