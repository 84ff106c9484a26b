"""Text that comes from outside, made safe to show."""


def printable(text: str) -> str:
    """Text in which nothing moves a terminal's cursor, and which any encoding can hold."""
    shown = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
    return shown.encode("utf-8", "replace").decode("utf-8")
