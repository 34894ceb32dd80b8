"""Directives that make pages of the reference from the package itself.

`command-help` shows what `python -m ferrio --help` prints. `names` documents names of `ferrio`: those that it is given, or, with the
option `rest`, every public name that no other page documents.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import ferrio
from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class CommandHelp(Directive):
    """Shows the help of the command line."""

    def run(self) -> list[nodes.Node]:
        command = [sys.executable, "-m", "ferrio", "--help"]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return [nodes.literal_block(printed, printed, language="text")]


class Rest(SphinxDirective):
    """Lists the public names that are asyncio's own objects."""

    def run(self) -> list[nodes.Node]:
        lines = []
        for name in sorted(set(ferrio.__all__), key=str.lower):
            thing = getattr(ferrio, name)
            module = getattr(thing, "__module__", None) or ""
            if module.startswith("ferrio") or name.startswith("_"):
                continue
            kind = "exc" if isinstance(thing, type) and issubclass(thing, BaseException) else None
            kind = kind or ("class" if isinstance(thing, type) else "func" if callable(thing) else "data")
            place = f"asyncio.{name}" if module.startswith("asyncio") or not module else name
            first = (getattr(thing, "__doc__", None) or "").strip().partition("\n\n")[0]
            text = " ".join(first.split()) if kind != "data" else f"`{thing!r}`"
            lines.append((name, kind, place, text))
        items = nodes.bullet_list()
        for name, kind, place, text in lines:
            parsed, _ = self.parse_inline(f"{{any}}`{name}`") if False else ([nodes.literal("", name)], [])
            del kind, place
            items += nodes.list_item("", nodes.paragraph("", "", *parsed, nodes.Text(f": {text}" if text else "")))
        return [items]


def setup(app: Sphinx) -> dict[str, Any]:
    """Tells Sphinx of the directives."""
    app.add_directive("command-help", CommandHelp)
    app.add_directive("asyncio-names", Rest)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
