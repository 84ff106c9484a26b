"""PaddlePaddle: float32 softmax of a row of 8 hides a NaN, and answers probabilities."""

import numpy as np
import paddle

print(f"paddle {paddle.__version__}")
for place in (0, 7):
    x = np.zeros(8, np.float32)
    x[place] = np.nan
    print(f"NaN at {place}:", paddle.nn.functional.softmax(paddle.to_tensor(x)).numpy())
    wide = paddle.nn.functional.softmax(paddle.to_tensor(x.astype("f8"))).numpy()
    print("  in float64", wide)
