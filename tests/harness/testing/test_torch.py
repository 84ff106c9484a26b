"""`assert_close` and `exact` on tensors of torch, as they lie on this machine."""

import re
import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip(
    "torch", reason="pip install torch, a CPU build is enough, to have this run"
)

from softmax_harness import check
from softmax_harness.ground import foreign_arrays
from softmax_harness.ground.errors import HarnessError
from softmax_harness.testing import assert_close, exact

NAMES = ("float16", "bfloat16", "float32", "float64")
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.cuda)]
DTYPES = [getattr(torch, name) for name in NAMES]


def logits(dtype, *shape, device="cpu", seed=5):
    made = np.random.default_rng(seed).standard_normal(shape)
    return torch.tensor(3 * made, device=device).to(dtype)


def failure(*given, **named):
    with pytest.raises(AssertionError) as caught:
        assert_close(*given, **named)
    return str(caught.value)


def without_rescaling(x, block=64):
    """Each block shifted by its own largest logit; the sums are added as if by the same."""
    parts = [torch.exp(part - part.amax(-1, keepdim=True)) for part in x.double().split(block, -1)]
    return (torch.cat(parts, -1) / sum(part.sum(-1, keepdim=True) for part in parts)).to(x.dtype)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_what_is_right_passes_and_what_is_wrong_fails(dtype, device):
    x = logits(dtype, 32, 300, device=device)
    y = torch.softmax(x, -1)
    assert_close(y, x)
    assert "inaccurate" in failure((y.double() * 1.04).to(dtype), x)
    assert "Mismatched elements" in failure(without_rescaling(x), x)
    assert "underflow" in failure(torch.zeros_like(y), x)
    right = exact(x)
    assert right.dtype == dtype and right.device == x.device and right.shape == x.shape
    assert_close(right, x, standard="rounded")


@pytest.mark.parametrize("device", DEVICES)
def test_zeros_of_a_long_row(device):
    x = torch.zeros(393216, dtype=torch.bfloat16, device=device)
    assert "Mismatched elements: 393216 / 393216 (100.0%)" in failure(torch.zeros_like(x), x)


@pytest.mark.parametrize("device", DEVICES)
def test_views_of_tensors_that_require_gradients(device):
    x = logits(torch.bfloat16, 6, 8, 10, device=device).requires_grad_()
    for view in [x, x[::2, 1:], x.transpose(0, 2), x[:1].expand(4, 8, 10), x.flip(1)]:
        y = torch.softmax(view, -1)
        assert y.requires_grad
        assert_close(y, view)
        assert torch.equal(exact(view), exact(view.detach().contiguous()))
    number = torch.tensor(3.0, device=device)
    assert_close(torch.softmax(number, 0), number)
    assert exact(number).shape == () and exact(x[:0]).shape == (0, 8, 10)
    assert x.grad is None and x.requires_grad


def test_formats_of_inputs_and_results_may_differ():
    x = logits(torch.float32, 4, 100)
    assert_close(torch.softmax(x, -1).to(torch.bfloat16), x)
    assert_close(exact(x, dtype=torch.bfloat16), x, standard="rounded")
    integers = torch.arange(8)
    assert_close(torch.softmax(integers.double(), -1), integers)
    assert exact(integers).dtype == torch.float64


def test_bfloat16_needs_no_package_that_numpy_has_it_from(monkeypatch):
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    x = logits(torch.bfloat16, 6, 50).requires_grad_()
    y = torch.softmax(x, -1)
    assert_close(y, x)
    assert_close(exact(x), x, standard="rounded")
    assert exact(x).dtype == torch.bfloat16 and exact(x.float(), dtype="bfloat16").dtype == x.dtype
    told = failure(torch.zeros_like(y), x)
    assert "softmax in bfloat16" in told and "explain(x, row=" in told
    y = exact(x, operation="softmax_temperature", temperature=0.1)
    assert_close(y, x, operation="softmax_temperature", temperature=torch.tensor(0.1).to(x.dtype))
    with pytest.raises(HarnessError, match="pip install"):
        exact(x.detach().float().numpy(), dtype="bfloat16")


def test_a_callable_of_tensors_is_checked():
    def right(x, axis=-1):
        return torch.softmax(x.double(), axis).to(x.dtype)

    wanted = {"arrays": "torch", "dtypes": "float32", "fail_fast": True}
    found = check(right, only="accuracy", **wanted)
    assert found.passed, found.text
    found = check(lambda x, axis=-1: torch.exp(x) / torch.exp(x).sum(axis, True), **wanted)
    assert not found.passed
    assert "has no attribute" in check(right, **wanted | {"arrays": None}).text


@pytest.mark.parametrize("device", DEVICES)
def test_operands_are_tensors_too(device):
    functional = torch.nn.functional
    x, target = logits(torch.float32, 6, 50, device=device), torch.arange(6, device=device)
    y = functional.cross_entropy(x, target, reduction="none")
    assert_close(y, x, operation="cross_entropy", target=target)
    q, k, v = (logits(torch.float32, 2, 3, 16, 8, device=device) for _ in range(3))
    seen = torch.ones(16, 16, dtype=torch.bool, device=device).tril()
    y = functional.scaled_dot_product_attention(q, k, v, attn_mask=seen)
    given = {"operation": "attention", "q": q, "k": k, "v": v}
    assert_close(y, **given, mask=seen)
    failure(y, **given)
    assert exact(**given, mask=seen).shape == y.shape


