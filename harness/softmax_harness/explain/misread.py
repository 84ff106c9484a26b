"""What a word that is neither a number nor a witness nor a file was probably meant as."""

from __future__ import annotations

from pathlib import Path

from softmax_harness.ground.errors import BadData, HarnessError, unknown
from softmax_harness.ground.formats import FORMATS
from softmax_harness.inputs.families import FAMILIES
from softmax_harness.inputs.witness import RECIPE, is_witness
from softmax_harness.subjects.catalogue import catalogue
from softmax_harness.subjects.specification import is_foreign

_NUMBERS = "expected numbers such as 2.0 -1e4 0x1.8p+1 -inf"
_FILES = (".npz", ".safetensors", ".csv", ".txt", ".json", ".bin", ".pt")


def misread(words: tuple[str, ...], word: str, operation: str) -> HarnessError:
    """The error for a word, or the part of it between commas, that is no number.

    Parameters
    ----------
    words : tuple of str
        All that was given.
    word : str
        The part of one of them.
    operation : str
        What is to be explained.
    """
    (whole, *_) = (each for each in words if word in each.split(","))
    head, colon, rest = whole.partition(":")
    if whole.startswith("--"):
        return BadData(f"there is no option {whole}: see softmax-harness explain --help")
    if is_witness(whole) or whole.endswith(".npy"):
        what = "a file" if whole.endswith(".npy") else "a witness"
        return BadData(f"{whole!r} is {what}, and {len(words)} words were given: give it alone")
    if whole in FORMATS:
        return BadData(f"{whole!r} is a dtype: expected numbers, and --dtype {whole}")
    if whole.partition("@")[0].partition(",")[0] in FAMILIES or head in FAMILIES:
        return BadData(f"{whole!r} is a family of inputs, of which one row is told by {RECIPE}")
    if colon and ("@" in rest or "=" in rest):
        return unknown("dtype", head, FORMATS)
    if whole in catalogue(operation) or is_foreign(whole):
        return BadData(f"{whole!r} is an implementation: {_NUMBERS}, and --implementation {whole}")
    if whole.endswith(_FILES) or Path(whole).is_file():
        return BadData(f"{whole!r} is no .npy file: expected one written by numpy.save")
    return BadData(f"{word!r} is not a number: {_NUMBERS}")
