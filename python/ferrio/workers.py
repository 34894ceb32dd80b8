"""Worker classes for gunicorn whose event loop is ferrio's: ``gunicorn -k ferrio.workers.UvicornWorker app:app``.

They need the packages ``gunicorn``, ``uvicorn`` 0.36 or newer, and ``uvicorn-worker``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    # uvicorn-worker has no types.
    class _Worker:
        CONFIG_KWARGS: ClassVar[dict[str, Any]]

    _H11Worker = _Worker
else:
    try:
        from uvicorn_worker import UvicornH11Worker as _H11Worker
        from uvicorn_worker import UvicornWorker as _Worker
    except ImportError as _error:
        raise ImportError(
            f"ferrio.workers derives from uvicorn's worker classes, which cannot be imported ({_error}). "
            "Install them: python -m pip install gunicorn uvicorn uvicorn-worker",
            name=_error.name,
        ) from _error

__all__ = ["UvicornH11Worker", "UvicornWorker"]

# uvicorn imports a loop factory by its name.
_LOOP = "ferrio:new_event_loop"


class UvicornWorker(_Worker):
    """uvicorn's worker class for gunicorn, on ferrio's loop."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {**_Worker.CONFIG_KWARGS, "loop": _LOOP}


class UvicornH11Worker(_H11Worker):
    """uvicorn's worker class for gunicorn that parses HTTP in Python (h11), on ferrio's loop."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {**_H11Worker.CONFIG_KWARGS, "loop": _LOOP}
