"""What a first reader writes: recurrences with an own term, sizes inside dimensions, clipped ratios, SymPy indices."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp
import torch

from dltsym import (
    DTypeError,
    Expr,
    Scope,
    ShapeError,
    UnknownNode,
    UnsupportedError,
    abs_,
    argmax_over,
    cases_,
    compile,
    delta,
    exp,
    max_,
    min_,
)


def _rwkv(bonus: bool, own: int) -> Expr:
    v = Scope()
    size, width = v.count("T"), v.count("c")
    k, x = v.array("k", (size, width)), v.array("x", (size, width))
    w, u = v.array("w", width, lo=0), v.array("u", width)
    t, e = v.index("t", size), v.index("e", width)

    def weight(s: Expr) -> Expr:
        return exp(-(t - own - s) * w[e] + k[s, e])

    over = (1, t - own)
    top, bottom = v.sum(lambda s: weight(s) * x[s, e], over), v.sum(weight, over)
    if not bonus:
        return top / bottom
    extra = exp(u[e] + k[t, e])
    return (top + extra * x[t, e]) / (bottom + extra)


def _rwkv_by_hand(k: torch.Tensor, x: torch.Tensor, w: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    out = []
    for t in range(len(k)):
        logits = torch.stack([k[s] - (t - 1 - s) * w for s in range(t)] + [u + k[t]])
        out.append((torch.softmax(logits, 0) * x[: t + 1]).sum(0))
    return torch.stack(out)


@pytest.mark.parametrize("scale", [1.0, 1e2, 1e4, 1e6])
def test_running_average_with_an_own_term(scale: float) -> None:
    kernel = compile(_rwkv(bonus=True, own=1), "t e")
    draw = torch.Generator().manual_seed(3)
    k, x = (torch.randn(9, 4, generator=draw, dtype=torch.float64) for _ in range(2))
    w, u = (torch.randn(4, generator=draw, dtype=torch.float64) for _ in range(2))
    values = {"k": scale * k, "x": x, "w": scale * w.abs(), "u": scale * u}
    torch.testing.assert_close(kernel(**values), _rwkv_by_hand(**values), rtol=1e-9, atol=1e-12)
    leaves = {name: value.clone().requires_grad_() for name, value in values.items()}
    slopes = torch.autograd.grad(kernel(**leaves).sum(), list(leaves.values()))
    hand = {name: value.clone().requires_grad_() for name, value in values.items()}
    wanted = torch.autograd.grad(_rwkv_by_hand(**hand).sum(), list(hand.values()))
    for slope, reference in zip(slopes, wanted, strict=True):
        torch.testing.assert_close(slope, reference, rtol=1e-7, atol=1e-9)
    numpy = kernel.to("numpy")(**{name: value.numpy() for name, value in values.items()})
    torch.testing.assert_close(torch.from_numpy(numpy), kernel(**values), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("own", [0, 1])
def test_running_average_with_decay(own: int) -> None:
    kernel = compile(_rwkv(bonus=False, own=own), "t e")
    assert "_scan_lse" not in kernel.source  # exponents that grow with the index are never formed
    draw = torch.Generator().manual_seed(5)
    k, x = (1e3 * torch.randn(6, 2, generator=draw, dtype=torch.float64) for _ in range(2))
    values = {"k": k, "x": x, "w": torch.tensor([0.1, 300.0], dtype=torch.float64)}
    wanted = kernel.oracle(**values).mid()
    np.testing.assert_allclose(kernel(**values).numpy(), wanted, rtol=1e-9, atol=1e-9)


def test_validated() -> None:
    for bonus, own in [(True, 1), (False, 0), (False, 1)]:
        assert compile(_rwkv(bonus, own), "t e").validate(trials=2).ok


def _sized(v: Scope) -> dict[str, tuple[Expr, str]]:
    n, w, h, d = (v.count(name) for name in "nwhd")
    x, k, z, y = v.array("x", n + w - 1), v.array("k", w), v.array("z", 2 * n), v.array("y", (h, h * d))
    i, a, b = v.index("i", n), v.index("a", h), v.index("b", d)
    return {
        "window": (v.sum(lambda j: x[i + j - 1] * k[j], w), "i"),
        "pairs": (max_(z[2 * i - 1], z[2 * i]), "i"),
        "heads": (y[a, (a - 1) * d + b], "a b"),
    }


def test_sizes_are_solved_from_composite_dimensions() -> None:
    made = {name: compile(e, axes) for name, (e, axes) in _sized(Scope()).items()}
    x, k = torch.arange(7.0), torch.tensor([1.0, 10.0, 100.0])
    wanted = torch.stack([(x[i : i + 3] * k).sum() for i in range(5)])
    torch.testing.assert_close(made["window"](x=x, k=k), wanted)
    torch.testing.assert_close(made["window"].to("numpy")(x=x.numpy(), k=k.numpy()), wanted.numpy())
    z = torch.randn(3, 8)
    torch.testing.assert_close(made["pairs"](z=z), z.unflatten(-1, (4, 2)).amax(-1))
    y = torch.randn(2, 6)
    torch.testing.assert_close(made["heads"](y=y), torch.stack([y[0, :3], y[1, 3:]]))
    assert made["pairs"].inputs == ("z",)
    assert all(kernel.validate(trials=1).ok for kernel in made.values())
    with pytest.raises(ShapeError, match=r"z has size 7 in dim -1, which is no 2\*n"):
        made["pairs"](z=torch.ones(7))


def test_clipped_ratios_have_finite_slopes() -> None:
    v = Scope()
    n, eps = v.count("n"), v.pos("eps")
    x, i = v.array("x", n), v.index("i", n)
    values = torch.tensor([-1e5, -0.5, 0.05, 1e3, 1e6], dtype=torch.float64, requires_grad=True)
    cases = {"one": min_(1, exp(x[i])), "two": min_(2, exp(x[i])), "ppo": max_(1 - eps, min_(1 + eps, exp(x[i])))}
    for name, e in cases.items():
        kernel = compile(e, "i")
        extra = {"eps": 0.2} if name == "ppo" else {}
        out = kernel(x=values, **extra)
        top, low = {"one": (1, 0), "two": (2, 0), "ppo": (1.2, 0.8)}[name]
        torch.testing.assert_close(out, values.detach().exp().clamp(low, top))
        (slope,) = torch.autograd.grad(out.sum(), values)
        inside = (values.detach().exp() < top) & (values.detach().exp() > low)
        torch.testing.assert_close(slope, torch.where(inside, values.detach().exp(), 0.0))
        printed = kernel.grad("x")(x=values.detach(), cotangent=torch.ones(5, dtype=torch.float64), **extra)
        torch.testing.assert_close(printed, slope)


def test_sympy_idx() -> None:
    n = sp.Symbol("n", integer=True, positive=True)
    x, i, j = sp.IndexedBase("x", shape=(n,)), sp.Idx("i", n), sp.Idx("j", n)
    plain = sp.Symbol("i", integer=True)
    a = torch.randn(5, dtype=torch.float64)
    soft = compile(sp.exp(x[i]) / sp.Sum(sp.exp(x[j]), j), "i")
    torch.testing.assert_close(soft(x=1e3 * a), torch.softmax(1e3 * a, 0))
    both = compile(x[i] * sp.Sum(x[plain] ** 2, (plain, 0, n - 1)), "i")
    torch.testing.assert_close(both(x=a), a * (a * a).sum())
    back = compile(x[n - 1 - i], "i")
    torch.testing.assert_close(back(x=a), a.flip(0))
    inner = compile(x[sp.Idx("i", (1, n - 1))] - x[sp.Idx("i", (1, n - 1)) - 1], "i")
    torch.testing.assert_close(inner(x=a), a.diff())
    with pytest.raises(UnknownNode, match=r"an exact number is, Rational\('0.1'\)"):
        compile(0.1 * x[i], "i")
    with pytest.raises(UnsupportedError, match="compile its entries"):
        compile(sp.Matrix([x[0], x[1]]))


def test_overflow_that_is_left_is_reported() -> None:
    v = Scope()
    n = v.count("n")
    x, k, i = v.array("x", n), v.array("k", n), v.index("i", n)

    def feature(j: Expr) -> Expr:
        return cases_((k[j] > 0, 1 + k[j]), exp(k[j]))

    ratio = v.sum(lambda j: feature(j) * x[j], n) / v.sum(feature, n)
    gain = v.sum(lambda j: (2 ** k[j] - 1) * x[j], n) / v.sum(lambda j: 2 ** k[j] - 1, n)
    assert [f.code for f in compile(ratio).report] == ["W17"]
    assert "W17" in {f.code for f in compile(gain).report}
    soft = v.sum(lambda j: exp(k[j]) * x[j], n) / v.sum(lambda j: exp(k[j]), n)
    for healthy in (soft, exp(k[i]) * x[i], exp(k[i]) / (1 + exp(k[i])), soft**2 * exp(x[i])):
        assert "W17" not in {f.code for f in compile(healthy).report}


def test_hypotheses_may_be_one_text_in_the_names_of_the_expression() -> None:
    v = Scope()
    n, a = v.count("n"), v.real("a")
    x, i = v.array("x", n), v.index("i", n)
    kernel = compile(abs_(a) * x[i], "i", given="a >= 1")
    assert "abs" not in kernel.source.split("def ")[-1]
    with pytest.raises(UnsupportedError, match="no cell is called foo"):
        compile(x[i], cells="foo")


def test_delta_of_computed_indices_in_latex() -> None:
    v = Scope()
    n = v.count("n")
    x, i = v.array("x", n), v.index("i", n)
    e = delta(i, argmax_over(n, lambda j: x[j])) * x[i] + delta(i, 1)
    text = compile(e, "i").latex()
    assert r"\mathbf{1}\left[i = " in text
    assert r"\delta_{i,1}" in text


def test_types_that_nothing_computes_in() -> None:
    v = Scope()
    n = v.count("n")
    x, i = v.array("x", n), v.index("i", n)
    kernel = compile(exp(x[i]), "i")
    with pytest.raises(DTypeError, match="x is float8_e4m3fn; it takes float16"):
        kernel(x=torch.ones(3).to(torch.float8_e4m3fn))
    if np.dtype(np.longdouble).itemsize > 8:
        with pytest.raises(DTypeError, match="it takes float16"):
            kernel.to("numpy")(x=np.ones(3, np.longdouble))
