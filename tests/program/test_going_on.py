"""A run that was killed goes on where it ended, and ends in the same bytes."""

import importlib.util
import json
import sys

import pytest


@pytest.fixture(scope="module")
def kills(root):
    """The script that does this many times."""
    path = root / "tests" / "program" / "go_on_after_kills.py"
    spec = importlib.util.spec_from_file_location("go_on_after_kills", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no process groups")
def test_a_run_that_is_killed_ends_in_the_same_bytes(kills, tmp_path):
    """Twenty times: ``python tests/program/go_on_after_kills.py``."""
    seen = kills.killed_again_and_again(kills.SMALL, 1, tmp_path, seed=4)
    assert seen.kills == 1 and seen.ends >= 1 and not seen.faults


def test_a_second_start_says_what_it_found(called, tmp_path):
    words = ("exhaustive", "wide", "--dtype", "float8_e5m2", "--jobs", "1")
    units, document = tmp_path / "units", tmp_path / "found.json"
    own = (*words, "--units", units, "--json", document)
    first = called(*own)
    assert first.returncode == 0, first.stderr
    told = json.loads(document.read_text())["results"][0]
    assert told["rows"] == 248**2 and f"= {told['max_larger']:.10g} at" in first.stdout
    second = called(*own)
    assert second.stdout == first.stdout
    assert "found 2 finished units" in second.stderr
    assert "2 units were finished before, 0 were done now" in second.stderr
    fresh = called(*own, "--fresh")
    assert fresh.stdout == first.stdout and "finished before" not in fresh.stderr


def test_a_search_from_the_command(called, tmp_path):
    words = ("search", "max-shifted", "--dtype", "float16", "--n", "3", "--evaluations", "600")
    done = called(*words, "--jobs", "1", "--units", tmp_path / "units")
    assert done.returncode == 0, done.stderr
    assert "largest error >= " in done.stdout and "600 rows judged" in done.stdout
    refused = called("search", "max-shifted", "--dtype", "bfloat16")
    assert refused.returncode == 2 and refused.stderr.count("\n") == 1
