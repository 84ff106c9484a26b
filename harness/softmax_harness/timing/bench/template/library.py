from softmax_harness.timing import suite

# A library that the build makes in the revision that is timed, its function and its signature:
#     void softmax_f32(const float *x, float *y, size_t rows, size_t n)
Softmax = suite("libsoftmax.so:softmax_f32", signature="f32 rows,n", lengths=(100, 1000, 10_000))
