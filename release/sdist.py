"""Builds the sdist: python release/sdist.py [--out dist]

The sdist is checked as an index would, and by building a wheel from it in an environment of its own.
"""

from __future__ import annotations

import argparse
import io
import sys
import tarfile
import tempfile
from pathlib import Path

import links
from wheels import ROOT, Failure, run, smoke_test, tool


def build(folder: Path) -> Path:
    run(tool("maturin"), "sdist", "--out", folder)
    (sdist,) = folder.glob("*.tar.gz")
    return sdist


def finish(sdist: Path, out: Path) -> Path:
    """Copy the sdist to `out`, its description with absolute links."""
    out.mkdir(parents=True, exist_ok=True)
    finished = out / sdist.name
    with tarfile.open(sdist) as source, tarfile.open(finished, "w:gz") as target:
        for member in source:
            content = source.extractfile(member)
            data = content.read() if content else b""
            if member.name.count("/") == 1 and member.name.endswith("/PKG-INFO"):
                data = links.absolute(data.decode()).encode()
                member.size = len(data)
            target.addfile(member, io.BytesIO(data))
    return finished


def main() -> None:
    parser = argparse.ArgumentParser(description="Builds and checks the sdist of ferrio.")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="default: dist")
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as folder:
            sdist = finish(build(Path(folder)), options.out.resolve())
            run(tool("twine"), "check", "--strict", sdist)
            run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, sdist)
            (wheel,) = Path(folder).glob("*.whl")
            said = smoke_test(sys.executable, wheel)
    except Failure as failure:
        sys.exit(f"sdist: {failure}")
    print(f"{sdist.name}: {sdist.stat().st_size:,} bytes; built and tried: {said}")


if __name__ == "__main__":
    main()
