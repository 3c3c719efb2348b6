"""Helper functions of generated code against balls over the whole range, and their derivatives."""

import math

import numpy as np
import pytest
import torch
from flint import arb, ctx

from dltsym.lower.ops import OPS
from dltsym.lower.printers.helpers import NUMPY, TORCH

SPACES: dict[str, dict] = {"torch": {"torch": torch, "math": math}, "numpy": {"np": np, "math": math}}
exec("\n".join(TORCH.values()), SPACES["torch"])
exec("\n".join(NUMPY.values()), SPACES["numpy"])
EXACT = {
    "_log1mexp": lambda x: (-(-x).expm1()).log(),
    "_softplus": lambda x: x.exp().log1p(),
    "_sigmoid": lambda x: 1 / (1 + (-x).exp()),
    "_log_cosh": lambda x: x.cosh().log(),
    "_sech2": lambda x: 1 / x.cosh() ** 2,
    "_phi1": lambda x: x.expm1() / x,
    "_phi1d": lambda x: (x.exp() * (x - 1) + 1) / x**2,
    "_log1pmx": lambda x: x.log1p() - x,
    "_expm1mx": lambda x: x.expm1() - x,
    "_xexpx": lambda x: x * x.exp(),
    "_trigamma": lambda x: arb(2).zeta(x),
}
SLOPE = {
    "_log1mexp": lambda x: 1 / x.expm1(),
    "_softplus": lambda x: 1 / (1 + (-x).exp()),
    "_log_cosh": lambda x: x.tanh(),
    "_phi1": EXACT["_phi1d"],
    "_log1pmx": lambda x: -x / (1 + x),
    "_expm1mx": lambda x: x.expm1(),
}
FOUND = [(name, target) for name in EXACT for target in SPACES if name in SPACES[target]]


def points(name: str, dtype: type) -> np.ndarray:
    rng = np.random.default_rng(0)
    x = np.concatenate([10.0 ** rng.uniform(-30, 1.8, 400), rng.uniform(0, 3, 400)])
    if name not in ("_log1mexp", "_trigamma"):
        x *= rng.choice([-1, 1], x.size)
    if name == "_trigamma":
        x = x[x > 1e-6]
    return (x[x > -0.9] if name == "_log1pmx" else x).astype(dtype)


def worst(got: np.ndarray, x: np.ndarray, exact) -> float:
    """Return the largest relative error in rounding units, away from underflow."""
    ctx.prec, before = 400, ctx.prec
    try:
        want = [exact(arb(float(v))) for v in x]
        unit, tiny = np.finfo(x.dtype).eps / 2, float(np.finfo(x.dtype).tiny) * 4
        return max(float(abs((arb(float(g)) - w) / w)) / unit for g, w in zip(got, want, strict=True) if abs(w) > tiny)
    finally:
        ctx.prec = before


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("name", "target"), FOUND, ids=["-".join(f) for f in FOUND])
def test_accuracy(name, target, dtype):
    x = points(name, dtype)
    with np.errstate(all="ignore"):
        got = np.asarray(SPACES[target][name](torch.tensor(x) if target == "torch" else x))
    assert got.dtype == dtype
    # The table holds one constant for both backends; numpy's float32 functions are a little worse.
    assert worst(got, x, EXACT[name]) <= OPS[name[1:]].ulp + (1 if dtype is np.float32 and target == "numpy" else 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", SLOPE)
def test_slope_is_accurate_and_finite(name, dtype):
    x = torch.tensor(points(name, dtype), requires_grad=True)
    SPACES["torch"][name](x).sum().backward()
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()
    assert worst(x.grad.numpy(), x.detach().numpy(), SLOPE[name]) <= 8


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")
@pytest.mark.parametrize("name", [n for n in EXACT if n in SPACES["torch"]])
def test_transforms(name):
    f = SPACES["torch"][name]
    x = torch.tensor([-0.8, -1e-6, 0.0, 0.2, 0.7, 3.0], dtype=torch.float64)
    x = x.abs() + 0.1 if name in ("_log1mexp", "_trigamma") else x
    assert torch.autograd.gradcheck(f, (x.clone().requires_grad_(),), check_forward_ad=True)
    assert torch.autograd.gradgradcheck(f, (x.clone().requires_grad_(),))
    torch.testing.assert_close(torch.func.vmap(f)(x[:, None])[:, 0], f(x))
    torch.testing.assert_close(torch.compile(f, backend="eager", fullgraph=True)(x), f(x), rtol=1e-14, atol=1e-15)


def test_extremes():
    for target, space in SPACES.items():
        x = np.array([-1e4, 1e4, 800.0, -800.0])
        x = torch.tensor(x) if target == "torch" else x
        with np.errstate(all="ignore"):
            for name in ("_softplus", "_log_cosh", "_sech2", "_expm1mx", "_sigmoid"):
                if name in space:
                    values = np.asarray(space[name](x))
                    assert not np.isnan(values).any(), (target, name)
            assert np.asarray(space["_phi1"](x))[0] == 1e-4
            assert np.asarray(space["_xexpx"](-abs(x) * np.inf)).tolist() == [0, 0, 0, 0]


def test_held_derivatives():
    held = SPACES["torch"]["_held"]
    d = torch.tensor([[0.5], [1e-8], [2.0]], dtype=torch.float64, requires_grad=True)
    a = torch.tensor([0.0, -1e-6, 3.0], dtype=torch.float64, requires_grad=True)
    assert torch.equal(held(d, a, False)[:, 0], d[:, 0])
    assert torch.autograd.gradcheck(lambda d, a: held(d, a, False), (d, a))
    assert torch.autograd.gradgradcheck(lambda d, a: held(d, a, False), (d, a))
    small = torch.full((1,), 1e-6, dtype=torch.float32, requires_grad=True)
    (slope,) = torch.autograd.grad(held(torch.ones(1), small, True).sum(), small)
    assert abs(slope.item() / (0.5 + 1e-6 / 3) - 1) < 1e-6
