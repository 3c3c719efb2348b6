"""Helper functions of generated torch code: scans, orders, places.

States of scans are at least float32; nothing is written in place, so autograd, `vmap` and `torch.compile` see plain
tensor operations. Source: dltsym design note, sections 3.4 and 4.6.
"""

from __future__ import annotations

SPREAD = '''\
def _spread(dim, size, *xs):
    """Give all the same shape, with `size` entries along `dim`, in at least float32."""
    shape = torch.broadcast_shapes((size,) + (1,) * (-1 - dim), *(x.shape for x in xs))
    wide = [x.float() if x.dtype in (torch.float16, torch.bfloat16) else x for x in xs]
    return [x.expand(shape) for x in wide]
'''

FOLD = '''\
def _fold(prefix, unit, x, dim, size, step, own):
    """Prefix (step 1) or suffix (step -1) folds along dim, without the own entry if not own."""
    (y,) = _spread(dim, size, x)
    y = y.flip(dim) if step < 0 else y
    if not own:
        y = torch.cat([torch.full_like(y.narrow(dim, 0, min(size, 1)), unit), y.narrow(dim, 0, max(size - 1, 0))], dim)
    y = prefix(y, dim)
    return (y.flip(dim) if step < 0 else y).to(x.dtype)
'''

SUM = """\
def _scan_sum(x, dim, size, step, own):
    return _fold(torch.cumsum, 0.0, x, dim, size, step, own)
"""

PROD = """\
def _scan_prod(x, dim, size, step, own):
    return _fold(torch.cumprod, 1.0, x, dim, size, step, own)
"""

MAX = """\
def _scan_max(x, dim, size, step, own):
    return _fold(lambda y, d: torch.cummax(y, d).values, -torch.inf, x, dim, size, step, own)
"""

MIN = """\
def _scan_min(x, dim, size, step, own):
    return _fold(lambda y, d: torch.cummin(y, d).values, torch.inf, x, dim, size, step, own)
"""

# The gradient of logcumsumexp is nan after leading -inf; a very low number instead leaves the same sums.
LSE = """\
def _cum_lse(y, dim):
    low = torch.finfo(y.dtype).min / 2
    out = torch.logcumsumexp(y.clamp(min=low), dim)
    return torch.where(out < low / 2, -torch.inf, out)


def _scan_lse(x, dim, size, step, own):
    return _fold(_cum_lse, -torch.inf, x, dim, size, step, own)
"""

AFFINE = '''\
def _scan_affine(a, b, init, dim, size, step, own, bounded):
    """States h <- a h + b along dim (step 1 forwards, -1 backwards), before the update if not own; None for init 0."""
    kind = torch.result_type(a, b)
    a, b, *start = _spread(dim, size, a, b, *([] if init is None else [init]))
    if size == 0:
        return b.to(kind)
    start = start[0].select(dim, 0) if start else None
    if bounded and size >= 64 and b.numel() <= 65536 * size:
        out = _affine_chunks(a.movedim(dim, 0), b.movedim(dim, 0), start, size, step, own)
        return out.movedim(0, dim).to(kind)
    out = _affine_steps(a.unbind(dim)[::step], b.unbind(dim)[::step], start, own)
    return torch.stack(out[::step], dim).to(kind)


def _affine_steps(a, b, h, own):
    out = []
    for p, q in zip(a, b):
        out.append(torch.zeros_like(q) if h is None else h)
        # From 0 the first state is q itself: 0 times an overflowing p would be nan.
        h = q if h is None else torch.addcmul(q, p, h)
    return [*out[1:], h] if own else out


def _affine_chunks(a, b, start, size, step, own):
    """Chunks of about sqrt(size): their ends first, then all chunks side by side. Needs abs(a) <= 1."""
    width = int(size**0.5)
    count = -(-size // width)
    if step < 0:
        a, b = a.flip(0), b.flip(0)
    if count * width > size:
        tail = b.new_zeros((count * width - size, *b.shape[1:]))
        a, b = torch.cat([a, tail + 1]), torch.cat([b, tail])
    a, b = a.unflatten(0, (count, width)), b.unflatten(0, (count, width))
    local = _affine_steps(a.unbind(1), b.unbind(1), None, True)[-1]
    begin = torch.stack(_affine_steps(a.prod(1).unbind(0), local.unbind(0), start, False))
    out = torch.stack(_affine_steps(a.unbind(1), b.unbind(1), begin, own), 1).flatten(0, 1)[:size]
    return out.flip(0) if step < 0 else out
'''

