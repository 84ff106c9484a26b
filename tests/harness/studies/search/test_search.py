"""A search finds what sampling does not, the same for the same seed, and says it truly."""

import csv
import json

import numpy as np
import pytest
from softmax_harness.ground.errors import BadData, BadImplementation
from softmax_harness.ground.workers import Here
from softmax_harness.inputs.families.real import FOLDER
from softmax_harness.inputs.witness import parse
from softmax_harness.judgement.question import question
from softmax_harness.operations import OPERATIONS, Inputs
from softmax_harness.studies.search.judged import judged
from softmax_harness.studies.search.make import Asked, problem_asked, searched
from softmax_harness.studies.search.results import document, text
from softmax_harness.studies.search.sampling import families_at, sampled
from softmax_harness.subjects.named import subject_named


def _searched(asked):
    return searched(asked, Here(), lambda *told: None)


def _of_sample(asked):
    problem = problem_asked(asked)
    subject = subject_named(asked.implementation, problem)
    blocks = sampled(
        problem.operation, problem.input_format, asked.n, asked.evaluations, asked.seed
    )
    blocks = [block for _, block in blocks]
    assert sum(len(each.x) for each in blocks) == asked.evaluations
    return max(judged(subject, each).error.max() for each in blocks)


@pytest.fixture(scope="module")
def found():
    return _searched(Asked("max-shifted", "float16", n=4, evaluations=2000))


def test_a_search_beats_a_sample_of_equal_cost(found):
    assert found.evaluations <= found.asked.evaluations
    assert found.worst.error > _of_sample(found.asked) > found.sampled_ulp * 0.5
    assert found.worst.error >= found.sampled_ulp


def test_the_same_seed_finds_the_same(found):
    assert document(_searched(found.asked)) == document(found)
    assert _searched(Asked("max-shifted", "float16", n=4, evaluations=2000, seed=1)) != found


def test_a_witness_shows_its_error_alone(found):
    for each in (found.worst, found.smallest):
        witness = parse(each.text)
        asked = question(witness.problem, witness.block, tier="mpmath")
        y = subject_named("max-shifted", witness.problem).call(witness.block).values
        assert asked.batch_of(y).absolute.max() == each.error
    assert found.smallest.n <= found.worst.n
    assert found.smallest.error >= 0.9 * found.worst.error
    assert f">= {found.worst.error:.10g} ulp at {found.worst.text}" in text(found)
    assert json.loads(document(found))["worst"]["witness"] == found.worst.text


def test_what_breaks_is_told_apart_and_is_small():
    found = _searched(Asked("naive", "float16", n=6, evaluations=800))
    assert found.broken.n <= 2 and np.isnan(found.broken.error)
    assert np.isfinite(found.worst.error)


def test_operands_go_with_their_rows():
    asked = Asked("one-pass", "float32", "cross_entropy", n=5, evaluations=400)
    from softmax_harness.subjects.catalogue import catalogue

    name = next(n for n, each in catalogue("cross_entropy").items() if not each.unavailable)
    found = _searched(Asked(name, asked.dtype, asked.operation, asked.n, asked.evaluations))
    assert ";target=" in found.worst.text


def test_families_of_that_length_alone_are_sampled():
    assert {each.name for each in families_at(4)} >= {"normal-10", "ties"}
    assert all(each.grid is None and 4 in (each.lengths or (4,)) for each in families_at(4))


def test_rows_that_were_searched_for_are_kept_with_the_errors_that_they_show():
    with open(FOLDER / "searched.csv", newline="", encoding="utf-8") as file:
        kept = [each for each in csv.DictReader(file) if each["ulp"] != "broken"]
    assert len(kept) > 30
    for each in kept:
        problem = problem_asked(Asked(each["implementation"], each["dtype"]))
        row = ",".join(each["row"].split())
        inputs = Inputs(parse(f"{each['dtype']}:{row}@0").block)
        subject = subject_named(each["implementation"], problem)
        (error,) = judged(subject, inputs, "mpmath").error
        # Another processor's exp may err otherwise.
        assert error > max(0.51, float(each["ulp"]) / 2), each


def test_what_cannot_be_searched_is_refused():
    name = OPERATIONS["attention"].name
    with pytest.raises(BadData, match="takes no logits"):
        problem_asked(Asked("wide", operation=name))
    with pytest.raises(BadImplementation, match="does not declare bfloat16"):
        problem_asked(Asked("max-shifted", "bfloat16"))
