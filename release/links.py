"""The README's links, which are relative to the repository, made absolute for a package index."""

import re
import tomllib
from pathlib import Path
from urllib.parse import urljoin

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]
PAGE = PROJECT["repository"] + f"/blob/v{PROJECT['version']}/"
FILE = PROJECT["repository"] + f"/raw/v{PROJECT['version']}/"

# [text](target), ![image](target), src="target", srcset="target"
LINK = re.compile(
    r"""(?P<before>(?P<image>!?)\[[^\]]*\]\(|(?P<file>src|srcset)=["'])(?P<target>[^)"'#][^)"']*)"""
)


def absolute(text: str) -> str:
    """Return Markdown in which each relative link names the file in the repository, at this version's tag."""

    def replace(match: re.Match[str]) -> str:
        base = FILE if match["image"] or match["file"] else PAGE
        return str(match["before"] + urljoin(base, match["target"]))

    return str(LINK.sub(replace, text))
