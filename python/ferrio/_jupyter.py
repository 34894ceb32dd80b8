"""`ferrio jupyter install` and `uninstall`: a kernel specification, by which Jupyter starts its kernels on ferrio."""

from __future__ import annotations

import argparse
import importlib
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

_ARGUMENTS = ["-m", "ferrio", "-m", "ipykernel_launcher", "-f", "{connection_file}"]


def main(arguments: list[str]) -> None:
    """Run the command.

    Args:
        arguments: what stands behind `jupyter` on the command line.

    Raises:
        SystemExit: with code 2 if the command line is wrong, with a sentence if the command fails.
    """
    options = _parser().parse_args(arguments)
    manager = _manager()
    try:
        if options.command == "install":
            _install(manager, options)
        else:
            _uninstall(manager, options)
    except OSError as error:
        raise SystemExit(
            f"ferrio: {error}. --user and --prefix choose a place that may be written to."
        ) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ferrio jupyter",
        description="Add a kernel that runs on ferrio to Jupyter, or remove it.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    install = commands.add_parser("install", help="add the kernel", description="Add the kernel to Jupyter.")
    install.add_argument("--display-name", metavar="TEXT", help="the name that Jupyter shows")
    uninstall = commands.add_parser(
        "uninstall", help="remove the kernel", description="Remove the kernel from Jupyter."
    )
    for command, default in ((install, "for all"), (uninstall, "wherever Jupyter finds it first")):
        command.add_argument("--name", default="ferrio", help="the name of the kernel (default: %(default)s)")
        where = command.add_mutually_exclusive_group()
        where.add_argument("--user", action="store_true", help=f"for this user (the default is {default})")
        where.add_argument("--prefix", metavar="DIR", help="below this directory, in share/jupyter/kernels")
        where.add_argument(
            "--sys-prefix",
            action="store_const",
            dest="prefix",
            const=sys.prefix,
            help="in this environment (--prefix with sys.prefix)",
        )
    return parser


def _manager() -> Any:
    """Return Jupyter's manager of kernel specifications.

    Raises:
        SystemExit: a kernel could not be started by this Python.
    """
    try:
        importlib.import_module("ipykernel.kernelapp")
        kernel_specifications = importlib.import_module("jupyter_client.kernelspec")
    except Exception as error:  # A broken installation raises whatever it likes.
        raise SystemExit(
            f"ferrio: this command needs ipykernel, which cannot be imported here ({type(error).__name__}: {error}).\n"
            f"Install it for this Python: {sys.executable} -m pip install --upgrade ipykernel"
        ) from None
    return kernel_specifications.KernelSpecManager()


def _install(manager: Any, options: argparse.Namespace) -> None:
    version = ".".join(map(str, sys.version_info[:2]))
    specification = {
        "argv": [sys.executable, *_ARGUMENTS],
        "display_name": options.display_name or f"Python {version} (ferrio)",
        "language": "python",
        "metadata": {"debugger": True},
    }
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "kernel.json").write_text(json.dumps(specification, indent=1) + "\n")
        try:
            where = manager.install_kernel_spec(
                folder, kernel_name=options.name, user=options.user, prefix=options.prefix
            )
        except ValueError as error:  # A name that Jupyter does not take.
            raise SystemExit(f"ferrio: {error}") from None
    print(f"Installed the kernel {options.name!r} in {where}")


def _uninstall(manager: Any, options: argparse.Namespace) -> None:
    name = options.name
    if options.user:
        manager.kernel_dirs = [manager.user_kernel_dir]
    elif options.prefix:
        manager.kernel_dirs = [str(Path(options.prefix, "share", "jupyter", "kernels"))]
    where = manager.find_kernel_specs().get(name)
    if where is None:
        raise SystemExit(
            f"ferrio: Jupyter has no kernel {name!r}. `jupyter kernelspec list` shows those that it has."
        )
    if "ferrio" not in _argv(Path(where)):
        raise SystemExit(f"ferrio: the kernel {name!r} in {where} is not one of ferrio's; it is left alone.")
    shutil.rmtree(where)
    print(f"Removed the kernel {name!r} from {where}")


def _argv(folder: Path) -> list[str]:
    try:
        argv: list[str] = json.loads((folder / "kernel.json").read_text())["argv"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return argv
