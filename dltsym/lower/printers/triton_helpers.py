"""What the triton printer copies into generated files: functions that Triton lacks, and tools of the launcher."""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import factorial


def _horner(x: str, coefficients: Iterable[float]) -> str:
    *rest, out = map(repr, coefficients)
    for c in reversed(rest):
        out = f"({out} * {x} + {c})"
    return out


JIT: dict[str, str] = {
    "_log1pmx": f"""
def _log1pmx(t):
    near = tl.abs(t) < 0.3
    s = tl.where(near, t, 0.0)
    r = s / (2.0 + s)
    y = r * r
    close = r * (2.0 * y * {_horner("y", (1 / (2 * k + 3) for k in range(10)))} - s)
    far = tl.where(near, 1.0, t)
    return tl.where(near, close, _log1p(far) - far)
""",
    "_expm1mx": f"""
def _expm1mx(x):
    near = tl.abs(x) < 1.0
    s = tl.where(near, x, 0.0)
    close = s * s * {_horner("s", (1 / factorial(k + 2) for k in range(17)))}
    far = tl.where(near, 1.0, x)
    return tl.where(near, close, _expm1(far) - far)
""",
    "_phi1": """
def _phi1(z):
    return tl.where(z == 0.0, 1.0, _expm1(z) / tl.where(z == 0.0, 1.0, z))
""",
    "_phi1d": f"""
def _phi1d(z):
    near = tl.abs(z) < 1.0
    s = tl.where(near, z, 0.0)
    close = {_horner("s", ((k + 1) / factorial(k + 2) for k in range(18)))}
    far = tl.where(near, 1.0, z)
    e = tl.exp(far)
    p = _expm1(far) / far
    return tl.where(near, close, tl.where(z > 1.0, 1.0 / far + p * (1.0 - 1.0 / far), (e - p) / far))
""",
    "_log1p": """
def _log1p(x):
    w = 1.0 + x  # both roundings cancel in the quotient: at most 3.4 units of rounding
    return tl.where((w == 1.0) | (w == float("inf")), x, x * tl.log(w) / (w - 1.0))
""",
    "_expm1": """
def _expm1(x):
    w = tl.exp(x)
    d = w - 1.0
    y = d * x / tl.log(w)
    return tl.where(d == 0.0, x, tl.where((d == -1.0) | (w == float("inf")), d, y))
""",
    "_log1mexp": """
def _log1mexp(x):
    return tl.where(x < 0.6931471805599453, tl.log(-_expm1(-x)), _log1p(-tl.exp(-x)))
""",
    "_softplus": """
def _softplus(x):
    return tl.where(x > 0.0, x, 0.0) + _log1p(tl.exp(-tl.abs(x)))
""",
    "_logsigmoid": """
def _logsigmoid(x):
    return -_softplus(-x)
""",
    "_logaddexp": """
def _logaddexp(x, y):
    m = tl.maximum(x, y)
    gap = tl.abs(x - y)  # nan where both are the same infinity
    return tl.where(x == y, m + 0.6931471805599453, m + _log1p(tl.exp(-gap)))
""",
    "_sigmoid": """
def _sigmoid(x):
    e = tl.exp(-tl.abs(x))
    return tl.where(x >= 0.0, 1.0, e) / (1.0 + e)
""",
    "_tanh": """
def _tanh(x):
    d = _expm1(-2.0 * tl.abs(x))
    y = -d / (d + 2.0)
    return tl.where(x < 0.0, -y, y)
""",
    "_sinh": """
def _sinh(x):
    d = _expm1(tl.abs(x))
    y = 0.5 * (d + d / (d + 1.0))
    return tl.where(x < 0.0, -y, y)
""",
    "_cosh": """
def _cosh(x):
    e = tl.exp(tl.abs(x))
    return 0.5 * (e + 1.0 / e)
""",
    "_log_cosh": """
def _log_cosh(x):
    a = tl.abs(x)
    return a + _log1p(tl.exp(-2.0 * a)) - 0.6931471805599453
""",
    "_sech2": """
def _sech2(x):
    e = tl.exp(-2.0 * tl.abs(x))
    return 4.0 * e / ((1.0 + e) * (1.0 + e))
""",
    "_sign": """
def _sign(x):
    return tl.where(x > 0.0, 1.0, tl.where(x < 0.0, -1.0, x))
""",
    "_xlogx": """
def _xlogx(x):
    return tl.where(x == 0.0, 0.0, x * tl.log(tl.where(x == 0.0, 1.0, x)))
""",
    "_xlogy": """
def _xlogy(x, y):
    return tl.where(x == 0.0, 0.0, x * tl.log(tl.where(x == 0.0, 1.0, y)))
""",
    "_xexpx": """
def _xexpx(x):
    return tl.where(x == -float("inf"), 0.0, x * tl.exp(x))
""",
}
"""Device functions by name; each stands under ``@triton.jit``."""

