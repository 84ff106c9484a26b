"""The template for a kernel author: asv's configuration, and a benchmark to fill in."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from string import Template

from softmax_harness.ground.errors import BadFolder
from softmax_harness.ground.files import replacing_file
from softmax_harness.operations import DEFAULT_OPERATION
from softmax_harness.subjects.native.library import names_symbol
from softmax_harness.timing.bench.commands import guessed, of_shell

TEMPLATE = Path(__file__).with_name("template")

# asv's lists of commands. pip brings nothing into an environment but the package: what it needs
# stands in the matrix.
_BY_PIP = {
    "project": "your-project",
    "build": [
        "python -m pip wheel --no-deps --no-build-isolation -w {build_cache_dir} {build_dir}"
    ],
    "install": ["in-dir={env_dir} python -m pip install --no-deps --force-reinstall {wheel_file}"],
    "uninstall": ["return-code=any python -m pip uninstall -y {project}"],
}


@dataclass(frozen=True)
class Timed:
    """What the benchmark of a template times, as it is written there.

    Attributes
    ----------
    name : str or None
        ``package.module:function`` or ``lib.so:symbol``; None for one to be filled in.
    signature : str or None
        Of a function of a library.
    operation : str
        What it computes.
    """

    name: str | None = None
    signature: str | None = None
    operation: str = DEFAULT_OPERATION

    def text(self, is_built: bool) -> str:
        """The benchmark; where nothing is named, what a build makes is taken for a library."""
        is_library = is_built if self.name is None else names_symbol(self.name)
        file = "library.py" if is_library else "package.py"
        text = _text(file)
        if self.name is not None:
            text = text.replace(_quoted(_UNNAMED[file]), _quoted(self.name))
        if self.signature is not None:
            without = [line for line in text.splitlines(True) if not line.startswith("#  ")]
            text = "".join(without).replace(_quoted(_SIGNATURE), _quoted(self.signature))
        if self.operation != DEFAULT_OPERATION:
            text = re.sub(r'suite\("[^"]*", ', rf"\g<0>operation={_quoted(self.operation)}, ", text)
        return text


_UNNAMED = {"library.py": "libsoftmax.so:softmax_f32", "package.py": "your_package.kernels:softmax"}
_SIGNATURE = "f32 rows,n"
_TO_FILL_IN = Timed()


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def write_template(
    folder: Path, command: str | None = None, timed: Timed = _TO_FILL_IN
) -> list[Path]:
    """Write the template into `folder`; what is there already is refused, not replaced.

    Parameters
    ----------
    command : str, optional
        A line of the shell that builds a revision. Without it, what has neither pyproject.toml nor
        setup.py but a Makefile or CMakeLists.txt is built by that, and all else by pip.
    timed : Timed
        What is timed.
    """
    build = guessed(folder) if command is None else (of_shell(command),)
    files = _filled_in(folder, build, timed)
    try:
        for name in files:
            path = folder / name
            if path.exists() or path.is_symlink():
                raise BadFolder(f"{path} is there already: the template would replace it")
        _write(folder, files)
    except OSError as error:
        raise BadFolder(f"{folder} cannot be written: {error.strerror}") from None
    return [folder / name for name in files]


def _filled_in(folder: Path, build: tuple[str, ...], timed: Timed) -> dict[str, str]:
    """The text of each file by its name in the folder, for what is built by these commands."""
    settings = _BY_PIP
    if build:
        own = {"project": folder.resolve().name, "build": list(build)}
        settings = _BY_PIP | own | {"install": [], "uninstall": []}
    return {
        "asv.conf.json": Template(_text("asv.conf.json")).substitute(
            {name: json.dumps(value, ensure_ascii=False) for name, value in settings.items()}
        ),
        "benchmarks/__init__.py": "",
        "benchmarks/softmax.py": timed.text(is_built=bool(build)),
    }


def _text(name: str) -> str:
    return (TEMPLATE / name).read_text(encoding="utf-8")


def _write(folder: Path, files: dict[str, str]) -> None:
    """Write all files, or none."""
    made: list[Path] = []
    try:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            replacing_file(path, text.encode())
            made.append(path)
    except BaseException:
        for path in made:
            path.unlink()
        raise
