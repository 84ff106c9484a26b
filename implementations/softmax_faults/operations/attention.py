"""Attentions that go wrong; each works in float64, so that nothing but its fault is wrong.

Layouts: q (..., L, d), k (..., S, d), v (..., S, c), mask (..., L, S), True for what is seen. A row
that sees nothing is NaN.
"""

import numpy as np

LOG2_E = 1.4426950408889634


def _scores(q, k, scale=None):
    """q K' / sqrt d in float64."""
    scale = 1 / np.sqrt(q.shape[-1]) if scale is None else scale
    return np.matmul(q.astype(np.float64) * scale, np.swapaxes(k, -1, -2).astype(np.float64))


def _masked(q, k, mask, scale=None):
    return np.where(mask, _scores(q, k, scale), -np.inf)


def _mean(e, v, mask, dtype):
    """The values weighted by e over its sum."""
    total = e.sum(-1, keepdims=True)
    y = np.matmul(e, v.astype(np.float64)) / np.where(total == 0, 1, total)
    return np.where(mask.any(-1)[..., None], y, np.nan).astype(dtype)


def _softmax_mean(s, v, mask, dtype):
    with np.errstate(all="ignore"):
        e = np.exp(s - s.max(-1, keepdims=True))
    return _mean(np.where(np.isnan(e), 0, e), v, mask, dtype)


def _finite(top):
    return np.where(np.isneginf(top), 0, top)


def _by_blocks(q, k, v, mask, block, of_sum=np.exp, of_mean=np.exp, first=-np.inf):
    """One pass over blocks of keys; the factors of the sum and of the mean at a new maximum."""
    s, v64 = _masked(q, k, mask), v.astype(np.float64)
    top = np.full((*s.shape[:-1], 1), first)
    total, y = np.zeros_like(top), np.zeros((*s.shape[:-1], v.shape[-1]))
    with np.errstate(all="ignore"):
        for start in range(0, s.shape[-1], block):
            part = s[..., start : start + block]
            new = np.maximum(top, part.max(-1, keepdims=True))
            e = np.exp(part - _finite(new))
            total = total * of_sum(top - _finite(new)) + e.sum(-1, keepdims=True)
            y = y * of_mean(top - _finite(new)) + np.matmul(e, v64[..., start : start + block, :])
            top = new
        y = y / total
    return np.where(mask.any(-1)[..., None], y, np.nan).astype(q.dtype)


def _never(distance):
    return np.where(np.isneginf(distance), 0.0, 1.0)


def never_rescales(q, k, v, mask):
    """Rescales neither sum nor mean between blocks of 128.

    Found as: inaccurate.
    """
    return _by_blocks(q, k, v, mask, 128, _never, _never)


def rescales_only_the_sum(q, k, v, mask):
    """Rescales the sum but not the accumulated values, in blocks of 64.

    Found as: inaccurate.
    """
    return _by_blocks(q, k, v, mask, 64, of_mean=_never)


def rescales_up_to_a_threshold(q, k, v, mask):
    """Rescales where the maximum moves by more than 8 in log2 and then by too little.

    Found as: inaccurate.
    """

    def rescaled(distance):
        return np.exp(np.where(distance * LOG2_E > -8, distance, -8 / LOG2_E))

    return _by_blocks(q, k, v, mask, 32, rescaled, rescaled)


def maximum_starts_at_a_stand_in(q, k, v, mask):
    """The running maximum begins at -65504, and scores below it vanish.

    Found as: nan, inaccurate, denominator_underflow, spurious_underflow.
    """
    return _by_blocks(q, k, v, mask, 64, first=-65504.0)


def maximum_starts_at_zero(q, k, v, mask):
    """The running maximum begins at 0.

    Found as: nan, inaccurate, denominator_underflow, spurious_underflow.
    """
    return _by_blocks(q, k, v, mask, 64, first=0.0)


def stale_maximum(q, k, v, mask):
    """Takes the maximum of the first block of 128 for the whole row.

    Found as: nan, overflow, inaccurate.
    """
    s = _masked(q, k, mask)
    with np.errstate(all="ignore"):
        e = np.exp(s - _finite(s[..., :128].max(-1, keepdims=True)))
        total = e.sum(-1, keepdims=True)
        y = np.matmul(e, v.astype(np.float64)) / total
    return np.where(mask.any(-1)[..., None], y, np.nan).astype(q.dtype)