def test_a_process_that_flushes_subnormals_is_judged_all_the_same():
    x = torch.tensor([[0.0, -100.0], [0.3, 0.1]])
    right = exact(x)
    kept = torch.softmax(x, -1)
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor cannot flush subnormals; run it on x86 with SSE3")
    try:
        flushed = torch.softmax(x, -1)
        again = exact(x)
        told = failure(flushed, x)
        assert_close(flushed, x, without=["subnormals"])
        assert_close(kept, x)
        assert (torch.tensor([2.0**-126]) / 4 == 0).all()  # as it was set
    finally:
        torch.set_flush_denormal(False)
    assert "flushed_subnormal" in told and torch.equal(again, right) and right[0, 1] > 0


REFUSED = {
    "y is of type torch.Tensor, which cannot be read here": lambda x: torch.softmax(
        x, -1
    ).to_sparse(),
    "meta tensor": lambda x: torch.empty(4, 5, device="meta"),
    "x has shape (4, 5) and y has (3, 5)": lambda x: x[:3],
    "y: outputs of complex64": lambda x: x.to(torch.complex64),
    "y: outputs of int64": lambda x: x.long(),
}


@pytest.mark.parametrize("message, results", REFUSED.items(), ids=REFUSED)
def test_what_cannot_be_judged_is_refused_in_one_line(message, results):
    x = logits(torch.float32, 4, 5)
    with pytest.raises(HarnessError, match=re.escape(message)) as caught:
        assert_close(results(x), x)
    assert "\n" not in str(caught.value)


def test_a_device_is_read_in_slices(monkeypatch):
    monkeypatch.setattr(foreign_arrays, "_SLICE_BYTES", 100)
    for x in [logits(torch.bfloat16, 6, 8, 10).permute(2, 0, 1), logits(torch.float64, 200)[::3]]:
        assert torch.equal(foreign_arrays._on_host(x, torch), x)


@pytest.mark.cuda
def test_a_tensor_with_gaps_is_not_copied_on_its_device():
    x = torch.zeros(1 << 26, 2, dtype=torch.bfloat16, device="cuda")[:, 0]
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    assert foreign_arrays.as_numpy(x, "x").shape == x.shape
    assert torch.cuda.max_memory_allocated() - before <= foreign_arrays._SLICE_BYTES


@pytest.mark.cuda
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_what_a_device_computes_of_each_operation_is_judged(dtype):
    functional = torch.nn.functional
    x, target = logits(dtype, 64, 1000, device="cuda"), torch.arange(64, device="cuda")
    assert_close(torch.log_softmax(x, -1), x, operation="log_softmax")
    lse, usual = torch.logsumexp(x, -1), {"standard": "usual"}
    assert_close(lse, x, operation="logsumexp", **usual)
    y = functional.cross_entropy(x, target, reduction="none")
    assert_close(y, x, operation="cross_entropy", target=target, **usual)
    assert "inaccurate" in failure(lse * 1.04, x, operation="logsumexp")
    q, k, v = (logits(dtype, 2, 3, 128, 64, device="cuda", seed=seed) for seed in range(3))
    given = {"operation": "attention", "q": q, "k": k, "v": v}
    y = functional.scaled_dot_product_attention(q, k, v)
    assert_close(y, **given, standard="native")
    right = exact(**given)
    assert right.device == y.device and right.dtype == dtype
    failure(functional.scaled_dot_product_attention(q, k, v, is_causal=True), **given)


@pytest.mark.cuda
@pytest.mark.parametrize("name", ["float8_e4m3fn", "float8_e5m2"])
def test_float8_on_a_device(name):
    dtype = getattr(torch, name)
    x = logits(torch.float32, 32, 100, device="cuda").to(dtype)
    y = torch.softmax(x.float(), -1).to(dtype)
    assert_close(y, x)
    right = exact(x)
    assert right.dtype == dtype and right.device == x.device
    assert_close(right, x, standard="rounded")
    assert "Mismatched elements" in failure(torch.zeros_like(y), x)


@pytest.mark.cuda
def test_what_a_graph_replays_is_judged():
    x = logits(torch.float32, 32, 300, device="cuda")
    torch.softmax(x, -1)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        y = torch.softmax(x, -1)
    for _ in range(2):
        x.copy_(torch.randn_like(x))
        graph.replay()
        assert_close(y, x)
    x.copy_(torch.randn_like(x))
    assert "Mismatched elements" in failure(y, x)


@pytest.mark.cuda
def test_a_device_that_is_broken_is_told_in_one_line():
    code = """
import torch
from softmax_harness.ground.errors import HarnessError
from softmax_harness.testing import assert_close
x = torch.zeros(2, 3, device="cuda")
y = torch.softmax(x, -1)
torch._assert_async(torch.tensor(False, device="cuda"))
try:
    assert_close(y, x)
except HarnessError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "which cannot be read here" in done.stdout and "device-side assert" in done.stdout
    assert done.stdout.count("\n") == 1, done.stdout + done.stderr
