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
        self._anchors = {_many(word): place for word, place in anchors.items()} | dict(anchors)
        words = sorted(self._anchors, key=len, reverse=True)
        text = "|".join(map(re.escape, words))
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
        place = self._anchors[word]
        if place in seen:
            return escape(word)
        seen.add(place)
        return Markup('<a class="t" href="#{}">{}</a>').format(place, word)


def _many(word: str) -> str:
    """A word as it is of many things."""
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"
