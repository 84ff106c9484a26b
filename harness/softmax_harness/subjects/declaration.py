"""What is declared about an implementation, and what a command says in its author's place."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray
from softmax_implementations import Implementation
from softmax_implementations.registry import CAPABILITIES, NARROW, SAME_BITS, ExpectedFinding

from softmax_harness.ground.adapters import ADAPTERS, adapter_named
from softmax_harness.ground.errors import BadImplementation
from softmax_harness.ground.formats import FORMATS, Format, dtype_name
from softmax_harness.operations import (
    DEFAULT_OPERATION,
    OPERATIONS,
    Fit,
    Operation,
    Policy,
    Problem,
    operation_named,
)
from softmax_harness.operations.bounds import BOUNDS
from softmax_harness.operations.standards import check_standard, standards_of
from softmax_harness.subjects.convention import Convention
from softmax_harness.subjects.native.library import FORM, names_symbol
from softmax_harness.subjects.native.signature import parse, unsaid
from softmax_harness.subjects.request import LOOKS_AT_HARNESS
from softmax_harness.subjects.specification import is_foreign


@dataclass(frozen=True)
class Said:
    """What a command says about the implementations that it names.

    Attributes
    ----------
    output_dtype : str or None
        The output format of a plain function; None where it is the input's. What is declared is
        known already.
    standard : str or None
        The standard of accuracy that they are held to; None where their declaration says it, or
        the default holds.
    signature : str or None
        How those that are functions of a shared library are called.
    arrays, device : str or None
        The library whose arrays those take that are other functions, and where these lie.
    fit : tuple of (str, int)
        In what shapes alone they are asked, as `softmax_harness.operations.Operation.fit`.
    policy : tuple of str
        What the policy states, as `softmax_harness.operations.Policy.stated`.
    """

    output_dtype: str | None = None
    standard: str | None = None
    signature: str | None = None
    arrays: str | None = None
    device: str | None = None
    fit: Fit = ()
    policy: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Know the output format by its own name, and the fit however it was written."""
        given = self.fit.items() if isinstance(self.fit, Mapping) else self.fit or ()
        fit = tuple(sorted((str(name), int(value)) for name, value in given))
        object.__setattr__(self, "fit", fit)
        object.__setattr__(self, "policy", tuple(self.policy or ()))
        if self.output_dtype is not None:
            object.__setattr__(self, "output_dtype", dtype_name(self.output_dtype))

    @property
    def words(self) -> list[str]:
        """As a command says it."""
        standard = [] if self.standard is None else ["--standard", self.standard]
        return [*self.words_of_calls, *standard]

    @property
    def words_of_calls(self) -> list[str]:
        """As a command says it that calls an implementation, and holds it to no standard."""
        given = {
            "--output-dtype": self.output_dtype,
            "--signature": self.signature,
            "--arrays": self.arrays,
            "--device": self.device,
        }
        words = [word for name, value in given.items() if value for word in (name, value)]
        stated = [word for each in self.policy for word in ("--policy", each)]
        return words + self.words_of_fit + stated

    @property
    def words_of_fit(self) -> list[str]:
        """As a command says in what shapes alone something is asked."""
        choices = [each for about in OPERATIONS.values() for each in about.choices]
        flags = {each.name for each in choices if each.is_flag}
        return [
            word
            for name, value in self.fit
            for word in ([f"--{name}"] if name in flags else [f"--{name}", str(value)])
        ]

    def of(self, name: str) -> Said:
        """What of it concerns the implementation of that name."""
        if names_symbol(name):
            return replace(self, arrays=None, device=None)
        if is_foreign(name):
            return replace(self, signature=None)
        return replace(self, signature=None, arrays=None, device=None)

    def check_concerns(self, names: Sequence[str]) -> None:
        """Refuse what concerns none of the implementations that are named."""
        of_library = [name for name in names if names_symbol(name)]
        others = [name for name in names if is_foreign(name) and name not in of_library]
        told = f"none of {', '.join(names)}" if names else "nothing that is named"
        if self.signature is not None and not of_library:
            raise BadImplementation(
                f"--signature was given, but {told} is a function of a shared library: expected "
                f"{FORM}"
            )
        if self.arrays is not None and not others:
            raise BadImplementation(
                f"--arrays {self.arrays} was given, but {told} is a function of which it can be "
                "said: expected package.module:function or path/to/file.py:function"
            )
        if self.device is not None and self.arrays is None:
            raise BadImplementation(
                f"--device {self.device} was given without --arrays: say which library has it, "
                f"one of {', '.join(ADAPTERS)}"
            )

    def over(self, other: Said) -> Said:
        """What this says, and where it says nothing what the other does."""
        own = {name: value for name, value in vars(self).items() if value not in (None, ())}
        return replace(other, **own)

    def convention(self, name: str, operation: str) -> Convention:
        """How the function of that name is called, as far as it does not declare that.

        Raises
        ------
        BadImplementation, UnknownName
            If nothing or something else is said than a function of that kind needs.
        """
        if names_symbol(name):
            if self.signature is None:
                raise unsaid(name)
            return Convention(parse(self.signature, operation_named(operation)))
        own = self.of(name)
        if own.arrays is not None:
            adapter_named(own.arrays)
        return Convention(None, own.arrays, own.device)

    def about(self, declaration: Implementation, is_plain: bool) -> Implementation:
        """The declaration with what is said.

        Raises
        ------
        BadImplementation, UnknownName
            If the declaration says another output format, or its operation has no such standard.
        """
        output, declared = self.output_dtype, declaration.output_dtype
        if output not in (None, declared) and not is_plain:
            raise BadImplementation(
                f"{declaration.name} declares the output format "
                f"{declared or 'of its input'}: leave out --output-dtype {output}"
            )
        if self.standard is not None:
            check_standard(self.standard, operation_named(declaration.operation))
        return replace(
            declaration,
            output_dtype=output or declared,
            standard=self.standard or declaration.standard,
            **self._of_calls(declaration),
        )

    def _of_calls(self, declaration: Implementation) -> dict[str, Any]:
        """How it is called, in the fields of a declaration."""
        said = self.of(declaration.name)
        own = declaration.arrays, declaration.device
        if said.arrays and own[0] and own != (said.arrays, said.device):
            raise BadImplementation(
                f"{declaration.name} declares arrays of {own[0]} on {own[1] or 'any device'}: "
                f"leave out --arrays {said.arrays}"
            )
        given = {"signature": said.signature, "arrays": said.arrays, "device": said.device}
        return {key: value for key, value in given.items() if value is not None}


