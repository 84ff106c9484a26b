"""The two commits that are meant, in a clone that may be shallow or detached."""

from __future__ import annotations

import subprocess
from pathlib import Path

from softmax_harness.ground.errors import BadFolder, HarnessError


def top_of(folder: Path) -> Path:
    """The root of the git repository that holds `folder`."""
    done = _git(folder, "rev-parse", "--show-toplevel")
    if done.returncode:
        raise BadFolder(
            f"{folder} is not in a git repository, but bench times two revisions of one "
            f"({done.stderr.strip() or 'git said nothing'})"
        )
    return Path(done.stdout.strip())


def commit_of(repository: Path, revision: str) -> str:
    """The whole hash of a commit, by any name that git takes.

    Raises
    ------
    HarnessError
        Where the clone has no such commit, with what to do about it.
    """
    asked = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    done = _git(repository, *asked)
    if done.returncode == 0:
        return done.stdout.strip()
    advice = "see git log and git branch --all"
    if is_shallow(repository):
        advice = "this clone is shallow, and git fetch --unshallow brings the rest of its history"
    raise HarnessError(f"no commit is named {revision!r} in {repository}: {advice}")


def is_shallow(repository: Path) -> bool:
    """Whether the clone lacks a part of its history."""
    return _git(repository, "rev-parse", "--is-shallow-repository").stdout.strip() == "true"


def has_uncommitted(repository: Path) -> bool:
    """Whether a tracked file differs from the last commit."""
    return bool(_git(repository, "status", "--porcelain", "--untracked-files=no").stdout.strip())


def with_branches(repository: Path, commits: tuple[str, str], where: Path) -> Path:
    """A bare repository in which the commits have branches, sharing the objects of `repository`.

    asv clones what it builds, and a clone of a shallow repository brings what its branches reach,
    no more: not what ``git fetch origin COMMIT`` has brought.
    """
    _must(where.parent, "init", "--quiet", "--bare", str(where))
    own = {
        name: (repository / _git(repository, "rev-parse", "--git-path", name).stdout.strip())
        for name in ("objects", "shallow")
    }
    alternates = where / "objects" / "info" / "alternates"
    alternates.write_text(f"{own['objects'].resolve()}\n", encoding="utf-8")
    (where / "shallow").write_bytes(own["shallow"].read_bytes())
    for name, commit in zip(("base", "head"), commits, strict=True):
        _must(where, "update-ref", f"refs/heads/{name}", commit)
    return where


def _must(folder: Path, *words: str) -> None:
    done = _git(folder, *words)
    if done.returncode:
        raise HarnessError(f"git {words[0]} failed in {folder}: {done.stderr.strip()}")


def _git(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            # Looking is no reason to write: status would bring the index up to date.
            ["git", "--no-optional-locks", *words],
            check=False,
            capture_output=True,
            text=True,
            cwd=folder,
        )
    except FileNotFoundError:
        raise HarnessError("git is not installed, and bench needs it") from None
