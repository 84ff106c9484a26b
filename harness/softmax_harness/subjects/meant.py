"""Which other operation a plain function seems to compute, by its name or by its parameters."""

from __future__ import annotations

from collections.abc import Mapping

from softmax_harness.operations import OPERATIONS, Fit, Operand, Operation


def hint_of(name: str, parameters: Mapping[str, bool], operation: str) -> str:
    """What a finding about a function adds: the operation that it may be meant for, if it is one.

    Parameters
    ----------
    name : str
        Of the function, as a command takes it.
    parameters : mapping of str to bool
        As `subjects.binding.parameters_of` gives them; none where nothing is known of them.
    operation : str
        What it was taken to compute.
    """
    other = _meant(name, parameters, operation)
    return f"; if it computes {other}, give --operation {other}" if other else ""


def fit_of(fit: Fit, parameters: Mapping[str, bool], operation: Operation) -> Fit:
    """In what shapes a plain function is asked: without the arguments that it does not take.

    These are the ones that a call may leave out, where it needs as many as the others are and has
    no parameter with the name of one in its own.

    Parameters
    ----------
    fit : tuple of (str, int)
        What was chosen.
    """
    absent = [each.name for each in operation.operands if _may_lack(each)]
    names = [name for name in absent if not any(name in own for own in parameters)]
    if sum(parameters.values()) != len(operation.parameters) - len(names):
        return fit
    return tuple(sorted({**dict(fit), **{f"no-{name}": 1 for name in names}}.items()))


def _may_lack(operand: Operand) -> bool:
    return operand.absent is not None


def _meant(name: str, parameters: Mapping[str, bool], operation: str) -> str:
    own = name.rpartition(":")[2].rpartition(".")[2]
    if own in OPERATIONS and _takes_as_many(parameters, OPERATIONS[own]):
        return own if own != operation else ""
    if not parameters or _takes(parameters, OPERATIONS[operation]):
        return ""
    fitting = [each.name for each in OPERATIONS.values() if _takes(parameters, each)]
    return fitting[0] if len(fitting) == 1 else ""


def _takes_as_many(parameters: Mapping[str, bool], operation: Operation) -> bool:
    """Whether a function can be called with as many arguments, whatever it calls them."""
    given, absent = len(operation.parameters), sum(_may_lack(each) for each in operation.operands)
    needed = sum(parameters.values())
    return not parameters or needed <= given <= len(parameters) + absent


def _takes(parameters: Mapping[str, bool], operation: Operation) -> bool:
    """Whether a function takes the operands by their names, and needs nothing else but logits."""
    operands = {each.name for each in operation.operands}
    others = [name for name in parameters if name not in operands]
    needed = [name for name in others if parameters[name]]
    is_room = len(needed) <= operation.takes_logits <= len(others)
    return is_room and operands <= parameters.keys()
