"""How Sphinx builds the site: `make docs`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

DOCS = Path(__file__).parent
REPOSITORY = DOCS.parent
sys.path.insert(0, str(DOCS / "_ext"))

import ferrio  # noqa: E402
import inventories  # noqa: E402

project = "ferrio"
author = "the authors of ferrio"
release = version = ferrio.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.intersphinx",
    "sphinx.ext.napoleon",
    "myst_parser",
    "sphinx_copybutton",
    "programs",
    "reference",
    "repository_pages",
]
exclude_patterns = ["_build", "programs"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}

# An unresolved reference is a warning, and a warning is an error.
nitpicky = True
nitpick_ignore_regex = [
    # Type variables and the private names of typing have no entry in any inventory.
    (r"py:.*", r"_?T(_co)?|_\w+|~?_\w+|typing\.Self|Self|.*\._\w+"),
    (r"py:class", r"optional|sequence|iterable|callable|any"),
]

# Python's own names, from a list in the repository, so that the site can be built without a network.
intersphinx_mapping = {
    "python": ("https://docs.python.org/3/", str(inventories.build(DOCS / "inventories" / "python.txt")))
}

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 4
# `mermaid` is drawn by the repository's web view; here it is shown as it is written.
myst_fence_as_directive: list[str] = []
suppress_warnings = ["misc.highlighting_failure"]

# In docstrings, `name` is code.
default_role = "code"
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"

html_theme = "furo"
html_title = f"ferrio {re.match(r'[0-9.]+', release)[0]}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_show_copyright = False
copybutton_prompt_text = r">>> |\$ "
copybutton_prompt_is_regexp = True
