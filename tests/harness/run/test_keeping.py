"""A run that was broken off goes on, and ends in the same bytes."""

import pytest
from softmax_harness.ground.kept import Kept
from softmax_harness.ground.workers import Here
from softmax_harness.run import identity as identities
from softmax_harness.run.identity import identity
from softmax_harness.run.keeping import Keeping
from softmax_harness.run.make import make_run
from softmax_harness.run.selection import select


class Ending(Here):
    """Ends, as a signal would have it, after so many jobs."""

    def __init__(self, jobs):
        self.left = jobs

    def submit(self, function, /, *given, **named):
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        return super().submit(function, *given, **named)


def test_a_run_that_ended_three_times_is_the_same(run, written, options, tmp_path):
    selection, kept = select(options), Kept(tmp_path / "units")
    starts, done = [], 0
    for jobs in (1, 4, 9):
        starts.append(Keeping(Ending(jobs), kept, "same"))
        with pytest.raises(KeyboardInterrupt):
            make_run(selection, starts[-1])
        done += jobs
        assert kept.count() == done
    last = Keeping(Here(), kept, "same")
    again = make_run(selection, last)
    assert last.known >= done and last.fresh > 0
    assert written(again, tmp_path / "again") == written(run, tmp_path / "whole")
    third = Keeping(Ending(0), kept, "same")
    assert written(make_run(selection, third), tmp_path / "kept") == written(
        run, tmp_path / "second"
    )


def test_nothing_is_believed_that_another_identity_kept(options, tmp_path):
    kept = Kept(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        make_run(select(options), Keeping(Ending(3), kept, "one"))
    other = Keeping(Ending(0), kept, "other")
    with pytest.raises(KeyboardInterrupt):
        make_run(select(options), other)
    assert other.known == 0


def test_an_error_of_a_job_is_its_futures_and_is_not_kept(tmp_path):
    class Failing(Here):
        def submit(self, function, /, *given, **named):
            from concurrent.futures import Future

            future = Future()
            future.set_exception(ValueError("lost"))
            return future

    kept = Kept(tmp_path)
    with pytest.raises(ValueError, match="lost"):
        Keeping(Failing(), kept, "").submit(abs, -1).result()
    assert kept.count() == 0


def test_the_identity_follows_what_decides_results(tmp_path, monkeypatch):
    mine, other = tmp_path / "mine.py", tmp_path / "beside.py"
    mine.write_text("def softmax(x, axis=-1): return x")
    data = tmp_path / "x.npy"
    data.write_bytes(b"1")

    def now():
        return identity([f"{mine}:softmax"], ["float32"], [str(data)])

    seen = [now()]
    assert now() == seen[0]
    for change in (
        lambda: mine.write_text("def softmax(x, axis=-1): return 2 * x"),
        lambda: other.write_text("y = 1"),
        lambda: data.write_bytes(b"2"),
        lambda: monkeypatch.setattr(identities, "_installed", lambda: ["numpy 0"]),
        lambda: monkeypatch.setattr(identities, "environment", lambda: {"processor": "another"}),
        lambda: monkeypatch.setattr(identities, "_code_of_package", lambda name: "changed"),
    ):
        change()
        seen.append(now())
    assert len(set(seen)) == len(seen)
    assert identity(["wide"], ["float16"]) != identity(["wide"], ["float64"])
    assert identity(["wide"], ["float16"]) == identity(["wide", "naive"], ["float16"])
