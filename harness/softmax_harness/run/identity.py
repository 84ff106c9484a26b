"""What decides a result besides its job: the code, the libraries, the machine.

A unit that was kept is believed only where all of this is as it was.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from functools import cache
from hashlib import sha256
from pathlib import Path

from softmax_harness.ground.environment import environment
from softmax_harness.ground.formats import FORMATS
from softmax_harness.ground.plain_values import encoded
from softmax_harness.operations.elementary import elementary_errors
from softmax_harness.subjects.native.library import is_library
from softmax_harness.subjects.specification import is_foreign, resolved

_OWN = ("softmax_harness", "softmax_implementations")
_CODE = (".py", ".so", ".dylib", ".dll", ".pyd")


def identity(
    implementations: Iterable[str], dtypes: Iterable[str], files: Iterable[str] = ()
) -> str:
    """A digest of all that decides results besides the jobs.

    It covers the code of the harness and of what is registered, that of each foreign implementation
    with what lies beside it, the versions of all that is installed, the machine with its processor,
    and the errors of exp and log that were measured on it.

    Parameters
    ----------
    implementations : iterable of str
        Names as the command takes them. Which registered ones there are is no part of it: each unit
        names its own, and those of one command serve another.
    dtypes : iterable of str
    files : iterable of str
        Whose contents are inputs.
    """
    about = {
        "code": [_code_of_package(name) for name in _OWN],
        "foreign": {
            name: _code_of(name) for name in sorted(filter(is_foreign, set(implementations)))
        },
        "installed": _installed(),
        "python": sys.version,
        "environment": _without_cores(environment()),
        "errors": {name: asdict(elementary_errors(FORMATS[name])) for name in _with_wider(dtypes)},
        "files": {name: sha256(Path(name).read_bytes()).hexdigest() for name in sorted(set(files))},
    }
    return sha256(encoded(about).encode()).hexdigest()


def _with_wider(dtypes: Iterable[str]) -> list[str]:
    """The dtypes, and the wider ones in which what is stored in them is worked."""
    found = set(dtypes)
    for _ in range(2):
        found |= {wider for name in found if (wider := FORMATS[name].wider)}
    return sorted(found)


def _without_cores(about: dict[str, object]) -> dict[str, object]:
    """How many cores there are decides nothing."""
    return {name: value for name, value in about.items() if name != "cores"}


@cache
def _code_of_package(name: str) -> str:
    spec = importlib.util.find_spec(name)
    assert spec is not None and spec.submodule_search_locations
    return _digest(Path(spec.submodule_search_locations[0]).rglob("*"))


@cache
def _installed() -> list[str]:
    """Every distribution with its version: a library may use any other."""
    from importlib.metadata import distributions

    about = (each.metadata for each in distributions())  # which each time reads it anew
    return sorted({f"{each['Name']} {each['Version']}" for each in about})


def _code_of(name: str) -> str:
    """The code of a foreign implementation, and of what it can import from where it lies."""
    place = resolved(name).rpartition(":")[0]
    if place.endswith(".py") or is_library(place):
        return _digest([Path(place), *Path(place).parent.iterdir(), *Path.cwd().glob("*.py")])
    return _digest(_of_module(place.partition(".")[0]))


def _of_module(name: str) -> Iterator[Path]:
    """The files of a module of that name, which is not imported here."""
    for folder in [*sys.path, str(Path.cwd())]:
        place = Path(folder or ".")
        yield from place.glob(f"{name}.*")
        if (place / name).is_dir():
            yield from (place / name).rglob("*")


def _digest(paths: Iterable[Path]) -> str:
    found = sha256()
    for path in sorted({path.resolve() for path in paths}):
        if path.suffix in _CODE and path.is_file():
            found.update(f"{path.name}\0".encode())
            found.update(sha256(path.read_bytes()).digest())
    return found.hexdigest()
