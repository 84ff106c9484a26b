"""Arguments as a function takes them: in an order of its own, or without an axis."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from typing import Any

_BY_PLACE = inspect.Parameter.POSITIONAL_OR_KEYWORD
_BY_NAME = (_BY_PLACE, inspect.Parameter.KEYWORD_ONLY)


def bound(function: Callable[..., Any], names: tuple[str, ...]) -> Callable[..., Any]:
    """The function as one that takes its arguments in the order of `names`.

    It is called by name only if it has a parameter of each name, or of each but the first, and
    these do not come first in this order. Any other is called by place, whatever it calls its
    parameters. One that has no parameter ``axis`` is called without it along the last axis, and
    along another raises a TypeError. One that needs more arguments, or takes fewer, always does.
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
    needed = [each.name for each in parameters if _is_needed(each) and each.name != "axis"]
    if names and len(needed) > len(names):
        return _needing(needed, names)
    found = function
    if names and first != names and known.issuperset(names):
        found = _by_name(function, 0, names)
    elif first[1:] != names[1:] and known.issuperset(names[1:]):
        found = _by_name(function, 1, names[1:])
    elif (places := _places(parameters)) is not None and len(places) < len(names):
        return _taking(places, names)
    takes_axis = "axis" in known or any(each.kind is each.VAR_KEYWORD for each in parameters)
    return found if takes_axis else _along_the_last(found)


def parameters_of(function: Any) -> dict[str, bool]:
    """The parameters of a function but ``axis``, and whether each has to be given.

    None of one that says nothing about itself, or fails to.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except Exception:  # noqa: BLE001 - what a plug-in calls its signature may raise anything
        return {}
    kinds = (inspect.Parameter.POSITIONAL_ONLY, *_BY_NAME)
    own = [each for each in parameters if each.kind in kinds and each.name != "axis"]
    return {each.name: _is_needed(each) for each in own}


def _is_needed(parameter: inspect.Parameter) -> bool:
    is_variable = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    return parameter.default is parameter.empty and not is_variable


def _places(parameters: Collection[inspect.Parameter]) -> list[str] | None:
    """The parameters that can be given by place, but ``axis``; None where there may be any."""
    if any(each.kind is each.VAR_POSITIONAL for each in parameters):
        return None
    kinds = (inspect.Parameter.POSITIONAL_ONLY, _BY_PLACE)
    return [each.name for each in parameters if each.kind in kinds and each.name != "axis"]


def _needing(needed: list[str], names: tuple[str, ...]) -> Callable[..., Any]:
    def needing(*arguments: Any, **named: Any) -> Any:
        raise TypeError(
            f"needs {', '.join(needed)}, and was called with {', '.join(names)}: an axis is given "
            "as axis, other parameters need defaults, and --operation names what is computed"
        )

    return needing


def _taking(places: list[str], names: tuple[str, ...]) -> Callable[..., Any]:
    def taking(*arguments: Any, **named: Any) -> Any:
        raise TypeError(
            f"takes {', '.join(places) or 'nothing'}, and was called with {', '.join(names)}: "
            "--operation names what is computed, and --no-mask leaves out a mask"
        )

    return taking


def _by_name(
    function: Callable[..., Any], by_place: int, names: tuple[str, ...]
) -> Callable[..., Any]:
    """The function with so many arguments by place, and the others by their names."""

    def by_name(*arguments: Any, **named: Any) -> Any:
        others = dict(zip(names, arguments[by_place:], strict=True))
        return function(*arguments[:by_place], **others, **named)

    return by_name


def _along_the_last(function: Callable[..., Any]) -> Callable[..., Any]:
    def along_the_last(*arguments: Any, axis: int = -1) -> Any:
        if axis not in (-1, arguments[0].ndim - 1):
            raise TypeError(f"has no parameter axis, and was asked for axis {axis}")
        return function(*arguments)

    return along_the_last
