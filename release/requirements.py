"""Prints the requirements of extras of ferrio, for `pip install -r`: python release/requirements.py EXTRA...

pip itself installs the requirements of an extra only together with ferrio, which would be built each time.
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

PROJECT = tomllib.loads((Path(__file__).resolve().parent.parent / "pyproject.toml").read_text())["project"]
OWN = re.compile(rf"{PROJECT['name']}\[(.+)\]")


def requirements(extra: str) -> Iterator[str]:
    """Yield the requirements of an extra, those of the extras that it includes in their place."""
    for requirement in PROJECT["optional-dependencies"][extra]:
        if included := OWN.fullmatch(requirement):
            for name in included[1].split(","):
                yield from requirements(name)
        else:
            yield requirement


if __name__ == "__main__":
    print(*(requirement for extra in sys.argv[1:] for requirement in requirements(extra)), sep="\n")
