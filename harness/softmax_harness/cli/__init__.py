"""The command softmax-harness: one file for each verb."""

from __future__ import annotations

import importlib
import sys
import traceback
from concurrent.futures.process import BrokenProcessPool

import click
from click.shell_completion import CompletionItem

from softmax_harness.cli.output import guarded_output, told
from softmax_harness.ground.errors import HarnessError, unknown
from softmax_harness.ground.files import is_no_room
from softmax_harness.ground.one_thread import load_numpy_in_one_thread
from softmax_harness.ground.signals import Terminated, interruption_in, termination_raised
from softmax_harness.ground.text import printable

# Older versions of click than 8.2 show the help without raising anything.
_WHOLE = 200  # characters, more than any first sentence has
_NO_WORDS = getattr(click.exceptions, "NoArgsIsHelpError", ())
# The verbs by the task for which one comes, in the order in which the help shows them.
TASKS = {
    "Choose a softmax": ("list", "run", "report", "explain"),
    "Check your own": ("check", "score", "inputs"),
    "Guard a project": ("compare", "merge", "bench", "audit"),
    "Look for the worst": ("search", "exhaustive"),
    "Measure what was published": ("reproduce",),
    "Set up": ("completion",),
}
VERBS = tuple(verb for verbs in TASKS.values() for verb in verbs)
# These compute nothing that a processor's settings could change.
_COMPUTE_NOTHING = ("list", "merge", "completion")
# These call implementations in other processes only.
_JUDGE = ("run", "check", "score")


class Verbs(click.Group):
    """Loads a verb's module only when it is asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        """The verbs in the order of `VERBS`."""
        return list(VERBS)

    def get_command(self, context: click.Context, name: str) -> click.Command:
        """The verb's command, from ``cli/<verb>_verb.py``."""
        if name not in VERBS:
            raise unknown("command", name, VERBS)
        if name in _JUDGE:
            load_numpy_in_one_thread()
        command: click.Command = importlib.import_module(f"{__name__}.{name}_verb").command
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """The verbs of each task, each with its first sentence."""
        width = max(map(len, VERBS))
        for task, verbs in TASKS.items():
            with formatter.section(task):
                found = {verb.ljust(width): self.get_command(context, verb) for verb in verbs}
                lines = [(verb, own.get_short_help_str(_WHOLE)) for verb, own in found.items()]
                formatter.write_dl(lines)

    def shell_complete(self, context: click.Context, incomplete: str) -> list[CompletionItem]:
        """The verbs that begin so; none is loaded for that."""
        verbs = [CompletionItem(verb) for verb in VERBS if verb.startswith(incomplete)]
        return verbs or super().shell_complete(context, incomplete)


@click.command(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="softmax-harness")
@click.pass_context
def commands(context: click.Context) -> None:
    """Judge softmax implementations against mpmath: accuracy, overflow, underflow, speed.

    Exit codes: 0 done; 1 a fault or regression was found; 2 the request was wrong; 3 an internal
    error; 130 interrupted; 143 terminated.
    """
    if context.invoked_subcommand not in _COMPUTE_NOTHING:
        from softmax_harness.ground.floating_point import check_floating_point_environment

        check_floating_point_environment()


def main() -> None:
    """Run the command; a request that cannot be met is one line and exit code 2."""
    with termination_raised():
        _main()


def _main() -> None:
    try:
        with guarded_output():
            code = commands(standalone_mode=False) or 0  # the verb's own, if it ended by one
        sys.exit(code)
    except HarnessError as error:
        _end(str(error), 2)
    except _NO_WORDS as error:
        told(error.format_message())
        sys.exit(2)
    except click.ClickException as error:
        _end(error.format_message(), 2)
    except (click.Abort, KeyboardInterrupt) as error:
        _end_interrupted(error)
    except BrokenProcessPool:
        _end(
            "a worker process died, so the run was stopped; nothing was written. "
            "Use --jobs 1 to see where it dies",
            3,
        )
    except MemoryError as error:
        _end(f"there is not enough memory for what was asked: {error or 'none is left'}", 3)
    except Exception as error:  # noqa: BLE001 - the last door: what reaches it is a defect of ours
        if interruption_in(error):
            _end_interrupted(error)
        if isinstance(error, OSError) and is_no_room(error):
            _end(f"the results cannot be written: {error.strerror}", 2)
        told(traceback.format_exc().rstrip())
        _end("internal error; please report the lines above", 3)


def _end_interrupted(error: BaseException) -> None:
    if isinstance(interruption_in(error), Terminated):
        _end("terminated; no file was left half-written", 143)
    _end("interrupted; no file was left half-written", 130)


def _end(message: str, code: int) -> None:
    told(f"softmax-harness: {printable(message)}")  # which may hold names of files, as they are
    sys.exit(code)
