"""Source of the helper functions that generated code may call; what is used is copied into it.

Every one is accurate to the constant of its row in `dltsym.lower.ops` over the whole range, in float32 and float64.
A branch that is not taken is evaluated at a harmless point, so that its gradient is finite too. Source of the forms:
dltsym design note, table 3.5.
"""

from __future__ import annotations

TORCH = {
    "_scalar": '''
def _scalar(x, dtype, device):
    """A number stays a number, which costs nothing; a tensor keeps its gradient."""
    return float(x) if isinstance(x, (int, float)) else torch.as_tensor(x, dtype=dtype, device=device)
''',
    "_pad": '''
def _pad(x, count):
    """A scalar, with dimensions of length 1 behind its batch dimensions if it has any."""
    return x if isinstance(x, float) or x.ndim == 0 else x[(..., *(None,) * count)]
''',
    "_axpy": '''
def _axpy(x, y, s):
    """x + s y, in one pass where s is a number."""
    return torch.add(x, y, alpha=s) if isinstance(s, float) else x + s * y
''',
    "_poly": '''
def _poly(x, coefficients):
    """c0 + c1 x + c2 x^2 + ... by Horner's rule, one pass per coefficient."""
    out = coefficients[-1] * x + coefficients[-2]
    for c in coefficients[-3::-1]:
        out = torch.addcmul(torch.full((), c, dtype=x.dtype, device=x.device), out, x)
    return out
''',
    "_terms": '''
def _terms(x, double, single):
    """How many terms of a series the type of x needs."""
    return double if x.dtype is torch.float64 else single
''',
    "_log1mexp": '''
def _log1mexp(x):
    """log(1 - exp(-x)) for x > 0."""
    near = x < 0.6931471805599453
    close = torch.log(-torch.expm1(-x))  # finite on both sides
    return torch.where(near, close, torch.log1p(-torch.exp(-torch.where(near, 1.0, x))))
''',
    "_softplus": '''
def _softplus(x):
    """log(1 + exp(x)); the usual threshold of 20 would cost 2e-9."""
    return torch.nn.functional.softplus(x, threshold=40)
''',
    "_log_cosh": '''
def _log_cosh(x):
    """log(cosh(x))."""
    near = abs(x) < 1
    close = torch.log1p(2 * torch.sinh(torch.where(near, x, 0.0) / 2).square())
    a = abs(x)
    return torch.where(near, close, a - 0.6931471805599453 + torch.log1p(torch.exp(-2 * a)))
''',
    "_sech2": '''
def _sech2(x):
    """1 - tanh(x)^2."""
    limit = math.log(torch.finfo(x.dtype).max) - 1
    return torch.cosh(x.clamp(-limit, limit)).reciprocal().square()
''',
    "_phi1": '''
class _Phi1(torch.autograd.Function):
    """(exp(z) - 1) / z with a derivative of its own: that of the quotient loses all digits near 0."""

    generate_vmap_rule = True

    @staticmethod
    def forward(z):
        return torch.where(z == 0, 1.0, torch.expm1(z) / z)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx, gradient):
        return gradient * _phi1d(*ctx.saved_tensors)

    @staticmethod
    def jvp(ctx, tangent):
        return tangent * _phi1d(*ctx.saved_tensors)


def _phi1(z):
    """(exp(z) - 1) / z, 1 at 0."""
    if not torch.compiler.is_compiling():
        return _Phi1.apply(z)
    # The compiler takes no function with a forward derivative of its own, and makes the series cheap.
    near = abs(z) < 1
    far = torch.where(near, 1.0, z)
    series = [1 / math.factorial(k + 1) for k in range(_terms(z, 18, 11))]
    return torch.where(near, _poly(torch.where(near, z, 0.0), series), torch.expm1(far) / far)
''',
    "_held": '''
class _Held(torch.autograd.Function):
    """(exp(d a) - 1) / a, which is d at a = 0, with derivatives of its own: the quotient loses theirs near 0."""

    generate_vmap_rule = True

    @staticmethod
    def forward(d, a, nonzero):
        e = (d * a).expm1_()  # nothing in here is recorded
        if nonzero:
            return e.div_(a)
        zero = a == 0
        return torch.where(zero, d, e.div_(torch.where(a == 0, 1.0, a)))

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs[:2])
        ctx.save_for_forward(*inputs[:2])

    @staticmethod
    def backward(ctx, gradient):
        d, a = ctx.saved_tensors
        by_d = (gradient * torch.exp(d * a)).sum_to_size(d.shape) if ctx.needs_input_grad[0] else None
        by_a = (gradient * d.square() * _phi1d(d * a)).sum_to_size(a.shape) if ctx.needs_input_grad[1] else None
        return by_d, by_a, None

    @staticmethod
    def jvp(ctx, by_d, by_a, _):
        d, a = ctx.saved_tensors
        return by_d * torch.exp(d * a) + by_a * d.square() * _phi1d(d * a)


def _held(d, a, nonzero):
    """(exp(d a) - 1) / a, d at a = 0; the guard is on the smaller array."""
    return d * _phi1(d * a) if torch.compiler.is_compiling() else _Held.apply(d, a, nonzero)
''',
    "_log_ndtr": '''
def _log_ndtr(x):
    """Logarithm of the normal distribution function; the library has none for half precision."""
    wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
    return torch.special.log_ndtr(wide).to(x.dtype)
''',
    "_trigamma": '''
def _trigamma(x):
    """Second derivative of log Gamma; that of the library has a relative error of 5e-10 in float64."""
    positive = x > 0
    y = torch.where(positive, x, 1.0)
    total = torch.zeros_like(y)
    for k in range(15):
        total = total + (y + k).square().reciprocal()
    r = (y + 15).reciprocal()
    series = _poly(r.square(), [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6])
    close = total + r + r.square() / 2 + r * r.square() * series
    return torch.where(positive, close, torch.polygamma(1, torch.where(positive, 1.0, x)))
''',
    "_phi1d": '''
def _phi1d(z):
    """Derivative of (exp(z) - 1) / z: sum of (k + 1) z^k / (k + 2)!."""
    near = abs(z) < 1
    series = [(k + 1) / math.factorial(k + 2) for k in range(_terms(z, 18, 11))]
    close = _poly(torch.where(near, z, 0.0), series)
    far = torch.where(near, 1.0, z)
    e, p = torch.exp(far), torch.expm1(far) / far
    return torch.where(near, close, torch.where(z > 1, 1 / far + p * (1 - 1 / far), (e - p) / far))
''',
    "_log1pmx": '''
def _log1pmx(t):
    """log(1 + t) - t for t > -1."""
    # Neither branch needs a guard: both are finite for t > -1.
    r = t / (2 + t)
    y = r.square()
    close = r * (y * _poly(y, [2 / (2 * k + 3) for k in range(_terms(t, 10, 5))]) - t)
    return torch.where(abs(t) < 0.3, close, torch.log1p(t) - t)
''',
    "_expm1mx": '''
def _expm1mx(x):
    """exp(x) - 1 - x."""
    if x.dtype is not torch.float64:
        # Double precision loses 3e-16 / x^2 where the series of two terms loses x^2 / 12: below 8e-9 on both sides.
        d, square = x.double(), x.square()
        close = torch.addcmul(0.5 * square, square, x, value=1 / 6)
        return torch.where(square < 9e-8, close, (torch.exp(d) - d).sub_(1).to(x.dtype))
    s = x.clamp(-1.0, 1.0)  # a selection is slow where nobody can predict it
    close = s.square() * _poly(s, [1 / math.factorial(k + 2) for k in range(17)])
    return torch.where(abs(x) < 1, close, torch.expm1(x) - x)
''',
    "_xexpx": '''
def _xexpx(x, last=False):
    """x e^x, 0 at -inf; a third array costs a tenth of an entropy, and x is ours at its last use."""
    p = x.exp()
    if torch.is_grad_enabled():
        return p * x.clamp(min=-1000.0)
    return p.mul_(x.clamp_(min=-1000.0) if last else x.clamp(min=-1000.0))
''',
}

