"""Softmaxes of tensors on a CUDA device, right and wrong; tests load this file by its path."""

from functools import cache

import torch
import triton
import triton.language as tl

LONG = 100  # what goes wrong in long rows does so in longer ones


@triton.jit
def _rows(x, y, n, padding, beyond, block: tl.constexpr):
    start = tl.program_id(0) * n
    at = tl.arange(0, block)
    row = tl.load(x + start + at, mask=at < n, other=padding).to(tl.float32)
    e = tl.exp(row - tl.max(row, axis=0))
    tl.store(y + start + at + beyond, e / tl.sum(e, axis=0), mask=at < n)


def _launched(x, axis, padding=-float("inf"), beyond=0):
    rows = x.movedim(axis, -1).contiguous()
    y = torch.empty_like(rows)
    n = rows.shape[-1]
    _rows[(rows.numel() // n,)](rows, y, n, padding, beyond, triton.next_power_of_2(n))
    return y.movedim(-1, axis)


def right(x, axis=-1):
    """A fused kernel."""
    assert x.is_cuda
    return _launched(x, axis)


def pads_with_zeros(x, axis=-1):
    """What pads a row to a power of two takes part in its sum."""
    return _launched(x, axis, padding=0.0)


def writes_far_beyond(x, axis=-1):
    """Of long rows the results are stored some terabytes away."""
    return _launched(x, axis, beyond=1 << 40 if x.shape[axis] > LONG else 0)


def asserts(x, axis=-1):
    """An assertion on the device fails in long rows."""
    torch._assert_async(torch.tensor(x.shape[axis] <= LONG, device=x.device))
    return torch.softmax(x, axis)


def does_not_wait(x, axis=-1):
    """Computes in a stream of its own, for which that of the caller does not wait."""
    with torch.cuda.stream(_stream()):
        y = torch.softmax(x, axis).zero_()  # CUDA waits at its first need of a kernel and of memory
        torch.cuda.synchronize()
        torch.cuda._sleep(20_000_000)  # ticks of its clock: some ten milliseconds
        y.copy_(torch.softmax(x, axis))
    return y


def waits(x, axis=-1):
    """Computes in a stream of its own, and has that of the caller wait for it."""
    own, callers = _stream(), torch.cuda.current_stream()
    own.wait_stream(callers)
    with torch.cuda.stream(own):
        torch.cuda._sleep(20_000_000)
        y = torch.softmax(x, axis)
    callers.wait_stream(own)
    y.record_stream(callers)
    return y


@cache
def _stream():
    return torch.cuda.Stream()


@cache
def _graph(shape, dtype, axis):
    x = torch.zeros(shape, dtype=dtype, device="cuda")
    torch.softmax(x, axis)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        y = torch.softmax(x, axis)
    return graph, x, y


def graph(x, axis=-1):
    """Replays a graph, and gives a copy of what it writes."""
    return graph_without_copy(x, axis).clone()


def graph_without_copy(x, axis=-1):
    """Replays a graph, and gives the memory that the next replay writes to."""
    if not x.numel():
        return torch.softmax(x, axis)
    replayed, given, y = _graph(tuple(x.shape), x.dtype, axis)
    given.copy_(x)
    replayed.replay()
    return y


@cache
def _compiled():
    return torch.compile(torch.softmax, dynamic=True)


def compiled(x, axis=-1):
    """A kernel that torch.compile has Triton compile."""
    return _compiled()(x, axis)


def hangs(x, axis=-1):
    """Computes for some ten seconds in long rows."""
    if x.shape[axis] > LONG:
        torch.cuda._sleep(20_000_000_000)
    return torch.softmax(x, axis)


def moves_by_itself(x, axis=-1):
    """Takes arrays of NumPy, and an access beyond its memory ends it."""
    import numpy as np

    y = writes_far_beyond(torch.from_numpy(np.ascontiguousarray(x)).cuda(), axis)
    return y.cpu().numpy()
