"""Kernels that numba compiles; they are imported only by the softmaxes that call them."""
