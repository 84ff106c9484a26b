"""Operators of ONNX as onnxruntime computes them on the CPU.

A session is made for each dtype, number of axes, axis and number of threads. It needs the package
onnx too, to write the model. It refuses integers and arrays of no axes.
"""

from functools import cache

import numpy as np

from softmax_implementations.registry import implementation

DTYPES = ("float16", "float32", "float64")


def _declared(name, **more):
    given = {"dtypes": DTYPES, "library": "onnxruntime"}
    given["capabilities"] = ("empty", "subnormals", "axes")
    return implementation(name, **given | more)


@_declared("onnxruntime")
def onnxruntime_softmax(x, axis=-1):
    """Softmax of opset 13, along one axis, by one thread."""
    return _run("Softmax", x, axis)


@_declared("onnxruntime-opset-11", capabilities=("empty", "subnormals"))
def onnxruntime_opset_11(x, axis=-1):
    """Softmax of opset 11, of all axes from the given one on: one axis only where it is the last.

    Another axis is moved there for it.
    """
    return np.moveaxis(_run("Softmax", np.moveaxis(x, axis, -1), -1, opset=11), -1, axis)


@_declared("onnxruntime-2-threads")
def onnxruntime_2_threads(x, axis=-1):
    """Softmax of opset 13 by a pool of two threads."""
    return _run("Softmax", x, axis, threads=2)


@_declared("onnxruntime", operation="log_softmax", standard="usual")
def onnxruntime_log_softmax(x, axis=-1):
    """LogSoftmax of opset 13, along one axis, by one thread."""
    return _run("LogSoftmax", x, axis)


@_declared("onnxruntime", operation="logsumexp", dtypes=("float32", "float64"), standard="usual")
def onnxruntime_logsumexp(x, axis=-1):
    """ReduceLogSumExp of opset 18 by one thread: max x + log sum exp(x - max x)."""
    return _run("ReduceLogSumExp", x, axis, opset=18)


def _run(operator, x, axis, opset=13, threads=1):
    x = np.ascontiguousarray(x)
    session = _session(operator, opset, x.dtype.name, x.ndim, axis, threads)
    (y,) = session.run(None, {"x": x})
    return y


@cache
def _session(operator, opset, dtype, axes, axis, threads):
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.intra_op_num_threads = threads
    model = _model(operator, opset, dtype, axes, axis).SerializeToString()
    return InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _model(operator, opset, dtype, axes, axis):
    from onnx import TensorProto, helper, numpy_helper

    kind = getattr(TensorProto, {"float32": "FLOAT", "float64": "DOUBLE"}.get(dtype, dtype.upper()))
    reduces = operator.startswith("Reduce")
    lengths = [f"n{place}" for place in range(axes)]
    left = [name for place, name in enumerate(lengths) if place != axis % axes]
    x = helper.make_tensor_value_info("x", kind, lengths)
    y = helper.make_tensor_value_info("y", kind, left if reduces else lengths)
    if reduces:
        about = {"inputs": ["x", "axes"], "outputs": ["y"], "keepdims": 0}
        constants = [numpy_helper.from_array(np.array([axis], np.int64), "axes")]
    else:
        about = {"inputs": ["x"], "outputs": ["y"], "axis": axis}
        constants = []
    graph = helper.make_graph([helper.make_node(operator, **about)], "one", [x], [y], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
