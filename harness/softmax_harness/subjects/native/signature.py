"""The signature of a C function in one line: what its parameters are, in their order.

    SIGNATURE = [TYPE] PARAMETER{,PARAMETER} [-> TYPE]
    PARAMETER = ARRAY[:TYPE] | OPERAND=TYPE | SIZE[:TYPE]

An ARRAY is a pointer to its first element: ``x``, an operand by its name, ``y`` for the results, or
``xy`` where these take the place of the logits. ``OPERAND=TYPE`` is passed by value. A SIZE is
``rows``, ``n`` (the length of a row), ``NAME[-1]`` and ``NAME[-2]`` (the last sizes of an array) or
``NAME.stride`` (from one of its rows to the next, in elements); a ``size_t`` where nothing else is
said. The TYPE in front is that of the arrays for which none is written; where no array is written
at all, they come first, in the order of the operation, and ``y`` after them. A function that takes
no ``rows`` is called for each row. ``-> int`` is a code that is 0 where all is well; ``-> f32`` is
the result itself. ::

    f32 rows,n                      void f(const float *x, float *y, size_t rows, size_t n)
    y:bf16,x:f32,n:int              void f(uint16_t *y, const float *x, int n)
    f64 x,x.stride,y,y.stride,rows,n -> int
    f32 x,n,target=int -> f32       float f(const float *x, size_t n, int target)
    f32 q,k,v,mask,y,rows,q[-2],k[-2],q[-1],v[-1]
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from softmax_harness.ground.errors import BadImplementation
from softmax_harness.ground.formats import FORMATS

if TYPE_CHECKING:  # the process of an implementation imports this, and is to hold no operation
    from softmax_harness.operations import Operation

EXAMPLE = "'f32 rows,n' for void f(const float *x, float *y, size_t rows, size_t n)"
RESULT, IN_PLACE = "y", "xy"

# f32 for float32, bf16 for bfloat16; bits of formats that C lacks lie in integers of their size.
_FORMATS = {re.sub("^(b?)float", r"\1f", name): name for name in FORMATS}
# As other languages name them: half, fp16 and float16 are f16. C's float has 32 bits everywhere.
_ALIASES = {
    alias: short
    for short, name in _FORMATS.items()
    for alias in (name, *FORMATS[name].aliases)
    if alias != short
} | {"float": "f32"}
_INTEGERS = {
    f"{kind[0]}{bits}": f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)
}
_ALIASES |= {alias: short for short, name in _INTEGERS.items() for alias in (name, f"{name}_t")}
_NAMED = {"int": "c_int", "long": "c_long", "size_t": "c_size_t"}
_SCALARS = {"f32": "c_float", "f64": "c_double", **_NAMED} | {
    short: f"c_{name}" for short, name in _INTEGERS.items()
}
_OF_KINDS = {"int": "i64", "bool": "u8"}  # of operands for which nothing is written
_PARAMETER = re.compile(
    r"(?P<name>\w+)(?P<part>\[-[12]\]|\.stride)?\s*(?:(?P<sign>[:=])\s*(?P<type>\w+))?"
)


@dataclass(frozen=True)
class Array:
    """A pointer.

    Attributes
    ----------
    name : str
    dtype : str
        Of NumPy, or of a format.
    core : int
        Dimensions that it has for each row, or for each matrix of attention.
    is_spread : bool
        Whether the first of two such dimensions may be 1 for as many as the results have.
    gap : bool
        Whether its rows lie apart, since the function takes their stride.
    """

    name: str
    dtype: str
    core: int
    is_spread: bool = False
    gap: bool = False

    @property
    def label(self) -> str:
        """As it is written."""
        return self.name


@dataclass(frozen=True)
class Value:
    """An operand of one number that is passed by value."""

    name: str
    ctype: str

    @property
    def label(self) -> str:
        """As it is written."""
        return self.name


@dataclass(frozen=True)
class Size:
    """A size or a stride: of the array `name`, or ``rows`` or ``n``.

    Attributes
    ----------
    part : str
        ``[-1]``, ``[-2]``, ``.stride``, or empty.
    """

    name: str
    part: str
    ctype: str

    @property
    def label(self) -> str:
        """As it is written."""
        return self.name + self.part


Parameter = Array | Value | Size


@dataclass(frozen=True)
class Signature:
    """What the parameters of a function are.

    Attributes
    ----------
    text : str
        As it was written.
    parameters : tuple of Array, Value or Size
    result : Array
        The results: one of the parameters, or what the function returns.
    returned : str or None
        The C type of what is returned, a code or the result; None for void.
    """

    text: str
    parameters: tuple[Parameter, ...]
    result: Array
    returned: str | None = None

    @property
    def arrays(self) -> tuple[Array, ...]:
        """The pointers among the parameters."""
        return tuple(each for each in self.parameters if isinstance(each, Array))

    @property
    def returns_result(self) -> bool:
        """Whether what is returned is the result, and not a code."""
        return self.result not in self.parameters

    @property
    def takes_rows(self) -> bool:
        """Whether all rows are computed by one call."""
        return any(isinstance(each, Size) and each.name == "rows" for each in self.parameters)

    @property
    def declared(self) -> dict[str, Any]:
        """What it says of an implementation, as ``@implementation`` would."""
        given = [each for each in self.arrays if each != self.result] or [self.result]
        first = next(each.dtype for each in given if each.dtype in FORMATS)
        output = None if self.result.dtype == first else self.result.dtype
        return {
            "dtypes": (first,),
            "output_dtype": output,
            "capabilities": ("scalar", "subnormals"),
        }


def parse(text: str, operation: Operation) -> Signature:
    """The signature of a function that computes an operation.

    Raises
    ------
    BadImplementation
        If it says nothing that can be called, or leaves out what the operation takes.
    """
    return _Reader(text, operation).signature()


class _Reader:
    """Reads one signature; each error says what is wrong, and shows one that is right."""

    def __init__(self, text: str, operation: Operation) -> None:
        self._text, self._operation = text, operation
        self._operands = {each.name: each for each in operation.operands}
        text = re.sub(r"\w+", lambda word: _ALIASES.get(word[0], word[0]), text)
        body, arrow, returned = (each.strip() for each in text.partition("->"))
        words = body.split(None, 1)
        has_type = bool(words) and words[0] in _FORMATS
        self._type = words[0] if has_type else None
        self._body = "".join(words[1:]) if has_type else body
        self._returned = returned if arrow else None

    def signature(self) -> Signature:
        parameters = tuple(self._parameters())
        names = [each.label for each in parameters]
        for name in names:
            if names.count(name) > 1:
                raise self._error(f"{name} stands there twice")
        arrays = {each.name: each for each in parameters if isinstance(each, Array)}
        result = arrays.get(RESULT) or arrays.get(IN_PLACE) or self._returned_result()
        found = Signature(self._text, parameters, result, self._ctype_returned())
        self._check(found, arrays)
        return found

    def _parameters(self) -> Iterator[Parameter]:
        matches = [_PARAMETER.fullmatch(each.strip()) for each in self._body.split(",")]
        given = self._text.partition("->")[0].split(",")
        for word, match in zip(given, matches, strict=True):
            if match is None:
                raise self._error(f"{word.strip()!r} is no parameter")
        found = [each for each in matches if each is not None]
        strided = {each["name"] for each in found if each["part"] == ".stride"}
        if not any(self._is_argument(each["name"]) and not each["part"] for each in found):
            implied = list(self._operation.parameters)
            implied += [] if self._returned in _FORMATS else [RESULT]
            for name in implied:
                yield self._array(name, None, name in strided)
        for each in found:
            yield self._parameter(each, strided)

    def _is_argument(self, name: str) -> bool:
        return name in (*self._operation.parameters, RESULT, IN_PLACE)

    def _parameter(self, match: re.Match[str], strided: set[str]) -> Parameter:
        name, part, sign, type = match.group("name", "part", "sign", "type")
        if self._is_argument(name) and not part:
            if sign == "=":
                return self._value(name, type)
            return self._array(name, type, name in strided)
        if name not in ("rows", "n") and not (part and self._is_argument(name)):
            known = (*self._operation.parameters, RESULT, IN_PLACE, "rows", "n")
            sizes = "a size of one, such as x.stride or x[-1]"
            raise self._error(f"{name!r} is none of {', '.join(known)}, nor {sizes}")
        if sign == "=" or (type or "size_t") not in _SCALARS or (type or "")[:1] == "f":
            raise self._error(f"{match[0]!r}: a size is {_told((*_NAMED, *_INTEGERS))}")
        return Size(name, part or "", _SCALARS[type or "size_t"])

    def _array(self, name: str, type: str | None, gap: bool) -> Array:
        about = self._operands.get(name)
        is_number = about is None or about.kind == "float"
        if type is None:
            type = self._type if about is None or is_number else _OF_KINDS[about.kind]
        if type is None:
            raise self._error(f"no type is written for {name}")
        known = _FORMATS if is_number else _INTEGERS
        if type not in known:
            raise self._error(f"{name}:{type}: expected {_told(known)}")
        if name in (RESULT, IN_PLACE):
            return Array(name, known[type], self._operation.result_ndim, gap=gap)
        core = 1 if about is None else about.ndim
        return Array(
            name, known[type], core, core == 2 and about is not None and about.entries != 0, gap
        )

    def _value(self, name: str, type: str) -> Value:
        about = self._operands.get(name)
        if about is None or about.entries is not None or about.ndim > 1:
            raise self._error(f"{name} is not one number of a row, which alone is passed by value")
        if type not in _SCALARS or (type[0] == "f") != (about.kind == "float"):
            fitting = [each for each in _SCALARS if (each[0] == "f") == (about.kind == "float")]
            raise self._error(f"{name}={type}: expected {_told(fitting)}")
        return Value(name, _SCALARS[type])

    def _returned_result(self) -> Array:
        if self._returned not in _FORMATS:
            raise self._error(f"there is no {RESULT}, which holds the results")
        if self._operation.result_ndim or self._returned not in _SCALARS:
            raise self._error(f"the results of {self._operation.name} cannot be returned by value")
        return Array(RESULT, _FORMATS[self._returned], 0)

    def _ctype_returned(self) -> str | None:
        returned = self._returned
        if returned in (None, "void"):
            return None
        if returned not in _SCALARS:
            raise self._error(f"-> {returned}: expected {_told(('void', *_SCALARS))}")
        return _SCALARS[returned]

    def _check(self, found: Signature, arrays: dict[str, Array]) -> None:
        operation = self._operation
        names = {each.label for each in found.parameters}
        if {RESULT, IN_PLACE} <= names:
            raise self._error(f"{RESULT} and {IN_PLACE} are both there")
        if IN_PLACE in names:
            if not (operation.takes_logits and operation.one_to_one):
                raise self._error(f"{operation.name} cannot take the place of its logits")
            names |= {"x"}
        for name in operation.parameters:
            if name not in names:
                raise self._error(f"{name} is missing, which {operation.name} takes")
        if "x" in arrays and IN_PLACE in arrays:
            raise self._error(f"x and {IN_PLACE} are both there")
        if arrays.get(RESULT) and self._returned in _FORMATS:
            raise self._error(f"{RESULT} is there, and a result is returned")
        if "n" in names and not operation.takes_logits:
            raise self._error("n is the length of x, which is not there: write such as k[-2]")
        is_single = found.returns_result or any(isinstance(e, Value) for e in found.parameters)
        if found.takes_rows and is_single:
            raise self._error("what is passed or returned by value is of one row: leave out rows")
        for size in (each for each in found.parameters if isinstance(each, Size) and each.part):
            self._check_part(size, arrays)

    def _check_part(self, size: Size, arrays: dict[str, Array]) -> None:
        core = arrays[size.name].core if size.name in arrays else 0
        needed = 2 if size.part == "[-2]" else 1
        if core < needed:
            raise self._error(f"{size.name}{size.part}: {size.name} has {core} dimensions in a row")

    def _error(self, what: str) -> BadImplementation:
        return BadImplementation(f"--signature {self._text!r}: {what}; expected such as {EXAMPLE}")


def _told(types: Any) -> str:
    return f"one of {', '.join(types)}"


def unsaid(name: str) -> BadImplementation:
    """The error for a function of a shared library of which no signature is given."""
    return BadImplementation(
        f"{name} is a function of a shared library: say by --signature how it is called, such as "
        f"{EXAMPLE}"
    )


def ctype(name: str) -> Any:
    """The type of ctypes of that name."""
    return getattr(ctypes, name)
