"""softmax-harness completion: the script by which a shell completes the command."""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

PROGRAM = "softmax-harness"
VARIABLE = "_SOFTMAX_HARNESS_COMPLETE"
SHELLS = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


@click.command("completion")
@click.argument("shell", type=click.Choice(list(SHELLS)))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the script by which a shell completes the command with the Tab key.

    It completes verbs, options, implementations, formats, families and operations. A line in the
    file that your shell reads when it starts switches it on:

    \b
    bash, in ~/.bashrc:      eval "$(softmax-harness completion bash)"
    zsh, in ~/.zshrc:        eval "$(softmax-harness completion zsh)"
    fish, in config.fish:    softmax-harness completion fish | source

    Example: softmax-harness completion bash
    """
    completing = SHELLS[shell](context.find_root().command, {}, PROGRAM, VARIABLE)
    click.echo(completing.source_template % completing.source_vars())
