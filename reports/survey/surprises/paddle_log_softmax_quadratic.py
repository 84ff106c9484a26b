"""PaddlePaddle: the time of log_softmax on the CPU grows as the square of the length of a row."""

import time

import numpy as np
import paddle

print(f"paddle {paddle.__version__}, seconds of processor time")
for n in (4000, 8000, 16000, 32000):
    x, took = paddle.to_tensor(np.zeros((1, n), np.float32)), []
    for f in (paddle.nn.functional.log_softmax, paddle.nn.functional.softmax):
        f(x)
        begun = time.process_time()
        f(x)
        took.append(time.process_time() - begun)
    print(f"n = {n}: log_softmax {took[0]:.4f}, softmax {took[1]:.4f}")
