"""onnxruntime: a float64 Softmax row errs 100 times as much in a batch as alone."""

import mpmath
import numpy as np
import onnxruntime
from onnx import TensorProto, helper


def softmax(x):
    io = [helper.make_tensor_value_info(name, TensorProto.DOUBLE, ["a", "b"]) for name in "xy"]
    graph = helper.make_graph(
        [helper.make_node("Softmax", ["x"], ["y"], axis=-1)], "g", io[:1], io[1:]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0]


x = np.full((2, 4096), -(2.0**-43))
x[:, 0] = 0  # all but equal logits; both rows are the same
with mpmath.workdps(50):
    z = 1 / (1 + 4095 * mpmath.exp(mpmath.mpf(x[0, 1])))
alone, batch = softmax(x[:1])[0, 0], softmax(x)[0, 0]
ulps = [float(abs(mpmath.mpf(y) - z) / mpmath.mpf(np.spacing(y))) for y in (alone, batch)]
print(f"onnxruntime {onnxruntime.__version__}")
print(f"y[0] errs {ulps[0]:.1f} ulp alone, {ulps[1]:.1f} ulp beside another row")
