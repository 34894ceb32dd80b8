"""Writes what programs of the documentation print on asyncio's loop beside them.

python -m tests.docs.record [PART …]
"""

from __future__ import annotations

import sys

from tests.docs.programs import FOLDER, all_programs, printed


def main() -> None:
    """Record the programs whose name contains one of the arguments, or all, but for those that need a service."""
    parts = sys.argv[1:] or [""]
    for name in all_programs():
        needs_service = '_URL"]' in (FOLDER / name).read_text()
        if any(part in name for part in parts) and not needs_service:
            output = printed(name, "asyncio")
            (FOLDER / name).with_suffix(".out").write_text(output)
            print(f"== {name}\n{output}", end="")


if __name__ == "__main__":
    main()
