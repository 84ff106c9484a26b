"""Each surprise has a script without this harness, and a text with its witness and its output."""

import ast

import pandas as pd
import pytest
from softmax_reports.survey.made import surprises
from softmax_reports.survey.read import Survey


@pytest.fixture
def folder(root):
    return root / "reports" / "survey" / "surprises"


def test_each_surprise_has_a_script_a_witness_and_what_it_printed(folder):
    scripts = sorted(path.stem for path in folder.glob("*.py"))
    assert len(scripts) >= 10
    assert scripts == sorted(path.stem for path in folder.glob("*.md"))
    for name in scripts:
        text = (folder / f"{name}.md").read_text(encoding="utf-8")
        assert text.startswith("# ") and "\nWitness: " in text
        printed = text.split("It printed, ")[1].split("\n\n")[1]
        assert printed.startswith("    ") and printed.strip()


def test_no_script_needs_the_harness(folder):
    for path in folder.glob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        modules = [node.module for node in nodes if isinstance(node, ast.ImportFrom)]
        for node in nodes:
            modules += [each.name for each in node.names] if isinstance(node, ast.Import) else []
        assert not [name for name in modules if name.startswith("softmax_")], path


def test_the_page_lists_them(folder):
    found = []
    for device in ({}, {"device": "a card"}):
        about = {"libraries": {"torch": {"device": device}}}
        section = surprises(folder, Survey(about, *[pd.DataFrame()] * 3))
        found += [] if section is None else section.parts[1].rows
    assert len(found) == len(list(folder.glob("*.py")))
    assert all(witness and script.endswith(".py") for _, witness, script in found)