FORMS = {
    "log1p": "_log1p({0})",
    "expm1": "_expm1({0})",
    "log1mexp": "_log1mexp({0})",
    "softplus": "_softplus({0})",
    "logsigmoid": "_logsigmoid({0})",
    "logaddexp": "_logaddexp({0}, {1})",
    "sigmoid": "_sigmoid({0})",
    "tanh": "_tanh({0})",
    "tan": "tl.sin({0}) / tl.cos({0})",
    "sinh": "_sinh({0})",
    "cosh": "_cosh({0})",
    "log_cosh": "_log_cosh({0})",
    "sech2": "_sech2({0})",
    "sign": "_sign({0})",
    "xlogx": "_xlogx({0})",
    "xlogy": "_xlogy({0}, {1})",
    "xexpx": "_xexpx({0})",
    "log1pmx": "_log1pmx({0})",
    "expm1mx": "_expm1mx({0})",
    "phi1": "_phi1({0})",
    "phi1d": "_phi1d({0})",
    "step": "tl.where({0} > 0.0, 1.0, 0.0)",
    "abs": "tl.abs({0})",
}
"""Forms that take the place of a row of the op table, or fill an empty one."""

HOST = '''
def _offsets(x, core, lead, dims):
    """Distance of each outer entry from the first one: batch dimensions come first, named outer axes last."""
    batch = len(lead) - len(dims)
    strides = [0] * (batch + core - x.dim()) + list(x.stride()[: x.dim() - core])
    strides = [s if size > 1 else 0 for s, size in zip(strides, [1] * (batch + core - x.dim()) + list(x.shape))]
    strides += [0 if d is None else sum(x.stride(q - core) for q in d) for d in dims]
    out = torch.zeros((), dtype=torch.int64, device=x.device)
    for size, stride in zip(lead, strides):
        out = out[..., None] + torch.arange(size, device=x.device) * stride
    return out.reshape(-1)


def _quiet(x):
    """No warnings of the interpreter, which runs the kernel in numpy: 0 * inf is meant where it happens."""
    if x.device.type != "cpu":
        return contextlib.nullcontext()
    if not triton.knobs.runtime.interpret:
        raise RuntimeError("on the CPU, set TRITON_INTERPRET=1 before triton is first imported")
    if x.dtype == torch.bfloat16:
        raise RuntimeError("the interpreter of triton computes bfloat16 wrongly; use float32 or a GPU")
    return __import__("numpy").errstate(all="ignore")


def _block(name, size, most):
    block = max(16, triton.next_power_of_2(size))
    if block > most:
        raise ValueError(f"triton: axis {name} has size {size}; one block holds at most {most}")
    return block
'''
"""Functions of the launcher."""

_USED = re.compile(r"(?<![\w.])_[a-z]\w*(?=\()")


def jit_sources(text: str) -> list[str]:
    """Return the device functions that a kernel uses, each after those it needs.

    Parameters
    ----------
    text : str
        Source of the kernel.

    Returns
    -------
    list of str
    """
    out: dict[str, str] = {}

    def visit(part: str) -> None:
        for name in sorted(set(_USED.findall(part))):
            if name in JIT and name not in out:
                source = JIT[name].strip()
                visit(source.partition("\n")[2])
                out[name] = f"@triton.jit\n{source}\n"

    visit(text)
    return list(out.values())
