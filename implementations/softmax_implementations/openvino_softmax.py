"""OpenVINO's softmax and log_softmax on the CPU, as its compiler makes them.

On a processor that multiplies bfloat16 it computes float32 models in bfloat16 unless told not to:
the hint INFERENCE_PRECISION_HINT decides. A float64 model is computed in float32. Softmax of a row
with a NaN has results that are none, and results below 2e-38, though normal numbers, are 0.
"""

from functools import cache

import numpy as np

from softmax_implementations.registry import FLOAT8_DTYPES, LIBRARY_DTYPES, implementation

# As OpenVINO names them that are no types of NumPy's: a tensor of one is made of raw words.
_RAW = {"float8_e4m3fn": "f8e4m3", "float8_e5m2": "f8e5m2", "bfloat16": "bf16"}


_KNOWN = (
    "wrong_special",
    "spurious_underflow in bfloat16",
    "spurious_underflow in float32",
    "inaccurate in float64 up to 1e16 ulp",
    "inaccurate in float8_e4m3fn up to 0.51 ulp",
    "inaccurate in float8_e5m2 up to 0.51 ulp",
)


def _declared(name, operation="softmax", **more):
    of_a_byte = FLOAT8_DTYPES if operation == "softmax" else ()  # its log_softmax refuses them
    given = {"dtypes": (*of_a_byte, *LIBRARY_DTYPES), "library": "openvino"}
    given["capabilities"] = ("axes",)
    return implementation(name, operation=operation, **given | more)


@_declared("openvino", expected_findings=_KNOWN)
def openvino_softmax(x, axis=-1):
    """Softmax of opset 8 with the precision that OpenVINO chooses."""
    return _run("softmax", x, axis, None)


@_declared("openvino-f32", expected_findings=_KNOWN)
def openvino_f32_softmax(x, axis=-1):
    """Softmax of opset 8 with INFERENCE_PRECISION_HINT f32."""
    return _run("softmax", x, axis, "f32")


@_declared("openvino", "log_softmax", standard="usual", expected_findings=("wrong_special",))
def openvino_log_softmax(x, axis=-1):
    """LogSoftmax of opset 5 with the precision that OpenVINO chooses."""
    return _run("log_softmax", x, axis, None)


def _run(operator, x, axis, precision):
    x = np.ascontiguousarray(x)
    compiled = _compiled(operator, x.dtype.name, x.ndim, axis, precision)
    request = compiled.create_infer_request()  # one of its own: another call may come meanwhile
    if x.dtype.name not in _RAW:
        return np.array(request.infer(x)[0])
    from openvino import Tensor

    raw = Tensor(x.view(f"u{x.itemsize}"), x.shape, _type(x.dtype.name))
    return np.array(request.infer([raw])[0]).view(x.dtype)


def _type(dtype):
    from openvino import Type

    return getattr(Type, _RAW[dtype]) if dtype in _RAW else getattr(np, dtype)


@cache
def _compiled(operator, dtype, axes, axis, precision):
    import openvino
    from openvino import opset8

    x = opset8.parameter([-1] * axes, _type(dtype))
    model = openvino.Model([getattr(opset8, operator)(x, axis)], [x], operator)
    hints = {} if precision is None else {"INFERENCE_PRECISION_HINT": precision}
    return openvino.Core().compile_model(model, "CPU", hints)
