"""Sets up ferrio in the Pythons that a program under ``python -m ferrio`` starts.

``python -m ferrio`` sets an environment variable (`ferrio._process`). ``ferrio_start.pth`` lies in site-packages, where
every Python reads it when it starts, and calls `start` if the variable is set. `start` has ferrio set up as soon as the
program imports asyncio. This module is not in the package because an import from there imports all of ferrio and
asyncio, which many of these Pythons never need.

A Python that cannot import ferrio, or that ignores its environment, runs without ferrio.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

VARIABLE = "FERRIO_CHILDREN"
START_UP_FILE = "ferrio_start.pth"

# Name of a module: the function to call as soon as it has been imported.
_awaited: "dict[str, Callable[[], None]]" = {}


def start() -> None:
    """Have this process run on ferrio, as the environment says, from the moment when it imports asyncio."""
    words = os.environ[VARIABLE].split(",")
    if words == [""] or (sys.flags.ignore_environment and "isolated" not in words):
        return
    if program() == "-m ferrio":  # Its own options count.
        return

    def set_up() -> None:
        from ferrio import _process

        _process.set_up(_process.Options.from_words(words))

    def import_ferrio() -> None:
        try:
            import ferrio  # noqa: F401
        except ImportError as error:
            # ferrio is not there for this Python, or not for a subinterpreter.
            if "verbose" in words:
                say(f"asyncio's loop ({error})")

    when_imported("ferrio", set_up)
    when_imported("asyncio", import_ferrio)
    if "replace_uvloop" in words:  # It imports asyncio, and is half imported when ferrio is set up.
        when_imported("uvloop", import_ferrio)


def when_imported(name: str, call: "Callable[[], None]") -> None:
    """Call a function as soon as a module has been imported, which may be now. Each module has one: the last counts."""
    module = sys.modules.get(name)
    if module is not None and not getattr(module.__spec__, "_initializing", False):
        call()
        return
    _awaited[name] = call
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def forget(name: str) -> None:
    """Undo `when_imported` for a module."""
    _awaited.pop(name, None)
    if not _awaited and _finder in sys.meta_path:
        sys.meta_path.remove(_finder)


def say(loop: str, name: "str | None" = None) -> None:
    """Write the loop of this process to standard error, in one system call, so that lines of processes do not mix.

    Args:
        loop: the text for the loop.
        name: the name of the program; by default that of the script or module that runs.
    """
    line = f"ferrio: process {os.getpid()} ({name or program()}): {loop}\n"
    try:  # noqa: SIM105 - contextlib is not there yet.
        os.write(2, line.encode(errors="backslashreplace"))
    except OSError:
        pass  # There is no standard error.


def program() -> str:
    """Return the name of the program: a script, "-m" and a module, "-c", or "-" for standard input."""
    argv: list[str] = getattr(sys, "argv", [""])
    name = argv[0]
    if (
        name == "-m"
    ):  # The interpreter still looks for the module. Its name stands before the program's arguments.
        name = " ".join(["-m", *sys.orig_argv[-len(argv) :][:1]]).replace("-m -m", "-m ")
    return name or "-"


class _Finder:
    """Has the other finders in ``sys.meta_path`` find the awaited modules, and wraps the loaders that they return."""

    def __init__(self) -> None:
        self._sought: set[str] = set()  # The modules that it is asking the other finders for.

    def find_spec(
        self, name: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None
    ) -> "ModuleSpec | None":
        if name not in _awaited or name in self._sought:
            return None
        if name == "ferrio":  # The ferrio of this file, even if the program's own folder has another.
            path = [os.path.dirname(__file__)]
        self._sought.add(name)
        try:
            # A program may have wrapped this finder. Asked again through the wrapper, it finds nothing.
            for finder in sys.meta_path:
                spec = finder.find_spec(name, path, target)
                if spec is not None:
                    if spec.loader is not None:
                        spec.loader = _Loader(spec.loader)  # type: ignore[assignment]
                    return spec
        finally:
            self._sought.discard(name)
        return None


_finder: "Any" = _Finder()


class _Loader:
    """Loads a module by its own loader, which the module sees as its only one, and then calls the awaiting function."""

    def __init__(self, loader: "Any") -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> "Any":
        return getattr(self._loader, name)

    def exec_module(self, module: "ModuleType") -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        call = _awaited.get(module.__name__)
        forget(module.__name__)
        if call is not None:
            call()
