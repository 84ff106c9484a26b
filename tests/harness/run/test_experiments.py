"""Experiments are found by their files, and each states what it needs."""

from pathlib import Path

import pytest
from softmax_harness.inputs.families import FAMILIES
from softmax_harness.operations import OPERATIONS
from softmax_harness.run import experiments, make, results, selection, tables
from softmax_harness.run.experiments import EXPERIMENTS
from softmax_harness.run.results import TABLES

HELPERS = ("__init__", "experiment", "outputs")


def test_every_file_is_an_experiment_of_its_name_in_the_order_of_the_tables():
    files = {path.stem for path in Path(experiments.__file__).parent.glob("*.py")}
    assert set(EXPERIMENTS) == files - set(HELPERS)
    assert list(EXPERIMENTS) == [
        "digits",
        "attention",
        "multi_label",
        "properties",
        "attention_shares",
    ]
    places = [each.place for each in EXPERIMENTS.values()]
    assert len(set(places)) == len(places)


def test_their_tables_are_tables_of_a_run():
    assert [name for name in TABLES if name in EXPERIMENTS] == list(EXPERIMENTS)


@pytest.mark.parametrize("each", EXPERIMENTS.values(), ids=EXPERIMENTS)
def test_what_it_needs_is_there(each):
    assert set(each.operations) <= set(OPERATIONS) and set(each.families) <= set(FAMILIES)


def test_whoever_makes_a_run_knows_none_of_them_by_name():
    for module in (make, selection, tables, results):
        text = Path(module.__file__).read_text(encoding="utf-8")
        assert not any(f'"{name}"' in text or f".{name}" in text for name in EXPERIMENTS)
