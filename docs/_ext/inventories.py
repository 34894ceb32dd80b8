"""Makes the inventories that intersphinx reads from lists that people can read."""

from __future__ import annotations

import tempfile
import zlib
from pathlib import Path

HEAD = (
    "# Sphinx inventory version 2\n# Project: Python\n# Version: 3\n"
    "# The remainder of this file is compressed using zlib.\n"
)


def build(listing: Path) -> Path:
    """Write the inventory of a list into a temporary file.

    Args:
        listing: a line for each name: the name, its role (`py:class`), and its page under the project's site. A `$` at
            the end of the page stands for the name.

    Returns:
        The path of the inventory, in Sphinx's format.
    """
    lines = []
    for line in listing.read_text().splitlines():
        name, role, page = line.rsplit(" ", 2)
        lines.append(f"{name} {role} 1 {page} -\n")
    path = Path(tempfile.mkdtemp(prefix="ferrio-inventory-")) / f"{listing.stem}.inv"
    path.write_bytes(HEAD.encode() + zlib.compress("".join(lines).encode()))
    return path
