"""PaddlePaddle's softmax and its family on the CPU, step by step."""

import numpy as np

from softmax_implementations.registry import implementation


def _declared(name, operation="softmax", **more):
    given = {"dtypes": ("float32", "float64"), "library": "paddle", "capabilities": ("axes",)}
    if operation != "softmax":
        given["standard"] = "usual"
    return implementation(name, operation=operation, **given | more)


@_declared("paddle")
def paddle_softmax(x, axis=-1):
    """paddle.nn.functional.softmax, whose kernels on the CPU take 32 and 64 bits."""
    import paddle

    return paddle.nn.functional.softmax(paddle.to_tensor(np.asarray(x)), axis=axis).numpy()


@_declared("paddle", "log_softmax")
def paddle_log_softmax(x, axis=-1):
    """paddle.nn.functional.log_softmax."""
    import paddle

    return paddle.nn.functional.log_softmax(paddle.to_tensor(np.asarray(x)), axis=axis).numpy()


@_declared("paddle", "logsumexp")
def paddle_logsumexp(x, axis=-1):
    """paddle.logsumexp."""
    import paddle

    return paddle.logsumexp(paddle.to_tensor(np.asarray(x)), axis=axis).numpy()


@_declared("paddle", "cross_entropy")
def paddle_cross_entropy(x, target, axis=-1):
    """paddle.nn.functional.cross_entropy of the axis moved to the end, without reduction."""
    import paddle

    logits = paddle.to_tensor(np.ascontiguousarray(np.moveaxis(x, axis, -1)))
    labels = paddle.to_tensor(np.asarray(target)[..., None].astype(np.int64))
    loss = paddle.nn.functional.cross_entropy(logits, labels, reduction="none")
    return loss.numpy().reshape(np.shape(target))
