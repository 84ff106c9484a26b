"""TensorFlow: softmax of a row with a NaN gives 0 for the others, in 32 and fewer bits."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf

x = [float("nan"), 0.0, 1.0]
print(f"tensorflow {tf.__version__}")
for dtype in (tf.float16, tf.bfloat16, tf.float32, tf.float64):
    print(dtype.name, tf.nn.softmax(tf.constant(x, dtype)).numpy(), end="; ")
print("right is nan nan nan")
