"""Source of the helper functions for counts, for both array backends; see `dltsym.lower.printers.helpers`."""

from __future__ import annotations

NUMPY_COUNTS = {
    "_log_binomial": '''
def _log_binomial(n, k):
    """Logarithm of a binomial coefficient: n times an entropy and Stirling's series; -inf outside 0 <= k <= n."""
    kind = np.result_type(n, k)
    n, k = np.broadcast_arrays(np.asarray(n, np.float64), np.asarray(k, np.float64))
    m = np.minimum(k, n - k)
    inner = m > 0
    a, b = np.where(inner, m, 1.0), np.where(inner, n - m, 1.0)
    t = a + b
    out = a * np.log(t / a) - b * np.log1p(-a / t) - 0.5 * np.log(2 * math.pi * a * (b / t))
    out = out + (_stirling(t) - _stirling(a) - _stirling(b))
    return np.where(inner, out, np.where(m == 0, 0.0, np.where(np.isnan(m), m, -np.inf))).astype(kind)
''',
    "_stirling": '''
def _stirling(j):
    """log j! - log(sqrt(2 pi j) (j/e)**j) for whole numbers above 0."""
    table = np.array([
        0.0, 0.08106146679532726, 0.0413406959554093, 0.02767792568499834,
        0.020790672103765093, 0.016644691189821193, 0.013876128823070748, 0.01189670994589177,
        0.010411265261972096, 0.009255462182712733, 0.00833056343336287, 0.007573675487951841,
        0.00694284010720953, 0.006408994188004207, 0.0059513701127588475, 0.005554733551962801,
    ])
    x = np.maximum(j, 16.0)
    w = 1 / (x * x)
    series = (1 / 12 - w * (1 / 360 - w * (1 / 1260 - w * (1 / 1680 - w * (1 / 1188 - w * (691 / 360360)))))) / x
    return np.where(j < 16, table[np.minimum(j, 15).astype(np.int64)], series)
''',
}

TORCH_COUNTS = {
    "_log_binomial": '''
def _log_binomial(n, k):
    """Logarithm of a binomial coefficient: n times an entropy and Stirling's series; -inf outside 0 <= k <= n."""
    n, k = (torch.as_tensor(x) for x in (n, k))
    kind = torch.promote_types(n.dtype, k.dtype)
    n, k = torch.broadcast_tensors(n.double(), k.double())
    m = torch.minimum(k, n - k)
    inner = m > 0
    a, b = torch.where(inner, m, 1.0), torch.where(inner, n - m, 1.0)
    t = a + b
    out = a * torch.log(t / a) - b * torch.log1p(-a / t) - 0.5 * torch.log(2 * math.pi * a * (b / t))
    out = out + (_stirling(t) - _stirling(a) - _stirling(b))
    return torch.where(inner, out, torch.where(m == 0, 0.0, torch.where(m.isnan(), m, -math.inf))).to(kind)
''',
    "_stirling": '''
def _stirling(j):
    """log j! - log(sqrt(2 pi j) (j/e)**j) for whole numbers above 0."""
    table = torch.tensor([
        0.0, 0.08106146679532726, 0.0413406959554093, 0.02767792568499834,
        0.020790672103765093, 0.016644691189821193, 0.013876128823070748, 0.01189670994589177,
        0.010411265261972096, 0.009255462182712733, 0.00833056343336287, 0.007573675487951841,
        0.00694284010720953, 0.006408994188004207, 0.0059513701127588475, 0.005554733551962801,
    ], dtype=torch.float64, device=j.device)
    x = j.clamp(min=16.0)
    w = 1 / (x * x)
    series = (1 / 12 - w * (1 / 360 - w * (1 / 1260 - w * (1 / 1680 - w * (1 / 1188 - w * (691 / 360360)))))) / x
    return torch.where(j < 16, table[j.clamp(max=15).long()], series)
''',
}
