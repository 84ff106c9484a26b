"""Marks the names and words of a glossary in plain text, each once, as links to what they mean."""

from __future__ import annotations

import re
from collections.abc import Mapping

from markupsafe import Markup, escape


class Linker:
    """Makes links of the words that it knows.

    Parameters
    ----------
    anchors : mapping of str to str
        Words, and where each is explained.
    """

    def __init__(self, anchors: Mapping[str, str]) -> None:
        words = sorted(anchors, key=len, reverse=True)
        text = "|".join(map(re.escape, words))
        self._anchors = dict(anchors)
        self._pattern = re.compile(rf"(?<![\w-])({text})(?![\w-])") if words else None

    def __call__(self, text: str) -> Markup:
        """The text as HTML, with the first of each known word as a link."""
        if self._pattern is None:
            return escape(text)
        seen: set[str] = set()
        parts = self._pattern.split(text)
        return Markup("").join(
            self._linked(part, seen) if place % 2 else escape(part)
            for place, part in enumerate(parts)
        )

    def _linked(self, word: str, seen: set[str]) -> Markup:
        if word in seen:
            return escape(word)
        seen.add(word)
        return Markup('<a class="t" href="#{}">{}</a>').format(self._anchors[word], word)
