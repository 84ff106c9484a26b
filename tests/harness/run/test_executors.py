"""A run is the same, bit for bit, for any executor: of processes, out of order, across a pipe."""

import json
import pickle
import random
from concurrent.futures import Executor, Future
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pandas as pd
import pytest
from softmax_harness.ground.workers import Here
from softmax_harness.operations import Operation
from softmax_harness.run.confirming import Confirming
from softmax_harness.run.experimenting import Experimenting
from softmax_harness.run.make import make_run
from softmax_harness.run.measuring import Measuring
from softmax_harness.run.options import Options
from softmax_harness.run.selection import select
from softmax_harness.run.witnessing import Witnessing


class Shuffled(Executor):
    """Does nothing until a result is asked for; then what waits, in any order, up to that one."""

    def __init__(self, seed):
        self.random, self.waiting = random.Random(seed), []

    def submit(self, function, /, *given, **named):
        future = Asked()
        future.executor = self
        self.waiting.append((future, function, given, named))
        return future

    def do_one(self):
        place = self.random.randrange(len(self.waiting))
        future, function, given, named = self.waiting.pop(place)
        future.set_result(function(*given, **named))


class Asked(Future):
    """A future that has other work done until its own is."""

    def result(self, timeout=None):
        while not self.done():
            self.executor.do_one()
        return super().result(timeout)


class Piped(Here):
    """Sends each job and each result as bytes, which is what a cluster does."""

    def __init__(self):
        self.sent = []

    def submit(self, function, /, *given, **named):
        there = pickle.dumps((function, given, named))
        function, given, named = pickle.loads(there)
        self.sent += given
        future = super().submit(function, *given, **named)
        back = Future()
        back.set_result(pickle.loads(pickle.dumps(future.result())))
        return back


@pytest.fixture(scope="module")
def expected(run, written, tmp_path_factory):
    return written(run, tmp_path_factory.mktemp("expected") / "run")


def test_two_processes_write_the_same_bytes(made, options, run, written, tmp_path):
    other = made(replace(options, jobs=2))
    assert other.info["options"].pop("jobs") == 2
    same = replace(run, info=run.info | {"options": dict(run.info["options"])})
    del same.info["options"]["jobs"]
    assert written(other, tmp_path / "two") == written(same, tmp_path / "one")


def test_jobs_in_any_order_write_the_same_bytes(options, expected, written, tmp_path):
    executor = Shuffled(0)
    assert written(make_run(select(options), executor), tmp_path / "run") == expected
    assert not executor.waiting


def test_jobs_and_results_sent_as_bytes_write_the_same_bytes(options, expected, written, tmp_path):
    executor = Piped()
    assert written(make_run(select(options), executor), tmp_path / "run") == expected
    assert {type(job) for job in executor.sent} == {
        Measuring,
        Confirming,
        Experimenting,
        Witnessing,
    }


def test_a_recipe_of_one_block_is_confirmed_where_it_was_measured(options):
    executor = Piped()
    make_run(select(replace(options, families=("masked",))), executor)
    assert {type(job) for job in executor.sent} == {Measuring, Witnessing}


def test_maxima_of_several_blocks_are_confirmed_by_a_job_of_their_own(made, tmp_path):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(0, 3, (40, 4000)))
    chosen = Options(("max-shifted",), ("float32",), (str(tmp_path / "x.npy"),))
    piped = Piped()
    found = make_run(select(chosen), piped)
    assert [type(job) for job in piped.sent] == [Measuring, Confirming, Witnessing]
    assert found.info["counts"]["confirmed"] > 0
    pd.testing.assert_frame_equal(found.results, made(chosen).results)


def test_a_run_of_several_operations_and_formats_is_sent_as_bytes_too(written, tmp_path):
    chosen = Options(
        ("shifted", "max-shifted", "online"), ("float16", "float32"), ("normal-1",), operation="all"
    )
    here = written(make_run(select(chosen), Here()), tmp_path / "here")
    piped = Piped()
    assert written(make_run(select(chosen), piped), tmp_path / "piped") == here
    assert {"properties.csv", "attention_shares.csv"} <= set(here)
    operations = {job.problem.operation.name for job in piped.sent if isinstance(job, Measuring)}
    assert operations > {"softmax", "log_softmax", "attention"}


def test_a_job_holds_names_and_numbers_alone(options):
    executor = Piped()
    make_run(select(replace(options, families=("digits",))), executor)
    for job in executor.sent:
        if not isinstance(job, Confirming):  # which has tallies besides
            json.dumps(plain(job))


def plain(value):
    if isinstance(value, Operation):  # which crosses as its name
        return value.name
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    return value


def test_what_a_job_raises_ends_the_run(options, monkeypatch):
    def broken(job):
        raise ZeroDivisionError

    monkeypatch.setattr(Experimenting, "do", broken)
    for executor in (Here(), Shuffled(0)):
        with pytest.raises(ZeroDivisionError):
            make_run(select(options), executor)
