"""Helper functions of generated numpy code: scans, orders, places. The twins of `dltsym.lower.printers.loop_torch`."""

from __future__ import annotations

SPREAD = '''\
def _spread(dim, size, *xs):
    """Give all the same shape, with `size` entries along `dim`, in at least float32."""
    shape = np.broadcast_shapes((size,) + (1,) * (-1 - dim), *(np.shape(x) for x in xs))
    wide = [np.asarray(x, np.float32) if np.asarray(x).dtype == np.float16 else np.asarray(x) for x in xs]
    return [np.broadcast_to(x, shape) for x in wide]
'''

FOLD = '''\
def _fold(prefix, unit, x, dim, size, step, own):
    """Prefix (step 1) or suffix (step -1) folds along dim, without the own entry if not own."""
    (y,) = _spread(dim, size, x)
    y = np.flip(y, dim) if step < 0 else y
    if not own:
        first, rest = np.split(y, [min(size, 1)], dim)
        rest = np.split(y, [max(size - 1, 0)], dim)[0]
        y = np.concatenate([np.full_like(first, unit), rest], dim)
    y = prefix(y, dim)
    return (np.flip(y, dim) if step < 0 else y).astype(x.dtype)
'''

SUM = """\
def _scan_sum(x, dim, size, step, own):
    return _fold(np.cumsum, 0.0, x, dim, size, step, own)
"""

PROD = """\
def _scan_prod(x, dim, size, step, own):
    return _fold(np.cumprod, 1.0, x, dim, size, step, own)
"""

MAX = """\
def _scan_max(x, dim, size, step, own):
    return _fold(np.maximum.accumulate, -np.inf, x, dim, size, step, own)
"""

MIN = """\
def _scan_min(x, dim, size, step, own):
    return _fold(np.minimum.accumulate, np.inf, x, dim, size, step, own)
"""

LSE = """\
def _scan_lse(x, dim, size, step, own):
    return _fold(np.logaddexp.accumulate, -np.inf, x, dim, size, step, own)
"""

AFFINE = '''\
def _scan_affine(a, b, init, dim, size, step, own, bounded):
    """States h <- a h + b along dim (step 1 forwards, -1 backwards), before the update if not own; None for init 0."""
    return _scan_steps(lambda h, p, q: p * h + q, a, b, init, dim, size, step, own)
'''

LOG_AFFINE = '''\
def _scan_log_affine(al, be, init, dim, size, step, own):
    """Logarithms of the states h <- e^al h + e^be along dim."""
    return _scan_steps(lambda h, p, q: np.logaddexp(p + h, q), al, be, init, dim, size, step, own)
'''

STEPS = """\
def _scan_steps(update, a, b, init, dim, size, step, own):
    kind = np.result_type(a, b)
    given = [a, b] if init is None else [a, b, init]
    a, b, *start = (np.moveaxis(x, dim, 0) for x in _spread(dim, size, *given))
    out, h = np.empty(b.shape, np.result_type(a, b)), start[0][0] if start and size else None
    for t in range(size)[::step]:
        if not own:
            out[t] = 0 if h is None else h
        # From 0 the first state is b itself: 0 times an overflowing a would be nan.
        h = b[t] if h is None else update(h, a[t], b[t])
        if own:
            out[t] = h
    return np.moveaxis(out, 0, dim).astype(kind)
"""

ORDERED = '''\
def _ordered(x, dim):
    """Places in descending order along dim; the smallest place wins ties, nan is largest."""
    return np.lexsort((-x, ~np.isnan(x)), dim)
'''

TOPK = '''\
def _topk(x, k, dim):
    """Whether an entry is among the k largest along dim; the smallest place wins ties, nan is largest."""
    out = np.zeros(x.shape, bool)
    np.put_along_axis(out, np.take(_ordered(x, dim), np.arange(min(k, x.shape[dim])), dim), True, dim)
    return out
'''

RANK = '''\
def _rank(x, dim):
    """Number of entries before each along dim, largest first; the smallest place wins ties, nan is largest."""
    return np.argsort(_ordered(x, dim), dim)
'''

ARGMAX = '''\
def _argmax(x, dim):
    """First place of the largest entry; nan is largest."""
    return np.argmax(x, dim)
'''

ARGMIN = '''\
def _argmin(x, dim):
    """First place of the smallest entry; nan is largest."""
    return np.argmin(np.where(np.isnan(x), np.inf, x), dim)
'''

INSIDE = '''\
def _inside(index, size):
    """Refuse places outside 0 .. size - 1, which numpy would wrap."""
    if np.size(index) and (np.min(index) < 0 or np.max(index) >= size):
        raise IndexError(f"place {np.min(index)} or {np.max(index)} is outside 0 .. {size - 1}")
    return np.asarray(index, np.int64)
'''

GATHER = '''\
def _gather(x, index):
    """Entries of x, over (..., k), at places over (...)."""
    index = _inside(index, x.shape[-1])
    shape = np.broadcast_shapes(x.shape[:-1], index.shape)
    x, index = np.broadcast_to(x, (*shape, x.shape[-1])), np.broadcast_to(index, shape)
    return np.take_along_axis(x, index[..., None], -1)[..., 0]
'''

