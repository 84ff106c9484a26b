"""onnxruntime: LogSoftmax of a float64 row with a NaN answers positive log-probabilities."""

import numpy as np
import onnxruntime
from onnx import TensorProto, helper


def log_softmax(x, kind):
    io = [helper.make_tensor_value_info(name, kind, ["a", "b"]) for name in "xy"]
    graph = helper.make_graph(
        [helper.make_node("LogSoftmax", ["x"], ["y"], axis=-1)], "g", io[:1], io[1:]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0]


x = np.array([[0.0, np.nan, 1.0]])
print(f"onnxruntime {onnxruntime.__version__}: float64 {log_softmax(x, TensorProto.DOUBLE)[0]},")
print(f"float32 {log_softmax(x.astype('f4'), TensorProto.FLOAT)[0]}; right is nan nan nan")
