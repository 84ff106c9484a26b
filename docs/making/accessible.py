"""What the theme leaves out for those who use a keyboard or a screen reader, put into built pages.

axe-core names each: a region that scrolls and cannot be reached by keys, a heading without its
level, two landmarks of one kind without names.
"""

from __future__ import annotations

from pathlib import Path

_REPLACED = {
    "<pre>": '<pre tabindex="0">',
    '<div class="table-wrapper': '<div tabindex="0" class="table-wrapper',
    '<p class="caption" role="heading">': '<p class="caption" role="heading" aria-level="2">',
    '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="All pages">',
    '<aside class="toc-drawer': '<aside aria-label="This page" class="toc-drawer',
}


def accessible(page: str) -> str:
    """The page with what it lacks; one that has it stays as it is."""
    for lacking, whole in _REPLACED.items():
        page = page.replace(lacking, whole)
    return page


def mend(site: Path) -> None:
    """Every page of a built site, but for the reports, which have it."""
    for path in site.rglob("*.html"):
        if "reports" not in path.relative_to(site).parts:
            text = path.read_text(encoding="utf-8")
            if (mended := accessible(text)) != text:
                path.write_text(mended, encoding="utf-8")
