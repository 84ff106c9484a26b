"""A format may be called by the short names that people type, wherever one is taken."""

import json

import click
import numpy as np
import pytest
import softmax_harness
from softmax_harness.check.gate.settings import found_settings
from softmax_harness.cli import VERBS, commands
from softmax_harness.operations import OPERATIONS
from softmax_harness.subjects.declaration import Said, described
from softmax_harness.subjects.native.signature import parse
from softmax_harness.testing import exact
from softmax_harness.timing import suite


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_that_takes_a_format_takes_them(verb):
    command = commands.get_command(None, verb)
    context = click.Context(command)
    for option in command.params:
        if option.name in ("dtype", "dtypes", "x_dtype", "y_dtype", "output_dtype"):
            taken = option.process_value(context, ("fp16",) if option.multiple else "fp16")
            assert taken in ("float16", ("float16",)), option.opts
            offered = option.shell_complete(context, "float1")
            assert [each.value for each in offered] == ["float16"], option.opts


def test_commands_take_them_and_write_the_own_name(called, tmp_path):
    out = tmp_path / "in"
    done = called("inputs", "--dtype", "half,fp16", "--family", "ties", "--out", out)
    assert done.returncode == 0, done.stderr
    lines = (out / "index.txt").read_text().splitlines()
    assert lines and {line.split()[1] for line in lines} == {"float16"}
    path = tmp_path / "check.json"
    words = ("wide", "--dtype", "bf16", "--only", "shapes", "--json", path)
    assert called("check", *words).returncode == 0
    (result,) = json.loads(path.read_text())["results"]
    assert result["dtype"] == "bfloat16"


def test_numbers_and_arrays_are_judged_in_them(called, tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((1, 2), np.float32))
    np.save(tmp_path / "y.npy", np.full((1, 2), 0.5, np.float32))
    words = (tmp_path / "x.npy", tmp_path / "y.npy", "--y-dtype", "fp16")
    assert "float16" in called("score", *words).stdout
    words = ("0", "0", "--dtype", "single", "--implementation", "naive")
    assert "as float32 stores them" in called("explain", *words).stdout
    assert exact(np.zeros(2), dtype="half").dtype == np.float16


def test_the_functions_take_them():
    found = softmax_harness.check("wide", dtypes="bf16", only="shapes")
    assert [each.dtype for each in found.results] == ["bfloat16"]
    assert Said(output_dtype="bf16").output_dtype == "bfloat16"
    assert suite("naive", dtypes=("fp32",)).time_softmax.params[1] == ["float32"]


def test_declarations_and_settings_take_them(tmp_path):
    declared = {
        "dtypes": ("fp16", "double"),
        "largest_n": {"half": 8},
        "expected_findings": ("inaccurate in fp16 up to 9 ulp",),
        "output_dtype": "fp32",
    }
    found = described("mine", declared, "")
    assert found.dtypes == ("float16", "float64") and found.output_dtype == "float32"
    assert found.largest_n == {"float16": 8} and found.expects("inaccurate", "float16", 9.0)
    (tmp_path / "pyproject.toml").write_text(
        '[tool.softmax-harness]\nimplementations = ["wide"]\n'
        '[[tool.softmax-harness.limits]]\nmax_ulp = 4\ndtype = "fp16"\n'
        '[[tool.softmax-harness.waivers]]\nkind = "raised"\nreason = "so"\ndtype = "bf16"\n'
        "expires = 2030-01-31\n",
        encoding="utf-8",
    )
    project = found_settings(tmp_path)
    assert project.limits[0].dtype == "float16" and project.waivers[0].dtype == "bfloat16"


@pytest.mark.parametrize("text", ["float rows,n", "fp32 rows,n", "x:single,y:float32,rows,n"])
def test_signatures_take_those_of_c_and_of_python(text):
    found = parse(text, OPERATIONS["softmax"])
    assert {each.dtype for each in found.parameters if hasattr(each, "dtype")} == {"float32"}
