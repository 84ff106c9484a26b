"""TensorFlow: softmax gives 0 where the result is a normal float32 number."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import mpmath
import numpy as np
import tensorflow as tf

print(f"tensorflow {tf.__version__}")
for gap in (86.5, 86.75, 87.25):
    right = mpmath.exp(-gap) / (1 + mpmath.exp(-gap))
    y = tf.nn.softmax(tf.constant([0.0, -gap])).numpy()[1]
    print(f"softmax([0, -{gap}])[1] = {y:.7g}, right is {float(right):.7g}")
print(f"the smallest normal number is {np.finfo(np.float32).smallest_normal:.7g}")