LOG_ADD = '''\
def _log_add(x, y):
    """log(exp(x) + exp(y)) with gradient 0 where both are -inf."""
    dead = (x == -torch.inf) & (y == -torch.inf)
    return torch.where(dead, -torch.inf, torch.logaddexp(x.masked_fill(dead, 0.0), y.masked_fill(dead, 0.0)))
'''

LOG_AFFINE = '''\
def _scan_log_affine(al, be, init, dim, size, step, own):
    """Logarithms of the states h <- e^al h + e^be along dim."""
    kind = torch.result_type(al, be)
    al, be, start = _spread(dim, size, al, be, init)
    if size == 0:
        return be.to(kind)
    out, h = [], start.select(dim, 0)
    for p, q in zip(al.unbind(dim)[::step], be.unbind(dim)[::step]):
        out.append(h)
        h = _log_add(p + h, q)
    return torch.stack(([*out[1:], h] if own else out)[::step], dim).to(kind)
'''

TOPK = '''\
def _topk(x, k, dim):
    """Whether an entry is among the k largest along dim; the smallest place wins ties, nan is largest."""
    n = x.shape[dim]
    if k > 4:
        places = torch.sort(x.detach(), dim=dim, descending=True, stable=True).indices.narrow(dim, 0, min(k, n))
        return torch.zeros_like(x, dtype=torch.bool).scatter(dim, places, True)
    left, taken = x.detach(), []
    for _ in range(min(k, n)):
        best, place = left.max(dim, keepdim=True)
        if taken:
            # Where only -inf is left, the maximum may be a place that is taken: the first one that is not.
            first = torch.zeros_like(place)
            for _ in taken:
                first = first + sum(first == t for t in taken)
            place = torch.where(best == -torch.inf, first, place)
        taken.append(place)
        left = left.scatter(dim, place, -torch.inf) if len(taken) < k else left
    out = torch.zeros_like(x, dtype=torch.bool)
    return out.scatter(dim, torch.cat(taken, dim), True) if taken else out
'''

RANK = '''\
def _rank(x, dim):
    """Number of entries before each along dim, largest first; the smallest place wins ties, nan is largest."""
    places = torch.sort(x.detach(), dim=dim, descending=True, stable=True).indices
    return torch.argsort(places, dim=dim)
'''

ARGMAX = '''\
def _argmax(x, dim):
    """First place of the largest entry; nan is largest."""
    return x.detach().argmax(dim)
'''

ARGMIN = '''\
def _argmin(x, dim):
    """First place of the smallest entry; nan is largest."""
    y = x.detach()
    return y.masked_fill(y.isnan(), torch.inf).argmin(dim)
'''

# take_along_dim is no help: it wraps places that are negative or too large.
GATHER = '''\
def _gather(x, index):
    """Entries of x, over (..., k), at places over (...)."""
    shape = index.shape
    if x.shape[:-1] != shape:
        shape = torch.broadcast_shapes(x.shape[:-1], shape)
        x, index = x.expand(*shape, x.shape[-1]), index.expand(shape)
    return x.gather(-1, index.long().unsqueeze(-1)).squeeze(-1)
'''

PLACES = '''\
def _places(x, index, front, axes, tail):
    """x, over (..., `front` axes, k, `tail` axes), at places; the `axes` axes of the index come instead of k."""
    dim = -1 - tail
    if index.dim() == axes or (front == 0 and x.dim() == 1 + tail):
        rows = x.index_select(dim, index.long().reshape(-1))
        return rows.reshape(x.shape[:dim] + index.shape + x.shape[x.dim() - tail :])
    x = x.movedim(dim, -1)
    head = x.shape[: x.dim() - 1 - tail]
    x = x.reshape(head + (1,) * axes + x.shape[len(head) :])
    lead = index.shape[: index.dim() - axes]
    return _gather(x, index.reshape(lead + (1,) * front + index.shape[len(lead) :] + (1,) * tail))
'''