def no_scale(q, k, v, mask):
    """Forgets 1 / sqrt d.

    Found as: inaccurate.
    """
    return _softmax_mean(_masked(q, k, mask, 1.0), v, mask, q.dtype)


def scale_of_d(q, k, v, mask):
    """Divides by d.

    Found as: inaccurate.
    """
    return _softmax_mean(_masked(q, k, mask, 1 / q.shape[-1]), v, mask, q.dtype)


def scale_of_d_padded(q, k, v, mask):
    """Takes d up to a multiple of 8 for the scale, as a kernel that pads heads.

    Found as: inaccurate.
    """
    padded = -(-q.shape[-1] // 8) * 8
    return _softmax_mean(_masked(q, k, mask, 1 / np.sqrt(padded)), v, mask, q.dtype)


def head_tail_dropped(q, k, v, mask):
    """Multiplies whole groups of four components only, but for heads shorter than that.

    Found as: inaccurate.
    """
    d = q.shape[-1]
    whole = d // 4 * 4 or d
    s = _scores(q[..., :whole], k[..., :whole], 1 / np.sqrt(d))
    return _softmax_mean(np.where(mask, s, -np.inf), v, mask, q.dtype)


def mask_adds_1e4(q, k, v, mask):
    """Adds -1e4 to what is hidden.

    Found as: inaccurate.
    """
    return _softmax_mean(_scores(q, k) + np.where(mask, 0.0, -1e4), v, mask, q.dtype)


def mask_fills_1e4(q, k, v, mask):
    """Puts -1e4 in the place of what is hidden.

    Found as: inaccurate.
    dtypes: float32, bfloat16, float16
    """
    return _softmax_mean(np.where(mask, _scores(q, k), -1e4), v, mask, q.dtype)


def mask_fills_65504(q, k, v, mask):
    """Puts -65504 in the place of what is hidden.

    Found as: inaccurate.
    """
    return _softmax_mean(np.where(mask, _scores(q, k), -65504.0), v, mask, q.dtype)


def mask_fills_1e9(q, k, v, mask):
    """Puts -1e9 in the place of what is hidden.

    Found as: inaccurate.
    dtypes: float64
    """
    return _softmax_mean(np.where(mask, _scores(q, k), -1e9), v, mask, q.dtype)


def mask_of_the_other_side(q, k, v, mask):
    """Sees what is hidden, where something is.

    Found as: inaccurate.
    """
    other = np.where(mask.all(-1, keepdims=True), mask, ~mask)
    other = np.where(other.any(-1, keepdims=True), other, mask)
    return _softmax_mean(np.where(other, _scores(q, k), -np.inf), v, mask, q.dtype)


def mask_by_tiles(q, k, v, mask):
    """Sees a whole tile of 16 keys where it sees one of them.

    Found as: inaccurate.
    """
    tiles = mask.copy()
    for start in range(0, mask.shape[-1], 16):
        part = tiles[..., start : start + 16]
        part[:] = part.any(-1, keepdims=True)
    return _softmax_mean(np.where(tiles, _scores(q, k), -np.inf), v, mask, q.dtype)


def tiles_by_their_corners(q, k, v, mask):
    """Takes a whole tile of 64 queries and keys as seen where its four corners are.

    Found as: batch in batches.
    """
    seen, (length, keys) = mask.copy(), mask.shape[-2:]
    for row in range(0, length - 63, 64):
        for start in range(0, keys - 63, 64):
            tile = seen[..., row : row + 64, start : start + 64]
            corners = tile[..., ::63, ::63].all((-2, -1), keepdims=True)
            tile |= corners
    return _softmax_mean(np.where(seen, _scores(q, k), -np.inf), v, mask, q.dtype)


def stops_at_a_hidden_tile(q, k, v, mask):
    """Stops at the first tile of 32 keys, behind one that is seen, that is wholly hidden.

    Found as: inaccurate.
    """
    own = mask.copy()
    ended = np.zeros(mask.shape[:-1], bool)
    begun = np.zeros(mask.shape[:-1], bool)
    for start in range(0, mask.shape[-1], 32):
        sees = mask[..., start : start + 32].any(-1)
        ended |= begun & ~sees
        begun |= sees
        own[..., start : start + 32] &= ~ended[..., None]
    return _softmax_mean(np.where(own, _scores(q, k), -np.inf), v, mask, q.dtype)


def hidden_tile_resets(q, k, v, mask):
    """A tile of 16 keys that is wholly hidden sets sum and mean back to 0.

    Found as: inaccurate, nan.
    """
    own = mask.copy()
    for start in range(0, mask.shape[-1], 16):
        hides = ~mask[..., start : start + 16].any(-1, keepdims=True)
        own[..., :start] &= ~hides
    lost = own.any(-1, keepdims=True)
    return _softmax_mean(np.where(own, _scores(q, k), -np.inf), v, mask & lost, q.dtype)


def last_tile_dropped(q, k, v, mask):
    """Leaves out the keys beyond the last whole tile of 32.

    Found as: inaccurate, nan.
    """
    whole = k.shape[-2] // 32 * 32 or k.shape[-2]
    own = mask & (np.arange(k.shape[-2]) < whole)
    return _softmax_mean(
        np.where(own, _scores(q, k), -np.inf), v, mask & own.any(-1, keepdims=True), q.dtype
    )


def tail_read_as_zeros(q, k, v, mask):
    """Pads the keys with zeros to a multiple of 16, and sees these too.

    Found as: inaccurate.
    """
    more = -k.shape[-2] % 16
    s = np.concatenate([_masked(q, k, mask), np.zeros((*mask.shape[:-1], more))], -1)
    padded = np.concatenate([v, np.zeros((*v.shape[:-2], more, v.shape[-1]), v.dtype)], -2)
    return _softmax_mean(s, padded, mask, q.dtype)


def accumulates_in_float16(q, k, v, mask):
    """Adds the values, weighted but not divided yet, in float16.

    Found as: overflow.
    dtypes: float16
    """
    s = _masked(q, k, mask)
    with np.errstate(all="ignore"):
        e = np.exp(s - _finite(s.max(-1, keepdims=True)))
        y = np.matmul(e, v.astype(np.float64)).astype(np.float16) / e.sum(-1, keepdims=True)
    return np.where(mask.any(-1)[..., None], y, np.nan).astype(q.dtype)


def weights_in_bfloat16(q, k, v, mask):
    """Cuts the exponentials to the eight bits of bfloat16 before they meet the values.

    Found as: inaccurate.
    """
    s = _masked(q, k, mask)
    with np.errstate(all="ignore"):
        e = np.exp(s - _finite(s.max(-1, keepdims=True)))
    low = (e.astype(np.float32).view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)
    total = e.sum(-1, keepdims=True)
    y = np.matmul(low.astype(np.float64), v.astype(np.float64)) / np.where(total == 0, 1, total)
    return np.where(mask.any(-1)[..., None], y, np.nan).astype(q.dtype)


def maximum_never_below_1e4(q, k, v, mask):
    """The maximum is never below -1e4, the sum never below 1e-6.

    Found as: inaccurate, spurious_underflow.
    """
    s = _masked(q, k, mask)
    e = np.exp(s - np.maximum(s.max(-1, keepdims=True), -1e4))
    y = np.matmul(e / np.maximum(e.sum(-1, keepdims=True), 1e-6), v.astype(np.float64))
    return np.where(mask.any(-1)[..., None], y, np.nan).astype(q.dtype)


def sum_and_1e6(q, k, v, mask):
    """Adds 1e-6 to the sum.

    Found as: inaccurate.
    dtypes: float32, float64
    """
    s = _masked(q, k, mask)
    e = np.exp(s - _finite(s.max(-1, keepdims=True)))
    y = np.matmul(e / (e.sum(-1, keepdims=True) + 1e-6), v.astype(np.float64))
    return np.where(mask.any(-1)[..., None], y, np.nan).astype(q.dtype)


def over_the_queries(q, k, v, mask):
    """Takes the softmax over the queries, of which there is one.

    Found as: inaccurate, out_of_range.
    """
    s = _masked(q, k, mask)
    with np.errstate(all="ignore"):
        e = np.where(mask, np.exp(s - s.max(-2, keepdims=True)), 0)
        w = e / e.sum(-2, keepdims=True)
    y = np.matmul(np.where(np.isnan(w), 0, w), v.astype(np.float64))
    return np.where(mask.any(-1)[..., None], y, np.nan).astype(q.dtype)


def sees_one_key_too_few(q, k, v, mask):
    """The last key that is seen is taken for hidden, as by a causal mask off by one.

    Found as: inaccurate.
    """
    last = mask.shape[-1] - 1 - np.argmax(mask[..., ::-1], -1)
    own = mask & (np.arange(mask.shape[-1]) != last[..., None])
    own = np.where(own.any(-1, keepdims=True), own, mask)
    return _softmax_mean(np.where(own, _scores(q, k), -np.inf), v, mask, q.dtype)


def sees_one_key_too_many(q, k, v, mask):
    """The key behind the last that is seen is seen too.

    Found as: inaccurate.
    """
    last = mask.shape[-1] - 1 - np.argmax(mask[..., ::-1], -1)
    own = mask | (np.arange(mask.shape[-1]) == last[..., None] + 1)
    return _softmax_mean(np.where(own, _scores(q, k), -np.inf), v, mask, q.dtype)


def values_of_the_next_key(q, k, v, mask):
    """Weights the values of the key behind.

    Found as: inaccurate.
    """
    return _softmax_mean(_masked(q, k, mask), np.roll(v, -1, -2), mask, q.dtype)


def wrong_log2_e(q, k, v, mask):
    """Takes powers of 2 with log2 e cut to 1.442.

    Found as: inaccurate.
    """
    s = _masked(q, k, mask)
    with np.errstate(all="ignore"):
        e = np.exp2((s - _finite(s.max(-1, keepdims=True))) * 1.442)
    return _mean(e, v, mask, q.dtype)


def negative_values_lost(q, k, v, mask):
    """Takes what is below 0 in the result for noise.

    Found as: inaccurate, spurious_underflow.
    """
    y = _softmax_mean(_masked(q, k, mask), v, mask, np.float64)
    return np.maximum(y, 0).astype(q.dtype)


def tiles_by_their_last_query(q, k, v, mask):
    """Tiles of 64 queries and 64 keys are left out where their last query sees nothing of them.

    Found as: batch in batches
    """
    own, queries, keys = mask.copy(), q.shape[-2], k.shape[-2]
    for i in range(64, queries + 1, 64):
        for j in range(64, keys + 1, 64):
            is_dead = ~mask[..., i - 1, j - 64 : j].any(-1)
            own[..., i - 64 : i, j - 64 : j] &= ~is_dead[..., None, None]
    own = np.where(own.any(-1, keepdims=True), own, mask)
    return _softmax_mean(np.where(own, _scores(q, k), -np.inf), v, mask, q.dtype)


def halves_of_equal_weight(q, k, v, mask):
    """Of many queries and keys the means of both halves of the keys count alike.

    Found as: batch in batches
    """

    def part(some):
        seen = mask[..., some]
        scores = np.where(seen, _scores(q, k[..., some, :]), -np.inf)
        return _softmax_mean(scores, v[..., some, :], seen, q.dtype)

    half = k.shape[-2] // 2
    if q.shape[-2] < 256 or half < 256:
        return part(slice(None))
    both = (part(slice(None, half)) + part(slice(half, None))) * q.dtype.type(0.5)
    is_one = mask[..., :half].all(-1, keepdims=True) | mask[..., half:].any(-1, keepdims=True)
    return np.where(is_one, both, part(slice(None)))


def causal_where_square(q, k, v, mask):
    """As many queries as keys see only the keys before them.

    Found as: batch in batches
    """
    queries, keys = q.shape[-2], k.shape[-2]
    own = mask & np.tri(queries, dtype=bool) if queries == keys > 1 else mask
    return _softmax_mean(np.where(own, _scores(q, k), -np.inf), v, mask, q.dtype)


def queries_as_they_lie(q, k, v, mask):
    """Several queries in several heads are read in the order in which they lie in memory.

    Found as: layout in layouts
    """
    if q.ndim > 2 and q.shape[-2] > 1 and min(q.strides) > 0:
        q = q.ravel(order="K").reshape(q.shape)
    return _softmax_mean(_masked(q, k, mask), v, mask, q.dtype)


def two_heads_share_keys(q, k, v, mask):
    """Each second head has the keys and values of the one before.

    Found as: batch in batches
    """
    if k.ndim > 3:
        shared = np.arange(k.shape[1]) // 2
        k, v = k[:, shared], v[:, shared]
    return _softmax_mean(_masked(q, k, mask), v, mask, q.dtype)


def several_queries_never_rescaled(q, k, v, mask):
    """Of several queries the values are not rescaled between blocks of 128 keys.

    Found as: batch in batches
    """
    of_mean = np.exp if q.shape[-2] == 1 else _never
    return _by_blocks(q, k, v, mask, 128, of_mean=of_mean)


def several_queries_see_512_keys(q, k, v, mask):
    """Several queries see the first 512 keys alone.

    Found as: batch in batches
    """
    own = mask & (np.arange(k.shape[-2]) < 512) if q.shape[-2] > 1 else mask
    return _softmax_mean(np.where(own, _scores(q, k), -np.inf), v, mask, q.dtype)


def queries_behind_256(q, k, v, mask):
    """Queries behind 256 get the result of the first one.

    Found as: batch in batches
    """
    y = _softmax_mean(_masked(q, k, mask), v, mask, q.dtype)
    y[..., 256:, :] = y[..., :1, :]
    return y


def several_queries_mask_added(q, k, v, mask):
    """Of several queries -1e4 is added to the scores of what is hidden.

    Found as: batch in batches
    """
    added = np.where(mask, 0.0, -1e4 if q.shape[-2] > 1 else -np.inf)
    return _softmax_mean(_scores(q, k) + added, v, mask, q.dtype)


def components_behind_128(q, k, v, mask):
    """Components of q and k behind 128 do not count.

    Found as: inaccurate, nan.
    """
    scores = _scores(q[..., :128], k[..., :128], 1 / np.sqrt(q.shape[-1]))
    return _softmax_mean(np.where(mask, scores, -np.inf), v, mask, q.dtype)


def scale_of_whole_vectors(q, k, v, mask):
    """Heads of 40 and 96 have the scale of the next power of two.

    Found as: inaccurate.
    """
    d = q.shape[-1]
    whole = 1 << (d - 1).bit_length() if d in (40, 96) else d
    return _softmax_mean(_masked(q, k, mask, 1 / np.sqrt(whole)), v, mask, q.dtype)


def columns_behind_64(q, k, v, mask):
    """Columns of v behind 64 get the result of the first one.

    Found as: inaccurate, batch.
    """
    y = _softmax_mean(_masked(q, k, mask), v, mask, q.dtype)
    y[..., 64:] = y[..., :1]
    return y


def nans_are_zero(q, k, v, mask):
    """Takes 0 for a NaN in q and in k: what went wrong before is hidden.

    Found as: wrong_special, inaccurate.
    """
    return _softmax_mean(_masked(np.nan_to_num(q), np.nan_to_num(k), mask), v, mask, q.dtype)


def queries_beyond_1024(q, k, v, mask):
    """The queries from number 1024 on see the keys in the reverse order.

    Found as: batch in batches
    """
    s = _masked(q, k, mask)
    s[..., 1024:, :] = s[..., 1024:, ::-1]
    return _softmax_mean(s, v, mask, q.dtype)


def mask_for_all_queries_read_on(q, k, v, mask):
    """A mask that all queries share, without a copy for each, is read on behind its end: as True.

    Found as: layout in layouts
    """
    if mask.shape[-2] > 1 and mask.strides[-2] == 0:
        mask = np.ones_like(mask)
    return _softmax_mean(_masked(q, k, mask), v, mask, q.dtype)


def nan_of_several_queries_hidden(q, k, v, mask):
    """Of several queries a score that is no number counts as hidden.

    Found as: batch in batches
    """
    s = _masked(q, k, mask)
    if q.shape[-2] > 1:
        s = np.where(np.isnan(s), -np.inf, s)
    with np.errstate(all="ignore"):
        e = np.exp(s - s.max(-1, keepdims=True))
        y = np.matmul(e, v.astype(np.float64)) / e.sum(-1, keepdims=True)
    return np.where(mask.any(-1)[..., None], y, np.nan).astype(q.dtype)


def later_batches_of_long_caches_not_written(q, k, v, mask):
    """From 128 keys on the batches after the first one are 0.

    Found as: batch in batches
    """
    y = _softmax_mean(_masked(q, k, mask), v, mask, q.dtype)
    if q.ndim == 4 and k.shape[-2] >= 128:
        y = y.copy()
        y[1:] = 0
    return y


def wide_values_of_few_keys(q, k, v, mask):
    """Of values of 128 columns those of the first 128 keys alone are added up.

    Found as: inaccurate in batches
    """
    s = _masked(q, k, mask)
    with np.errstate(all="ignore"):
        e = np.exp(s - s.max(-1, keepdims=True))
    part = np.where(np.arange(k.shape[-2]) < 128, e, 0) if v.shape[-1] == 128 else e
    total = e.sum(-1, keepdims=True)
    y = np.matmul(part, v.astype(np.float64)) / np.where(total == 0, 1, total)
    return np.where(mask.any(-1)[..., None], y, np.nan).astype(q.dtype)


def queries_counted_in_16_bits(q, k, v, mask):
    """The queries from the 65536th on are not worked.

    Found as: batch in batches
    """
    y = _softmax_mean(_masked(q, k, mask), v, mask, q.dtype)
    y[..., 65536:, :] = 0
    return y


def mask_of_the_first_query_late(q, k, v, mask):
    """From key 1024 on the mask of the first query counts for all.

    Found as: batch in batches
    """
    mask = np.array(np.broadcast_to(mask, (*q.shape[:-1], k.shape[-2])))
    mask[..., 1024:] = mask[..., :1, 1024:]
    return _softmax_mean(_masked(q, k, mask), v, mask, q.dtype)


def heads_counted_in_6_bits(q, k, v, mask):
    """Of batches of more than 64 heads those from the 65th on are the first ones again.

    Found as: batch in batches
    """
    y = _softmax_mean(_masked(q, k, mask), v, mask, q.dtype)
    return y[:, np.arange(y.shape[1]) % 64] if y.ndim == 4 else y


def batches_counted_in_16_bits(q, k, v, mask):
    """The batches and heads from the 65536th on are not worked.

    Found as: batch in batches
    """
    y = _softmax_mean(_masked(q, k, mask), v, mask, q.dtype)
    y.reshape(-1, *y.shape[-2:])[65535:] = 0
    return y


def later_batches_of_many_queries_alike(q, k, v, mask):
    """Of more than 64 queries the batches from the third on are the second again.

    Found as: batch in batches
    """
    y = _softmax_mean(_masked(q, k, mask), v, mask, q.dtype)
    if q.ndim == 4 and q.shape[-2] > 64 and len(q) > 2:
        y[2:] = y[1]
    return y


def order_of_more_queries_than_keys_from_the_left(q, k, v, mask):
    """Where queries see the keys in order, and the last one all, the first one sees the first key.

    Found as: batch in batches
    """
    queries, keys = mask.shape[-2:]
    if queries > keys > 8 and (mask == np.tri(queries, keys, keys - queries, dtype=bool)).all():
        mask = np.broadcast_to(np.tri(queries, keys, dtype=bool), mask.shape)
    return _softmax_mean(_masked(q, k, mask), v, mask, q.dtype)


def values_lie_as_keys(q, k, v, mask):
    """Values of the shape of the keys are read with the strides of these.

    Found as: layout in layouts
    """
    if v.shape == k.shape and v.ndim == 4 and v.strides[:2] != k.strides[:2]:
        v = np.ascontiguousarray(v.swapaxes(0, 1)).reshape(v.shape)
    return _softmax_mean(_masked(q, k, mask), v, mask, q.dtype)


def any_number_where_scores_overflow(q, k, v, mask):
    """42 where a score exceeds the format, and NaN would be no fault.

    Found as: out_of_range in accuracy
    """
    y = _softmax_mean(_masked(q, k, mask), v, mask, q.dtype)
    with np.errstate(all="ignore"):
        size = np.abs(_scores(np.abs(q), np.abs(k), 1.0)).max(-1, initial=0, keepdims=True)
    return np.where(np.isfinite(y) & (size > np.finfo(q.dtype).max), q.dtype.type(42), y)


def later_columns_of_wide_values_never_rescaled(q, k, v, mask):
    """Over blocks of 128 keys the columns from the 193rd on keep the weights of an old maximum.

    Found as: inaccurate in batches
    """
    s, v64 = _masked(q, k, mask), v.astype(np.float64)
    top = np.full((*s.shape[:-1], 1), -np.inf)
    total, y = np.zeros_like(top), np.zeros((*s.shape[:-1], v.shape[-1]))
    with np.errstate(all="ignore"):
        for start in range(0, s.shape[-1], 128):
            part = s[..., start : start + 128]
            new = np.maximum(top, part.max(-1, keepdims=True))
            kept, e = np.exp(top - _finite(new)), np.exp(part - _finite(new))
            total = total * kept + e.sum(-1, keepdims=True)
            y[..., :192] *= kept
            y += np.matmul(e, v64[..., start : start + 128, :])
            top = new
        y = y / total
    return np.where(mask.any(-1)[..., None], y, np.nan).astype(q.dtype)


def queries_of_a_packed_projection(q, k, v, mask):
    """Queries that lie beside keys and values are read as if they lay alone.

    Found as: layout in layouts
    """
    if q.ndim > 2 and q.shape[-2] > 1 and q.strides[-2] > q.shape[-3] * q.shape[-1] * q.itemsize:
        q = np.roll(q, 1, axis=-2)
    return _softmax_mean(_masked(q, k, mask), v, mask, q.dtype)


def third_block_of_64_queries(q, k, v, mask):
    """Of heads of 64 the queries behind 128 are scaled twice.

    Found as: batch in batches
    """
    y = _softmax_mean(_masked(q, k, mask), v, mask, q.dtype)
    if q.shape[-1] == 64 and q.shape[-2] > 160:
        late = _softmax_mean(_masked(q, k, mask, 1 / 64), v, mask, q.dtype)
        y[..., 128:, :] = late[..., 128:, :]
    return y


def last_tile_of_a_part_of_a_prompt(q, k, v, mask):
    """Behind a cache of 1024 keys the last few of several queries do not see the last tile.

    Found as: batch in batches
    """
    queries, keys = q.shape[-2], k.shape[-2]
    own = mask.copy()
    if keys >= 1024 and queries > 16 and queries % 16:
        own[..., queries // 16 * 16 :, keys // 16 * 16 :] = False
    own = np.where(own.any(-1, keepdims=True), own, mask)
    return _softmax_mean(np.where(own, _scores(q, k), -np.inf), v, mask, q.dtype)


def keys_that_heads_share_read_on(q, k, v, mask):
    """Keys that more than eight heads share are read on from the ninth head on.

    Found as: layout in layouts
    """
    if k.ndim > 3 and k.shape[-3] > 8 and k.strides[-3] == 0 and k.shape[-2] > 1:
        k = k.copy()
        k[..., 8:, :, :] = np.roll(k[..., 8:, :, :], 1, axis=-2)
    return _softmax_mean(_masked(q, k, mask), v, mask, q.dtype)


def mask_of_which_a_few_queries_are_looked_at(q, k, v, mask):
    """A mask counts for nothing if the first, the middle and the last query see all keys.

    Found as: batch in batches
    """
    queries = mask.shape[-2]
    if queries > 3 and mask[..., [0, queries // 2, -1], :].all():
        mask = np.ones_like(mask)
    return _softmax_mean(_masked(q, k, mask), v, mask, q.dtype)


def padding_in_front_taken_for_padding_behind(q, k, v, mask):
    """A mask of keys that is the same for all queries counts as a number of keys, the first ones.

    Found as: batch in batches
    """
    if q.ndim > 2 and mask.shape[-2] > 1 and (mask == mask[..., :1, :]).all():
        mask = np.arange(mask.shape[-1]) < mask.sum(-1, keepdims=True)
    return _softmax_mean(_masked(q, k, mask), v, mask, q.dtype)


def heads_beyond_64_in_whole_tiles(q, k, v, mask):
    """Of heads of more than 64 components, no multiple of 16, the last few do not count.

    Found as: wrong_special in batches
    """
    d = q.shape[-1]
    if d > 64 and d % 16:
        q, k = q[..., : d // 16 * 16], k[..., : d // 16 * 16]
    return _softmax_mean(_masked(q, k, mask, 1 / np.sqrt(d)), v, mask, q.dtype)


def one_query_of_one_key_in_heads(q, k, v, mask):
    """A prompt of one token in heads gives 0.

    Found as: batch in batches
    """
    y = _softmax_mean(_masked(q, k, mask), v, mask, q.dtype)
    return y * 0 if q.ndim == 4 and q.shape[-2] == k.shape[-2] == 1 else y


def last_tile_behind_a_thousand_keys_and_queries(q, k, v, mask):
    """Of more than a thousand queries and keys the last tile of both is lost.

    Found as: batch in batches
    """
    if min(q.shape[-2], k.shape[-2]) > 1000:
        mask = mask.copy()
        mask[..., -64:, -64:] = False
    return _softmax_mean(_masked(q, k, mask), v, mask, q.dtype)


def _as(q, k, v, mask, seen):
    return _softmax_mean(_masked(q, k, mask & seen), v, mask & seen, q.dtype)


def _up_to_their_own(mask):
    queries, keys = mask.shape[-2:]
    return np.tri(queries, keys, keys - queries, dtype=bool)


def window_behind_a_cache_from_its_start(q, k, v, mask):
    """A window of fewer queries than keys is taken to begin with the first key.

    Found as: batch in batches
    """
    queries, keys = mask.shape[-2:]
    behind = np.arange(queries)[:, None] - np.arange(keys)
    width = int(mask[..., -1, :].reshape(-1, keys)[0].sum())
    band = behind + keys - queries
    is_window = 1 < queries < keys and (mask == (band >= 0) & (band < width)).all()
    seen = (behind >= 0) & (behind < width)
    return _as(q, k, v, seen | ~mask & seen if is_window else mask, np.ones_like(mask))


def window_on_both_sides_by_its_left(q, k, v, mask):
    """Keys behind a query do not count where it sees as many before and behind.

    Found as: batch in batches
    """
    queries, keys = mask.shape[-2:]
    width = int(mask[..., :1, :].reshape(-1, keys)[0].sum())
    apart = np.abs(np.arange(queries)[:, None] - np.arange(keys))
    is_window = 2 < queries == keys and 1 < width < keys and (mask == (apart < width)).all()
    return _as(q, k, v, mask, _up_to_their_own(mask) if is_window else np.ones_like(mask))


def causal_by_its_ends(q, k, v, mask):
    """A square mask is taken for causal if its first query sees one key and its last one all.

    Found as: batch in batches
    """
    queries, keys = mask.shape[-2:]
    is_causal = queries == keys > 2 and mask[..., -1, :].all() and not mask[..., 0, 1:].any()
    whole = np.broadcast_to(_up_to_their_own(mask), mask.shape) if is_causal else mask
    return _as(q, k, v, whole, np.ones_like(mask))


def tree_of_drafts_taken_for_causal(q, k, v, mask):
    """Behind a cache that all see, a mask that hides what comes later is taken for causal.

    Found as: batch in batches
    """
    queries, keys = mask.shape[-2:]
    causal = np.broadcast_to(_up_to_their_own(mask), mask.shape)
    is_taken = 1 < queries < keys and mask[..., : keys - queries].all()
    is_taken = is_taken and not (mask & ~causal).any() and mask[..., -1].any()
    return _as(q, k, v, causal if is_taken else mask, np.ones_like(mask))


def tiles_of_small_weights_skipped(q, k, v, mask):
    """Tiles of 128 keys are skipped that lie e**8 and more below the maximum so far.

    Found as: inaccurate in accuracy
    """
    s = _masked(q, k, mask)
    top = np.full((*s.shape[:-1], 1), -np.inf)
    for start in range(0, s.shape[-1], 128):
        tile = s[..., start : start + 128]
        own = tile.max(-1, keepdims=True)
        tile[...] = np.where(own < top - 8, -np.inf, tile)
        top = np.maximum(top, own)
    with np.errstate(all="ignore"):
        e = np.exp(s - _finite(top))
        y = np.matmul(e, v.astype(np.float64)) / e.sum(-1, keepdims=True)
    return np.where(mask.any(-1)[..., None], y, np.nan).astype(q.dtype)


def batches_of_many_heads_share_a_head(q, k, v, mask):
    """In four batches and more the values of the second head stand for those of the last.

    Found as: batch in batches
    """
    if q.ndim == 4 and q.shape[0] > 3 and q.shape[1] > 2 and q.shape[-2] > 16:
        v = np.concatenate([v[:, :-1], v[:, 1:2]], axis=1)
    return _softmax_mean(_masked(q, k, mask), v, mask, q.dtype)


def last_components_of_no_whole_vector(q, k, v, mask):
    """Where the components are two more than whole vectors of four, these two count double.

    Found as: inaccurate in batches
    """
    if q.shape[-1] % 4 == 2 and q.shape[-1] > 4:
        q = np.concatenate([q[..., :-2], 2 * q[..., -2:]], axis=-1)
    s = _masked(q, k, mask)
    with np.errstate(all="ignore"):
        e = np.exp(s - s.max(-1, keepdims=True))
    return _mean(np.where(np.isneginf(s), 0, e), v, mask, q.dtype)


def windows_behind_four_as_the_first(q, k, v, mask):
    """Of more than four windows, each with a mask, those behind have the mask of the first.

    Found as: batch in batches
    """
    if q.ndim == 5 and q.shape[1] > 4:
        mask = np.broadcast_to(mask, (*q.shape[:-1], k.shape[-2])).copy()
        mask[:, 4:] = mask[:, :1]
    return _softmax_mean(_masked(q, k, mask), v, mask, q.dtype)
