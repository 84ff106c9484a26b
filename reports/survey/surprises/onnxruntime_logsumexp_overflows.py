"""onnxruntime: ReduceLogSumExp of float16 subtracts no maximum, and overflows from 710 on."""

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper


def model(kind):
    x, y = (helper.make_tensor_value_info(name, kind, None) for name in "xy")
    axes = numpy_helper.from_array(np.array([0]), "axes")
    node = helper.make_node("ReduceLogSumExp", ["x", "axes"], ["y"])
    opset = [helper.make_opsetid("", 18)]
    graph = helper.make_graph([node], "g", [x], [y], [axes])
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


print("onnxruntime", onnxruntime.__version__)
for kind, name in ((TensorProto.FLOAT16, "float16"), (TensorProto.FLOAT, "float32")):
    session = onnxruntime.InferenceSession(model(kind), providers=["CPUExecutionProvider"])
    for x in (709, 710, -744, -746):
        print(name, f"logsumexp({x}, {x}):", session.run(None, {"x": np.array([x, x], name)})[0])
