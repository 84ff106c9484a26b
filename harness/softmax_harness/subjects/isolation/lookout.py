"""Notices an implementation that looks at the harness in whose process it runs.

Its process holds no truth: only what makes calls. That much is taken out of the imported modules,
and Python's audit events tell who looks for it all the same, who reads the memory of another
process, or searches the objects and frames of its own. What is done without Python, by a system
call or in a new interpreter, raises no event.
"""

from __future__ import annotations

import os
import re
import sys
import sysconfig
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from softmax_harness.subjects.isolation.printed import unnamed_file
from softmax_harness.subjects.request import LOOKS_AT_HARNESS, Fault

_PACKAGE = __name__.partition(".")[0]
_COMMAND = _PACKAGE.replace("_", "-")
_OURS = f"{Path(__file__).parents[2]}{os.sep}"
_ARBITER = "mpmath"
# Whoever calls these is who asks.
_GO_BETWEENS = tuple(
    f"{os.sep}{name}" for name in ("importlib/__init__.py", "inspect.py", "runpy.py", "pkgutil.py")
)
_STANDARD = tuple(f"{sysconfig.get_path(name)}{os.sep}" for name in ("stdlib", "platstdlib"))
_INSTALLED = re.compile(r".*[\\/](?:site|dist)-packages[\\/](\w+)")
_MEMORY = re.compile(r"/proc/(\d+)/(?:task/\d+/)?(mem|maps|smaps|pagemap)")
_OF_OTHER_PROCESSES = ("ptrace", "process_vm_readv", "process_vm_writev")
_LOOKING = {
    "gc.get_objects": "searched the objects of its process",
    "gc.get_referrers": "searched the objects of its process",
    "sys._getframe": "looked at the frames of what calls it",
    "sys._current_frames": "looked at the frames of what calls it",
}
_STARTING = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn")


class Lookout:
    """Watches this process from now on, for as long as it lives, and the forks of it.

    Parameters
    ----------
    package : str
        The implementation's own: what it is installed with is no library.
    """

    def __init__(self, package: str) -> None:
        self._package = package
        self._file = unnamed_file()  # which forks share
        self._told: set[str] = set()
        self._busy: set[int] = set()
        self._modules = _hidden(self._looked_for)
        self.uses_arbiter = False
        sys.addaudithook(self._hook)

    def faults(self) -> list[Fault]:
        """What was noticed since the last look."""
        lines = os.pread(self._file, os.fstat(self._file).st_size, 0).decode().splitlines()
        os.ftruncate(self._file, 0)
        os.lseek(self._file, 0, os.SEEK_SET)
        return [Fault(LOOKS_AT_HARNESS, told) for told in dict.fromkeys(lines)]

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        notice = _EVENTS.get(event)
        if notice is None or (thread := threading.get_ident()) in self._busy:
            return
        self._busy.add(thread)  # since what follows raises events of its own
        try:
            notice(self, event, arguments)
        except Exception:  # noqa: BLE001 - it would be raised by what the event is of
            return
        finally:
            self._busy.discard(thread)

    def _imported(self, event: str, arguments: tuple[Any, ...]) -> None:
        name = arguments[0]
        package = name.partition(".")[0]
        if package == _PACKAGE:
            self._tell(f"imported {name}")
        elif package == _ARBITER and self._is_own():
            self.uses_arbiter = True

    def _looked_for(self, name: str) -> None:
        if self._is_own():
            self._tell(f"looked for the module {name}")

    def _opened(self, event: str, arguments: tuple[Any, ...]) -> None:
        path = os.path.abspath(os.fsdecode(arguments[0]))
        if path.startswith(_OURS):
            if _is_importing():  # not every import is an event of that name
                self._tell(f"imported {_module_in(path)}")
            elif self._is_own():
                self._tell(f"opened a file of {_PACKAGE}: {Path(path).name}")
        elif found := _MEMORY.fullmatch(os.path.realpath(path)):
            is_of_another = int(found[1]) != os.getpid()
            if is_of_another or (found[2] == "mem" and self._is_own()):
                self._tell(f"opened the memory of a process, {found[0]}")

    def _resolved(self, event: str, arguments: tuple[Any, ...]) -> None:
        if arguments[1] in _OF_OTHER_PROCESSES:
            self._tell(f"asked for {arguments[1]}, which reads the memory of other processes")

    def _looked(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._is_own():
            self._tell(f"{_LOOKING[event]} ({event})")

    def _read(self, event: str, arguments: tuple[Any, ...]) -> None:
        if arguments[1] == "tb_frame" and self._is_own():
            self._tell("looked at the frames of what calls it (tb_frame)")

    def _started(self, event: str, arguments: tuple[Any, ...]) -> None:
        text = repr(arguments)
        if _PACKAGE in text or _COMMAND in text:
            self._tell(f"started a process with {_PACKAGE} in its command")

    def _tell(self, text: str) -> None:
        if text not in self._told and len(self._told) < _MOST_TOLD:
            self._told.add(text)
            os.write(self._file, f"{text}\n".encode(errors="replace"))

    def _is_own(self) -> bool:
        """Whether the implementation itself asks, and no library that it uses."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            file = frame.f_code.co_filename
            if file != __file__ and not file.startswith("<") and not file.endswith(_GO_BETWEENS):
                return self._is_own_file(file)
            frame = frame.f_back
        return False

    def _is_own_file(self, file: str) -> bool:
        if installed := _INSTALLED.match(file):
            return installed[1] == self._package
        return not file.startswith((_OURS, *_STANDARD))


def _is_importing() -> bool:
    """Whether Python opens a file just now to import it."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename.startswith("<frozen importlib")


def _module_in(path: str) -> str:
    """The name of the module in a file, compiled or not."""
    parts = [each for each in Path(path[len(_OURS) :]).parts if each != "__pycache__"]
    parts[-1] = parts[-1].partition(".")[0]
    return ".".join([_PACKAGE, *(each for each in parts if each != "__init__")])


_MOST_TOLD = 20
_Notice = Callable[[Lookout, str, tuple[Any, ...]], None]
_EVENTS: dict[str, _Notice] = {
    "import": Lookout._imported,
    "open": Lookout._opened,
    "ctypes.dlsym": Lookout._resolved,
    "object.__getattr__": Lookout._read,
    **dict.fromkeys(_LOOKING, Lookout._looked),
    **dict.fromkeys(_STARTING, Lookout._started),
}


class _Tripwire(str):
    """A key among the imported modules that tells who looks for a module, and equals none.

    A dict compares a name that is looked up with each key of the same hash.
    """

    _watched: str
    _looked_for: Callable[[str], None]

    def __new__(cls, watched: str, looked_for: Callable[[str], None]) -> _Tripwire:
        """A key whose own text says nothing."""
        key = super().__new__(cls, "")
        key._watched, key._looked_for = watched, looked_for
        return key

    def __hash__(self) -> int:
        return hash(self._watched)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if self._watched == other:
            with suppress(Exception):  # which would be raised by what looks
                self._looked_for(self._watched)
        return False

    def __ne__(self, other: object) -> bool:
        return not self == other


def _hidden(looked_for: Callable[[str], None]) -> list[Any]:
    """Take the modules of the harness out of those that are imported; they are returned."""
    names = [name for name in sys.modules if name.partition(".")[0] == _PACKAGE]
    modules = [sys.modules.pop(name) for name in names]
    for name in names:
        # None stands there for a module that cannot be imported, as far as others care.
        sys.modules[_Tripwire(name, looked_for)] = None  # type: ignore[assignment]
    return modules
