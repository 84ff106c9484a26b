"""Where a run comes from: when, of which commit, by which command, and what it left out."""

from __future__ import annotations

import os
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from softmax_harness.ground.errors import HarnessError
from softmax_harness.ground.formats import DEFAULT_DTYPES
from softmax_harness.operations import DEFAULT_OPERATION, OPERATIONS, qualified
from softmax_harness.subjects.catalogue import catalogue
from softmax_harness.subjects.declaration import Said
from softmax_harness.timing.bench.revisions import commit_of, has_uncommitted, top_of


def provenance(options: dict[str, Any]) -> dict[str, Any]:
    """What run.json says under ``made``.

    Parameters
    ----------
    options : dict
        Those in run.json.

    Returns
    -------
    dict
        ``date`` in UTC (of SOURCE_DATE_EPOCH where that is set, as reproducible builds have it);
        ``commit`` of the repository that the command ran in, with ``, changed`` where files differ
        from it, empty outside of any; ``command``, empty where the results were computed
        elsewhere; ``unavailable``: the implementations that could not run here, and why.
    """
    return {
        "date": _date(),
        "commit": _commit(Path.cwd()),
        "command": "" if "outputs" in options else command_of(options),
        "unavailable": {} if options["implementations"] else _unavailable(options["operation"]),
    }


def command_of(options: dict[str, Any]) -> str:
    """The command that makes the results again, as a shell takes it."""
    given = {
        "--operation": (options["operation"], DEFAULT_OPERATION),
        "--dtype": (",".join(options["dtypes"]), ",".join(DEFAULT_DTYPES)),
        "--family": (",".join(options["families"]), ""),
        "--suite": (options["suite"], "quick"),
        "--seed": (str(options["seed"]), "0"),
        "--truth": (options["truth"], "screened"),
        "--output-dtype": (options.get("output_dtype"), None),
        "--standard": (options.get("standard"), None),
        "--signature": (options.get("signature"), None),
        "--arrays": (options.get("arrays"), None),
        "--device": (options.get("device"), None),
    }
    chosen = [
        word
        for name, (value, usual) in given.items()
        if value != usual and value
        for word in (name, value)
    ]
    timed = ["--time"] if options.get("time") else []
    fit = Said(fit=options.get("fit") or ()).words_of_fit
    return shlex.join(
        ["softmax-harness", "run", *options["implementations"], *chosen, *fit, *timed]
    )


def _date() -> str:
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    when = datetime.fromtimestamp(int(epoch), UTC) if epoch.isdigit() else datetime.now(UTC)
    return when.strftime("%Y-%m-%d %H:%M UTC")


def _commit(folder: Path) -> str:
    try:
        repository = top_of(folder)
        commit = commit_of(repository, "HEAD")
        return commit + (", changed" if has_uncommitted(repository) else "")
    except (HarnessError, OSError):
        return ""


def _unavailable(operation: str) -> dict[str, str]:
    names = list(OPERATIONS) if operation == "all" else [operation]
    return {
        qualified(name, each.name): each.unavailable
        for name in names
        for each in catalogue(name).values()
        if each.unavailable
    }
