"""What a run keeps of its witnesses, and of where it comes from."""

import json
import shlex
from itertools import takewhile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from softmax_harness.ground.formats import FORMATS
from softmax_harness.ground.workers import Here
from softmax_harness.run.options import Options
from softmax_harness.run.provenance import command_of, provenance
from softmax_harness.run.selection import select
from softmax_harness.run.witnessing import _LEFT, Witnessing, bits_text, witness_table
from softmax_harness.subjects.declaration import Said

WITNESS = "float32:-0x1.77p+4,0x1.77p+4@0"


@pytest.mark.parametrize(
    "value, dtype, bits",
    [
        (1.0, "float16", "0 01111 0000000000"),
        (-1.5, "float32", "1 01111111 1" + 22 * "0"),
        (2.0**-1074, "float64", f"0 {11 * '0'} {51 * '0'}1"),
    ],
)
def test_bits_are_sign_exponent_and_fraction(value, dtype, bits):
    assert bits_text(value, FORMATS[dtype]) == bits


def test_the_line_holds_the_exact_value_between_its_neighbours():
    shown = json.loads(Witnessing("softmax", "max-shifted", WITNESS).do())
    below, above = float(shown["below"][0]), float(shown["above"][0])
    exact = float(shown["exact"])
    assert below < exact < above
    nearest = np.float32(shown["nearest"][0])
    assert nearest == np.float32(exact)
    assert np.nextafter(nearest, np.float32(1)) == np.float32(shown["above"][0])
    assert "\nmax-shifted\n  gives " in shown["text"] and "subtract" in shown["text"]


def test_of_a_long_row_both_ends_the_element_and_the_exact_steps_are_shown():
    shown = json.loads(
        Witnessing("softmax", "online", "float16:normal-1,n=4096,rows=1,seed=0@0,2000").do()
    )
    lines = shown["text"].splitlines()
    steps = [next(each for each in lines if f"  {number}. " in each) for number in (1, 2, 3)]
    for line in (lines[1], steps[0], steps[2]):
        assert all(f"[{place}] " in line for place in (0, 1, 2, 2000, 4095))
    assert "sum" in steps[1] and lines[-1].strip() == _LEFT
    assert shown["index"] == 2000 and len(shown["computed"][1].replace(" ", "")) == 16
    assert float(shown["below"][0]) < float(shown["exact"]) < float(shown["above"][0])


def test_what_cannot_be_shown_here_is_left_out():
    assert Witnessing("softmax", "gone.py:softmax", WITNESS).do() == ""
    keys = ("operation", "implementation", "dtype", "family")
    row = dict(zip(keys, ("softmax", "naive", "float32", "ties"), strict=True))
    rows = pd.DataFrame(
        [
            row | {"n": 2, "max_ulp": 3.0, "witness": WITNESS},
            row | {"n": 2, "max_ulp": 1.0, "witness": "float32:0,0@0"},
            row | {"n": 1 << 20, "max_ulp": 9.0, "witness": WITNESS, "dtype": "float64"},
        ]
    )
    table = witness_table(rows, Here(), Said())
    assert table["witness"].tolist() == [WITNESS]


@pytest.mark.parametrize(
    "words",
    [
        "",
        "naive kernel.py:f --operation log_softmax --dtype float16 --family ties --seed 3 --time",
        "--suite standard --truth mpmath",
    ],
)
def test_the_command_says_what_was_asked(words):
    given = shlex.split(words)
    named = takewhile(lambda each: not each.startswith("--"), given)
    pairs = {a: b for a, b in zip(given, given[1:], strict=False) if a.startswith("--")}
    options = Options(
        tuple(named),
        tuple(pairs.get("--dtype", "float16,float32,float64").split(",")),
        tuple(filter(None, pairs.get("--family", "").split(","))),
        pairs.get("--operation", "softmax"),
        pairs.get("--suite", "quick"),
        int(pairs.get("--seed", 0)),
        truth=pairs.get("--truth", "screened"),
        time="--time" in given,
    )
    assert command_of(vars(options)) == " ".join(filter(None, ["softmax-harness run", words]))


def test_a_run_tells_when_and_of_which_commit(monkeypatch, tmp_path):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    options = vars(select(Options(("naive",))).options)
    made = provenance(options)
    assert made["date"] == "1970-01-02 00:00 UTC"
    assert made["command"] == "softmax-harness run naive" and made["unavailable"] == {}
    monkeypatch.chdir(tmp_path)
    assert provenance(options)["commit"] == ""
    assert not list(Path(tmp_path).iterdir())
