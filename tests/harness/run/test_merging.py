"""Partial runs are merged into the run that they are parts of, or refused."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from softmax_harness.ground.errors import BadFolder
from softmax_harness.run.merging import merged
from softmax_harness.run.options import Options
from softmax_harness.run.results import Run, read

WHOLE = Options(
    implementations=("max-shifted", "naive"),
    dtypes=("float16", "float32"),
    families=("masked", "digits"),
)


@pytest.fixture(scope="module")
def kept(made, written, tmp_path_factory):
    """A run as it is read from its folder, and its files: ``kept(options)``."""
    top, known = tmp_path_factory.mktemp("parts"), {}

    def run(options):
        if options not in known:
            folder = top / str(len(known))
            known[options] = written(made(options), folder), read(folder)
        return known[options]

    return run


def parts(field):
    """The whole in two, by what the options say in one field."""
    return [replace(WHOLE, **{field: (each,)}) for each in getattr(WHOLE, field)]


def joined(kept, options):
    return merged([(str(place), kept(each)[1]) for place, each in enumerate(options)])


def changed(run, **columns):
    """The same run with other values in results.csv."""
    return Run(run.info, run.tables | {"results": run.results.assign(**columns)})


@pytest.mark.parametrize("field", ("implementations", "dtypes", "families"))
def test_the_parts_of_a_run_are_the_run(kept, written, tmp_path, field):
    run, notes = joined(kept, parts(field))
    own, whole = written(run, tmp_path / "merged"), kept(WHOLE)[0]
    assert own.keys() == whole.keys() and not notes
    assert [name for name in whole if name != "run.json" and own[name] != whole[name]] == []
    info = kept(WHOLE)[1].info
    for key in (
        "options",
        "implementations",
        "families",
        "environment",
        "faults",
        "elementary_errors",
    ):
        assert run.info[key] == info[key]
    assert [each["processor"] for each in run.info["parts"]] == 2 * [
        info["environment"]["processor"]
    ]


def test_what_several_parts_have_is_taken_once(kept, written, tmp_path):
    run, _ = joined(kept, [*parts("dtypes"), WHOLE])
    own, whole = written(run, tmp_path / "merged"), kept(WHOLE)[0]
    assert own["results.csv"] == whole["results.csv"]
    assert own["histograms.csv"] == whole["histograms.csv"]


def test_what_differs_in_two_parts_is_refused(kept):
    run = kept(WHOLE)[1]
    other = run.results["max_ulp"].copy()
    place = int(np.flatnonzero(other > 1)[0])
    other[place] = np.nextafter(other[place], np.inf)
    row = run.results.iloc[place]
    where = f"{row['operation']} {row['implementation']} {row['dtype']} {row['family']}"
    with pytest.raises(BadFolder, match=f"a and b differ in results.csv at {where}: leave it out"):
        merged([("a", run), ("b", changed(run, max_ulp=other))])


@pytest.mark.parametrize(
    "info, told",
    [
        ({"options": {"seed": 7}}, "differ in seed, 0 and 7"),
        ({"options": {"suite": "full"}}, "differ in suite, quick and full"),
        ({"options": {"standard": "native"}}, "differ in standard"),
        (
            {"environment": {"packages": {"softmax-harness": "9"}}},
            "differ in the version of softmax-harness",
        ),
        ({"implementations": {"naive": {"summary": "another"}}}, "declare naive differently"),
    ],
)
def test_parts_of_other_runs_are_refused(kept, info, told):
    run = kept(WHOLE)[1]
    ((key, values),) = info.items()
    other = Run(run.info | {key: run.info[key] | values}, run.tables)
    with pytest.raises(BadFolder, match=told):
        merged([("a", run), ("b", other)])


def test_times_of_several_runs_do_not_stand_side_by_side(kept):
    first, second = (kept(each)[1] for each in parts("implementations"))
    timed = [
        Run(run.info, run.tables | {"timings": pd.DataFrame({"seconds": [1.0]})})
        for run in (first, second)
    ]
    run, (note,) = merged([("a", timed[0]), ("b", timed[1])])
    assert "timings" not in run.tables and "the times are left out" in note
    run, notes = merged([("a", timed[0]), ("b", second)])
    assert "timings" in run.tables and not notes


def test_processors_that_differ_are_all_named(kept):
    first, second = (kept(each)[1] for each in parts("implementations"))
    elsewhere = second.info["environment"] | {"processor": "Another"}
    run, _ = merged(
        [("a", first), ("b", Run(second.info | {"environment": elsewhere}, second.tables))]
    )
    assert run.info["environment"]["processor"].endswith(" | Another")
    assert run.info["environment"]["python"] == first.info["environment"]["python"]
    assert run.info["parts"][1]["processor"] == "Another"
