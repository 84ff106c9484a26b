"""Which parts of the contract show a kind of finding: those are asked first, to save time."""

_PART_OF = {
    "layout": "layouts",
    "axis": "axes",
    "batch": "batches",
    "empty": "shapes",
    "scalar": "shapes",
    "integers": "integers",
    "nondeterminism": "repeats",
}


def telling_first(parts, kinds):
    """The parts, first those in which alone some of the kinds are found."""
    telling = {_PART_OF.get(kind) for kind in kinds}
    return tuple(sorted(parts, key=lambda part: part not in telling))
