"""Lets the links of the README lead from the package index to the repository.

``python .github/release_readme.py OWNER/NAME TAG`` writes them out in README.md: a package index
shows the same text, where a path of the repository leads nowhere.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

_TARGET = re.compile(r"(!?)(\[[^\[\]]*\])\((?!https?:|#)([^)]+)\)")
_ACTIONS = "../../actions/"


def absolute(text: str, repository: str, tag: str) -> str:
    """The text, whose links into the repository are those of its page at the tag."""
    page = f"https://github.com/{repository}"

    def led(found: re.Match[str]) -> str:
        image, words, target = found.groups()
        if target.startswith(_ACTIONS):  # GitHub's own pages of the repository
            return f"{image}{words}({page}/actions/{target.removeprefix(_ACTIONS)})"
        return f"{image}{words}({page}/{'raw' if image else 'blob'}/{tag}/{target})"

    inner = _TARGET.sub(led, text)
    # A badge is a picture within a link: what is around it was no plain word.
    around = rf"(\]\([^)]*\)\])\({re.escape(_ACTIONS)}"
    return re.sub(around, rf"\1({page}/actions/", inner)


if __name__ == "__main__":
    readme = Path(__file__).parents[1] / "README.md"
    readme.write_text(
        absolute(readme.read_text(encoding="utf-8"), *sys.argv[1:3]), encoding="utf-8"
    )
