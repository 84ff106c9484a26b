"""`softmax_harness.explain`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from softmax_harness.api.shown import Shown, fit_in, names
from softmax_harness.ground.errors import BadData
from softmax_harness.ground.guest import as_guest

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from softmax_harness.inputs.witness import Witness
    from softmax_harness.operations import Operation


@dataclass(frozen=True, repr=False)
class Explanation(Shown):
    """The exact steps of a row, and what each implementation made of it.

    Attributes
    ----------
    told : str
        What the verb prints.
    exact : ndarray of float64, shape (m,)
        The exact results to the precision of float64.
    accounts : dict of str to tuple of ndarray
        By implementation, its results and their signed errors in ulp.
    """

    told: str
    exact: NDArray[np.float64]
    accounts: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]]

    @property
    def text(self) -> str:
        """What the verb prints."""
        return self.told

    @property
    def table(self) -> pd.DataFrame:
        """A row for each implementation and result."""
        import pandas as pd

        columns = ["implementation", "index", "y", "exact", "ulp"]
        parts = [
            pd.DataFrame(dict(zip(columns, (name, range(len(y)), y, self.exact, ulp), strict=True)))
            for name, (y, ulp) in self.accounts.items()
        ]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def explain(
    *what: Any,
    row: int | None = None,
    index: int | None = None,
    axis: int = -1,
    dtype: str | None = None,
    implementations: str | Sequence[str] = (),
    operation: str = "softmax",
    output_dtype: str | None = None,
    signature: str | None = None,
    arrays: str | None = None,
    device: str | None = None,
    shapes: Mapping[str, int] | None = None,
    **operands: Any,
) -> Explanation:
    """Show the steps of one row exactly, and how each implementation computes them.

    It does what ``softmax-harness explain`` does.

    Parameters
    ----------
    *what : numbers, array or str
        A row of logits as numbers; an array of logits, whoever's it is; or, as the command takes
        them, a witness or the path of a .npy file. Nothing for an operation that takes no logits.
    row : int, optional
        Which row of an array or file, counted from 0 over all axes but that of the operation.
    index : int, optional
        The result whose steps are followed, in a row of an array; by default the worst.
    axis : int
        The axis of the operation, in an array.
    dtype : str, optional
        The format to which logits are rounded; by default that of the array, float64 of numbers.
    implementations : str or sequence of str
        Only these; all that are registered by default.
    operation : str
    output_dtype : str, optional
        Of the results of a plain function that answers in another format.
    signature : str, optional
        How the functions of shared libraries are called that are named, as ``--signature`` takes
        it.
    arrays, device : str, optional
        The library whose arrays other functions take, such as ``torch``, and where these lie.
    shapes : mapping, optional
        As in `softmax_harness.check`.
    **operands : array, number or str
        Beside an array as `softmax_harness.testing.assert_close` takes them; as the command takes
        them beside a witness or a path. Made as a run makes them where none is given.

    Returns
    -------
    Explanation

    Raises
    ------
    HarnessError
        If there is nothing to explain, or a name does not exist.

    Examples
    --------
    >>> import softmax_harness
    >>> shown = softmax_harness.explain(2.0, 1.0, 0.1, implementations="max-shifted")
    >>> print(shown)
    softmax: z_i = ...
    logits as float64 stores them: 2.0  1.0  0.1
    exactly, by mpmath:
    ...
    >>> list(shown.table["implementation"])
    ['max-shifted', 'max-shifted', 'max-shifted']
    """
    with as_guest():
        from softmax_harness.explain.asked import subjects_of, witness_of
        from softmax_harness.explain.row import Explained, account
        from softmax_harness.explain.text import explained_text
        from softmax_harness.operations import operation_named
        from softmax_harness.subjects.declaration import Said

        if any(isinstance(each, str) for each in what):
            texts = {name: str(value) for name, value in operands.items()}
            words = tuple(map(str, what))
            about = operation_named(operation, fit_in(shapes))
            found = witness_of(words, row, dtype, about, texts)
        else:
            # Arrays have shapes of their own; what a call leaves out is left out of theirs, too.
            left_out = tuple(each for each in fit_in(shapes) if each[0].startswith("no-"))
            about = operation_named(operation, left_out)
            found = _row_of(_array(what, dtype), row, index, axis, about, operands)
        explained = Explained(found)
        said = Said(output_dtype, None, signature, arrays, device, fit_in(shapes))
        subjects = subjects_of(found, names(implementations), said)
        accounts = [(each, account(each, explained)) for each in subjects]
        text = explained_text(explained, accounts)
        results = {each.name: (own.y, own.ulp) for each, own in accounts if own.y is not None}
        return Explanation(text, explained.truth.value[0], results)


def _array(what: tuple[Any, ...], dtype: str | None) -> Any:
    """What stands for the logits: an array, or numbers; None where there is nothing."""
    from softmax_harness.ground.foreign_arrays import as_numpy
    from softmax_harness.ground.formats import format_named

    if not what:
        return None
    found = as_numpy(what[0] if len(what) == 1 else list(what), "x")
    return found if dtype is None else found.astype(format_named(dtype).dtype)


def _row_of(
    x: Any,
    row: int | None,
    index: int | None,
    axis: int,
    about: Operation,
    operands: Mapping[str, Any],
) -> Witness:
    """A row of arrays; the operands are made where none of them is given."""
    from softmax_harness.inputs.witness import Witness
    from softmax_harness.operations import DEFAULT_OPERATION, Problem
    from softmax_harness.score.arrays import empty_pair

    is_made = about.takes_logits and not operands
    of = DEFAULT_OPERATION if is_made else about.name
    pair, _ = empty_pair(x, operands, of, axis, None)
    if about.takes_logits and not pair.first.size:
        raise BadData(f"x is empty, of shape {pair.first.shape}: expected at least one logit")
    place = row or 0
    if not 0 <= place < pair.rows:
        raise BadData(f"row={row}: expected one of the {pair.rows} rows, counted from 0")
    inputs, format = pair.inputs(slice(place, place + 1)), pair.input_format
    found = Witness(
        problem=Problem.of(about, format),
        block=inputs.x.astype(format.dtype),
        row=0,
        index=index,
        given=None if is_made else inputs.operands,
    )
    size = pair.outputs(slice(0, 1)).shape[1] if about.one_to_one or not is_made else 1
    if index is not None and not 0 <= index < size:
        raise BadData(f"index={index}: expected one of the {size} results, counted from 0")
    return found