def described(
    name: str, declared: dict[str, Any] | None, summary: str, operation: str = DEFAULT_OPERATION
) -> Implementation:
    """What is declared about the implementation of that name, with no function to call here.

    A plain function, of which nothing is declared, is taken to do all that its operation does, in
    every format.

    Raises
    ------
    BadImplementation
        If the declaration names what does not exist.
    """

    def elsewhere(*arguments: NDArray[Any], **named: Any) -> NDArray[Any]:
        raise BadImplementation(f"{name} can be called only in its own process")

    elsewhere.__doc__ = summary
    fields = {"operation": operation} | (declared or {"dtypes": tuple(FORMATS)})
    found = spelt_out(Implementation(**(fields | {"name": name, "function": elsewhere})))
    if declared is not None:
        _check(found)
    return found


def spelt_out(found: Implementation) -> Implementation:
    """The declaration with the own name of each dtype in place of aliases and of `NARROW`."""
    found = replace(
        found,
        dtypes=tuple(map(dtype_name, found.dtypes)),
        output_dtype=found.output_dtype and dtype_name(found.output_dtype),
        largest_n={dtype_name(name): n for name, n in found.largest_n.items()},
        expected_findings=tuple(map(_with_own_names, found.expected_findings)),
    )
    if NARROW not in found.dtypes:
        return found
    narrow = [name for name, format in FORMATS.items() if format.is_narrow]
    others = [name for name in found.dtypes if name != NARROW]
    return replace(found, dtypes=tuple(dict.fromkeys((*narrow, *others))))


def _with_own_names(expected: str) -> str:
    """``overflow in float16`` for ``overflow in fp16``."""
    return re.sub(r"(?<= in )\w+", lambda found: dtype_name(found[0]), expected)


def _check(found: Implementation) -> None:
    operation = operation_named(found.operation)
    bounds = ("exact", "wide", "operation", *BOUNDS)
    given = {
        "dtypes": (found.dtypes, tuple(FORMATS)),
        "output_dtype": (_alone(found.output_dtype), tuple(FORMATS)),
        "standard": (_alone(found.standard), standards_of(operation)),
        "arrays": (_alone(found.arrays), tuple(ADAPTERS)),
        "bound": (_alone(found.bound), bounds),
        "capabilities": (found.capabilities, CAPABILITIES),
        "same_bits": (found.same_bits, SAME_BITS),
        "largest_n": (tuple(found.largest_n), tuple(FORMATS)),
    }
    for field, (names, known) in given.items():
        for name in names:
            if name not in known:
                raise BadImplementation(
                    f"{found.name} declares {field} {name!r}: expected one of {', '.join(known)}"
                )
    for text in found.expected_findings:
        try:
            kind = ExpectedFinding.parse(text).kind
        except ValueError as error:
            raise BadImplementation(f"{found.name} declares expected_findings {error}") from None
        if kind == LOOKS_AT_HARNESS:
            raise BadImplementation(
                f"{found.name} declares expected_findings {kind!r}, which nobody can expect of "
                "itself: leave the harness alone, or let the project waive it"
            )


def _alone(name: str | None) -> tuple[str, ...]:
    return () if name is None else (name,)


def without(declaration: Implementation, capabilities: Collection[str]) -> Implementation:
    """The declaration less capabilities that are not asked for."""
    left = tuple(each for each in declaration.capabilities if each not in capabilities)
    return replace(declaration, capabilities=left)


def check_operation(declaration: Implementation, operation: str) -> None:
    """Refuse an implementation that computes something else than what was asked for."""
    if declaration.operation != operation:
        raise BadImplementation(
            f"{declaration.name} computes {declaration.operation}, not {operation}: give "
            f"--operation {declaration.operation}"
        )


def problem_of(
    declaration: Implementation, operation: Operation, format: Format, policy: Policy | None = None
) -> Problem:
    """The problem of an implementation; its output format is the input's unless it declares one."""
    output = FORMATS[declaration.output_dtype] if declaration.output_dtype else format
    return Problem(operation, format, output, policy=policy or Policy())
