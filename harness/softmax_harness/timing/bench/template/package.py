from softmax_harness.timing import suite

Softmax = suite("your_package.kernels:softmax", dtypes=("float32",), lengths=(100, 1000, 10_000))
