"""PyTorch: tensors on the processor share the memory of NumPy's arrays."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.adapters.adapter import carrier, dtype_named, is_own, told_twice
from softmax_harness.ground.errors import BadData

ROOTS = ("torch",)
IS_WRITABLE = True
# Compiling for a device it would start as many processes as there are cores, which then wait.
ENVIRONMENT = {"TORCHINDUCTOR_COMPILE_THREADS": "1"}


def start(device: str | None) -> None:
    """Import PyTorch and make the context of the device."""
    import torch

    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        told = str(error).partition("\n")[0]
        raise BadData(f"PyTorch has no device {device!r} here: {told}") from None
    synchronize(None, device)


def from_numpy(x: NDArray[Any], device: str | None = None) -> Any:
    """A tensor with the strides of `x`, but for negative ones, which tensors do not have.

    On the processor it shares the memory of `x` where that may be written to and is aligned.
    """
    import torch

    single = tuple(slice(1) if stride == 0 else slice(None) for stride in x.strides)
    base = x[(*single, ...)]  # an entry that is repeated without memory is expanded again
    if not _takes(base):
        base = base.astype(base.dtype.newbyteorder("="), order="C", copy=True)
    if is_own(x.dtype):
        tensor = torch.from_numpy(base)
    else:
        dtype = getattr(torch, x.dtype.name, None)
        if dtype is None:
            raise BadData(f"PyTorch has no type {x.dtype.name}")
        tensor = torch.from_numpy(base.view(carrier(x.dtype))).view(dtype)
    if device is not None and torch.device(device).type != "cpu":
        place = torch.empty_strided(
            tensor.shape, tensor.stride(), dtype=tensor.dtype, device=device
        )
        tensor = place.copy_(tensor)
    return tensor.expand(x.shape)


def _takes(x: NDArray[Any]) -> bool:
    """Whether a tensor can have the memory of an array as it is."""
    along = all(stride > 0 and stride % x.itemsize == 0 for stride in x.strides if x.size)
    return along and x.flags.writeable and x.flags.aligned and x.dtype.isnative


def to_numpy(array: Any) -> NDArray[Any]:
    """The numbers of a tensor, without its graph; a view of one that lies on the processor."""
    import torch

    dense = array.detach() if array.layout == torch.strided else array.detach().to_dense()
    plain = dense.resolve_conj().resolve_neg().cpu()
    name = str(array.dtype).removeprefix("torch.")
    if hasattr(np, name):
        return np.asarray(plain.numpy())
    dtype = dtype_named(name, "PyTorch")
    return np.asarray(plain.view(getattr(torch, carrier(dtype).name)).numpy().view(dtype))


def synchronize(result: Any, device: str | None) -> None:
    """Wait for all that was given to the device; the processor has nothing to wait for.

    Where no device is said, it is that of the result.
    """
    import torch

    place = torch.device(device or getattr(result, "device", "cpu"))
    if place.type != "cpu":
        getattr(torch, place.type).synchronize(None if place.index is None else place)


def lost(device: str | None) -> str:
    """What CUDA says of itself, if it was used and can be used no more."""
    import torch

    if not torch.cuda.is_initialized():
        return ""
    return told_twice(torch.cuda.synchronize, RuntimeError)


def enabled(arguments: tuple[NDArray[Any], ...]) -> AbstractContextManager[Any]:
    """Nothing."""
    return nullcontext()