RAVEL = '''\
def _ravel(sizes, *places):
    """One place in a row for places in several dimensions; a place that does not exist becomes -1, which raises."""
    out, bad = 0, False
    for n, i in zip(sizes, places):
        out, bad = out * n + i, bad | (i < 0) | (i >= n)
    return torch.where(bad, -1, out)
'''

SCATTER = '''\
def _scatter(x, index, axes, tail, size):
    """Sums of x, over (..., `axes` axes, `tail` axes), at places that the index gives for the `axes` axes."""
    shape = x.shape
    if shape[: len(shape) - tail] != index.shape:
        shape = torch.broadcast_shapes(shape, index.shape + (1,) * tail)
        x = x.expand(shape)
    front = shape[: len(shape) - axes - tail]
    index = index.long()
    x = x.flatten(len(front), len(shape) - tail - 1)
    wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
    out = wide.new_zeros(front + (size,) + shape[len(shape) - tail :])
    if index.dim() == axes:
        return out.index_add(-1 - tail, index.reshape(-1), wide).to(x.dtype)
    index = index.flatten(index.dim() - axes)[(...,) + (None,) * tail]
    return out.scatter_add(-1 - tail, index.expand(wide.shape), wide).to(x.dtype)
'''

CROSS_ENTROPY = '''\
def _cross_entropy(x, index):
    """logsumexp(x) - x[index] over the last axis."""
    shape = index.shape
    if x.shape[:-1] != shape:
        shape = torch.broadcast_shapes(x.shape[:-1], shape)
        x, index = x.expand(*shape, x.shape[-1]), index.expand(shape)
    if len(shape) != 1:
        x, index = x.reshape(-1, x.shape[-1]), index.reshape(-1)
    # The default ignore_index, -100, would hide a wrong place.
    out = torch.nn.functional.cross_entropy(x, index.long(), ignore_index=-(2**62), reduction="none")
    return out if len(shape) == 1 else out.reshape(shape)
'''

SDPA = '''\
def _sdpa(q, k, v, scale, mask, causal):
    """Attention by the fused library call, which is fast for four dimensions only."""
    front = q.dim() - 2
    lift = max(2 - front, 0)
    q, k, v = (x[(None,) * lift] for x in (q, k, v))
    mask = mask if mask is None else mask[(None,) * lift]
    out = torch.nn.functional.scaled_dot_product_attention(q, k, v, mask, is_causal=causal, scale=scale)
    return out[(0,) * lift]
'''

LOGMM = '''\
def _logmm(a, b):
    """log(exp(a) @ exp(b)), scaled by the largest entries of rows and columns."""
    m, n = a.amax(-1, keepdim=True), b.amax(-2, keepdim=True)
    m, n = (torch.where(s.isfinite(), s, 0.0).detach() for s in (m, n))
    return torch.log(torch.exp(a - m) @ torch.exp(b - n)) + m + n
'''

SQDIST = '''\
def _sqdist(x, y):
    """Squared distances of rows, by a product about the common mean."""
    c = x.mean(-2, keepdim=True)
    x, y = x - c, y - c
    out = x.square().sum(-1).unsqueeze(-1) + y.square().sum(-1).unsqueeze(-2) - 2 * (x @ y.mT)
    return out.clamp(min=0.0)
'''

EXPAND = '''\
def _expand(x, *sizes):
    """x with the given lengths of its last dimensions."""
    return x.expand(torch.broadcast_shapes(x.shape, sizes))
'''

MOVED = '''\
def _moved(new, old):
    """Largest change of an entry, nan if there is one."""
    return float((new - old).abs().max()) if new.numel() else 0.0
'''

TORCH_LOOPS = {
    "_spread": SPREAD,
    "_fold": FOLD,
    "_scan_sum": SUM,
    "_scan_prod": PROD,
    "_scan_max": MAX,
    "_scan_min": MIN,
    "_scan_lse": LSE,
    "_scan_affine": AFFINE,
    "_log_add": LOG_ADD,
    "_scan_log_affine": LOG_AFFINE,
    "_topk": TOPK,
    "_rank": RANK,
    "_argmax": ARGMAX,
    "_argmin": ARGMIN,
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
