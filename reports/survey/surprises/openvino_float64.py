"""OpenVINO: a model whose input and output are float64 is computed in float32, infinities too."""

import numpy as np
import openvino
from openvino import opset8


def softmax(*row):
    x = opset8.parameter([-1, -1], np.float64)
    model = openvino.Model([opset8.softmax(x, 1)], [x], "m")
    return openvino.Core().compile_model(model, "CPU")(np.array([row]))[0][0]


print("openvino", openvino.__version__.split("-")[0])
print(
    "softmax([16777217, 16777216]) =",
    softmax(16777217.0, 16777216.0),
    "right is 0.73105858 0.26894142",
)
print(
    "softmax([inf, 0]) =",
    softmax(np.inf, 0.0),
    "softmax([-inf, -inf]) =",
    softmax(-np.inf, -np.inf),
)
