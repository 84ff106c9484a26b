"""Operators of ONNX as onnxruntime computes them on the CPU.

A session is made for each dtype, number of axes, axis and number of threads. It needs the package
onnx too, to write the model. It refuses integers and arrays of no axes.
"""

from functools import cache

import numpy as np

from softmax_implementations.registry import LIBRARY_DTYPES, implementation

DTYPES = ("float16", "float32", "float64")
# As TensorProto names them, where it is not the name in capital letters.
_NAMES = {
    "float32": "FLOAT",
    "float64": "DOUBLE",
    "float8_e4m3fn": "FLOAT8E4M3FN",
    "float8_e5m2": "FLOAT8E5M2",
}

# Sums of long rows, and in float64 of several rows of 384 entries, are of one vector after another.
_SUM = ("inaccurate in float32 up to 6e1 ulp", "inaccurate in float64 up to 4e2 ulp")


def _declared(name, **more):
    given = {"dtypes": DTYPES, "library": "onnxruntime"}
    given["capabilities"] = ("empty", "subnormals", "axes")
    return implementation(name, **given | more)


@_declared("onnxruntime", expected_findings=_SUM)
def onnxruntime_softmax(x, axis=-1):
    """Softmax of opset 13, along one axis, by one thread."""
    return _run("Softmax", x, axis)


@_declared("onnxruntime-opset-11", capabilities=("empty", "subnormals"), expected_findings=_SUM)
def onnxruntime_opset_11(x, axis=-1):
    """Softmax of opset 11, of all axes from the given one on: one axis only where it is the last.

    Another axis is moved there for it.
    """
    return np.moveaxis(_run("Softmax", np.moveaxis(x, axis, -1), -1, opset=11), -1, axis)


@_declared("onnxruntime-2-threads", expected_findings=_SUM)
def onnxruntime_2_threads(x, axis=-1):
    """Softmax of opset 13 by a pool of two threads."""
    return _run("Softmax", x, axis, threads=2)


@_declared(
    "onnxruntime",
    operation="log_softmax",
    standard="usual",
    expected_findings=(
        *(f"{kind} in float64" for kind in ("wrong_special", "layout", "axis", "default_axis")),
        *(f"{kind} in float64" for kind in ("batch", "permutation")),
        "inaccurate in float64 up to 1e1 ulp",
    ),
)
def onnxruntime_log_softmax(x, axis=-1):
    """LogSoftmax of opset 13, along one axis, by one thread.

    In float64 it leaves out what is NaN, and gives numbers and -inf beside it and beside inf.
    """
    return _run("LogSoftmax", x, axis)


@_declared(
    "onnxruntime",
    operation="logsumexp",
    dtypes=LIBRARY_DTYPES,
    standard="usual",
    expected_findings=(
        "overflow in float16",
        "overflow in bfloat16",
        "denominator_underflow in float16",
        "denominator_underflow in bfloat16",
        "inaccurate in float16 up to 1 ulp",
        *(
            f"{kind} in {dtype}"
            for kind in ("overflow", "denominator_underflow", "batch")
            for dtype in ("float32", "float64")
        ),
        "inaccurate in float32 up to 2e7 ulp",
        "inaccurate in float64 up to 1e16 ulp",
    ),
)
def onnxruntime_logsumexp(x, axis=-1):
    """ReduceLogSumExp of opset 18 by one thread: max x + log sum exp(x - max x).

    Of 16 bits it is log sum exp x in float64, in which exp 710 overflows and exp -746 is 0. In
    float32 and float64 a row of -inf and a large negative number is -inf, and a NaN beside inf is
    not seen. Sums near 1 are taken one vector after another, and their logarithm is near 0.
    """
    return _run("ReduceLogSumExp", x, axis, opset=18)


def _run(operator, x, axis, opset=13, threads=1):
    x = np.ascontiguousarray(x)
    session = _session(operator, opset, x.dtype.name, x.ndim, axis, threads)
    if x.dtype.name == "bfloat16":
        return _run_bfloat16(session, x, _left(operator, x.shape, axis))
    (y,) = session.run(None, {"x": x})
    return y


def _run_bfloat16(session, x, shape):
    """As raw words, of which onnxruntime is told what they are: it knows no type of NumPy's."""
    y = np.empty(shape, np.uint16)
    binding = session.io_binding()
    binding.bind_ortvalue_input("x", _words(x.view(np.uint16)))
    binding.bind_ortvalue_output("y", _words(y))
    session.run_with_iobinding(binding)
    return y.view(x.dtype)


def _words(array):
    from onnx import TensorProto
    from onnxruntime import OrtValue

    return OrtValue.ortvalue_from_numpy_with_onnx_type(array, TensorProto.BFLOAT16)


def _left(operator, lengths, axis):
    """The lengths of the result, or their names."""
    if not operator.startswith("Reduce"):
        return tuple(lengths)
    return tuple(each for place, each in enumerate(lengths) if place != axis % len(lengths))


@cache
def _session(operator, opset, dtype, axes, axis, threads):
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.intra_op_num_threads = threads
    model = _model(operator, opset, dtype, axes, axis).SerializeToString()
    return InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _model(operator, opset, dtype, axes, axis):
    from onnx import TensorProto, helper, numpy_helper

    kind = getattr(TensorProto, _NAMES.get(dtype, dtype.upper()))
    reduces = operator.startswith("Reduce")
    lengths = [f"n{place}" for place in range(axes)]
    x = helper.make_tensor_value_info("x", kind, lengths)
    y = helper.make_tensor_value_info("y", kind, _left(operator, lengths, axis))
    if reduces:
        about = {"inputs": ["x", "axes"], "outputs": ["y"], "keepdims": 0}
        constants = [numpy_helper.from_array(np.array([axis], np.int64), "axes")]
    else:
        about = {"inputs": ["x"], "outputs": ["y"], "axis": axis}
        constants = []
    graph = helper.make_graph([helper.make_node(operator, **about)], "one", [x], [y], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