NUMPY = {
    "_scalar": '''
def _scalar(x, dtype):
    """A number stays a number; an array takes the type of the others."""
    return float(x) if isinstance(x, (int, float)) else np.asarray(x, dtype)
''',
    "_pad": '''
def _pad(x, count):
    """A scalar, with dimensions of length 1 behind its batch dimensions if it has any."""
    return x if isinstance(x, float) or x.ndim == 0 else x[(..., *(None,) * count)]
''',
    "_poly": '''
def _poly(x, coefficients):
    """c0 + c1 x + c2 x^2 + ... by Horner's rule."""
    out = coefficients[-1] * x + coefficients[-2]
    for c in coefficients[-3::-1]:
        out = out * x + c
    return out
''',
    "_terms": '''
def _terms(x, double, single):
    """How many terms of a series the type of x needs."""
    return double if x.dtype == np.float64 else single
''',
    "_log1mexp": '''
def _log1mexp(x):
    """log(1 - exp(-x)) for x > 0."""
    near = x < 0.6931471805599453
    close = np.log(-np.expm1(-x))  # finite on both sides
    return np.where(near, close, np.log1p(-np.exp(-np.where(near, 1.0, x))))
''',
    "_sigmoid": '''
def _sigmoid(x):
    """1 / (1 + exp(-x))."""
    e = np.exp(-abs(x))
    return np.where(x < 0, e, 1.0) / (1 + e)
''',
    "_log_cosh": '''
def _log_cosh(x):
    """log(cosh(x))."""
    near = abs(x) < 1
    close = np.log1p(2 * np.square(np.sinh(np.where(near, x, 0.0) / 2)))
    a = abs(x)
    return np.where(near, close, a - 0.6931471805599453 + np.log1p(np.exp(-2 * a)))
''',
    "_sech2": '''
def _sech2(x):
    """1 - tanh(x)^2."""
    e = np.exp(-2 * abs(x))
    return 4 * e / np.square(1 + e)
''',
    "_phi1": '''
def _phi1(z):
    """(exp(z) - 1) / z, 1 at 0."""
    return np.where(z == 0, 1.0, np.expm1(z) / np.where(z == 0, 1.0, z))
''',
    "_held": '''
def _held(d, a, nonzero):
    """(exp(d a) - 1) / a, d at a = 0."""
    e = np.expm1(d * a)
    return np.where(e == 0, d, e / np.where(a == 0, 1.0, a))  # a = 0, or the product underflows
''',
    "_phi1d": '''
def _phi1d(z):
    """Derivative of (exp(z) - 1) / z: sum of (k + 1) z^k / (k + 2)!."""
    near = abs(z) < 1
    series = [(k + 1) / math.factorial(k + 2) for k in range(_terms(z, 18, 11))]
    close = _poly(np.where(near, z, 0.0), series)
    far = np.where(near, 1.0, z)
    e, p = np.exp(far), np.expm1(far) / far
    return np.where(near, close, np.where(z > 1, 1 / far + p * (1 - 1 / far), (e - p) / far))
''',
    "_log1pmx": '''
def _log1pmx(t):
    """log(1 + t) - t for t > -1."""
    r = t / (2 + t)
    y = np.square(r)
    close = r * (y * _poly(y, [2 / (2 * k + 3) for k in range(_terms(t, 10, 5))]) - t)
    far = t.astype(np.float64)  # the logarithm of float32 is not accurate enough
    return np.where(abs(t) < 0.3, close, np.log1p(far) - far).astype(t.dtype)
''',
    "_expm1mx": '''
def _expm1mx(x):
    """exp(x) - 1 - x."""
    near = abs(x) < 1
    s = np.where(near, x, 0.0)
    close = np.square(s) * _poly(s, [1 / math.factorial(k + 2) for k in range(_terms(x, 17, 10))])
    return np.where(near, close, np.expm1(x) - x)
''',
    "_xexpx": '''
def _xexpx(x):
    """x exp(x), 0 at -inf."""
    return np.exp(x) * np.maximum(x, -1000.0)
''',
    "_shifted": '''
def _shifted(x, axis):
    """The greatest entry, or 0 where it is infinite, and exp of the rest; half precision becomes float32."""
    x = x.astype(np.promote_types(x.dtype, np.float32), copy=False)
    top = x.max(axis, keepdims=True, initial=-np.inf)
    top = np.where(np.isinf(top), 0, top).astype(x.dtype)
    return top, x - top
''',
    "_logsumexp": '''
def _logsumexp(x, axis, keepdims=False):
    """log(sum(exp(x))); -inf where every entry is."""
    top, y = _shifted(x, axis)
    out = (np.log(np.exp(y, out=y).sum(axis, keepdims=True)) + top).astype(x.dtype)
    return out if keepdims else np.squeeze(out, axis)
''',
    "_softmax": '''
def _softmax(x, axis):
    """exp(x) / sum(exp(x)); 0 where every entry is -inf."""
    p = _shifted(x, axis)[1]
    np.exp(p, out=p)
    total = p.sum(axis, keepdims=True)
    p /= np.where(total == 0, 1, total)
    return p.astype(x.dtype, copy=False)
''',
    "_log_softmax": '''
def _log_softmax(x, axis):
    """x - log(sum(exp(x))); -inf where every entry is."""
    y = _shifted(x, axis)[1]
    total = np.exp(y).sum(axis, keepdims=True)
    y -= np.log(np.where(total == 0, 1, total))
    return y.astype(x.dtype, copy=False)
''',
    "_narrow": '''
def _narrow(x, axis, start, size):
    """The entries start .. start + size - 1; a slice would drop what does not fit."""
    if start < 0 or start + size > x.shape[axis]:
        raise IndexError(f"entries {start} to {start + size - 1} of {x.shape[axis]}")
    return x[(..., slice(start, start + size), *(slice(None),) * (-1 - axis))]
''',
    "_einsum": '''
def _einsum(spec, a, b):
    """The sum over shared letters that are not in the result, as one batched matrix product."""
    (p, q), out = spec.split("->")[0].split(","), spec.split("->")[1]
    inner = [c for c in p if c in q and c not in out]
    shared = [c for c in p if c in q and c in out]
    rows, columns = [c for c in p if c not in q], [c for c in q if c not in p]
    size = dict(zip(p, a.shape[a.ndim - len(p) :])) | dict(zip(q, b.shape[b.ndim - len(q) :]))

    def matrix(x, letters, *groups):
        lead = x.ndim - len(letters)
        x = x.transpose(*range(lead), *(lead + letters.index(c) for g in (shared, *groups) for c in g))
        tail = [math.prod(size[c] for c in g) for g in groups]
        return x.reshape(*x.shape[: lead + len(shared)], *tail)

    def lift(x, letters, other, others):
        # Batch dimensions of both must line up to the left of the shared axes.
        lead, want = x.ndim - len(letters), other.ndim - len(others)
        return x.reshape((1,) * (want - lead) + x.shape) if want > lead else x

    a, b = lift(a, p, b, q), lift(b, q, a, p)
    c = matrix(a, p, rows, inner) @ matrix(b, q, inner, columns)
    letters = [*shared, *rows, *columns]
    c = c.reshape(*c.shape[: c.ndim - 2], *(size[x] for x in (*rows, *columns)))
    lead = c.ndim - len(letters)
    return c.transpose(*range(lead), *(lead + letters.index(x) for x in out))
''',
}
