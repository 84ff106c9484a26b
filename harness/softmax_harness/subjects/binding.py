"""Arguments bound by name, where a function has them in another order than the operation."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

_BY_PLACE = inspect.Parameter.POSITIONAL_OR_KEYWORD
_BY_NAME = (_BY_PLACE, inspect.Parameter.KEYWORD_ONLY)


def bound(function: Callable[..., Any], names: tuple[str, ...]) -> Callable[..., Any]:
    """The function as one that takes its arguments in the order of `names`.

    It is called by name only if it has a parameter of each name and these do not come first in this
    order. Any other is called by place, whatever it calls its parameters.
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
    if first == names or not names or not known.issuperset(names):
        return function

    def by_name(*arguments: Any, **named: Any) -> Any:
        return function(**dict(zip(names, arguments, strict=True)), **named)

    return by_name
