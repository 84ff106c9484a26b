"""No module beside those of an operation decides anything by the name of one."""

import ast

import pytest
from softmax_harness.operations import OPERATIONS

# What is about particular operations by its nature, as an implementation is.
OF_THEIR_OWN = (
    "harness/softmax_harness/operations",
    "harness/softmax_harness/studies/reproduce",
    "harness/softmax_harness/run/experiments",
)
# The public functions show their default in their signature, and import nothing to name it.
DOORS = ("harness/softmax_harness/api", "harness/softmax_harness/testing")
SIGNATURE = '    operation: str = "softmax",'
CODE = ("harness/softmax_harness", "reports/softmax_reports")
_TAKE_A_NAME = ("operation_named", "catalogue", "implementations", "of", "qualified", "described")
_WRITTEN_OUT = (ast.Constant, ast.Tuple, ast.List, ast.Set, ast.Dict)
_KEYWORDS = ("operation", "operations")


def names_in(node):
    """The names of operations that are written in an expression."""
    constants = [each for each in ast.walk(node) if isinstance(each, ast.Constant)]
    return [each for each in constants if isinstance(each.value, str) and each.value in OPERATIONS]


def deciding(node):
    """The parts of a node by which something is decided: compared, looked up or passed on."""
    if isinstance(node, ast.Compare):
        operands = (node.left, *node.comparators)
        yield from (each for each in operands if isinstance(each, _WRITTEN_OUT))
    elif isinstance(node, ast.Subscript):
        yield from [node.slice] if getattr(node.value, "id", "") == "OPERATIONS" else []
    elif isinstance(node, ast.arguments):
        yield from filter(None, [*node.defaults, *node.kw_defaults])
    elif isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") in _KEYWORDS:
        yield from filter(None, [node.value])
    elif isinstance(node, ast.Call):
        yield from (each.value for each in node.keywords if each.arg in _KEYWORDS)
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        yield from node.args if called in _TAKE_A_NAME else []


def found_in(text):
    """The lines of a module that decide by the name of an operation."""
    parts = (part for node in ast.walk(ast.parse(text)) for part in deciding(node))
    return sorted({name.lineno for part in parts for name in names_in(part)})


def test_no_other_module_decides_by_the_name_of_an_operation(root):
    found = []
    for path in (path for folder in CODE for path in (root / folder).rglob("*.py")):
        place = path.relative_to(root).as_posix()
        if not place.startswith(OF_THEIR_OWN):
            text = path.read_text(encoding="utf-8")
            lines = found_in(text)
            if place.startswith(DOORS):
                lines = [line for line in lines if text.splitlines()[line - 1] != SIGNATURE]
            found += [f"{place}:{line}" for line in lines]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        'if name == "softmax": pass',
        'if name in ("attention", "gradient"): pass',
        'about = OPERATIONS["logsumexp"]',
        'run.of("softmax")',
        'suite(name, operation="attention")',
        'def f(x, operation="softmax"): pass',
        'class A:\n    operation: str = "softmax"',
    ],
)
def test_what_decides_by_a_name_would_be_found(text):
    assert found_in(text)


def test_words_that_are_no_operation_are_let_be():
    assert not found_in('"""softmax"""\ntable = run.tables.get("attention")\nprint("softmax")')
