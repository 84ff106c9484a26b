"""Holds what the documentation shows of commands to what they print.

``python docs/making/transcripts.py README.md docs`` runs every command of every block marked
``console`` and compares; ``--write`` puts what was printed in place of what was not. In a block a
line that begins with ``$`` is a command of the shell, and what follows is what it prints. A line
``...`` stands for any lines, and ``...`` within a line for any characters: for what another
processor may compute otherwise. A block of another language whose first line is a comment with the
name of a file, such as ``# kernel.py``, is that file. All blocks of a page share one empty folder.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from difflib import unified_diff
from io import StringIO
from pathlib import Path
from shlex import split
from unittest.mock import patch

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"^(?:#|//|/\*) ([\w./-]+\.\w+)(?: \*/)?$")
_OF_A_SHELL = re.compile(r"[|&;<>$`*]")
_PROGRAM = "softmax-harness"

Ran = Callable[[str, Path], str]


@dataclass(frozen=True)
class Shown:
    """A command of a page and what the page says that it prints."""

    command: str
    output: str


@dataclass(frozen=True)
class Wrong:
    """A command that prints something else than its page says."""

    page: Path
    shown: Shown
    printed: str

    def __str__(self) -> str:
        """A difference as diff shows it."""
        lines = unified_diff(
            self.shown.output.splitlines(), self.printed.splitlines(), "said", "printed", "", "", 2
        )
        return "\n".join((f"{self.page}: $ {self.shown.command}", *lines))


def commands_of(block: str) -> list[Shown]:
    """The commands of a block, each with the lines below it."""
    parts = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    return [Shown(*part.partition("\n")[::2]) for part in parts]


def wrong_ones(page: Path, folder: Path, ran: Ran) -> Iterator[Wrong]:
    """The commands of a page that print something else, run in a folder."""
    for language, block in _FENCE.findall(page.read_text(encoding="utf-8")):
        if language == "console":
            for shown in commands_of(block):
                printed = ran(shown.command, folder)
                if not agrees(shown.output, printed):
                    yield Wrong(page, shown, printed)
        elif named := _NAMED.match(block.partition("\n")[0]):
            (folder / named[1]).write_text(block, encoding="utf-8")


def agrees(said: str, printed: str) -> bool:
    """Whether what is said is what was printed, ``...`` standing for anything."""
    lines = []
    for line in said.rstrip().splitlines():
        parts = map(re.escape, line.rstrip().split("..."))
        lines.append(r"(?:.*\n)*?" if line == "..." else "[^\n]*".join(parts) + "\n")
    printed = "\n".join(line.rstrip() for line in printed.rstrip().splitlines()) + "\n"
    return re.fullmatch("".join(lines) or r"\n", printed) is not None


def ran_as_typed(command: str, folder: Path) -> str:
    """What a command prints: one of the harness in this process, any other in a shell."""
    if command.startswith(f"{_PROGRAM} ") and not _OF_A_SHELL.search(command):
        return _ran_here(split(command), folder)
    here = {"PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))}
    words = ["bash", "-c", command]
    done = subprocess.run(
        words, check=False, cwd=folder, env=os.environ | here, stdout=-1, stderr=subprocess.STDOUT
    )
    return done.stdout.decode()


def _ran_here(words: list[str], folder: Path) -> str:
    from softmax_harness.cli import main

    # A terminal's width would break lines elsewhere, and its colours are no words.
    plain = patch.dict(os.environ, {"COLUMNS": "80", "NO_COLOR": "1"})
    printed = StringIO()
    with (
        chdir(folder),
        plain,
        patch.object(sys, "argv", words),
        redirect_stdout(printed),
        redirect_stderr(printed),
        suppress(SystemExit),
    ):
        main()
    return printed.getvalue()


def pages_in(names: list[str]) -> list[Path]:
    """The pages that are named, and all in the folders that are."""
    found = []
    for path in map(Path, names):
        inside = sorted(path.rglob("*.md")) if path.is_dir() else [path]
        found += [each for each in inside if not any(part[0] == "_" for part in each.parts)]
    return found


def checked(page: Path, is_written: bool = False) -> list[Wrong]:
    """What is wrong in a page; where `is_written`, it is then put right."""
    with tempfile.TemporaryDirectory() as folder:
        found = list(wrong_ones(page, Path(folder), ran_as_typed))
    if is_written:
        text = page.read_text(encoding="utf-8")
        for each in found:
            head = f"$ {each.shown.command}\n"
            text = text.replace(head + each.shown.output, f"{head}{each.printed.rstrip()}\n", 1)
        page.write_text(text, encoding="utf-8")
    return found


def main() -> None:
    """Check the pages that are named; the exit code is 1 where one says what is not so."""
    names = [word for word in sys.argv[1:] if word != "--write"]
    is_written = len(names) < len(sys.argv) - 1
    wrong = []
    for page in pages_in(names):
        found = checked(page, is_written)
        wrong += found
        print(f"{page}: {len(found)} wrong" if found else f"{page}: as it says", flush=True)
        print("".join(f"{each}\n" for each in found), end="")
    sys.exit(bool(wrong) and not is_written)


if __name__ == "__main__":
    main()
