"""What the words and the names in the page mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from softmax_harness.judgement.outcomes import OUTCOMES, Outcome
from softmax_harness.operations import parted

from softmax_reports.facts import plain_words
from softmax_reports.section import Section, Terms

if TYPE_CHECKING:
    from softmax_harness.run.results import Run

WORDS = {
    "ulp": "Unit in the last place: the distance between neighbouring numbers of the dtype at the "
    "exact value. Rounding alone costs up to 0.5 ulp.",
    "exact value": "What mpmath computes from the logits as they are stored, at a precision that "
    "rises until the rounding is decided.",
    "dtype": "The format in which numbers are stored: how many digits, and how large or small.",
    "logit": "A number that goes into softmax, called x; a row is one set of them, n is its "
    "length.",
    "n": "How many logits are in a row: how many classes there are to choose from.",
    "seed": "From which the random inputs were made: the same seed makes the same inputs again.",
    "of the value": "An error beside the exact value: 1 % of the value is off by one hundredth of "
    "it. Of a subnormal value it can be more.",
    "range": "Two times were each measured many times. The range is what the middle halves of both "
    "allow for their ratio.",
    "probable": "A class is probable if its exact result is at least 1/n, what a uniform guess "
    "would give it.",
    "improbable": "A class is improbable if its exact result is below 1/n. Rounding x − max x "
    "costs most there.",
    "cell": "The results of one implementation on one family of inputs with rows of one length.",
    "family": "One kind of input, such as normally distributed or masked logits.",
    "breaks": "An implementation breaks where an element is broken, or where the outputs of a row "
    "do not sum to 1 within 1 % (or within what rounding each output may cause, where that is "
    "more).",
    "broken": "A broken element is lost although the dtype could hold its result: overflow, a "
    "denominator that underflowed, an unexplained NaN, a zero that should not be, a result "
    "out of its range, or a wrong special value.",
    "inaccurate": "An inaccurate element errs by more than the standard of accuracy that the "
    "implementation declares allows. Where it declares none, that is what working in a wider type "
    "and rounding once may cause in formats of 16 bits, and in wider formats what working in the "
    "format itself may cause, with a pairwise sum.",
    "flushed": "A result is flushed to 0 if it is 0 where a subnormal number was due, one that the "
    "standard of accuracy tells from 0.",
    "subnormal": "A number so small that the dtype holds it with fewer digits than others.",
    "input rounding": "The change that rounding the logits by half an ulp may cause. An error over "
    "input rounding of up to 1 is no larger than that.",
    "witness": "The input that produced a number, stored exactly. softmax-harness explain makes "
    "it again, bit for bit.",
    "interval": "The middle half of the samples of a time. Where the intervals of two times "
    "overlap, the two are too noisy to rank.",
}


OUTCOME_WORDS = {
    Outcome.CORRECTLY_ROUNDED: "The number of the dtype that is nearest to the exact value, or "
    "what the rules for special values ask for.",
    Outcome.ACCURATE: "Not the nearest number, but within the standard of accuracy.",
    Outcome.INACCURATE: "Further from the exact value than the standard of accuracy allows.",
    Outcome.OVERFLOW: "Infinite, NaN or 0, because an exponential, their sum or the result passed "
    "the dtype's largest number. Of NaN and 0 that is inferred, by replaying the naive steps.",
    Outcome.NAN: "NaN, though neither an overflow nor a sum of 0 explains it.",
    Outcome.DENOMINATOR_UNDERFLOW: "NaN or infinite, because every exponential became 0, and with "
    "them the sum that divides. That is inferred, by replaying the naive steps.",
    Outcome.SPURIOUS_UNDERFLOW: "0, though the exact value is not too small for the dtype: it is a "
    "normal number there.",
    Outcome.INHERENT_UNDERFLOW: "0, the nearest number to an exact value that is too small for the "
    "dtype. No implementation can do better.",
    Outcome.FLUSHED_SUBNORMAL: "0, though a subnormal number of the dtype is nearer to the exact "
    "value.",
    Outcome.OUT_OF_RANGE: "Where the operation has no values: of softmax outside [0, 1], of "
    "cross_entropy below 0.",
    Outcome.WRONG_SPECIAL: "Not what the rules for special values ask for, such as NaN "
    "throughout a row that holds one, and 0 for -inf.",
}


def glossary(run: Run) -> Section:
    """The names of the run, then the words of the field, then the outcomes of an element."""
    named = _names(run)
    own = [Terms("Implementations", "name", named)] if named else []
    return Section("Glossary", [*own, *words().parts])


def words() -> Section:
    """The words of the field, then the outcomes of an element: for pages of several runs."""
    outcomes = Terms("Outcomes of an element", "outcome", _outcomes())
    return Section("Glossary", [Terms("Words", "word", WORDS), outcomes])


def _names(run: Run) -> dict[str, str]:
    """Each implementation in its operations, in its own words."""
    found: dict[str, list[str]] = {}
    several = run.results["operation"].nunique() > 1
    for key, declared in run.info["implementations"].items():
        operation, name = parted(key)
        said = plain_words(str(declared.get("summary") or "")) or "It says nothing of itself."
        found.setdefault(name, []).append(f"{operation}: {said}" if several else said)
    return {name: "\n".join(dict.fromkeys(told)) for name, told in sorted(found.items())}


def _outcomes() -> dict[str, str]:
    return {each.replace("_", " "): OUTCOME_WORDS[each] for each in OUTCOMES}
