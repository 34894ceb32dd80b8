"""Builds the wheels: python release/wheels.py [--out dist] PYTHON...

Each wheel is linked against the glibc of manylinux2014 by zig, stripped, checked (tag, size, metadata), and tried in
a fresh environment whose PATH has no Rust. The debug information is put beside the wheels, in `debug/`: gdb finds it if
it lies beside the installed module. The description's links, which are relative to the repository, become absolute.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import links

ROOT = Path(__file__).resolve().parent.parent
SMOKE_TEST = Path(__file__).with_name("smoke.py")
PLATFORM = "manylinux2014"
# Bytes that a wheel may have.
LIMIT = 1_200_000


class Failure(Exception):
    """A wheel is not as it must be; the message says how."""


def run(*command: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    """Run a command and return what it wrote to standard output. Raises Failure if it fails."""
    result = subprocess.run(command, cwd=cwd, env=env, stdout=subprocess.PIPE, text=True)
    if result.returncode:
        raise Failure(f"{' '.join(map(str, command))}: exit status {result.returncode}\n{result.stdout}")
    return result.stdout


def tool(name: str) -> Path:
    """Return the path of a command of the environment that runs this."""
    return Path(sys.executable).with_name(name)


def unwinder() -> Path:
    """Return the path of the C compiler's libgcc_s, the unwinder that the C library uses, too."""
    path = Path(run("cc", "-print-file-name=libgcc_s.so.1").strip())
    if not path.is_absolute():
        raise Failure("cc does not know where libgcc_s.so.1 is; the wheels must be linked to it")
    return path


def build(python: str, folder: Path) -> Path:
    """Build the wheel of one Python, with its debug information, into `folder`."""
    env = {
        **os.environ,
        # maturin finds zig's package by way of the first python3 on the PATH.
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        # zig would link its own unwinder into the module. A thread that the C library unwinds (pthread_exit) then
        # crosses the module's frames with two unwinders, which do not know each other's data.
        "RUSTFLAGS": f"-C link-arg={unwinder()}",
    }
    options = ("--release", "--zig", "--compatibility", PLATFORM, "--interpreter", python, "--out", folder)
    run(tool("maturin"), "build", *options, env=env)
    (wheel,) = folder.glob("*.whl")
    return wheel


def finish(wheel: Path, out: Path) -> Path:
    """Move a wheel's debug information into `out`/debug, and the rest of the wheel, with absolute links, into `out`."""
    debug = out / "debug"
    debug.mkdir(parents=True, exist_ok=True)
    unpacked = wheel.parent / "unpacked"
    run(tool("wheel"), "unpack", "--dest", unpacked, wheel)
    (module,) = unpacked.rglob("_ferrio*.so")
    information = debug / f"{module.name}.debug"
    run("objcopy", "--only-keep-debug", "--compress-debug-sections=zlib", module, information)
    run("objcopy", "--strip-all", f"--add-gnu-debuglink={information}", module)
    (metadata,) = unpacked.rglob("METADATA")
    metadata.write_text(links.absolute(metadata.read_text()))
    run(tool("wheel"), "pack", "--dest-dir", out, *unpacked.iterdir())
    return out / wheel.name


def check(wheel: Path) -> None:
    """Check the size of a wheel, its metadata, and that it needs no newer glibc than its name says."""
    size = wheel.stat().st_size
    if size > LIMIT:
        raise Failure(f"{wheel.name} has {size:,} bytes, more than {LIMIT:,}")
    report = run(tool("auditwheel"), "show", wheel)
    if "manylinux_2_17_x86_64" not in report and "manylinux_2_17_aarch64" not in report:
        raise Failure(f"{wheel.name} is no {PLATFORM} wheel:\n{report}")
    run(tool("twine"), "check", "--strict", wheel)


def smoke_test(python: str, wheel: Path) -> str:
    """Install a wheel into a fresh environment, run a program there, and return what it says."""
    with tempfile.TemporaryDirectory() as folder:
        environment = Path(folder, "environment")
        run(python, "-m", "venv", "--without-pip", environment)
        installed = environment / "bin" / "python"
        run(sys.executable, "-m", "pip", "--quiet", "--python", installed, "install", "--no-index", wheel)
        clean = {"PATH": f"{installed.parent}:/usr/bin:/bin", "HOME": folder}
        if shutil.which("cargo", path=clean["PATH"]):
            raise Failure("the smoke test must run where no Rust is, but /usr/bin has a cargo")
        return run(installed, "-m", "ferrio", SMOKE_TEST, cwd=Path(folder), env=clean).strip()


def main() -> None:
    parser = argparse.ArgumentParser(description="Builds and checks the wheels of ferrio.")
    parser.add_argument("pythons", nargs="+", metavar="PYTHON")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="default: dist")
    options = parser.parse_args()
    for name in options.pythons:
        if not (python := shutil.which(name)):
            parser.error(f"there is no {name} on the PATH")
        try:
            with tempfile.TemporaryDirectory() as folder:
                wheel = finish(build(os.path.realpath(python), Path(folder)), options.out.resolve())
            check(wheel)
            said = smoke_test(python, wheel)
        except Failure as failure:
            sys.exit(f"wheels: {failure}")
        print(f"{wheel.name}: {wheel.stat().st_size:,} bytes; {said}", flush=True)


if __name__ == "__main__":
    main()
