"""run.json tells what was wrong with calls of all cells, each once."""

from types import SimpleNamespace

from softmax_harness.ground.formats import FORMATS
from softmax_harness.inputs.families import FAMILIES, Recipe
from softmax_harness.run.info import info_of_cells
from softmax_harness.run.measuring import Counts


def test_the_faults_of_a_cell_do_not_hide_those_of_another():
    def cell(n, *faults, operation="softmax"):
        recipe = Recipe(FAMILIES["equal"], FORMATS["float32"], n, 1, 0)
        return SimpleNamespace(
            operation=operation, implementation="own", recipe=recipe, faults=faults
        )

    cells = [cell(1, "raised A", "raised B"), cell(2, "raised B"), cell(3), cell(4, "raised C")]
    cells.append(cell(4, "raised D", operation="gradient"))
    found = info_of_cells({"dtypes": []}, {}, cells, Counts(0, 0))["faults"]
    assert found == {
        "own float32": ["raised A", "raised B", "raised C"],
        "gradient/own float32": ["raised D"],
    }


def test_what_was_wrong_with_calls_is_told_when_the_run_is_written(called, tmp_path):
    """A function that raises in each call is otherwise so many results that are no numbers."""
    kernel = tmp_path / "kernel.py"
    kernel.write_text("def softmax(x, axis=-1):\n    raise TypeError('no')\n", encoding="utf-8")
    given = ("--dtype", "float32", "--family", "normal-1", "--jobs", "1", "--out", tmp_path / "run")
    done = called("run", f"{kernel}:softmax", *given)
    assert done.returncode == 0
    assert f"note: calls of {kernel}:softmax float32: raised TypeError: no\n" in done.stderr
