"""How many rounds does ``run --time`` need? Eight softmaxes that are the same, timed in turns.

``python harness/benchmarks/twins.py`` prints how many pairs of them would be ranked, and are not
to be, after so many rounds: one line for each number of rounds.
"""

import itertools
import tempfile
from collections import defaultdict
from contextlib import chdir
from pathlib import Path

import numpy as np
from softmax_harness.ground.formats import DEFAULT_DTYPES
from softmax_harness.timing import calls

TWIN = """import numpy as np


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)
"""
TWINS = 8
DTYPES = tuple(name for name in DEFAULT_DTYPES if name != "float16")
MOST_ROUNDS = 8
_QUARTILES = (0.25, 0.5, 0.75)


def samples_by_round():
    """Samples of each call, by round."""
    found, a_round = defaultdict(dict), calls._round

    def kept(side, number, *rest):
        for call, answer in a_round(side, number, *rest):
            found[call][number] = answer["samples"]
            yield call, answer

    calls.ROUNDS, calls._round = MOST_ROUNDS, kept
    names = [f"twin{number}.py" for number in range(TWINS)]
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        for name in names:
            Path(name).write_text(TWIN, encoding="utf-8")
        wanted = dict.fromkeys((f"{name}:softmax" for name in names), DTYPES)
        calls.time_calls(wanted, lambda *progress: None)
    return found


def ranked(found, rounds):
    """Whether each pair would be ranked by some rounds after each other, and the ratio told."""
    for first in range(MOST_ROUNDS + 1 - rounds):
        by_length = defaultdict(list)
        for (_, dtype, n), own in found.items():
            samples = itertools.chain(*(own[first + number] for number in range(rounds)))
            by_length[dtype, n].append(np.quantile([*samples], _QUARTILES))
        for quartiles in by_length.values():
            for one, other in itertools.combinations(quartiles, 2):
                ratio = max(one[1] / other[1], other[1] / one[1])
                yield one[2] < other[0] or other[2] < one[0], ratio


def lines():
    """A line for each number of rounds."""
    found = samples_by_round()
    yield "| rounds | pairs of twins | ranked | largest ratio told |"
    yield "|---:|---:|---:|---:|"
    for rounds in range(2, MOST_ROUNDS + 1):
        every = list(ranked(found, rounds))
        told = [ratio for is_ranked, ratio in every if is_ranked]
        share = f"{len(told)} ({len(told) / len(every):.2%})"
        yield f"| {rounds} | {len(every)} | {share} | {max(told, default=1):.2f} |"


if __name__ == "__main__":
    for text in lines():
        print(text, flush=True)
