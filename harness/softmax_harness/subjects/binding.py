"""Arguments as a function takes them: in an order of its own, or without an axis."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

_BY_PLACE = inspect.Parameter.POSITIONAL_OR_KEYWORD
_BY_NAME = (_BY_PLACE, inspect.Parameter.KEYWORD_ONLY)


def bound(function: Callable[..., Any], names: tuple[str, ...]) -> Callable[..., Any]:
    """The function as one that takes its arguments in the order of `names`.

    It is called by name only if it has a parameter of each name and these do not come first in this
    order. Any other is called by place, whatever it calls its parameters. One that has no parameter
    ``axis`` is called without it along the last axis, and along another raises a TypeError.
    """
    last = _Last.bound
    if last is None or last[0] is not function or last[1] != names:
        _Last.bound = last = function, names, _bound(function, names)
    return last[2]


class _Last:
    """The last function that was bound: most calls are of one, and to read it takes longer."""

    bound: tuple[Callable[..., Any], tuple[str, ...], Callable[..., Any]] | None = None


def _bound(function: Callable[..., Any], names: tuple[str, ...]) -> Callable[..., Any]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # compiled, and says nothing about itself
        return function
    first = tuple(each.name for each in parameters if each.kind is _BY_PLACE)[: len(names)]
    known = {each.name for each in parameters if each.kind in _BY_NAME}
    is_by_name = bool(names) and first != names and known.issuperset(names)
    found = _by_name(function, names) if is_by_name else function
    takes_axis = "axis" in known or any(each.kind is each.VAR_KEYWORD for each in parameters)
    return found if takes_axis else _along_the_last(found)


def _by_name(function: Callable[..., Any], names: tuple[str, ...]) -> Callable[..., Any]:
    def by_name(*arguments: Any, **named: Any) -> Any:
        return function(**dict(zip(names, arguments, strict=True)), **named)

    return by_name


def _along_the_last(function: Callable[..., Any]) -> Callable[..., Any]:
    def along_the_last(*arguments: Any, axis: int = -1) -> Any:
        if axis not in (-1, arguments[0].ndim - 1):
            raise TypeError(f"has no parameter axis, and was asked for axis {axis}")
        return function(*arguments)

    return along_the_last
