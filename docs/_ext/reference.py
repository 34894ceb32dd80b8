"""Directives that make pages of the reference from the package itself.

`command-help` shows what `python -m ferrio --help` prints. `asyncio-names` lists the public names that are
asyncio's own objects. `plots` shows the drawings of `docs/plots`, each for a light and for a dark page. The role
`rustdoc` links a page of the Rust crate's documentation, which `make docs` puts into the folder `rust` of the site.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import ferrio
from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective, SphinxRole


class CommandHelp(Directive):
    """Shows the help of the command line."""

    def run(self) -> list[nodes.Node]:
        command = [sys.executable, "-m", "ferrio", "--help"]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return [nodes.literal_block(printed, printed, language="text")]


class AsyncioNames(SphinxDirective):
    """Lists the public names that are asyncio's own, with links to Python's documentation."""

    def run(self) -> list[nodes.Node]:
        roles = {}
        listing = Path(self.env.srcdir) / "inventories" / "python.txt"
        for line in listing.read_text().splitlines():
            name, role, _ = line.rsplit(" ", 2)
            roles[name] = role
        items = []
        for name in sorted(set(ferrio.__all__), key=str.lower):
            module = getattr(getattr(ferrio, name), "__module__", None) or ""
            if module.startswith("ferrio") or name == "__version__":
                continue
            full = f"asyncio.{name}"
            role = {"py:function": "py:func", "py:exception": "py:exc"}.get(
                roles.get(full, ""), roles.get(full)
            )
            items.append(f"- {{{role}}}`{full}`" if role else f"- `{full}`")
        return self.parse_text_to_nodes("\n".join(items))


class Plots(SphinxDirective):
    """Shows the plots of the benchmarks: `NAME-light.svg` and `NAME-dark.svg` for each group."""

    def run(self) -> list[nodes.Node]:
        lines = []
        for path in sorted((Path(self.env.srcdir) / "plots").glob("*-*.svg")):
            group, _, theme = path.stem.rpartition("-")
            text = group.replace("-", " ")
            lines.append(f":::{{image}} /plots/{path.name}\n:alt: {text}\n:class: only-{theme}\n:::\n")
        return self.parse_text_to_nodes("\n".join(lines)) if lines else []


class Rustdoc(SphinxRole):
    """Links a page of the Rust crate's documentation: ``{rustdoc}`text <ferrio/index.html>` ``."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        match = re.fullmatch(r"(.+) <(.+)>", self.text)
        assert match is not None, self.text
        if not (Path(self.env.srcdir).parent / "target" / "rustdoc" / "doc" / match[2]).exists():
            message = self.inliner.reporter.warning(f"rustdoc has no page {match[2]}", line=self.lineno)
            return [], [message]
        up = "../" * self.env.docname.count("/")
        return [nodes.reference("", match[1], refuri=f"{up}rust/{match[2]}")], []


def setup(app: Sphinx) -> dict[str, Any]:
    """Tells Sphinx of the directives and the role."""
    app.add_directive("command-help", CommandHelp)
    app.add_directive("asyncio-names", AsyncioNames)
    app.add_directive("plots", Plots)
    app.add_role("rustdoc", Rustdoc())
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
