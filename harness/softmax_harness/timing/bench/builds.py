"""Both revisions built by asv, each into an environment of its own."""

from __future__ import annotations

import contextlib
import importlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from softmax_harness.ground.errors import BadFolder, HarnessError
from softmax_harness.timing.bench import revisions
from softmax_harness.timing.worker import Side

Progress = Callable[[str, int, int], None]
_NAMES = ("BASE", "HEAD")
_ASV = ("asv.conf.json", "asv.conf.jsonc")


def configuration_of(folder: Path) -> Path:
    """asv's configuration in `folder`."""
    for name in _ASV:
        if (folder / name).is_file():
            return folder / name
    raise BadFolder(
        f"{folder} has no asv.conf.json: softmax-harness bench --template . writes one, and a "
        "benchmark to fill in"
    )


@contextlib.contextmanager
def built(
    folder: Path, commits: tuple[str, str], progress: Progress
) -> Iterator[tuple[Side, Side]]:
    """Two sides that are ready to be timed, while the context lasts.

    The environments stay in asv's `env_dir` and are built again only for other commits. Their
    folders have names of one length: what a process is given moves its memory, and so its time.
    The benchmarks, and the judge that they import, are of neither revision: the benchmarks are
    the working tree's, as asv has it, and the judge is this distribution.

    Raises
    ------
    HarnessError
        Where asv is not installed, or one of the revisions cannot be built.
    """
    configuration = configuration_of(folder)
    _asv("plugin_manager")  # makes the kinds of environments and repositories known
    config = _loaded(configuration)
    if config.environment_type not in (None, "virtualenv"):
        raise HarnessError(
            f"{configuration}: environment_type is {config.environment_type!r}: expected "
            "virtualenv, the environments in which bench builds"
        )
    with contextlib.chdir(folder), tempfile.TemporaryDirectory() as scratch:
        repository = revisions.top_of(folder)
        if revisions.is_shallow(repository):
            repository = revisions.with_branches(repository, commits, Path(scratch) / "git")
        judge = _judge(Path(scratch) / "judge")
        sides: list[Side] = []
        for name, commit in zip(_NAMES, commits, strict=True):
            label = f"{name} {commit[:8]}"
            progress(f"building {label}", len(sides), len(commits))
            environment = _environment(config, configuration, name, repository, commit, label)
            variables = dict(environment.env_vars) | {"PYTHONPATH": str(judge)}
            benchmarks = (folder / config.benchmark_dir).resolve()
            python = Path(environment.find_executable("python"))
            sides.append(Side(label, python, benchmarks, variables))
        yield sides[0], sides[1]


def _environment(
    config: Any, configuration: Path, name: str, repository: Path, commit: str, label: str
) -> Any:
    environments = _asv("environment")
    own = _loaded(configuration)
    own.env_dir = str(Path(config.env_dir) / f"bench-{name.lower()}")
    own.repo, own.environment_type = str(repository), "virtualenv"
    try:
        # A matrix may name several; two revisions are compared in the first.
        environment = next(iter(environments.get_environments(own, None, verbose=False)), None)
        if environment is None:
            raise HarnessError(
                f"{configuration}: asv can make no environment for Python "
                f"{', '.join(own.pythons)} here"
            )
        environment.create()
        asv_repository = _asv("repo").get_repo(own)
        environment.install_project(own, asv_repository, commit)
    except HarnessError:
        raise
    except Exception as error:  # noqa: BLE001 - what a foreign build raises, it may be anything
        raise HarnessError(f"asv could not build {label}: {_reason(error)}") from None
    return environment


def _loaded(configuration: Path) -> Any:
    try:
        return _asv("config").Config.load(str(configuration))
    except (ValueError, _asv("util").UserError) as error:
        raise HarnessError(f"{configuration}: {' '.join(str(error).split())}") from None


def _reason(error: Exception) -> str:
    """One line; of a command that failed, asv has already shown all that it said."""
    said = f"{getattr(error, 'stdout', '') or ''}\n{getattr(error, 'stderr', '') or ''}"
    named = [line.strip(" ╰─>") for line in said.splitlines() if "Error" in line]
    return f"{named[-1]} (all of it is above)" if named else " ".join(str(error).split())


def _judge(where: Path) -> Path:
    """A folder from which this package can be imported, but no other installed package."""
    package = Path(__file__).parents[2]
    shutil.copytree(package, where / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    return where


def _asv(module: str) -> Any:
    # Imported here: an extra of this distribution, and only needed for bench.
    try:
        return importlib.import_module(f"asv.{module}")
    except ModuleNotFoundError as error:
        raise HarnessError(
            f"revisions are built by asv, and {error.name} is not installed: "
            "pip install 'softmax-harness[asv]'"
        ) from None
