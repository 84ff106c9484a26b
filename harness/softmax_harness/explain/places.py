"""Which elements of a row are written out: of a long row a few, the one that matters among them."""

from __future__ import annotations

_SHOWN = 6


def places(n: int, *chosen: int | None) -> list[int]:
    """All elements of a short row; else the first ones, the last, and those that are chosen."""
    if n <= _SHOWN:
        return list(range(n))
    return sorted({*range(_SHOWN - 3), n - 1, *(each for each in chosen if each is not None)})


def cells(n: int, written: list[int], texts: list[str]) -> str:
    """The texts of the elements that are written out; of a long row with their places, from 0."""
    if n <= _SHOWN:
        return "  ".join(texts)
    named = "  ".join(f"[{place}] {text}" for place, text in zip(written, texts, strict=True))
    return f"{named}  ({n} in all, counted from 0)"
