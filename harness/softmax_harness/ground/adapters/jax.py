"""JAX: its arrays are never written to, and have no strides."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.adapters.adapter import told_twice
from softmax_harness.ground.errors import BadData

ROOTS = ("jax", "jaxlib")
IS_WRITABLE = False
# On a GPU it would take most of the memory, and leave none for another process.
ENVIRONMENT = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}


def start(device: str | None) -> None:
    """Import JAX, and have XLA find the device and compile for it once."""
    from_numpy(np.zeros(1, np.float32), device).block_until_ready()


def from_numpy(x: NDArray[Any], device: str | None = None) -> Any:
    """An array in the format of `x`; integers that JAX holds in 32 bits must fit there.

    Raises
    ------
    BadData
        Where types of 64 bits are not enabled and `x` needs them.
    """
    import jax.numpy as jnp

    wide = x.dtype.itemsize == 8 and not _has_wide()
    if wide and x.dtype.kind in "iu":
        narrow = x.astype(f"{x.dtype.kind}4")
        if (narrow == x).all():
            x, wide = narrow, False
    if wide:
        raise BadData(f"JAX has {x.dtype} only with JAX_ENABLE_X64=1 in the environment")
    if not x.dtype.isnative:
        x = x.astype(x.dtype.newbyteorder("="))
    return jnp.array(x, device=_device(device))


def _has_wide() -> bool:
    import jax

    return bool(jax.config.jax_enable_x64)


def _device(name: str | None) -> Any:
    import jax

    if name is None:
        return None
    platform, _, place = name.partition(":")
    try:
        return jax.devices(platform)[int(place or 0)]
    except (RuntimeError, IndexError, ValueError) as error:
        told = str(error).partition("\n")[0]
        raise BadData(f"JAX has no device {name!r} here: {told}") from None


def to_numpy(array: Any) -> NDArray[Any]:
    """The numbers of an array, from all devices that hold a part of it; not to be written to."""
    return np.asarray(array)


def synchronize(result: Any, device: str | None) -> None:
    """Wait for a result, or for each of several."""
    import jax

    jax.block_until_ready(result)


def lost(device: str | None) -> str:
    """What XLA says of its device, if that can be used no more."""
    import jax.numpy as jnp

    def add() -> None:
        (jnp.array(1, np.float32, device=_device(device)) + 1).block_until_ready()

    return told_twice(add, RuntimeError)


def enabled(arguments: tuple[NDArray[Any], ...]) -> AbstractContextManager[Any]:
    """Types of 64 bits, where the logits need them: float64, and integers that become float64."""
    import jax

    first, *others = arguments
    is_wide = first.dtype.kind in "iub" or any(x.dtype == np.float64 for x in (first, *others))
    if not is_wide:
        return nullcontext()
    # JAX is imported without types: to the checker either result is anything.
    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(True)  # type: ignore[no-any-return]
    from jax.experimental import enable_x64

    return enable_x64()  # type: ignore[no-any-return]
