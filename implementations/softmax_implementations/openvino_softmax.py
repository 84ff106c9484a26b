"""OpenVINO's softmax and log_softmax on the CPU, as its compiler makes them.

On a processor that multiplies bfloat16 it computes float32 models in bfloat16 unless told not to:
the hint INFERENCE_PRECISION_HINT decides. A float64 model is computed in float32.
"""

from functools import cache

import numpy as np

from softmax_implementations.registry import implementation


def _declared(name, operation="softmax", **more):
    given = {"dtypes": ("float16", "float32", "float64"), "library": "openvino"}
    given["capabilities"] = ("axes",)
    return implementation(name, operation=operation, **given | more)


@_declared("openvino", expected_findings=("inaccurate in float64 up to 1e16 ulp",))
def openvino_softmax(x, axis=-1):
    """Softmax of opset 8 with the precision that OpenVINO chooses."""
    return _run("softmax", x, axis, None)


@_declared("openvino-f32", expected_findings=("inaccurate in float64 up to 1e16 ulp",))
def openvino_f32_softmax(x, axis=-1):
    """Softmax of opset 8 with INFERENCE_PRECISION_HINT f32."""
    return _run("softmax", x, axis, "f32")


@_declared("openvino", "log_softmax", standard="usual")
def openvino_log_softmax(x, axis=-1):
    """LogSoftmax of opset 5 with the precision that OpenVINO chooses."""
    return _run("log_softmax", x, axis, None)


def _run(operator, x, axis, precision):
    x = np.ascontiguousarray(x)
    compiled = _compiled(operator, x.dtype.name, x.ndim, axis, precision)
    return np.array(compiled(x)[0])


@cache
def _compiled(operator, dtype, axes, axis, precision):
    import openvino
    from openvino import opset8

    x = opset8.parameter([-1] * axes, getattr(np, dtype))
    model = openvino.Model([getattr(opset8, operator)(x, axis)], [x], operator)
    hints = {} if precision is None else {"INFERENCE_PRECISION_HINT": precision}
    return openvino.Core().compile_model(model, "CPU", hints)
