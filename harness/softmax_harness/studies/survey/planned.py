"""What is surveyed: inputs, ways to call, and settings of the process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families import FAMILIES, Recipe
from softmax_harness.operations import Operation

SEED = 0


@dataclass(frozen=True)
class Setting:
    """How a library's process is told to compute.

    Attributes
    ----------
    name : str
        Empty for the default.
    environment : mapping of str to str
        The variables that say so.
    """

    name: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


# One thread is the default here: what a second one changes is a row of its own.
_ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "MKL_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "TF_NUM_INTRAOP_THREADS",
        "TF_NUM_INTEROP_THREADS",
    ),
    "1",
)
_WITHOUT_AVX512 = "X86_V4 AVX512_ICL AVX512_SPR"  # as NumPy 2.4 names them
_NUMPY = Setting("without AVX-512", {"NPY_DISABLE_CPU_FEATURES": _WITHOUT_AVX512})
_SETTINGS = {
    "scipy": (_NUMPY,),
    "sklearn": (_NUMPY,),
    "torch": (
        Setting("2 threads", {"OMP_NUM_THREADS": "2"}),
        Setting("ATEN_CPU_CAPABILITY=avx2", {"ATEN_CPU_CAPABILITY": "avx2"}),
        Setting("ATEN_CPU_CAPABILITY=default", {"ATEN_CPU_CAPABILITY": "default"}),
    ),
    "tensorflow": (
        Setting("without oneDNN", {"TF_ENABLE_ONEDNN_OPTS": "0"}),
        Setting("2 threads", {"TF_NUM_INTRAOP_THREADS": "2"}),
    ),
    "jax": (Setting("at most AVX2", {"XLA_FLAGS": "--xla_cpu_max_isa=AVX2"}),),
    "paddle": (Setting("2 threads", {"OMP_NUM_THREADS": "2"}),),
}


def settings_of(library: str) -> tuple[Setting, ...]:
    """The default, and what else is set for a library; all with one thread unless they say more."""
    return tuple(
        Setting(each.name, {**_ONE_THREAD, **each.environment})
        for each in (Setting(), *_SETTINGS.get(library, ()))
    )


def setting_named(library: str, name: str) -> Setting:
    """The setting of that name."""
    return next(each for each in settings_of(library) if each.name == name)


Asked = tuple[str, int, int]
"""Family, length, rows."""
# These are asked in every way and setting.
_EVERYWHERE = (
    ("near-equal", 4096, 4),
    ("normal-10", 1003, 16),
    ("uniform-wide", 1000, 8),
    ("neighbours", 1000, 8),
)
_OF_LOGITS: tuple[Asked, ...] = (
    *_EVERYWHERE,
    ("normal-1", 100, 32),
    ("normal-100", 1000, 8),
    ("uniform-unit", 1000, 8),
    ("dominant", 100, 32),
    ("offset-positive", 100, 32),
    ("rising", 1000, 4),
    ("masked", 100, 32),
    ("all-masked", 100, 8),
    ("nan-in-row", 100, 32),
    ("positive-infinity", 100, 32),
    ("equal", 4096, 2),
    ("equal-overflow", 65519, 1),
    ("equal-overflow", 65520, 1),
    ("vocabulary", 128256, 1),
    ("vocabulary", 151936, 1),
    ("digits", 10, 128),
    ("result-thresholds", 2, 64),
)
_OF_SCORES: tuple[Asked, ...] = (
    ("normal-1", 129, 6),
    ("normal-10", 129, 6),
    ("normal-100", 129, 6),
    ("masked", 129, 6),
    ("all-masked", 129, 6),
)


def recipes(operation: Operation, format: Format, everywhere: bool = False) -> list[Recipe]:
    """The inputs of an operation; `everywhere` asks for those of every way and setting alone."""
    chosen = _OF_LOGITS if operation.takes_logits else _OF_SCORES
    if everywhere:
        chosen = chosen[: len(_EVERYWHERE)]
    return [_recipe(*each, format) for each in chosen]


def _recipe(family: str, n: int, rows: int, format: Format) -> Recipe:
    found = FAMILIES[family]
    lengths = found.lengths or (n,)
    return Recipe(found, format, n if n in lengths else lengths[0], found.rows or rows, SEED)
