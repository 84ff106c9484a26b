"""Writes files so that nothing is ever half-written and no other files are lost."""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from softmax_harness.ground.errors import BadFolder

# The disk is full, a quota is used up, a file would be larger than allowed.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def check_writable(folder: Path) -> None:
    """Refuse a folder that holds something other than a run, or that cannot be written."""
    if folder.exists() and not folder.is_dir():
        raise BadFolder(f"{folder} is a file: name a folder with --out")
    if folder.is_dir() and any(folder.iterdir()) and not _is_run(folder):
        raise BadFolder(
            f"{folder} holds something other than a run: name another folder with --out"
        )
    parent = next(each for each in folder.absolute().parents if each.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise BadFolder(f"{folder} cannot be written: you may not write into {parent}")


def _is_run(folder: Path) -> bool:
    try:
        info = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(info, dict) and "schema" in info and "options" in info


def check_file(path: Path) -> None:
    """Refuse a file that cannot be written, before any work is done for it."""
    folder = path.absolute().parent
    if path.is_dir():
        raise BadFolder(f"{path} is a folder: name a file")
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise BadFolder(f"{path} cannot be written: {folder} is no folder that you may write into")


def replacing_file(path: Path, text: str | bytes) -> None:
    """Write `text` to `path`, which is whole at every moment.

    A link stays a link, and a device or pipe is written to.
    """
    path = path.resolve()
    whole = text.encode("utf-8") if isinstance(text, str) else text
    if path.exists() and not path.is_file():
        path.write_bytes(whole)
        return
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with _named_when_whole(scratch) as file:
            file.write(whole)
        scratch.replace(path)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise BadFolder(f"{path} cannot be written: {error.strerror}") from None


@contextmanager
def _named_when_whole(path: Path) -> Iterator[BinaryIO]:
    """A file to write that has no name until it is whole, where the system has such files.

    Whatever ends the process meanwhile, nothing half-written is left under any name.
    """
    folder = path.absolute().parent
    try:
        descriptor = os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o666)
    except (AttributeError, OSError):  # another system, or a file system without them
        with path.open("wb") as file:
            yield file
        return
    with os.fdopen(descriptor, "wb") as file:
        yield file
        file.flush()
        # With a descriptor of a folder Python asks linkat to follow the link that /proc has.
        own = os.open(folder, os.O_RDONLY)
        try:
            os.link(f"/proc/self/fd/{descriptor}", path, src_dir_fd=own)
        finally:
            os.close(own)


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """A folder next to `folder` to write into; it replaces `folder` if all goes well.

    Until then `folder` is as it was; whatever fails, nothing half-written is left.
    """
    folder = folder.absolute()
    check_writable(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise BadFolder(f"{folder} cannot be written: {error.strerror}") from None
    try:
        fresh = scratch / "fresh"
        fresh.mkdir()
        yield fresh
        _exchange(fresh, folder, scratch / "old")
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise BadFolder(f"{folder} cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _exchange(fresh: Path, folder: Path, old: Path) -> None:
    """Move `fresh` to `folder`; what was there is kept if that fails."""
    if folder.exists():
        folder.rename(old)
    try:
        fresh.rename(folder)
    except OSError as error:
        if old.exists():
            old.rename(folder)
        raise BadFolder(f"{folder} cannot be written: {error.strerror}") from None
