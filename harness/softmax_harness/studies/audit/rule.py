"""Rules by which people's tests accept results: a tolerance, or a function of their own."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.errors import BadLimit
from softmax_harness.ground.formats import Format
from softmax_harness.studies.audit.expression import value_of
from softmax_harness.subjects.call import told

Array = NDArray[np.float64]


class Rule(Protocol):
    """Accepts results, or does not."""

    @property
    def text(self) -> str:
        """As it is written."""

    def accepts(self, y: Array, golden: Array, format: Format) -> bool:
        """Whether results y, shape (rows, m), are near enough to the right ones, `golden`.

        Both hold numbers of the format, as float64.
        """


@dataclass(frozen=True)
class AllClose:
    """|y - golden| <= atol + rtol |golden| everywhere, as in numpy.allclose and torch.allclose.

    Equal infinities are close. A NaN is close to nothing, or to a NaN where `equal_nan` is true.
    """

    rtol: float
    atol: float
    equal_nan: bool = False

    @property
    def text(self) -> str:
        """As it is written."""
        more = ", equal_nan=True" * self.equal_nan
        return f"allclose(rtol={self.rtol:g}, atol={self.atol:g}{more})"

    def accepts(self, y: Array, golden: Array, format: Format) -> bool:
        """Whether all results are close."""
        with np.errstate(invalid="ignore", over="ignore"):
            return np.allclose(y, golden, self.rtol, self.atol, self.equal_nan)


@dataclass(frozen=True)
class Ulps:
    """At most so many steps from one number of the format to the next, as ``ulp(3*n+3)``.

    Steps are counted from `golden` to the result, through 0 and the subnormal numbers, which is how
    tests count that compare bit patterns. 0 is therefore few steps from a small number: in float16
    4096 from 2**-11.
    """

    limit: str

    @property
    def text(self) -> str:
        """As it is written."""
        return f"ulp({self.limit})"

    def accepts(self, y: Array, golden: Array, format: Format) -> bool:
        """Whether all results are so near; NaN is at NaN alone."""
        steps = steps_between(y, golden, format)
        return bool((steps <= value_of(self.limit, {"n": golden.shape[-1]})).all())


def steps_between(y: Array, golden: Array, format: Format) -> Array:
    """Steps from one number of the format to another; 0 between NaNs, infinite beside one."""
    both = np.isnan(y) & np.isnan(golden)
    with np.errstate(invalid="ignore"):
        steps = np.abs(_place(y, format) - _place(golden, format))
    return np.where(both, 0.0, np.where(np.isnan(steps), np.inf, steps))


def _place(values: Array, format: Format) -> Array:
    """The place of each number among those of the format, counted from 0; NaN for NaN.

    In each binade there are 2**(p - 1) of them, and as many below the smallest normal one. An
    infinity comes after the largest number. Exact for formats up to float32; of float64, places
    beyond 2**53 are rounded, which is less than any tolerance that is stated in steps.
    """
    size = np.minimum(np.abs(values), np.ldexp(1.0, min(format.emax + 1, 1023)))
    binade = np.where(size > 0.0, np.maximum(np.frexp(size)[1] - 1, format.emin), format.emin)
    in_binade = np.ldexp(size, format.precision - 1 - binade)
    place = in_binade + (binade - format.emin) * 2.0 ** (format.precision - 1)
    return np.asarray(np.copysign(np.where(np.isnan(values), np.nan, place), values))


@dataclass(frozen=True)
class OwnJudge:
    """A function ``judge(y, golden)`` of a user's file: true, or no AssertionError, accepts.

    Both arrays have the dtype of the results, so that it may judge as its author's tests do.
    """

    text: str
    judge: Callable[[NDArray[Any], NDArray[Any]], Any]

    def accepts(self, y: Array, golden: Array, format: Format) -> bool:
        """Whether the function accepts."""
        with np.errstate(all="ignore"):
            own = y.astype(format.dtype), golden.astype(format.dtype)
        try:
            answer = self.judge(*own)
            return answer is None or bool(answer)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - the user's own rule may raise anything
            if _rejects(error):
                return False
            raise BadLimit(f"{self.text} raised {told(error)}: expected true or false") from None


def _rejects(error: BaseException) -> bool:
    """Whether a test says by that exception that it fails: an assertion, or ``pytest.fail()``."""
    is_outcome = any(each.__module__ == "_pytest.outcomes" for each in type(error).__mro__)
    return isinstance(error, AssertionError) or (is_outcome and type(error).__name__ == "Failed")


def parse_rule(text: str) -> Rule:
    """The rule that is written: ``allclose(rtol=R, atol=A)``, ``ulp(N)``, or ``FILE.py:NAME``.

    Raises
    ------
    BadLimit
        If it is none of these.
    """
    name, _, rest = text.strip().partition("(")
    if name == "allclose" and rest.endswith(")"):
        return _allclose(text)
    if name == "ulp" and rest.endswith(")"):
        value_of(rest[:-1], {"n": 1.0})
        return Ulps(rest[:-1].strip())
    path, _, function = text.rpartition(":")
    if path.endswith(".py") and function.isidentifier():
        return OwnJudge(text, _loaded(Path(path), function))
    raise BadLimit(
        f"{text!r} is no rule: expected allclose(rtol=1e-2, atol=1e-2), ulp(3*n+3), FILE.py:NAME "
        "of a function judge(y, golden), or the name of a published rule"
    )


def _allclose(text: str) -> AllClose:
    given: dict[str, Any] = {"rtol": 1e-5, "atol": 1e-8}  # numpy's and torch's own
    try:
        call = ast.parse(text.strip(), mode="eval").body
        assert isinstance(call, ast.Call) and not call.args
        own = {str(each.arg): ast.literal_eval(each.value) for each in call.keywords}
        assert own.keys() <= {*given, "equal_nan"}
        given |= own
        rule = AllClose(float(given["rtol"]), float(given["atol"]), bool(given.get("equal_nan")))
        assert 0 <= rule.rtol < np.inf and 0 <= rule.atol < np.inf
    except (SyntaxError, AssertionError, ValueError, TypeError):
        raise BadLimit(
            f"{text!r}: expected allclose(rtol=R, atol=A) with numbers of at least 0, and "
            "equal_nan=True where NaN is to be equal to NaN"
        ) from None
    return rule


def _loaded(path: Path, name: str) -> Callable[..., Any]:
    """The function of a file."""
    try:
        source = path.read_text(encoding="utf-8")
        own: dict[str, Any] = {"__name__": path.stem, "__file__": str(path)}
        exec(compile(source, str(path), "exec"), own)
    except OSError as error:
        raise BadLimit(f"{path} cannot be read: {error.strerror}") from None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - even SystemExit, which would end all with 0
        raise BadLimit(f"{path} cannot be loaded: it raised {told(error)}") from None
    if not callable(own.get(name)):
        raise BadLimit(f"{path} has no function {name}: expected judge(y, golden)")
    function: Callable[..., Any] = own[name]
    return function
