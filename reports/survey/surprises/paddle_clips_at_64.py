"""PaddlePaddle: softmax and its logarithm take every logit 64 below the largest for 64 below it."""

import numpy as np
import paddle

F, t = paddle.nn.functional, paddle.to_tensor
print(f"paddle {paddle.__version__}")
masked, far = t(np.array([0, 0, -np.inf])), t(np.array([0.0, -1000.0]))
print("softmax([0, 0, -inf])     =", F.softmax(masked).numpy(), "right is 0.5 0.5 0")
print("log_softmax([0, -1000])   =", F.log_softmax(far).numpy(), "right is 0 -1000")
loss = F.cross_entropy(far[None], t([1]), reduction="none").item()
print("cross_entropy([0, -1000], 1) =", loss, "right is 1000")
