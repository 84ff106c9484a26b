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
