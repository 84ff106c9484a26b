"""Options that several verbs share."""

import pytest
from softmax_harness.cli import commands


def given(verb, *words):
    """What the verb's options are, by name."""
    command = commands.get_command(commands.make_context("softmax-harness", [verb]), verb)
    return command.make_context(verb, list(words)).params


@pytest.mark.parametrize("verb", ["check", "run", "exhaustive"])
@pytest.mark.parametrize(
    "words",
    [
        ("--dtype", "float32,fp16"),
        ("--dtype", "float32", "--dtype", "fp16"),
        ("--dtype", "fp32,float32", "--dtype", "float16,float32"),
    ],
)
def test_formats_stand_between_commas_or_after_options_each_once(verb, words):
    assert given(verb, "wide", *words)["dtypes"] == ("float32", "float16")


def test_families_and_kinds_of_figures_are_taken_several_times_too():
    families = given("inputs", "--family", "equal", "--family", "peaks,equal")["families"]
    assert families == ("equal", "peaks")
    figures = given("report", "run", "--figures", "pdf", "--figures", "png")["figures"]
    assert figures == ("svg", "pdf", "png")
