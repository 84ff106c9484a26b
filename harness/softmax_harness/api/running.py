"""`softmax_harness.run`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from softmax_harness.api.shown import Shown, check_whole, dtype_names, fit_in, names
from softmax_harness.ground.guest import as_guest

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class RunResult(Shown):
    """What a run measured.

    Attributes
    ----------
    info : dict
        Options, environment and counts, as run.json has them.
    tables : dict of str to DataFrame
        ``results`` always; others as far as they have rows.
    left_out : tuple of str
        What was named and is not measured.
    """

    info: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]
    left_out: tuple[str, ...] = ()

    @property
    def table(self) -> pd.DataFrame:
        """A row for each operation, implementation, dtype, family and length."""
        return self.tables["results"]

    @property
    def summary(self) -> pd.DataFrame:
        """The worst of each implementation in each dtype, over families and lengths."""
        keys = ["operation", "implementation", "dtype"]
        worst = self.table.groupby(keys, sort=False)
        columns = {name: worst[name].sum() for name in ("elements", *_faults(self.table))}
        return worst[["max_ulp"]].max().assign(**columns).reset_index()

    @property
    def text(self) -> str:
        """The summary, and what was left out."""
        lines = [self.summary.to_string(index=False)]
        return "\n".join([*lines, *(f"note: {each}" for each in self.left_out)])


def _faults(table: pd.DataFrame) -> list[str]:
    """The outcomes that are faults and that occur."""
    from softmax_harness.judgement.outcomes import FAULTS

    return [str(each) for each in FAULTS if table[str(each)].any()]


def run(
    *implementations: str,
    operation: str = "softmax",
    dtypes: str | Sequence[str] = (),
    families: str | Sequence[str] = (),
    suite: str = "quick",
    seed: int = 0,
    jobs: int = 1,
    truth: str = "screened",
    time: bool = False,
    standard: str | None = None,
    output_dtype: str | None = None,
    signature: str | None = None,
    arrays: str | None = None,
    device: str | None = None,
    shapes: Mapping[str, int] | None = None,
    out: str | Path | None = None,
) -> RunResult:
    """Measure implementations on families of inputs, as ``softmax-harness run`` does.

    Parameters
    ----------
    *implementations : str
        Names as the command takes them; all that are registered and can run here by default.
    operation : str
        One of them, or ``all``.
    dtypes : str or sequence of str
        float16, float32 and float64 by default.
    families : str or sequence of str
        All of the suite by default.
    suite : str
        ``quick``, ``standard`` or ``full``.
    seed : int
    jobs : int
        Worker processes. More than one are spawned: a script then needs
        ``if __name__ == "__main__":`` around what it does.
    truth : {"screened", "mpmath"}
        Whether mpmath judges everything, or what the screen leaves open and every maximum.
    time : bool
        Whether what is measured is timed too.
    standard, output_dtype, signature, arrays, device : str, optional
        As in `softmax_harness.check`.
    shapes : mapping, optional
        As in `softmax_harness.check`.
    out : path, optional
        The folder into which the run is written with its report; none by default.

    Returns
    -------
    RunResult

    Raises
    ------
    HarnessError
        If a name does not exist, or the folder holds something else.

    Examples
    --------
    >>> import softmax_harness
    >>> measured = softmax_harness.run("max-shifted", dtypes="float32", families="ties")
    >>> bool(measured.table["max_ulp"].max() < 100)
    True
    """
    with as_guest():
        from softmax_harness.ground.files import check_writable
        from softmax_harness.ground.formats import DEFAULT_DTYPES
        from softmax_harness.ground.workers import workers
        from softmax_harness.run.make import make_run
        from softmax_harness.run.options import Options
        from softmax_harness.run.results import FILES
        from softmax_harness.run.selection import select
        from softmax_harness.subjects.declaration import Said

        check_whole(0, seed=seed)
        check_whole(1, jobs=jobs)
        if out is not None:
            check_writable(Path(out), writes=FILES)
        asked = Options(
            implementations,
            dtype_names(dtypes) or DEFAULT_DTYPES,
            names(families),
            operation,
            suite,
            seed,
            jobs,
            truth,
            Said(output_dtype, standard, signature, arrays, device, fit_in(shapes)),
            time,
        )
        selection = select(asked)
        with workers(jobs) as executor:
            made = make_run(selection, executor)
        if out is not None:
            from softmax_reports.run_folder import write_run  # and matplotlib, only for a folder

            write_run(made, Path(out))
        return RunResult(made.info, made.tables, tuple(selection.left_out))
