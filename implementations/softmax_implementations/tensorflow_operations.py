"""TensorFlow's softmax and its family on the CPU, step by step and compiled by XLA.

Whether oneDNN's kernels are used, TF_ENABLE_ONEDNN_OPTS says; the default is yes on x86.
"""

import os
from functools import cache

import numpy as np

from softmax_implementations.registry import LIBRARY_DTYPES, implementation


def _declared(name, operation="softmax", **more):
    given = {"dtypes": LIBRARY_DTYPES, "library": "tensorflow", "capabilities": ("axes",)}
    if operation != "softmax":
        given["standard"] = "usual"
    return implementation(name, operation=operation, **given | more)


@cache
def _tensorflow():
    """TensorFlow, which speaks of its optimizations where it is not told to be silent."""
    level, before = "TF_CPP_MIN_LOG_LEVEL", os.environ.get("TF_CPP_MIN_LOG_LEVEL")
    os.environ.setdefault(level, "3")
    import tensorflow

    if before is None:  # it is read once
        del os.environ[level]
    return tensorflow


@_declared("tensorflow")
def tensorflow_softmax(x, axis=-1):
    """tf.nn.softmax; an axis that is not the last is moved there by TensorFlow."""
    tf = _tensorflow()
    return tf.nn.softmax(tf.constant(np.asarray(x)), axis=axis).numpy()


@cache
def _compiled_softmax():
    tf = _tensorflow()
    return tf.function(lambda x, axis: tf.nn.softmax(x, axis=axis), jit_compile=True)


@_declared("tensorflow-xla")
def tensorflow_xla_softmax(x, axis=-1):
    """tf.function(tf.nn.softmax, jit_compile=True), compiled for each shape by XLA."""
    return _compiled_softmax()(_tensorflow().constant(np.asarray(x)), axis).numpy()


@_declared("tensorflow", "log_softmax")
def tensorflow_log_softmax(x, axis=-1):
    """tf.nn.log_softmax: (x - max x) - log sum exp(x - max x)."""
    tf = _tensorflow()
    return tf.nn.log_softmax(tf.constant(np.asarray(x)), axis=axis).numpy()


@_declared("tensorflow", "logsumexp")
def tensorflow_logsumexp(x, axis=-1):
    """tf.reduce_logsumexp: max x + log sum exp(x - max x)."""
    tf = _tensorflow()
    return tf.reduce_logsumexp(tf.constant(np.asarray(x)), axis=axis).numpy()


@_declared("tensorflow", "cross_entropy")
def tensorflow_cross_entropy(x, target, axis=-1):
    """tf.nn.sparse_softmax_cross_entropy_with_logits, of the axis moved to the end."""
    tf = _tensorflow()
    logits = np.ascontiguousarray(np.moveaxis(x, axis, -1))
    labels = np.asarray(target).astype(np.int64)
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits).numpy()
