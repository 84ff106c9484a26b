"""Pictures as they stand in the page: no style of their own, so that the page can turn them dark.

The page's policy forbids style in attributes, and so what Matplotlib writes there becomes
attributes of presentation, which the page's style sheet may overrule.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

_STYLE = re.compile(r' style="([^"]*)"')
_ID = re.compile(r'(\bid="|xlink:href="#|url\(#)')
_DROPPED = re.compile(
    r"<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>", re.DOTALL
)
_PATH = re.compile(r'(?<= d=")[^"]*')
_NUMBER = re.compile(r"-?\d+\.\d{3,}")


def inline(svg: str, name: str, alternative: str, tips: Mapping[str, str]) -> str:
    """The svg element of a file that Matplotlib wrote.

    Parameters
    ----------
    name : str
        Before each id, so that ids of several pictures differ.
    alternative : str
        For those who do not see it.
    tips : mapping of str to str
        What is said of the group of each id where a pointer rests on it.
    """
    text = _DROPPED.sub("", svg)
    text = _STYLE.sub(_attributes, text)
    for id, tip in tips.items():
        text = text.replace(f'<g id="{id}">', f'<g id="{id}"><title>{html.escape(tip)}</title>')
    text = _ID.sub(lambda found: f"{found[0]}{name}-", text)
    text = re.sub(r' id="[\w-]+-(?:line2d|patch|text|xtick|ytick|matplotlib.axis)_\d+"', "", text)
    text = _PATH.sub(_compact, text)
    text = _NUMBER.sub(_shorter, text)
    text = re.sub(r"\n\s*", "\n", text).strip()
    words = html.escape(alternative)
    size = re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', text)
    assert size is not None
    return text.replace(
        "<svg ", f'<svg role="img" aria-label="{words}" class="figure" ', 1
    ).replace(size[0], f'width="{float(size[1]):.0f}" height="{float(size[2]):.0f}"', 1)


def _compact(found: re.Match[str]) -> str:
    """The data of a path without the spaces and lines that its grammar does not ask for."""
    return re.sub(r"\s*([MLHVCQZ])\s*", r"\1", found[0].strip(), flags=re.IGNORECASE)


def _shorter(found: re.Match[str]) -> str:
    value = float(found[0])
    return f"{value:.2f}".rstrip("0").rstrip(".") if abs(value) >= 1 else f"{value:.4g}"


def _attributes(found: re.Match[str]) -> str:
    pairs = [each.partition(":") for each in html.unescape(found[1]).split(";") if ":" in each]
    own = {key.strip(): value.strip() for key, _, value in pairs}
    return "".join(f' {key}="{html.escape(value)}"' for key, value in own.items())
