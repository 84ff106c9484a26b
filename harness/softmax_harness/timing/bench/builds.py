"""Both revisions built by asv, each into an environment of its own."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from softmax_harness.ground.errors import BadFolder, HarnessError
from softmax_harness.ground.scratch import scratch_folder
from softmax_harness.timing.bench import commands, revisions
from softmax_harness.timing.bench.building import builder
from softmax_harness.timing.built import FOLDER
from softmax_harness.timing.worker import Side

Progress = Callable[[str, int, int], None]
_NAMES = ("BASE", "HEAD")
_ASV = ("asv.conf.json", "asv.conf.jsonc")
# Of a compiler the first error is the cause, of Python the last.
_COMPILERS = re.compile(r":\s*(fatal )?error:|^CMake Error|No rule to make target|not found$")


@dataclass(frozen=True)
class Build:
    """What asv is to build.

    Attributes
    ----------
    configuration : Path
        asv's configuration.
    command : str or None
        A line of the shell that builds in the folder of the revision, in place of what the
        configuration says.
    repository : Path
        Where the commit is.
    name, commit : str
        BASE or HEAD, and its whole hash.
    temporary : Path
        Where compilers put what they would take away themselves if nothing ended them.
    """

    configuration: Path
    command: str | None
    repository: Path
    name: str
    commit: str
    temporary: Path

    @property
    def label(self) -> str:
        """Such as ``BASE 1a2b3c4d``."""
        return f"{self.name} {self.commit[:8]}"


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
    folder: Path, commits: tuple[str, str], command: str | None, progress: Progress
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
    config = _loaded(configuration)
    if config.environment_type not in (None, "virtualenv"):
        raise HarnessError(
            f"{configuration}: environment_type is {config.environment_type!r}: expected "
            "virtualenv, the environments in which bench builds"
        )
    environments = folder / config.env_dir
    environments.mkdir(parents=True, exist_ok=True)
    with scratch_folder(environments / "bench", environments) as scratch:
        repository = revisions.top_of(folder)
        if revisions.is_shallow(repository):
            repository = revisions.with_branches(repository, commits, scratch / "git")
        judge, temporary = _judge(scratch / "judge"), scratch / "tmp"
        temporary.mkdir()
        benchmarks = (folder / config.benchmark_dir).resolve()
        sides: list[Side] = []
        with builder() as ask:
            for name, commit in zip(_NAMES, commits, strict=True):
                build = Build(configuration, command, repository, name, commit, temporary)
                progress(f"building {build.label}", len(sides), len(commits))
                python, variables, where = ask(_made, build)
                path = [str(judge)]
                if where is not None:
                    path.append(where)
                    variables[FOLDER] = where
                variables["PYTHONPATH"] = os.pathsep.join(path)
                sides.append(Side(build.label, Path(python), benchmarks, variables))
        yield sides[0], sides[1]


def _made(build: Build) -> tuple[str, dict[str, str], str | None]:
    """Make the environment of a revision, and build the revision for it.

    Returns
    -------
    str
        Its Python.
    dict
        The variables that the configuration sets there.
    str or None
        The folder in which the revision was built, if it stays there.
    """
    os.chdir(build.configuration.parent)
    os.environ["TMPDIR"] = str(build.temporary)
    config = _loaded(build.configuration)
    config.env_dir = str(Path(config.env_dir) / f"bench-{build.name.lower()}")
    config.repo, config.environment_type = str(build.repository), "virtualenv"
    if build.command is not None:
        commands.build_by(config, build.command)
    _asv("plugin_manager")  # makes the kinds of environments and repositories known
    # A matrix may name several; two revisions are compared in the first.
    found = _asv("environment").get_environments(config, None, verbose=False)
    environment = next(iter(found), None)
    if environment is None:
        raise HarnessError(
            f"{build.configuration}: asv can make no environment for Python "
            f"{', '.join(config.pythons)} here"
        )
    _find_programs_too(environment)
    where = Path(environment._build_root) / (config.repo_subdir or "")
    stays = commands.stays_in_its_folder(config)
    try:
        environment.create()
        environment.install_project(config, _asv("repo").get_repo(config), build.commit)
    except Exception as error:  # noqa: BLE001 - what a foreign build raises, it may be anything
        advice = "" if stays or not where.is_dir() else commands.advice(where)
        raise HarnessError(f"asv could not build {build.label}: {_reason(error)}{advice}") from None
    python = environment.find_executable("python")
    return python, dict(environment.env_vars), str(where) if stays else None


def _find_programs_too(environment: Any) -> None:
    """Let a build use programs of the system: asv looks for them in its environment only."""
    own = environment.find_executable

    def find(name: str) -> str:
        try:
            return str(own(name))
        except OSError:
            if found := shutil.which(name):
                return found
            raise OSError(f"there is no program {name!r} here") from None

    environment.find_executable = find


def _loaded(configuration: Path) -> Any:
    try:
        return _asv("config").Config.load(str(configuration))
    except (ValueError, _asv("util").UserError) as error:
        raise HarnessError(f"{configuration}: {' '.join(str(error).split())}") from None


def _reason(error: Exception) -> str:
    """One line; of a command that failed, asv has already shown all that it said."""
    said = f"{getattr(error, 'stdout', '') or ''}\n{getattr(error, 'stderr', '') or ''}"
    lines = [line.strip(" ╰─>") for line in said.splitlines() if line.strip()]
    if not lines:
        return " ".join(str(error).split())
    compiler = [line for line in lines if _COMPILERS.search(line)]
    python = [line for line in lines if "Error" in line]
    return f"{[*compiler, *python[::-1], lines[-1]][0]} (all of it is above)"


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
