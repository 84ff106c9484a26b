"""Softmax in Triton, as its users write it: one program for each row, 16 bits in float32.

A row that fits into a block is worked at once; a longer one in two passes over blocks, the maximum
and the sum of the first kept by Milakov & Gimelshein, "Online normalizer calculation for softmax",
2018. tl.exp of float32 is 2**(x log2 e) by the device's fast instruction.
"""

from softmax_implementations.registry import LIBRARY_DTYPES, implementation

LONGEST_BLOCK = 8192
# The product x log2 e is rounded, and exp of it errs as much as it is large.
_EXPECTED = ("inaccurate in float32 up to 200 ulp",)


def _declared(name, **more):
    given = {"dtypes": LIBRARY_DTYPES, "library": "triton", "arrays": "torch", "device": "cuda"}
    given |= {"capabilities": ("axes",), "expected_findings": _EXPECTED}
    return implementation(name, **given | more)


@_declared("triton")
def fused(x, axis=-1):
    """Rows of up to 8192 numbers in one block, longer ones in two passes over blocks."""
    return _softmax(x, axis, LONGEST_BLOCK)


@_declared("triton-online")
def online(x, axis=-1):
    """Every row in two passes over blocks of 1024."""
    return _softmax(x, axis, 1)


def _softmax(x, axis, longest):
    import torch
    import triton

    from softmax_implementations.compiled import triton_rows

    rows = x.movedim(axis, -1).contiguous()
    n = rows.shape[-1]
    y = torch.empty_like(rows)
    grid = (rows.numel() // n,)
    if n <= longest:
        block = triton.next_power_of_2(n)
        triton_rows.fused[grid](rows, y, n, block)
    else:
        triton_rows.online[grid](rows, y, n, 1024)
    return y.movedim(-1, axis)
