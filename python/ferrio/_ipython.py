"""`%load_ext ferrio` in IPython and Jupyter."""

from __future__ import annotations

import asyncio
from typing import Any

from ferrio import _policy
from ferrio._loop import Loop


def load_ipython_extension(shell: Any) -> None:
    """Make ferrio's loop the default one of an IPython session or a notebook's kernel, and say what that reaches.

    A loop that runs, as a kernel's does, cannot be replaced. IPython calls this function for `%load_ext ferrio`.

    Args:
        shell: the `InteractiveShell`.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        loop = None
    if isinstance(loop, Loop):
        print("ferrio: this session runs on ferrio's loop already.")
        return
    _policy.install()
    print("ferrio: event loops that are made from now on are ferrio's.")
    if loop is not None:
        name = f"{type(loop).__module__}.{type(loop).__qualname__}"
        print(
            f"The loop that runs this session, {name}, stays what it is, and so does `await` in a cell.\n"
            "For a kernel on ferrio's loop: `python -m ferrio jupyter install`, and choose that kernel."
        )
    else:
        print(
            "A loop that exists already stays what it is. `python -m ferrio -m IPython` starts on ferrio's."
        )


def unload_ipython_extension(shell: Any) -> None:
    """Undo `load_ipython_extension`, for `%unload_ext ferrio`: loops that are made from now on are asyncio's.

    Args:
        shell: the `InteractiveShell`.
    """
    _policy.uninstall()
