"""`softmax_harness.score`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from softmax_harness.api.shown import Shown, limit_texts
from softmax_harness.ground.errors import BadData
from softmax_harness.ground.guest import as_guest

if TYPE_CHECKING:
    import pandas as pd

    from softmax_harness.ground.formats import Format
    from softmax_harness.score import Held, Pair


@dataclass(frozen=True, repr=False)
class ScoreResult(Shown):
    """How near results are to the exact ones.

    Attributes
    ----------
    document : dict
        Everything, as ``softmax-harness score --json`` writes it.
    limits : tuple of Held
        Each limit, the value that it is on, and whether it holds.
    """

    document: Mapping[str, Any]
    limits: tuple[Held, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether all limits are kept."""
        return all(each.holds for each in self.limits)

    @property
    def text(self) -> str:
        """What the verb prints."""
        from softmax_harness.score.text import score_text

        return score_text(self.document, self.limits)

    @property
    def table(self) -> pd.DataFrame:
        """One row, whose columns are named as those of a run's results."""
        import pandas as pd

        plain = {
            name: value
            for name, value in self.document.items()
            if name != "schema" and isinstance(value, (str, int, float))
        }
        return pd.DataFrame([plain])


def score(
    y: Any,
    x: Any = None,
    *,
    operation: str = "softmax",
    axis: int = -1,
    y_dtype: str | None = None,
    limits: Mapping[str, float] | None = None,
    standard: str | None = None,
    policy: Mapping[str, str] | str | None = None,
    **operands: Any,
) -> ScoreResult:
    """Judge results that were computed elsewhere, as ``softmax-harness score`` does.

    It is done in this process, and no file is made.

    Parameters
    ----------
    y, x : array or path
        The results and the logits, as `softmax_harness.testing.assert_close` takes them; or the
        paths of files, .npy or ``FILE.safetensors:NAME``.
    operation : str
    axis : int
    y_dtype : str, optional
        The format of y, where its type is wider, or an unsigned integer that holds its bits.
    limits : mapping, optional
        What metrics must not exceed: ``{"max_ulp": 2}``. The result says whether they hold.
    standard : str, optional
    policy : mapping or str, optional
    **operands : array, number or path
        As `softmax_harness.testing.assert_close` takes them.

    Returns
    -------
    ScoreResult

    Raises
    ------
    HarnessError
        If the arrays do not fit each other, or a name does not exist.

    Examples
    --------
    >>> import numpy as np
    >>> import softmax_harness
    >>> scored = softmax_harness.score(np.array([0.5, 0.5]), np.array([0.0, 0.0]))
    >>> print(scored)
    2 elements in 1 rows, softmax, float64, held to native
      correctly rounded                 2
    max ulp                           0 ulp
    ...
    >>> scored.document["not_correctly_rounded"]
    0
    """
    with as_guest():
        from softmax_harness.ground.formats import format_named
        from softmax_harness.judgement.limits import check_measured, parsed_number
        from softmax_harness.operations import Policy, operation_named
        from softmax_harness.score import held_to, score_document
        from softmax_harness.score import score as scored_of

        numbers = [parsed_number(text, "limits:") for text in limit_texts(limits)]
        check_measured((metric for metric, _ in numbers), operation_named(operation))
        format = None if y_dtype is None else format_named(y_dtype)
        pair = _pair(y, x, operands, operation, axis, format)
        scored = scored_of(pair, Policy.of(policy), standard=standard, jobs=1)
        held = tuple(held_to(scored, *each) for each in numbers)
        return ScoreResult(score_document(scored, held), held)


def _pair(
    y: Any,
    x: Any,
    operands: Mapping[str, Any],
    operation: str,
    axis: int,
    format: Format | None,
) -> Pair:
    from softmax_harness.operations import operation_named
    from softmax_harness.score import Files, read_pair
    from softmax_harness.score.arrays import judged_pair

    given = [each for each in (y, x, *operands.values()) if each is not None]
    paths = [each for each in given if isinstance(each, (str, Path))]
    if not paths:
        return judged_pair(y, x, operands, operation, axis, format)
    if len(paths) < len(given):
        raise BadData(f"{paths[0]} is a path among arrays: expected paths alone, or arrays alone")
    beside = {name: Path(path) for name, path in operands.items()}
    first, *_ = operation_named(operation).parameters
    place = beside.pop(first, None) if x is None else Path(x)
    if place is None:
        raise BadData(f"{operation}: expected the path of {first}")
    y_dtype = None if format is None else format.name
    return read_pair(Files(place, Path(y), axis, operation, beside, y_dtype))
