"""Forms that cost fewer passes: weights folded into exponents, means that are divided by, arrays used up in place."""

import pytest
import torch

from dltsym import Scope, exp, log
from dltsym.lower.compiler import compile as lower
from dltsym.notation.folds_api import iterate


def plan(weight, scale=lambda s, eps: s / eps):
    v = Scope()
    n, m, eps = v.count("n"), v.count("m"), v.pos("eps")
    w, f, C = v.array("w", n, **weight), v.array("f", n), v.array("C", (n, m))
    i, j = v.index("i", n), v.index("j", m)
    return lower(w[i] * exp(scale(f[i] - C[i, j], eps)), "i j")


def values(dtype=torch.float64):
    g = torch.Generator().manual_seed(0)
    w, f, C = (torch.randn(shape, generator=g, dtype=dtype) for shape in ((3,), (3,), (3, 4)))
    return {"w": w.exp(), "f": f, "C": C, "eps": 0.5}


def test_a_positive_argument_goes_into_the_exponent():
    k = plan({"lo": 0, "lo_open": True})
    x = values()
    assert "torch.log(w)" in k.source
    want = x["w"][:, None] * torch.exp((x["f"][:, None] - x["C"]) / 0.5)
    torch.testing.assert_close(k(**x), want)
    assert k.validate()
    x["w"].requires_grad_()
    assert torch.autograd.gradcheck(lambda w: k(**x | {"w": w}), x["w"])


@pytest.mark.parametrize("weight", [{}, {"lo": 0}])
def test_a_weight_that_may_be_zero_stays_in_front(weight):
    k = plan(weight)
    x = values()
    x["w"][1] = 0
    assert "log" not in k.source
    x["w"].requires_grad_()
    (slope,) = torch.autograd.grad(k(**x).sum(), x["w"])
    torch.testing.assert_close(slope, torch.exp((x["f"][:, None] - x["C"]) / 0.5).sum(-1))


def test_a_scale_that_may_be_zero_is_not_divided_by():
    k = plan({"lo": 0, "lo_open": True}, scale=lambda s, eps: s * eps)
    x = values() | {"eps": 1e-300}
    assert "log" not in k.source
    torch.testing.assert_close(k(**x), x["w"][:, None].expand(3, 4))


def test_a_division_by_a_mean_prints_the_mean():
    v = Scope()
    n = v.count("n")
    x = v.array("x", n)
    mean = v.sum(lambda k: x[k], n) / n
    k = lower((v.sum(lambda k: x[k] ** 2, n) / n - mean**2) / mean**2)
    data = 3 + torch.randn(5, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    assert k.source.count(".mean(-1)") >= 2
    torch.testing.assert_close(k(x=data), data.var(-1, correction=0) / data.mean(-1) ** 2)
    assert k.validate()


@pytest.mark.parametrize("recorded", [False, True])
def test_an_argument_is_never_used_up(recorded):
    v = Scope()
    n = v.count("n")
    x = v.array("x", n)
    total = v.sum(lambda k: exp(x[k]), n)
    k = lower(-v.sum(lambda k: exp(x[k]) / total * log(exp(x[k]) / total), n))
    data = torch.randn(4, 6, dtype=torch.float64)
    data[0, 2] = -torch.inf
    kept = data.clone()
    with torch.set_grad_enabled(recorded):
        first, second = k(x=data), k(x=data)
    assert torch.equal(data, kept)
    assert torch.equal(first, second)
    p = data.softmax(-1)
    torch.testing.assert_close(first, torch.special.entr(p).sum(-1))


def test_two_results_of_one_loop_share_it():
    v = Scope()
    n = v.count("n")
    x = v.array("x", n, lo=0, lo_open=True)
    i = v.index("i", n)

    def loop(out):
        return iterate(3, {"u": ([n], 1, lambda u, r: x[r] / (1 + u[r]))}, out)

    k = lower({"a": loop(lambda u: u[i]), "b": loop(lambda u: u[i] * x[i])}, "i")
    assert k.source.count("for _ in range") == 1
    data = torch.rand(5, dtype=torch.float64) + 0.5
    u = torch.ones_like(data)
    for _ in range(3):
        u = data / (1 + u)
    out = k(x=data)
    torch.testing.assert_close(out["a"], u)
    torch.testing.assert_close(out["b"], u * data)
