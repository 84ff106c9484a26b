"""How a function is called that is not called with NumPy's arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from softmax_harness.subjects.adapted import Adapted
from softmax_harness.subjects.arrays import OfArrays
from softmax_harness.subjects.native.function import Native
from softmax_harness.subjects.native.signature import Signature


@dataclass(frozen=True)
class Convention:
    """What has to be known beside the function; nothing of one that takes NumPy's arrays.

    Attributes
    ----------
    signature : Signature or None
        Of a function of a shared library.
    arrays, device : str or None
        The library whose arrays a Python function takes, and where they lie.
    """

    signature: Signature | None = None
    arrays: str | None = None
    device: str | None = None

    @classmethod
    def of(cls, declared: Any) -> Convention:
        """That of an implementation that declares `arrays`; it may be of an older registry."""
        return cls(None, getattr(declared, "arrays", None), getattr(declared, "device", None))

    def adapted(self, function: Callable[..., Any]) -> Callable[..., Any] | Adapted:
        """The function as it can be called; one of NumPy's arrays as it is."""
        if self.signature is not None:
            return Native(function, self.signature)
        if self.arrays is not None:
            return OfArrays(function, self.arrays, self.device)
        return function
