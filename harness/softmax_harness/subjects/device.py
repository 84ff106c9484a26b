"""Tells whether a call has left a device on which nothing more can be computed."""

from __future__ import annotations

from softmax_harness.ground.adapters import lost_device
from softmax_harness.ground.errors import HarnessError
from softmax_harness.subjects.request import Reply


class DeviceLost(HarnessError):
    """A call made its device useless to this process: the errors of later calls tell nothing."""


def check_device(reply: Reply) -> None:
    """Look at the devices after a call that raised.

    A kernel that accesses memory which is not its own, or meets an assertion, takes down all that
    its process has on the device. CUDA then raises at every later call, of whatever function.

    Raises
    ------
    DeviceLost
        If a library of this process can use its device no more.
    """
    if any(fault.kind == "raised" for fault in reply.faults) and (told := lost_device()):
        raise DeviceLost(told)
