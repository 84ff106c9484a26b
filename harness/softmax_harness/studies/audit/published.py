"""Rules that published tests of softmax use, each as its source states it."""

from __future__ import annotations

from dataclasses import dataclass

from softmax_harness.operations import DEFAULT_OPERATION


@dataclass(frozen=True)
class Published:
    """A rule with the problem that it is used on.

    Attributes
    ----------
    name : str
        By which ``audit`` takes it in place of a rule.
    rule : str
        As `softmax_harness.studies.audit.rule.parse_rule` reads it.
    source : str
        Where it is stated.
    dtype : str
    rows, n : int
        The shape: n is one that the source tests; there are fewer rows, since each is judged alone.
    family : str
        The inputs that come nearest to the source's.
    operation : str
    """

    name: str
    rule: str
    source: str
    dtype: str
    rows: int
    n: int
    family: str = "normal-1"
    operation: str = DEFAULT_OPERATION

    @property
    def command(self) -> str:
        """What prints its line again, with all that it lets pass."""
        return f"softmax-harness audit {self.name}"


PUBLISHED = {
    each.name: each
    for each in (
        Published(
            "kernelbench",
            "allclose(rtol=1e-2, atol=1e-2)",
            "KernelBench, level 1, 23_Softmax, and its issue 165",
            "bfloat16",
            2,
            393216,
            "uniform-unit",
        ),
        Published(
            "webnn",
            "ulp(3*n+3)",
            "web-platform-tests, webnn, getSoftmaxPrecisionTolerance",
            "float16",
            4,
            2048,
            "zeros",
        ),
        Published(
            "triton-softmax",
            "allclose(rtol=1e-5, atol=1e-8)",
            "Triton's tutorial of fused softmax: torch.allclose with its defaults",
            "float32",
            64,
            781,
        ),
        Published(
            "flydsl",
            "allclose(rtol=0, atol=2e-2)",
            "FlyDSL, tests/kernels/test_softmax.py, and its issue 1018",
            "bfloat16",
            8,
            8192,
        ),
        Published(
            "aiter",
            "allclose(rtol=1e-2, atol=1e-2)",
            "aiter, op_tests/triton_tests/test_softmax.py",
            "bfloat16",
            2,
            131072,
        ),
        Published(
            "liger",
            "allclose(rtol=5e-2, atol=5e-2)",
            "Liger-Kernel, test/transformers/test_softmax.py",
            "bfloat16",
            16,
            4096,
        ),
        Published(
            "jax",
            "allclose(rtol=1e-2, atol=1e-2)",
            "JAX, default tolerance of its tests in bfloat16",
            "bfloat16",
            16,
            4096,
        ),
        Published(
            "tensorflow",
            "allclose(rtol=1e-6, atol=1e-6)",
            "TensorFlow, TestCase.assertAllClose with its defaults",
            "float32",
            16,
            4096,
        ),
        Published(
            "onnx",
            "allclose(rtol=1e-3, atol=1e-7)",
            "ONNX, default tolerance of its backend tests",
            "float32",
            16,
            4096,
        ),
        Published(
            "tvm",
            "allclose(rtol=1e-7, atol=1e-7)",
            "TVM, tvm.testing.assert_allclose with its defaults",
            "float32",
            16,
            4096,
        ),
        Published(
            "torch-bfloat16",
            "allclose(rtol=1.6e-2, atol=1e-5)",
            "PyTorch, torch.testing.assert_close with its defaults for bfloat16",
            "bfloat16",
            16,
            4096,
        ),
        Published(
            "numpy",
            "allclose(rtol=1e-7, atol=0)",
            "NumPy, numpy.testing.assert_allclose with its defaults",
            "float32",
            16,
            4096,
        ),
    )
}
