"""Arrays of other libraries come to NumPy and back bit for bit."""

import importlib.util
import warnings

import numpy as np
import pytest
from softmax_harness.ground.adapters import ADAPTERS, adapter_named, adapter_of
from softmax_harness.ground.errors import BadData, UnknownName

ml_dtypes = pytest.importorskip("ml_dtypes", reason="pip install ml_dtypes")
LIBRARIES = ("torch", "jax", "cupy")
ON_CUDA = [pytest.param((name, "cuda"), marks=pytest.mark.cuda) for name in LIBRARIES]
PLACES = [("torch", None), ("jax", None), *ON_CUDA]  # libraries, and where their arrays lie
DTYPES = [np.float16, np.float32, np.float64, np.int64, np.bool_] + [
    ml_dtypes.bfloat16,
    ml_dtypes.float8_e4m3fn,
    ml_dtypes.float8_e5m2,
]


@pytest.fixture(params=PLACES, ids=lambda place: " on ".join(filter(None, place)))
def place(request):
    library, _ = request.param
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"needs {library}: pip install {library}, then run this file")
    return request.param


@pytest.fixture
def adapter(place):
    return adapter_named(place[0])


@pytest.fixture
def device(place):
    return place[1]


def all_bits(dtype):
    """Every pattern of a narrow type, NaN of every payload among them; else a few numbers."""
    dtype = np.dtype(dtype)
    if dtype.kind in "ib":
        return np.array([0, 1, 1, 0, 1, 0]).astype(dtype)
    if dtype.itemsize <= 2:
        return np.arange(256**dtype.itemsize).astype(f"u{dtype.itemsize}").view(dtype)
    return np.array([0.0, -0.0, 1e-40, np.pi, np.inf, np.nan], dtype)


def made(adapter, x, device):
    with adapter.enabled((x,)):
        return adapter.from_numpy(x, device)


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda each: np.dtype(each).name)
def test_every_bit_comes_back(adapter, device, dtype):
    x = all_bits(dtype)
    array = made(adapter, x, device)
    assert adapter_of(array) is adapter
    back = adapter.to_numpy(array)
    if adapter is ADAPTERS["cupy"] and back.dtype != x.dtype:  # it has no such type
        assert (back.dtype.kind, back.dtype.itemsize) == ("u", x.dtype.itemsize)
        back = back.view(x.dtype)
    assert (back.dtype, back.shape) == (x.dtype, x.shape)
    assert back.tobytes() == x.tobytes()


@pytest.mark.parametrize("dtype", [np.float32, ml_dtypes.bfloat16])
def test_any_layout_has_the_same_numbers(adapter, device, dtype):
    x = np.arange(24).reshape(4, 6).astype(dtype)
    still = x.copy()
    still.flags.writeable = False
    odd = np.empty(x.nbytes + 1, np.uint8)[1:].view(dtype).reshape(x.shape)
    odd[...] = x
    broadcast = np.broadcast_to(x[:1], x.shape)
    swapped = x.astype(x.dtype.newbyteorder()) if dtype is np.float32 else x
    others = (still, odd, broadcast, swapped, x[:0], x[0, 0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for given in (x.T, x[::-1, ::-1], x[:, ::2], *others):
            array = made(adapter, np.asarray(given), device)
            np.testing.assert_array_equal(adapter.to_numpy(array), given)


def test_a_tensor_keeps_strides_and_memory():
    pytest.importorskip("torch", reason="pip install torch")
    torch = adapter_named("torch")
    x = np.arange(24, dtype=np.float32).reshape(4, 6)
    assert torch.from_numpy(x[:, ::2]).stride() == (6, 2)
    assert torch.from_numpy(x.T).stride() == (1, 6)
    assert torch.from_numpy(np.broadcast_to(x[:1], x.shape)).stride() == (0, 1)
    torch.from_numpy(x)[0, 0] = 7
    assert x[0, 0] == 7
    tensor = torch.from_numpy(x).requires_grad_()
    assert np.shares_memory(torch.to_numpy(tensor), x)


def test_jax_refuses_to_lose_digits():
    pytest.importorskip("jax", reason="pip install jax")
    jax = adapter_named("jax")
    with pytest.raises(BadData, match="JAX_ENABLE_X64"):
        jax.from_numpy(np.zeros(2))
    with pytest.raises(BadData, match="JAX_ENABLE_X64"):
        jax.from_numpy(np.array([2**40]))
    assert jax.to_numpy(jax.from_numpy(np.array([3, -1]))).tolist() == [3, -1]


def test_a_device_that_is_not_there_is_named(adapter, device):
    with pytest.raises(BadData, match="has no device"):
        adapter.start("tpu:7" if adapter is ADAPTERS["jax"] else "cuda:99")
    here = device or "cpu"
    adapter.start(device)
    adapter.start(here)
    adapter.synchronize(made(adapter, np.zeros(2, np.float32), here), here)
    assert adapter.lost(here) == ""


def test_a_library_is_found_by_its_name_and_by_its_arrays():
    assert set(ADAPTERS) >= {"torch", "jax", "cupy"}
    assert adapter_named("jax") is ADAPTERS["jax"]
    assert adapter_of(np.arange(3.0)) is None and adapter_of([1, 2]) is None
    with pytest.raises(UnknownName, match="did you mean torch"):
        adapter_named("troch")
