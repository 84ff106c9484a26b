"""The Softmax operator of ONNX as onnxruntime computes it on the CPU."""

from functools import cache

import numpy as np

from softmax_implementations.registry import implementation


@implementation(
    "onnxruntime",
    dtypes=("float16", "float32", "float64"),
    library="onnxruntime",
    capabilities=("empty", "subnormals", "axes"),
)
def onnxruntime_softmax(x, axis=-1):
    """Softmax of opset 13, one session for each dtype, number of axes and axis.

    It needs the package onnx too, to write the model. It refuses integers and arrays of no axes.
    """
    x = np.ascontiguousarray(x)
    (y,) = _session(x.dtype.name, x.ndim, axis).run(None, {"x": x})
    return y


@cache
def _session(dtype, axes, axis):
    from onnx import TensorProto, helper
    from onnxruntime import InferenceSession

    kind = getattr(TensorProto, {"float32": "FLOAT", "float64": "DOUBLE"}.get(dtype, dtype.upper()))
    shape = [f"n{place}" for place in range(axes)]
    x, y = (helper.make_tensor_value_info(name, kind, shape) for name in "xy")
    node = helper.make_node("Softmax", ["x"], ["y"], axis=axis)
    graph = helper.make_graph([node], "softmax", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
