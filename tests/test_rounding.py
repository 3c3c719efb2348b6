"""The worst-case bound is never exceeded: simulated half precision, float64 against balls, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, ctx
from rounding_sim import BRAIN, HALF, KINDS, Array, Build, I, J, Sim, bounds, hostile, ratio

from dltsym.errors import UnsupportedError
from dltsym.lower.interpret.bound import RULES as BOUND
from dltsym.lower.interpret.functions import EVALUATOR, FUNCTIONS
from dltsym.lower.interpret.model import F32, F64, U64, Model, model_for, rounded
from dltsym.lower.interpret.sigma import RULES as SIGMA
from dltsym.lower.interpret.twin import RULES as MAGNITUDE
from dltsym.lower.ops import OPS
from dltsym.notation.balls import REAL

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
BOTH = pytest.mark.parametrize("model", [HALF, BRAIN], ids=["float16", "bfloat16"])
POSITIVE = {"log", "log1mexp", "sqrt", "rsqrt", "lgamma", "digamma", "trigamma", "xlogx"}


def worst_of(pairs: list[tuple[Array, Array, Array]]) -> tuple[float, float]:
    """Return the largest ratio of error to bound, and the typical one."""
    ratios = np.concatenate([ratio(*p).ravel() for p in pairs])
    return float(ratios.max()), float(np.median(ratios[ratios > 0]))


# Arithmetic


def test_rounding_is_that_of_the_types() -> None:
    import torch

    rng = np.random.default_rng(0)
    x = rng.standard_normal(20000) * 2.0 ** rng.integers(-30, 20, 20000)
    assert np.array_equal(rounded(x, HALF), x.astype(np.float16).astype(float))
    assert np.array_equal(rounded(x, F32), x.astype(np.float32).astype(float))
    t = torch.tensor(x)
    assert np.array_equal(rounded(x, BRAIN), t.to(torch.bfloat16).double().numpy())
    assert np.array_equal(rounded(x, F64), x)


def test_models_by_name() -> None:
    import torch

    assert model_for(torch.bfloat16).u == 2.0**-8
    assert model_for(np.float16, "numpy").u_a == 2.0**-11
    assert model_for(np.dtype("float32"), "numpy").eta == 2.0**-149
    assert model_for("float16", "triton").weights == 2.0**-11
    assert model_for("tf32").gemm == 2.0**-11
    assert model_for("float32", flush=True).eta == 2.0**-126
    with pytest.raises(UnsupportedError, match="no error model for int64"):
        model_for("int64")


@pytest.mark.parametrize("rules", [BOUND, SIGMA, MAGNITUDE], ids=["bound", "sigma", "magnitude"])
def test_every_operation_has_a_rule(rules: object) -> None:
    forms = {"contract", "reduce", "scan", "order", "softmax", "log_softmax", "where", "cmp", "and", "or", "not"}
    assert (set(OPS) | forms | {"scatter", "cross_entropy"}) - set(rules.table) == set()


BALLS = {"sech2": lambda x: 1 / x.cosh() ** 2, "xexpx": lambda x: x * x.exp()}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_the_float64_functions_keep_their_constant(name: str) -> None:
    ball = BALLS.get(name) or REAL[name]
    f, rng, old = FUNCTIONS[name], np.random.default_rng(0), ctx.prec
    x = np.concatenate([rng.standard_normal(150) * s for s in (1e-8, 1e-3, 0.3, 1.0, 3.0, 20.0)])
    x = np.abs(x) + 1e-12 if name in POSITIVE else x
    x = np.clip(x, -0.999, 0.999) if name in ("asin", "acos") else x
    x = np.maximum(x, -0.999) if name in ("log1p", "log1pmx") else x
    x = np.minimum(x, 26.0) if f.steep_tail else x
    ctx.prec = 1600 if name == "log_ndtr" else 200
    try:
        for at, got in zip(x, f.value(x), strict=True):
            exact = ball(arb(float(at)))
            size = max(abs(float(exact.mid())) + f.floor, 2.0**-1022)
            units = EVALUATOR + (4 * (at * at + 1) if f.steep_tail else 0.0)
            assert abs(float((exact - arb(float(got))).mid())) <= units * U64 * size, at
    finally:
        ctx.prec = old


# Functions of inexact arguments


def argument(model: Model, kind: str, rng: np.random.Generator, name: str, mix: str) -> tuple[Array, Array, Array]:
    x, y = hostile(rng, (700,), model, kind), hostile(rng, (700,), model, kind)
    if name in POSITIVE:
        x, y = np.abs(x), np.abs(y) if mix == "mul" else rounded(0.9 * y, model)
    elif name in ("asin", "acos"):
        x, y = np.clip(x, -0.5, 0.5), np.clip(y, -0.5, 0.5)
    elif name in ("log1p", "log1pmx"):
        x, y = np.clip(x, -0.5, None), np.clip(y, -0.375, None)
    return x, y, x + y if mix == "add" else x * y


@BOTH
@pytest.mark.parametrize("name", [*sorted(FUNCTIONS), "sin", "cos", "tan"])
def test_function(model: Model, name: str) -> None:
    f: Callable[[Array], Array] = FUNCTIONS[name].value if name in FUNCTIONS else getattr(np, name)
    rng, pairs, s = np.random.default_rng(1), [], Sim(model, np.random.default_rng(2))
    for kind in KINDS:
        for mix in ("add", "mul"):
            b = Build()
            node = b.op(name, b.op(mix, b.ref("x_i"), b.ref("y_i")))
            x, y, t = argument(model, kind, rng, name, mix)
            exact, got = f(t), s.call(f, s.r(t))
            _, e = bounds(b, node, {"x_i": x, "y_i": y}, model)
            defined = ~np.isnan(exact)
            pairs.append((got[defined], exact[defined], e[defined]))
    top, middle = worst_of(pairs)
    assert top <= 1
    assert middle > 0.004


POWERS = [Fraction(p) for p in ("2", "3", "4", "-1", "-2", "-3", "1/2", "1/3", "3/2", "-1/2")]


@BOTH
@pytest.mark.parametrize("p", POWERS, ids=str)
def test_power(model: Model, p: Fraction) -> None:
    rng, pairs, s = np.random.default_rng(3), [], Sim(model, np.random.default_rng(2))
    for kind in KINDS:
        b = Build()
        node = b.op("pow", b.op("add", b.ref("x_i"), b.ref("y_i")), data=(p,))
        x, y = hostile(rng, (700,), model, kind), hostile(rng, (700,), model, kind)
        if p.denominator > 1:
            x, y = np.abs(x), np.abs(y)
        got = t = s.r(x + y)
        if p.denominator > 1:
            got = s.call(lambda z: z ** float(abs(p)), t)
        for _ in range(abs(p.numerator) - 1 if p.denominator == 1 else 0):
            got = s.r(got * t)
        got = s.call(np.reciprocal, got) if p < 0 else got
        _, e = bounds(b, node, {"x_i": x, "y_i": y}, model)
        pairs.append((got, (x + y) ** float(p), e))
    assert worst_of(pairs)[0] <= 1


@BOTH
def test_sums_and_products_in_any_order(model: Model) -> None:
    rng, pairs, s = np.random.default_rng(4), [], Sim(model, np.random.default_rng(2))
    for kind in KINDS:
        b = Build()
        xs = {f"x{q}_i": hostile(rng, (1500,), model, kind) for q in range(5)}
        stack = np.stack(list(xs.values()), -1)
        _, e = bounds(b, b.op("add", *(b.ref(name) for name in xs)), xs, model)
        pairs.append((s.sum(stack), stack.sum(-1), e))
        b = Build()
        xs = {f"x{q}_i": hostile(rng, (1500,), model, kind) for q in range(4)}
        xs["x3_i"] = np.abs(xs["x3_i"])
        refs = [b.ref(name) for name in xs]
        below = [b.op("pow", refs[2], data=(Fraction(-1),)), b.op("pow", refs[3], data=(Fraction(-1, 2),))]
        _, e = bounds(b, b.op("mul", *refs[:2], *below), xs, model)
        x, y, z, w = xs.values()
        exact = x * y / (z * np.sqrt(w))
        pairs.append((s.call(np.divide, s.r(x * y), s.r(z * s.r(np.sqrt(w)))), exact, e))
    assert worst_of(pairs)[0] <= 1


@BOTH
@pytest.mark.parametrize("length", [1, 2, 12, 33])
@pytest.mark.parametrize("order", ["any", "tree"])
def test_contraction(model: Model, length: int, order: str) -> None:
    rng, pairs, s = np.random.default_rng(5), [], Sim(model, np.random.default_rng(2))
    for kind in KINDS:
        b = Build()
        x, y, z = (hostile(rng, (300, length), model, kind) for _ in range(3))
        node = b.total((b.op("add", b.ref("x_i"), b.ref("z_i")), b.op("mul", b.ref("y_i"), b.ref("z_i"))), "i")
        got = s.sum(s.r(s.r(x + z) * s.r(y * z)), order)
        _, e = bounds(b, node, {"x_i": x, "y_i": y, "z_i": z}, model)
        exact = ((x + z).astype(np.longdouble) * (y * z)).sum(-1)
        pairs.append((got, exact.astype(float), e))
    top, middle = worst_of(pairs)
    assert top <= 1
    assert middle > 1e-3


# Normalisations


def normalised(s: Sim, t: Array, what: str) -> Array:
    m = t.max(-1, keepdims=True)
    m = np.where(np.isinf(m), 0.0, m)
    gap = s.r(t - m)
    p = s.call(np.exp, gap)
    total = s.sum(p)[..., None]
    if what == "softmax":
        return s.call(np.divide, p, np.where(total == 0, 1.0, total))
    log = s.call(np.log, total)
    return s.r(m + log)[..., 0] if what == "lse" else np.where(total == 0, -np.inf, s.r(gap - log))


def truth(t: Array, what: str) -> Array:
    t = t.astype(np.longdouble)
    m = t.max(-1, keepdims=True)
    m = np.where(np.isinf(m), 0.0, m)
    total = np.exp(t - m).sum(-1, keepdims=True)
    if what == "softmax":
        out = np.exp(t - m) / np.where(total == 0, 1.0, total)
    elif what == "lse":
        out = (m + np.log(total))[..., 0]
    else:
        out = np.where(total == 0, -np.inf, t - m - np.log(total))
    return out.astype(float)


@BOTH
@pytest.mark.parametrize("what", ["softmax", "log_softmax", "lse"])
@pytest.mark.parametrize(("length", "scale"), [(1, 1.0), (8, 1.0), (8, 8.0), (8, 100.0), (40, 2.0)])
@pytest.mark.parametrize("masked", [False, True])
def test_normalisation(model: Model, what: str, length: int, scale: float, masked: bool) -> None:
    rng, pairs, s = np.random.default_rng(6), [], Sim(model, np.random.default_rng(2))
    for kind in KINDS:
        b = Build()
        x, y = hostile(rng, (150, length), model, kind), hostile(rng, (150, length), model, kind) * scale
        score, exact, t, inputs = b.op("mul", b.ref("x_j"), b.ref("y_j")), x * y, s.r(x * y), {"x_j": x, "y_j": y}
        if masked:
            keep = rng.random((150, length)) < 0.5
            keep[:5] = False
            score = b.op("where", b.ref("m_j", "bool"), score, b.neg(b.op("const", data=("inf",))))
            exact, t, inputs = np.where(keep, exact, -np.inf), np.where(keep, t, -np.inf), inputs | {"m_j": keep}
        node = b.fold("lse", score, "j") if what == "lse" else b.op(what, score, data=((J,),))
        v, e = bounds(b, node, inputs, model)
        pairs.append((normalised(s, t, what), truth(exact, what), e))
        if masked:
            assert not e[:5].any()
            assert np.all(v[:5] == (0.0 if what == "softmax" else -np.inf))
    assert worst_of(pairs)[0] <= 1 if length > 1 else max(ratio(*p).max() for p in pairs) <= 1


# The float64 evaluation itself


@pytest.mark.parametrize("what", ["softmax", "lse", "contract"])
def test_float64_kernels_keep_the_bound_too(what: str) -> None:
    rng = np.random.default_rng(7)
    x, y = rng.standard_normal((300, 24)) * 4, rng.standard_normal((300, 24)) * 4
    b = Build()
    score = b.op("mul", b.ref("x_j"), b.ref("y_j"))
    t = x * y
    exact_t = x.astype(np.longdouble) * y
    if what == "contract":
        node, got, exact = (
            b.total((score, b.ref("y_j")), "j"),
            (t[..., ::-1] * y[..., ::-1]).sum(-1),
            (exact_t * y).sum(-1),
        )
    else:
        node = b.fold("lse", score, "j") if what == "lse" else b.op("softmax", score, data=((J,),))
        s = Sim(F64, rng)
        got, exact = normalised(s, t, what), truth(exact_t, what)
    v, e = bounds(b, node, {"x_j": x, "y_j": y}, F64)
    assert ratio(got, exact.astype(float), e).max() <= 1
    assert ratio(v, exact.astype(float), e).max() <= 1


# What the bound says of infinities and overflow


def test_overflow_promises_nothing() -> None:
    b = Build()
    v, e = bounds(
        b, b.op("mul", b.ref("x_i"), b.ref("y_i")), {"x_i": np.array([300.0, 3.0]), "y_i": np.array([300.0, 3.0])}, HALF
    )
    assert v[0] == 90000.0
    assert e.tolist() == [np.inf, e[1]]
    assert e[1] < 0.01


def test_underflow_is_part_of_the_bound() -> None:
    b = Build()
    x = np.array([2.0**-14])
    _, e = bounds(b, b.op("mul", b.ref("x_i"), b.ref("y_i")), {"x_i": x, "y_i": np.array([3 * 2.0**-13])}, HALF)
    assert 2.0**-24 <= e[0] < 2.0**-22


def test_exact_infinities_stay() -> None:
    b = Build()
    x = b.ref("x_i")
    node = b.op("exp", b.op("add", b.op("log", x), b.ref("y_i")))
    v, e = bounds(b, node, {"x_i": np.array([0.0, 1.0]), "y_i": np.array([0.5, 0.5])}, HALF)
    assert v[0] == 0.0
    assert e[0] == 0.0
    assert 0 < e[1] < 0.02


def test_low_precision_balls_are_not_a_float32_run() -> None:
    # float32 rounds 2 + 0.8 * 2^-22 up and then 3 times that up again; the 24-bit ball rounds its centre down.
    b = Build()
    node = b.op("mul", b.num(3), b.op("add", b.num(2), b.ref("x_i")))
    x = float(np.float32(0.8 * 2.0**-22))
    got = np.float32(3) * (np.float32(2) + np.float32(x))
    _, e = bounds(b, node, {"x_i": np.array([x])}, F32)
    assert float(got) == 6 + 4 * 2.0**-22
    assert abs(float(got) - 3 * (2 + x)) <= e[0]
    old = ctx.prec
    ctx.prec = 24
    try:
        ball = 3 * (arb(2) + arb(x))
        ctx.prec = 200
        low, high = float((ball - arb(6)).lower()), float((ball - arb(6)).upper())
    finally:
        ctx.prec = old
    assert low <= 3 * float(np.float32(x)) <= high < 4 * 2.0**-22


def test_integers_are_exact_and_convert_late() -> None:
    b = Build()
    i = b.op("iota", data=(I,))
    b.ref("x_i")
    inputs = {"x_i": np.zeros(5000)}
    same = b.op("cmp", b.op("add", i, i), b.op("mul", b.num(2), i), data=("=",))
    v, e = bounds(b, same, inputs, HALF)
    assert v.all()
    assert not e.any()
    _, e = bounds(b, b.op("mul", i, b.num(Fraction(1, 2))), inputs, HALF)
    assert not e[:2049].any()
    assert e[2049] > 0
