"""The directive `example`: a program of `docs/programs`, and what it prints.

    ```{example} learn/sleeping/together.py
    ```

The program is shown as `literalinclude` shows it, and its recorded output below it. `tests/docs` runs each program on
both loops and compares.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.directives.code import LiteralInclude

FOLDER = "programs"


class Example(LiteralInclude):
    """Shows a program and its output. It takes the options of `literalinclude`."""

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        folder = Path(self.env.srcdir) / FOLDER
        self.options.setdefault("language", "python")
        self.options.setdefault("caption", f"docs/{FOLDER}/{name}")
        self.arguments = [f"/{FOLDER}/{name}"]
        shown = super().run()
        for suffix, words in ((".out", "It prints:"), (".ferrio.out", "On ferrio it prints:")):
            path = (folder / name).with_suffix(suffix)
            if not path.exists():
                continue
            self.env.note_dependency(str(path))
            printed = path.read_text()
            output = nodes.literal_block(printed, printed, language="text", classes=["program-output"])
            shown += [nodes.paragraph("", words, classes=["program-prints"]), output]
        return shown


def setup(app: Sphinx) -> dict[str, Any]:
    """Tells Sphinx of the directive."""
    app.add_directive("example", Example)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
