"""Recomputes a survey's figures without its truth: plain mpmath, one number after another.

    PYTHONPATH=harness:implementations PYTHON reports/survey/recompute.py DIR LIBRARY

PYTHON is that of an environment of the survey. Of each implementation of a library it calls the
function itself on the inputs of the largest error of each operation and format, and takes that
error again at the witness; and the mean error of a family of short rows over all its elements. It
writes DIR/recomputed/LIBRARY.csv and ends with 1 where a figure differs by more than 1 %. Nothing
of the harness is used but the inputs.
"""

import csv
import os
import sys
from functools import lru_cache
from pathlib import Path

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"), "1")

import mpmath
import numpy as np
import pandas as pd
from softmax_harness.inputs.witness import parse
from softmax_implementations import implementations

PRECISION = {
    "float8_e4m3fn": (4, -6),
    "float8_e5m2": (3, -14),
    "float16": (11, -14),
    "bfloat16": (8, -126),
    "float32": (24, -126),
    "float64": (53, -1022),
}
BITS = 400
BITS_OF_LOGARITHMS = 1200  # log(1 + e) needs as many as e is small: e**-745 is 2**-1075
OURS = {"softmax-harness": ("accurate", "max-shifted")}
WITHIN = 0.01
MEAN_OF = ("normal-1", 100)


def ulp(z, dtype):
    """The spacing of the format at z, as Goldberg has it."""
    precision, least = PRECISION[dtype]
    exponent = least if z == 0 else max(int(mpmath.floor(mpmath.log(abs(z), 2))), least)
    return mpmath.mpf(2) ** (exponent - precision + 1)


def numbers(row):
    """The numbers of a row, exactly."""
    return [mpmath.mpf(float(each)) for each in row]


@lru_cache(maxsize=4)
def exponentials(row):
    """The exponentials of a row and their sum; a mean asks for them at every place of it."""
    exps = [mpmath.exp(each) for each in row]
    return exps, mpmath.fsum(exps)


def exact(operation, row, operands, index):
    """One result of a row as mpmath has it."""
    exps, total = exponentials(tuple(row))
    if operation == "softmax":
        return exps[index] / total
    if operation == "log_softmax":
        return row[index] - mpmath.log(total)
    if operation == "logsumexp":
        return mpmath.log(total)
    if operation == "cross_entropy":
        return mpmath.log(total) - row[int(operands[0])]
    if operation == "logsumexp_weighted":
        weights = numbers(operands[0])
        return mpmath.log(mpmath.fsum(b * e for b, e in zip(weights, exps, strict=True)))
    raise SystemExit(f"{operation} is not recomputed here")


def attention(q, k, v, mask, column):
    """One component of one query's attention."""
    root = mpmath.sqrt(q.shape[-1])
    seen = np.flatnonzero(mask[0])
    keys, query = [numbers(k[place]) for place in seen], numbers(q[0])
    scores = [mpmath.fdot(query, key) / root for key in keys]
    e = [mpmath.exp(each - max(scores)) for each in scores]
    values = numbers(v[seen, column])
    return mpmath.fdot(e, values) / mpmath.fsum(e)


def answered(implementation, operation, witness):
    """What an implementation gives for the whole block of a witness, as float64."""
    arguments = witness.problem.operation.called_with(witness.block, witness.operands)
    named = {"axis": -1} if witness.problem.operation.has_axis else {}
    if implementation.arrays:
        from softmax_harness.ground.adapters import adapter_named

        adapter = adapter_named(implementation.arrays)
        with adapter.enabled(arguments):
            given = [adapter.from_numpy(np.array(each)) for each in arguments]
            y = adapter.to_numpy(implementation.function(*given, **named))
    else:
        y = implementation.function(*arguments, **named)
    return np.asarray(y).astype(np.float64).reshape(len(witness.block), -1)


def error_at(operation, dtype, witness, y, row, index):
    """The error in ulp of one result."""
    operands = [each[row] for each in witness.operands]
    if not witness.problem.operation.takes_logits:
        z = attention(*operands, index)
    else:
        z = exact(operation, numbers(witness.block[row]), operands, index)
    return abs(mpmath.mpf(float(y[row, index])) - z) / ulp(z, dtype)


def of_maximum(implementation, cell):
    """The error at the witness of a cell of results.csv."""
    witness = parse(cell["witness"], cell["operation"])
    y = answered(implementation, cell["operation"], witness)
    index = min(witness.index, y.shape[1] - 1)
    return error_at(cell["operation"], cell["dtype"], witness, y, witness.row, index)


def _sees(witness, row):
    """Whether a row of attention sees anything: if not, no formula gives its results."""
    return witness.problem.operation.takes_logits or bool(witness.operands[-1][row].any())


def of_mean(implementation, cell):
    """The mean error over all elements of a cell."""
    witness = parse(cell["witness"], cell["operation"])
    y = answered(implementation, cell["operation"], witness)
    errors = [
        error_at(cell["operation"], cell["dtype"], witness, y, row, index)
        for row in range(len(y))
        for index in range(y.shape[1])
        if np.isfinite(y[row, index]) and _sees(witness, row)
    ]
    return mpmath.fsum(errors) / len(errors)


def cells(results, library):
    """The cells to take again: of each the name of its figure, and what it says."""
    own = results[
        (results["library"] == library) & results["setting"].isna() & results["way"].isna()
    ]
    for _, group in own.groupby(["implementation", "operation", "dtype"], sort=False):
        if group["max_ulp"].notna().any():
            yield "max_ulp", group.loc[group["max_ulp"].idxmax()], of_maximum
        short = group[(group["family"] == MEAN_OF[0]) & (group["n"] == MEAN_OF[1])]
        for _, cell in short[short["mean_ulp"].notna()].head(1).iterrows():
            yield "mean_ulp", cell, of_mean


def main():
    folder, library = Path(sys.argv[1]), sys.argv[2]
    rows, bad = [], 0
    for figure, cell, again in cells(pd.read_csv(folder / "results.csv"), library):
        implementation = implementations(cell["operation"])[cell["implementation"]]
        is_narrow = cell["dtype"] != "float64" or cell["operation"] == "softmax"
        mpmath.mp.prec = BITS if is_narrow else BITS_OF_LOGARITHMS
        stated, found = float(cell[figure]), float(again(implementation, cell))
        difference = abs(found - stated) / stated if stated else abs(found)
        bad += difference > WITHIN
        names = ("implementation", "operation", "dtype", "family", "n")
        rows.append([*(cell[name] for name in names), figure, stated, found, difference])
        print(*rows[-1][:6], f"{stated:.6g} {found:.6g} {difference:.2g}", flush=True)
    (folder / "recomputed").mkdir(exist_ok=True)
    with open(folder / "recomputed" / f"{library}.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*names, "figure", "stated", "recomputed", "difference"])
        writer.writerows(rows)
    print(f"{library}: {len(rows)} figures, {bad} differ by more than {WITHIN:.0%}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
