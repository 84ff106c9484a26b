"""PyTorch's attention on a CUDA device: the kernel of its choice, and each of its four.

Fused kernels take arrays of four axes alone, and are chosen by formats, lengths and masks.
"""

from softmax_implementations.registry import LIBRARY_DTYPES, implementation

_SIXTEEN_BITS = ("float16", "bfloat16")
_MULTIPLE = 8  # of components, which the fused kernels take
_FEWEST = {"CUDNN_ATTENTION": 2}  # keys; a single one stands there twice, which changes nothing
# On an H200 the default for 16 bits and a mask is cuDNN, which hides keys by a large number: what a
# row that sees nothing gets is made of hidden values, and so it is far below a hidden score.
_OF_CUDNN = (
    "wrong_special in float16",
    "wrong_special in bfloat16",
    "inaccurate in float16 up to 1e42 ulp",
    "inaccurate in bfloat16 up to 1e42 ulp",
)
# What it chooses in bfloat16 reads arrays that lie in memory in unusual ways at addresses that the
# device refuses, which loses the device; in float32 it refuses them itself.
_OF_LAYOUTS = ("died in bfloat16", "layout in float32")
# A logit next to the largest number gives NaN where 0 is due.
_OF_LARGEST = ("wrong_special in float32",)
# Subnormal numbers are flushed, and so are the factors of what is near them.
_OF_EFFICIENT = ("wrong_special", "inaccurate in float32 up to 1e4 ulp")


def _declared(name, **more):
    given = {"dtypes": LIBRARY_DTYPES, "arrays": "torch", "device": "cuda"}
    given |= {"operation": "attention", "capabilities": ("subnormals",), "standard": "native"}
    return implementation(name, **given | more)


@_declared("torch-cuda", expected_findings=(*_OF_CUDNN, *_OF_LAYOUTS, *_OF_LARGEST))
def attention(q, k, v, mask):
    """scaled_dot_product_attention with a mask of booleans, by the kernel that it chooses."""
    return _attention(q, k, v, mask)


@_declared("torch-cuda-math", standard=None)
def by_math(q, k, v, mask):
    """scaled_dot_product_attention step by step: the backend MATH."""
    return _attention(q, k, v, mask, "MATH")


@_declared("torch-cuda-tf32", expected_findings=("batch in float32",))
def by_math_in_tf32(q, k, v, mask):
    """scaled_dot_product_attention step by step, its float32 products in TF32, of 10 bits."""
    import torch

    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        return _attention(q, k, v, mask, "MATH")
    finally:
        torch.set_float32_matmul_precision(before)


@_declared(
    "torch-cuda-efficient",
    dtypes=("float16", "bfloat16", "float32"),
    capabilities=(),
    expected_findings=_OF_EFFICIENT,
)
def memory_efficient(q, k, v, mask):
    """scaled_dot_product_attention in one pass over blocks of keys: EFFICIENT_ATTENTION."""
    lead, (q, k, v, mask) = _as_heads(q, k, v, mask)
    y = _fused(q, k, v, "EFFICIENT_ATTENTION", attn_mask=mask.contiguous())
    return y.reshape(*lead, *y.shape[-2:])


@_declared("torch-cuda-flash", dtypes=_SIXTEEN_BITS)
def flash(q, k, v, mask):
    """scaled_dot_product_attention in one pass over blocks of keys: FLASH_ATTENTION.

    It takes no mask: each query that does not see all keys is a call with those that it sees.
    """
    return _without_mask(q, k, v, mask, "FLASH_ATTENTION")


@_declared("torch-cuda-cudnn", dtypes=_SIXTEEN_BITS)
def by_cudnn(q, k, v, mask):
    """scaled_dot_product_attention by NVIDIA's cuDNN: CUDNN_ATTENTION; masks as of flash."""
    return _without_mask(q, k, v, mask, "CUDNN_ATTENTION")


def _attention(q, k, v, mask, backend=None):
    """The call, of arrays with a batch and heads of one each."""
    lead, (q, k, v, mask) = _as_heads(q, k, v, mask)
    y = _called(q, k, v, backend, attn_mask=mask)
    return y.reshape(*lead, *y.shape[-2:])


def _without_mask(q, k, v, mask, backend):
    """The calls of a kernel that takes no mask: where not all is seen, each query is alone.

    Those that see as many keys are called together. A row that sees nothing is 0, as it is of the
    other kernels.
    """
    import torch

    lead, (q, k, v, mask) = _as_heads(q, k, v, mask)
    heads, _, queries, _ = q.shape
    if mask.all():
        y = _fused(q, k, v, backend)
    else:
        own = mask.expand(-1, -1, queries, -1).reshape(heads * queries, -1)
        seen_first = own.to(torch.uint8).argsort(dim=-1, descending=True, stable=True)
        counts, rows = own.sum(dim=-1), q.reshape(-1, 1, 1, q.shape[-1])
        y = torch.zeros(len(own), 1, 1, v.shape[-1], dtype=q.dtype, device=q.device)
        for count in counts.unique().tolist():
            if count:
                (those,) = (counts == count).nonzero(as_tuple=True)
                at = seen_first[those, :count]
                head = (those // queries)[:, None]
                keys, values = (each[head, 0, at].unsqueeze(1) for each in (k, v))
                y[those] = _fused(rows[those], keys, values, backend)
    return y.reshape(*lead, queries, v.shape[-1])


def _as_heads(*arrays):
    """The leading axes of the result, and arrays of four axes: batch, one head, and their own."""
    import torch

    lead = torch.broadcast_shapes(*(each.shape[:-2] for each in arrays))
    return lead, [
        each.expand(*lead, *each.shape[-2:]).reshape(-1, 1, *each.shape[-2:]) for each in arrays
    ]


def _fused(q, k, v, backend, **more):
    """The call of a fused kernel: zeros make the components and columns as many as it takes."""
    import torch
    from torch.nn.functional import pad

    if k.shape[-2] < _FEWEST.get(backend, 1):
        k, v = (torch.cat([each, each], -2) for each in (k, v))
    depth, columns = q.shape[-1], v.shape[-1]
    width = -(-max(depth, columns) // _MULTIPLE) * _MULTIPLE
    q, k, v = (pad(each, (0, width - each.shape[-1])).contiguous() for each in (q, k, v))
    return _called(q, k, v, backend, scale=depth**-0.5, **more)[..., :columns]


def _called(q, k, v, backend, **more):
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.nn.functional import scaled_dot_product_attention

    if backend is None:
        return scaled_dot_product_attention(q, k, v, **more)
    with sdpa_kernel(getattr(SDPBackend, backend)):
        return scaled_dot_product_attention(q, k, v, **more)