PLACES = '''\
def _places(x, index, front, axes, tail):
    """x, over (..., `front` axes, k, `tail` axes), at places; the `axes` axes of the index come instead of k."""
    dim = -1 - tail
    if index.ndim == axes or (front == 0 and x.ndim == 1 + tail):
        return np.take(x, _inside(index, x.shape[dim]), dim)
    x = np.moveaxis(x, dim, -1)
    head = x.shape[: x.ndim - 1 - tail]
    x = x.reshape(head + (1,) * axes + x.shape[len(head) :])
    lead = index.shape[: index.ndim - axes]
    return _gather(x, index.reshape(lead + (1,) * front + index.shape[len(lead) :] + (1,) * tail))
'''

RAVEL = '''\
def _ravel(sizes, *places):
    """One place in a row for places in several dimensions."""
    out = 0
    for n, i in zip(sizes, places):
        out = out * n + _inside(i, n)
    return out
'''

SCATTER = '''\
def _scatter(x, index, axes, tail, size):
    """Sums of x, over (..., `axes` axes, `tail` axes), at places that the index gives for the `axes` axes."""
    x = np.asarray(x)
    shape = np.broadcast_shapes(x.shape, index.shape + (1,) * tail)
    front, last = shape[: len(shape) - axes - tail], shape[len(shape) - tail :]
    wide = np.broadcast_to(x, shape).reshape((*front, -1, *last))
    wide = wide.astype(np.float32) if x.dtype == np.float16 else wide
    places = np.broadcast_to(_inside(index, size), shape[: len(shape) - tail]).reshape((*front, -1))
    out = np.zeros((*front, size, *last), wide.dtype)
    np.add.at(out, (*(i[..., None] for i in np.indices(front)), places), wide)
    return out.astype(x.dtype)
'''

CROSS_ENTROPY = '''\
def _cross_entropy(x, index):
    """logsumexp(x) - x[index] over the last axis."""
    m = x.max(-1, keepdims=True)
    m = np.where(np.isfinite(m), m, 0)
    picked = _gather(x - m, index)
    with np.errstate(divide="ignore"):
        return np.log(np.exp(x - m).sum(-1)) - picked
'''

SDPA = '''\
def _sdpa(q, k, v, scale, mask, causal):
    """Attention."""
    s = scale * (q @ np.swapaxes(k, -1, -2))
    if causal:
        s = np.where(np.tril(np.ones(s.shape[-2:], bool)), s, -np.inf)
    s = s if mask is None else np.where(mask, s, -np.inf)
    m = s.max(-1, keepdims=True)
    p = np.exp(s - np.where(np.isfinite(m), m, 0))
    total = p.sum(-1, keepdims=True)
    return (p / np.where(total == 0, 1, total)) @ v
'''

LOGMM = '''\
def _logmm(a, b):
    """log(exp(a) @ exp(b)), scaled by the largest entries of rows and columns."""
    m, n = a.max(-1, keepdims=True), b.max(-2, keepdims=True)
    m, n = (np.where(np.isfinite(s), s, 0) for s in (m, n))
    with np.errstate(divide="ignore"):
        return np.log(np.exp(a - m) @ np.exp(b - n)) + m + n
'''

SQDIST = '''\
def _sqdist(x, y):
    """Squared distances of rows, by a product about the common mean."""
    c = x.mean(-2, keepdims=True)
    x, y = x - c, y - c
    out = np.square(x).sum(-1)[..., None] + np.square(y).sum(-1)[..., None, :] - 2 * (x @ np.swapaxes(y, -1, -2))
    return np.maximum(out, 0)
'''

EXPAND = '''\
def _expand(x, *sizes):
    """x with the given lengths of its last dimensions."""
    x = np.asarray(x)
    return np.broadcast_to(x, np.broadcast_shapes(x.shape, sizes))
'''

MOVED = '''\
def _moved(new, old):
    """Largest change of an entry, nan if there is one."""
    return float(np.abs(new - old).max()) if np.size(new) else 0.0
'''

NUMPY_LOOPS = {
    "_spread": SPREAD,
    "_fold": FOLD,
    "_scan_sum": SUM,
    "_scan_prod": PROD,
    "_scan_max": MAX,
    "_scan_min": MIN,
    "_scan_lse": LSE,
    "_scan_affine": AFFINE,
    "_scan_log_affine": LOG_AFFINE,
    "_scan_steps": STEPS,
    "_ordered": ORDERED,
    "_topk": TOPK,
    "_rank": RANK,
    "_argmax": ARGMAX,
    "_argmin": ARGMIN,
    "_inside": INSIDE,
    "_gather": GATHER,
    "_places": PLACES,
    "_ravel": RAVEL,
    "_scatter": SCATTER,
    "_cross_entropy": CROSS_ENTROPY,
    "_sdpa": SDPA,
    "_logmm": LOGMM,
    "_sqdist": SQDIST,
    "_expand": EXPAND,
    "_moved": MOVED,
}
