"""Arithmetic in the length of a row, such as ``3*n+3``, as rules state their tolerance."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping

from softmax_harness.ground.errors import BadLimit

_BINARY: dict[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_FUNCTIONS: dict[str, Callable[..., float]] = {
    "sqrt": math.sqrt,
    "log2": math.log2,
    "max": max,
    "min": min,
}


def value_of(text: str, names: Mapping[str, float]) -> float:
    """The value of an expression of numbers, `names`, ``+ - * / **``, sqrt, log2, max and min.

    Raises
    ------
    BadLimit
        If it is anything else, or has no finite value of at least 0.
    """
    try:
        value = float(_value(ast.parse(text.strip(), mode="eval").body, names))
    except (SyntaxError, ValueError, TypeError, ArithmeticError, RecursionError, MemoryError):
        value = math.nan
    if not 0.0 <= value < math.inf:
        raise BadLimit(
            f"{text!r}: expected a number of at least 0, made of numbers, {', '.join(names)}, "
            f"+ - * / ** and {', '.join(_FUNCTIONS)}"
        )
    return value


def _value(node: ast.expr, names: Mapping[str, float]) -> float:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name) if name in names:
            return float(names[name])
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, names)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _BINARY:
            return _BINARY[type(sign)](_value(left, names), _value(right, names))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _FUNCTIONS:
            return float(_FUNCTIONS[name](*(_value(each, names) for each in arguments)))
    raise ValueError
