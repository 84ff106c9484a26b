"""Writes files so that nothing is ever half-written and no other files are lost."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from softmax_harness.ground.errors import BadFolder
from softmax_harness.ground.manifest import (
    MANIFEST,
    is_plain_file,
    kind_of,
    manifest_text,
    names_in,
    written_in,
)
from softmax_harness.ground.scratch import scratch_folder, scratch_prefix

# The disk is full, a quota is used up, a file would be larger than allowed, a name is too long; or
# the device failed, or is no longer written to.
_NO_ROOM = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.ENAMETOOLONG),
    *(errno.EIO, errno.EROFS),
)
# A document that is given such a name, and would replace such a file, was not meant for it.
_NEVER_WRITTEN = (".py", ".npy", ".npz", "pyproject.toml")
# What a file is called until it is whole, where a system cannot do without a name.
SCRATCH = ".softmax-harness-"
# As many folders one in another are made; a path that lacks more has another fault.
_NEW_FOLDERS = 50
_FULL = os.strerror(errno.ENOSPC)


def check_writable(
    folder: Path, kind: str = "run", writes: Iterable[str] = (), inputs: Iterable[Path] = ()
) -> None:
    """Refuse a folder that cannot be written, or only with the loss of what others wrote.

    Parameters
    ----------
    folder : Path
        A new folder, an empty one, or one that the same kind of command wrote.
    kind : {"run", "inputs"}
        What shall be written.
    writes : iterable of str
        Files that will be written into it, as far as they are known.
    inputs : iterable of Path
        Files that the command reads, and so must not replace.
    """
    if os.path.islink(folder) and not _exists(folder):
        raise BadFolder(f"{folder} is a link to nothing: make its target, or name another folder")
    if _exists(folder) and not folder.is_dir():
        raise BadFolder(f"{folder} is a file: name a folder with --out")
    _check_room(folder)
    if not folder.is_dir():
        return
    foreign = next((path.name for path in _shown(folder)), None)
    if foreign is not None and kind_of(folder) != kind:
        what = {"run": "a run", "inputs": "inputs"}[kind]
        raise BadFolder(
            f"{folder} holds something other than {what}, such as {foreign}: "
            "name another folder with --out"
        )
    own = names_in(folder)
    _refuse_foreign(folder, writes, own)
    for path in inputs:
        if path.resolve() in {(folder / name).resolve() for name in own}:
            raise BadFolder(
                f"{path} is read by this command, which would replace it: "
                "name another folder with --out"
            )


def _shown(folder: Path) -> list[Path]:
    """What is in the folder, but for scratch folders that killed processes have left."""
    prefix = scratch_prefix(folder.resolve())
    return [path for path in sorted(folder.iterdir()) if not path.name.startswith(prefix)]


def _exists(path: Path) -> bool:
    """Whether there is such a file or folder; a name that is too long is refused."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise BadFolder(f"{path} cannot be written: {error.strerror}") from None
    return True


def _check_room(folder: Path) -> None:
    """Refuse a folder that cannot be made or written into."""
    there = folder.resolve()
    room = next(each for each in (there, *there.parents) if _exists(each))
    needed = os.W_OK | os.X_OK | (os.R_OK if room == there else 0)
    if not room.is_dir() or not os.access(room, needed):
        raise BadFolder(f"{folder} cannot be written: you may not write into {room}")
    if len(there.relative_to(room).parts) > _NEW_FOLDERS:
        raise BadFolder(f"{folder} cannot be written: more than {_NEW_FOLDERS} folders are missing")
    names = [*there.relative_to(room).parts, f"{scratch_prefix(there)}{'x' * 8}"]
    for name in names:
        _exists(room / name)


def _refuse_foreign(folder: Path, writes: Iterable[str], own: set[str]) -> None:
    for name in writes:
        path = folder / name
        if name not in own and (path.exists() or path.is_symlink()):
            raise BadFolder(
                f"{path} would be replaced, but no earlier command of softmax-harness wrote it: "
                "move it, or name another folder with --out"
            )


def check_file(path: Path) -> None:
    """Refuse a file that cannot be written, before any work is done for it."""
    if _exists(path) and path.is_dir():
        raise BadFolder(f"{path} is a folder: name a file")
    if is_device(path):
        if not os.access(path, os.W_OK):
            raise BadFolder(f"{path} cannot be written: you may not write to it")
        return
    there = path.resolve()
    folder = there.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise BadFolder(f"{path} cannot be written: {folder} is no folder that you may write into")


def is_device(path: Path) -> bool:
    """Whether a pipe or device stands there, which is written to and not replaced."""
    return path.exists() and not path.is_file() and not path.is_dir()


def check_files(outputs: Mapping[str, Path], inputs: Iterable[Path] = ()) -> None:
    """Refuse files that cannot be written, that are named twice, or that the command reads.

    Parameters
    ----------
    outputs : mapping of str to Path
        By the option that names it, such as ``--json``.
    inputs : iterable of Path
        Files that the command reads.
    """
    named: dict[str, Path] = {}
    inputs = list(inputs)
    for option, path in outputs.items():
        check_file(path)
        if is_device(path):
            continue
        if any(_is_same(path, each) for each in inputs):
            raise BadFolder(
                f"{option} {path} would overwrite what this command reads: name another file"
            )
        if path.resolve().name.endswith(_NEVER_WRITTEN) and path.exists():
            raise BadFolder(
                f"{option} {path} would overwrite a file that is no document: name another file"
            )
        for other, earlier in named.items():
            if _is_same(path, earlier):
                raise BadFolder(f"{other} and {option} name one file, {path}: name two")
        named[option] = path


