"""OpenVINO: softmax of a row with a NaN gives 0 for the others, log_softmax -inf."""

import numpy as np
import openvino
from openvino import opset8


def run(operator, *row):
    x = opset8.parameter([-1, -1], np.float32)
    model = openvino.Model([getattr(opset8, operator)(x, 1)], [x], "m")
    return openvino.Core().compile_model(model, "CPU")(np.array([row], np.float32))[0][0]


print("openvino", openvino.__version__.split("-")[0])
print("softmax([nan, 0, 1])     =", run("softmax", np.nan, 0, 1), "right is nan nan nan")
print("log_softmax([nan, 0, 1]) =", run("log_softmax", np.nan, 0, 1), "right is nan nan nan")
