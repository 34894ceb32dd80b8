"""Shows Markdown files of the repository on the site, with links that work in both places.

A page of the site that stands for a file outside `docs` is read from that file. A link in the repository goes from
file to file; on the site it goes to the page that shows the file, or, if none does, to a copy of the file to download.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

# The page on the site (in `docs`, without suffix) and the file that it shows (in the repository).
SHOWN = {
    "project/architecture": "ARCHITECTURE.md",
    "project/changelog": "CHANGELOG.md",
    "project/contributing": "CONTRIBUTING.md",
    "project/benchmarks/results": "benchmarks/RESULTS.md",
    "project/benchmarks/method": "benchmarks/README.md",
}
# Tables of contents that these pages show in the side bar; as files they name their pages in a table.
CONTENTS = {"decisions/README": "loop tasks objects waiting transports drop-in packages"}
LINK = re.compile(r"(\]\()(?![a-z]+:|#|/)([^)\s#]+)(#[^)\s]*)?(\))")


def read(app: Sphinx, page: str, source: list[str]) -> None:
    """Replace the text of a page that stands for a file, and turn the links of any page."""
    docs = Path(app.srcdir)
    repository = docs.parent
    path = docs / f"{page}.md"
    if page in SHOWN:
        path = repository / SHOWN[page]
        app.env.note_dependency(str(path))
        source[0] = path.read_text()
    pages = {repository / file: docs / f"{name}.md" for name, file in SHOWN.items()}
    here = (docs / f"{page}.md").parent

    def turn(match: re.Match[str]) -> str:
        target = Path(os.path.normpath(path.parent / match[2]))
        if target.is_dir() and (target / "README.md").exists():
            target /= "README.md"
        target = pages.get(target, target)
        if not target.exists():
            return match[0]  # Sphinx says what it misses.
        return f"{match[1]}{os.path.relpath(target, here)}{match[3] or ''}{match[4]}"

    source[0] = LINK.sub(turn, source[0])
    if page in CONTENTS:
        source[0] += "\n```{toctree}\n:hidden:\n\n" + "\n".join(CONTENTS[page].split()) + "\n```\n"


def setup(app: Sphinx) -> dict[str, Any]:
    """Tells Sphinx of the pages."""
    app.connect("source-read", read)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