def _is_same(one: Path, other: Path) -> bool:
    if one.resolve() == other.resolve():
        return True
    return one.exists() and other.exists() and one.samefile(other)


def replacing_file(path: Path, text: str | bytes) -> None:
    """Write `text` to `path`, which is whole at every moment.

    A link stays a link, and a device or pipe is written to.
    """
    path = path.resolve()
    whole = text.encode("utf-8") if isinstance(text, str) else text
    # Its length does not depend on the name, which may have the longest length that there is.
    scratch = path.with_name(f"{SCRATCH}{secrets.token_hex(4)}")
    try:
        if is_device(path):
            path.write_bytes(whole)
            return
        with _named_when_whole(scratch) as file:
            file.write(whole)
        scratch.replace(path)
    except OSError as error:
        raise BadFolder(f"{path} cannot be written: {error.strerror}") from None
    finally:
        scratch.unlink(missing_ok=True)


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
def replacing(
    folder: Path, kind: str = "run", writes: Iterable[str] = (), inputs: Iterable[Path] = ()
) -> Iterator[Path]:
    """A folder to write into; its files come to `folder` if all goes well.

    Until then `folder` is as it was; whatever fails, nothing half-written is left. Of what is in
    `folder`, only the files that its manifest names are replaced, and the others stay. A link to a
    folder stays a link. For the parameters see `check_writable`.
    """
    check_writable(folder, kind, writes, inputs)
    there = folder.resolve()
    room = there if there.is_dir() else there.parent
    try:
        room.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadFolder(f"{folder} cannot be written: {error.strerror}") from None
    try:
        with scratch_folder(there, room) as scratch:
            fresh = scratch / "fresh"
            fresh.mkdir()
            yield fresh
            _bring(fresh, there, scratch / "old")
    except OSError as error:
        if not is_no_room(error) and not _is_below(error, room / scratch_prefix(there)):
            raise
        raise BadFolder(f"{folder} cannot be written: {error.strerror or _FULL}") from None


def is_no_room(error: OSError) -> bool:
    """Whether the system could not write a file, since the disk is full or the like."""
    # NumPy says of a full disk only how much it wrote.
    return error.errno in _NO_ROOM or (error.errno is None and "requested and" in str(error))


def _is_below(error: OSError, beginning: Path) -> bool:
    return isinstance(error.filename, str) and error.filename.startswith(str(beginning))


def _bring(fresh: Path, folder: Path, old: Path) -> None:
    """Bring what is in `fresh` to `folder`."""
    names = written_in(fresh)
    if (fresh / MANIFEST).is_file():
        (fresh / MANIFEST).write_text(manifest_text(fresh, names), encoding="utf-8")
    try:
        if folder.is_dir():
            _exchange(fresh, folder, old, names)
        else:
            fresh.rename(folder)
    except OSError as error:
        raise BadFolder(f"{folder} cannot be written: {error.strerror}") from None


def _exchange(fresh: Path, folder: Path, old: Path, names: list[str]) -> None:
    """Move the files of `fresh` into `folder`, in place of those that its manifest names.

    The manifest comes first, and names the files of both until all are there: a process that is
    killed meanwhile leaves whole files, all of which the next one may replace.
    """
    own = names_in(folder)
    _refuse_foreign(folder, [MANIFEST, *names], own)
    last = fresh.with_name("last")
    moves = _Moves(old)
    try:
        if (fresh / MANIFEST).is_file():
            both = manifest_text(fresh, sorted({*names, *own} - {MANIFEST}))
            last.write_bytes((fresh / MANIFEST).read_bytes())
            (fresh / MANIFEST).write_text(both, encoding="utf-8")
            moves.move(fresh, folder, MANIFEST)
        for name in names:
            moves.move(fresh, folder, name)
        for name in own.difference([MANIFEST, *names]):
            moves.set_aside(folder, name)
        if last.exists():
            last.replace(folder / MANIFEST)
    except BaseException:
        moves.undo()
        raise
    for parent in {(folder / name).parent for name in own} - {folder}:
        with suppress(OSError):  # something is in it still
            parent.rmdir()


class _Moves:
    """Files moved into a folder, and what they replaced, so that it can be undone.

    Parameters
    ----------
    old : Path
        A folder, to be made, for what is replaced.
    """

    def __init__(self, old: Path) -> None:
        self._old = old
        self._moved: list[tuple[Path, Path | None]] = []

    def move(self, fresh: Path, folder: Path, name: str) -> None:
        """Move the file `name` from `fresh` to `folder`, where there is one at every moment."""
        target = folder / name
        kept = self._kept(target, name) if is_plain_file(target) else None
        target.parent.mkdir(parents=True, exist_ok=True)
        (fresh / name).replace(target)
        self._moved.append((target, kept))

    def set_aside(self, folder: Path, name: str) -> None:
        """Move the file `name` out of `folder`."""
        kept = self._old / name
        kept.parent.mkdir(parents=True, exist_ok=True)
        (folder / name).replace(kept)
        self._moved.append((folder / name, kept))

    def undo(self) -> None:
        """Put everything back, the last first."""
        for target, kept in reversed(self._moved):
            if kept is None:
                target.unlink()
            else:
                kept.replace(target)

    def _kept(self, path: Path, name: str) -> Path:
        """A second name for the file, or a copy where the file system has no second names."""
        kept = self._old / name
        kept.parent.mkdir(parents=True, exist_ok=True)
        try:
            kept.hardlink_to(path)
        except OSError:
            shutil.copy2(path, kept)
        return kept
