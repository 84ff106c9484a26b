"""What the Tab key offers, and the script that a shell needs for it."""

import shutil
import subprocess
import sys

import pytest
from click.shell_completion import ShellComplete
from softmax_harness.cli import TASKS, VERBS, commands
from softmax_harness.cli.completion_verb import PROGRAM, SHELLS, VARIABLE


def offered(*words):
    """What is offered for the last of the words."""
    completing = ShellComplete(commands, {}, PROGRAM, VARIABLE)
    *given, typed = words
    return [each.value for each in completing.get_completions(given, typed)]


def test_verbs_are_offered_and_none_is_loaded_for_it():
    program = (
        "import sys\n"
        "from softmax_harness.cli import commands\n"
        "print([each.value for each in commands.shell_complete(None, 'co')])\n"
        "print([each for each in sys.modules if each.endswith('_verb')])\n"
    )
    words = [sys.executable, "-c", program]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["['compare', 'completion']", "[]"]


@pytest.mark.parametrize(
    "words, some, none",
    [
        (("check", "max"), {"max-shifted", "max"}, {"naive"}),
        (("run", "--operation", "logsumexp", "log"), {"log1p"}, {"log-sum-exp"}),
        (("run", "--dtype", "float16,float"), {"float16,float32"}, {"float16,float16"}),
        (("inputs", "--family", "normal-1,norm"), {"normal-1,normal-10"}, {"normal-1,normal-1"}),
        (("score", "--y-dtype", "b"), {"bfloat16"}, {"float16"}),
        (("explain", "--implementation", "na"), {"naive"}, {"wide"}),
    ],
)
def test_names_are_offered_where_they_are_taken(words, some, none):
    found = offered(*words)
    assert some <= {*found} and not none & {*found}


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_each_shell_calls_the_command(called, shell):
    text = called("completion", shell).stdout
    assert VARIABLE in text and PROGRAM in text
    if shutil.which(shell):
        done = subprocess.run(
            [shell, "-n"], input=text, check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr


def test_the_help_shows_each_verb_under_its_task(called):
    text = called("--help").stdout
    for task, verbs in TASKS.items():
        part = text.partition(f"\n{task}:\n")[2].partition("\n\n")[0]
        assert [line.split()[0] for line in part.splitlines() if line[2:3] != " "] == [*verbs]
    assert len({*VERBS}) == len(VERBS) and "..." not in text.partition("Options:")[2]
