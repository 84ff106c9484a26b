"""What the registry says of implementations that cannot run here."""

from softmax_implementations import implementations, registry
from softmax_implementations.registry import Implementation


def listed(**declared):
    return registry._with_its_library(Implementation("one", lambda x, axis=-1: x, **declared))


def test_what_runs_on_a_device_says_so_where_there_is_none(monkeypatch, tmp_path):
    monkeypatch.setattr(registry.sys, "platform", "linux")
    monkeypatch.setattr(registry, "_DRIVERS", ())
    for device in ("cuda", "cuda:1", "gpu"):
        told = listed(arrays="jax", device=device).unavailable
        assert "needs a CUDA device" in told and told.endswith("pip install 'jax[cuda13]'")
    assert "cupy-cuda13x" in listed(arrays="cupy", device="cuda").unavailable
    assert listed(library="numpy", device="cpu").unavailable is None
    driver = tmp_path / "driver"
    driver.touch()
    monkeypatch.setattr(registry, "_DRIVERS", (str(driver),))
    assert listed(library="numpy", device="cuda").unavailable is None
    told = listed(library="no_such_library", device="cuda").unavailable
    assert told == "it needs no_such_library: pip install no_such_library"


def test_what_is_imported_beside_a_library_is_needed_too(monkeypatch):
    monkeypatch.setattr(registry, "_BESIDE", {"numpy": ("math", "no_such_library")})
    told = listed(library="numpy").unavailable
    assert told == "it needs no_such_library: pip install numpy"
    monkeypatch.setattr(registry, "_BESIDE", {"numpy": ("math",)})
    assert listed(library="numpy").unavailable is None


def test_every_library_for_cuda_is_named_by_its_own_package():
    on_cuda = [each for each in implementations().values() if each.device == "cuda"]
    assert {each.library for each in on_cuda} == {"torch", "triton", "jax", "cupy"}
    assert all(each.arrays for each in on_cuda)
