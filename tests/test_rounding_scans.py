"""The worst-case bound of scans, orders, choices, cells and loops is never exceeded in simulated half precision."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from rounding_sim import BRAIN, HALF, KINDS, Array, Build, I, J, Sim, bounds, hostile, ratio

from dltsym.lower.axes import Slot
from dltsym.lower.interpret.model import Model
from dltsym.lower.ir import State

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
BOTH = pytest.mark.parametrize("model", [HALF, BRAIN], ids=["float16", "bfloat16"])
TIMES, TRIALS = 13, 200


def draw(rng: np.random.Generator, model: Model, kind: str, *shape: int) -> Array:
    return hostile(rng, shape or (TRIALS, TIMES), model, kind)


def within(pairs: list[tuple[Array, Array, Array]], loosest: float = 5e-4) -> None:
    """No promise is broken, most are made, and the typical ratio of error to bound is not absurd."""
    ratios = np.concatenate([ratio(*p).ravel() for p in pairs])
    made = np.concatenate([np.isfinite(p[2]).ravel() for p in pairs])
    assert ratios.max() <= 1
    assert made.mean() > 0.6
    seen = ratios[ratios > 0]
    assert seen.size == 0 or np.median(seen) > loosest


# Affine scans: three algorithms, one bound


def step_by_step(s: Sim, a: Array, b: Array, h: Array) -> Array:
    out = []
    for t in range(a.shape[-1]):
        h = s.r(s.r(a[..., t] * h) + b[..., t])
        out.append(h)
    return np.stack(out, -1)


def in_chunks(s: Sim, a: Array, b: Array, h: Array, size: int = 4) -> Array:
    out = []
    for start in range(0, a.shape[-1], size):
        product, local = np.ones_like(h), np.zeros_like(h)
        carry = h
        for t in range(start, min(start + size, a.shape[-1])):
            product, local = s.r(a[..., t] * product), s.r(s.r(a[..., t] * local) + b[..., t])
            h = s.r(s.r(product * carry) + local)
            out.append(h)
    return np.stack(out, -1)


def as_tree(s: Sim, a: Array, b: Array, h: Array) -> Array:
    shift = 1
    while shift < a.shape[-1]:
        ones, nil = np.ones_like(a[..., :shift]), np.zeros_like(a[..., :shift])
        before_a, before_b = np.concatenate([ones, a[..., :-shift]], -1), np.concatenate([nil, b[..., :-shift]], -1)
        b = s.r(s.r(a * before_b) + b)
        a = s.r(a * before_a)
        shift *= 2
    return s.r(s.r(a * h[..., None]) + b)


@BOTH
@pytest.mark.parametrize("run", [step_by_step, in_chunks, as_tree])
def test_affine_scan(model: Model, run: Callable[[Sim, Array, Array, Array], Array]) -> None:
    rng, pairs = np.random.default_rng(0), []
    s = Sim(model, rng)
    for kind in KINDS:
        b = Build()
        node = b.op(
            "scan", b.op("mul", b.ref("a_i"), b.ref("c_i")), b.ref("b_i"), b.ref("h"), data=("affine", I, 1, True)
        )
        x, c, y = draw(rng, model, kind), s.r(rng.uniform(-0.7, 0.7, (TRIALS, TIMES))), draw(rng, model, kind)
        h = draw(rng, model, kind, TRIALS)
        got = run(s, s.r(x * c), y, h)
        exact, state = [], h.astype(np.longdouble)
        for t in range(TIMES):
            state = (x * c)[..., t] * state + y[..., t]
            exact.append(state)
        _, e = bounds(b, node, {"a_i": x, "c_i": c, "b_i": y, "h": h}, model)
        pairs.append((got, np.stack(exact, -1).astype(float), e))
    within(pairs)


@BOTH
@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("monoid", ["sum", "prod", "max", "min", "lse"])
def test_scan(model: Model, monoid: str, direction: int, own: bool) -> None:
    rng, pairs = np.random.default_rng(1), []
    s = Sim(model, rng)
    step = {
        "sum": lambda h, x: s.r(h + x), "prod": lambda h, x: s.r(h * x), "max": np.maximum, "min": np.minimum,
        "lse": lambda h, x: s.call(np.logaddexp, h, x),
    }[monoid]  # fmt: skip
    true = {"sum": np.add, "prod": np.multiply, "max": np.maximum, "min": np.minimum, "lse": np.logaddexp}[monoid]
    unit = {"sum": 0.0, "prod": 1.0, "min": np.inf}.get(monoid, -np.inf)
    for kind in KINDS:
        b = Build()
        node = b.op("scan", b.op("add", b.ref("x_i"), b.ref("y_i")), data=(monoid, I, direction, own))
        x, y = draw(rng, model, kind), draw(rng, model, kind)
        turn = slice(None, None, direction)
        h, got = np.full(TRIALS, unit), []
        for t in range(TIMES):
            after = step(h, s.r(x + y)[..., turn][..., t])
            got.append(after if own else h)
            h = after
        exact = true.accumulate((x + y)[..., turn], -1)
        if not own:
            exact = np.concatenate([np.full((TRIALS, 1), unit), exact[..., :-1]], -1)
        _, e = bounds(b, node, {"x_i": x, "y_i": y}, model)
        pairs.append((np.stack(got, -1)[..., turn], exact[..., turn], e))
    within(pairs)


@BOTH
def test_log_affine_scan(model: Model) -> None:
    rng, pairs = np.random.default_rng(2), []
    s = Sim(model, rng)
    for kind in KINDS:
        b = Build()
        a, c = b.ref("a_i"), b.op("add", b.ref("b_i"), b.ref("c_i"))
        node = b.op("scan", a, c, b.neg(b.op("const", data=("inf",))), data=("log-affine", I, 1, True))
        x, y, z = (draw(rng, model, kind) for _ in range(3))
        y[:9, :3] = -np.inf
        h = hs = np.full(TRIALS, -np.inf)
        got, exact = [], []
        for t in range(TIMES):
            h = s.call(np.logaddexp, s.r(x[..., t] + h), s.r(y + z)[..., t])
            hs = np.logaddexp(x[..., t] + hs, (y + z)[..., t])
            got.append(h)
            exact.append(hs)
        _, e = bounds(b, node, {"a_i": x, "b_i": y, "c_i": z}, model)
        pairs.append((np.stack(got, -1), np.stack(exact, -1), e))
    within(pairs)


# Reductions and orders


@BOTH
@pytest.mark.parametrize("monoid", ["max", "min", "prod", "argmax", "argmin"])
def test_reduction(model: Model, monoid: str) -> None:
    rng, pairs = np.random.default_rng(3), []
    s = Sim(model, rng)
    for kind in KINDS:
        b = Build()
        node = b.fold(monoid, b.op("mul", b.ref("x_i"), b.ref("y_i")), "i")
        x, y = draw(rng, model, kind, 800, 6), draw(rng, model, kind, 800, 6)
        f: Callable[[Array], Array] = lambda z: getattr(np, monoid)(z, -1)  # noqa: E731
        got = f(s.r(x * y))
        if monoid == "prod":
            got = np.ones(800)
            for k in rng.permutation(6):
                got = s.r(got * s.r(x * y)[..., k])
        _, e = bounds(b, node, {"x_i": x, "y_i": y}, model)
        pairs.append((got, f(x * y), e))
    assert max(ratio(*p).max(initial=0) for p in pairs) <= 1
    assert np.isfinite(pairs[0][2]).mean() > 0.5


def place(x: Array, kind: str, k: int) -> Array:
    rank = np.argsort(np.argsort(-x, -1, kind="stable"), -1, kind="stable")
    return rank * 1.0 if kind == "rank" else (rank < k) * 1.0


@BOTH
@pytest.mark.parametrize(("kind", "k"), [("rank", 0), ("topk", 1), ("topk", 3)])
def test_order(model: Model, kind: str, k: int) -> None:
    rng = np.random.default_rng(4)
    s = Sim(model, rng)
    for inputs in KINDS:
        b = Build()
        node = b.op("order", b.op("mul", b.ref("x_i"), b.ref("y_i")), data=(kind, I, k))
        x, y = draw(rng, model, inputs, 800, 6), draw(rng, model, inputs, 800, 6)
        v, e = bounds(b, node, {"x_i": x, "y_i": y}, model)
        assert np.array_equal(v, place(x * y, kind, k))
        assert ratio(place(s.r(x * y), kind, k), v, e).max() <= 1
        assert (e == 0).mean() > (0.05 if kind == "rank" else 0.2)


def test_ties_of_exact_numbers_are_decided() -> None:
    b = Build()
    node = b.op("order", b.ref("x_i"), data=("topk", I, 2))
    v, e = bounds(b, node, {"x_i": np.ones((3, 5))}, HALF)
    assert np.array_equal(v, [[1, 1, 0, 0, 0]] * 3)
    assert not e.any()


# Choices


@BOTH
@pytest.mark.parametrize("sign", ["<", "<=", "=", "!="])
def test_undecided_choice_takes_the_hull(model: Model, sign: str) -> None:
    rng, pairs = np.random.default_rng(5), []
    s = Sim(model, rng)
    test = {"<": np.less, "<=": np.less_equal, "=": np.equal, "!=": np.not_equal}[sign]
    for kind in KINDS:
        b = Build()
        x, y, z = b.ref("x_i"), b.ref("y_i"), b.ref("z_i")
        c = b.op(
            "or", b.op("cmp", b.op("mul", x, y), z, data=(sign,)), b.op("not", b.op("cmp", x, b.num(-9), data=("<",)))
        )
        c = b.op("and", c, b.op("cmp", b.op("add", x, z), b.op("add", y, z), data=("<",)))
        node = b.op("where", c, b.op("add", x, z), b.op("mul", y, z))
        p, q, w = (draw(rng, model, kind, 4000) for _ in range(3))
        w[::2] = s.r(p * q)[::2]

        def run(r: Callable[[Array], Array], p: Array = p, q: Array = q, w: Array = w) -> Array:
            one = (test(r(p * q), w) | ~(p < -9)) & (r(p + w) < r(q + w))
            return np.where(one, r(p + w), r(q * w))

        _, e = bounds(b, node, {"x_i": p, "y_i": q, "z_i": w}, model)
        pairs.append((run(s.r), run(lambda t: t), e))
    within(pairs)


@BOTH
@pytest.mark.parametrize("op", ["maximum", "minimum", "logaddexp", "xlogy", "step", "sign", "floor"])
def test_pairs_and_steps(model: Model, op: str) -> None:
    rng, pairs = np.random.default_rng(6), []
    s = Sim(model, rng)
    for kind in KINDS:
        b = Build()
        x, y, z = b.ref("x_i"), b.ref("y_i"), b.ref("z_i")
        p, q, w = (draw(rng, model, kind, 3000) for _ in range(3))
        if op in ("step", "sign", "floor"):
            f = {"step": lambda t: (t > 0) * 1.0, "sign": np.sign, "floor": np.floor}[op]
            _, e = bounds(b, b.op(op, b.op("mul", b.op("add", x, y), z)), {"x_i": p, "y_i": q, "z_i": w}, model)
            pairs.append((f(s.r(s.r(p + q) * w)), f((p + q) * w), e))
            continue
        q = np.abs(q) if op == "xlogy" else q
        from scipy import special

        g = special.xlogy if op == "xlogy" else getattr(np, op)
        node = b.op(op, b.op("add", x, z), b.op("mul", y, y))
        _, e = bounds(b, node, {"x_i": p, "y_i": q, "z_i": w}, model)
        pairs.append((s.call(g, s.r(p + w), s.r(q * q)), g(p + w, q * q), e))
    assert max(ratio(*t).max(initial=0) for t in pairs) <= 1


# Places


def test_a_place_that_rounding_may_move_promises_nothing() -> None:
    b = Build()
    best = b.fold("argmax", b.op("mul", b.ref("x_i"), b.ref("y_i")), "i")
    node = b.op("ref", best, data=("v_i", (Slot(0),)))
    b.ref("v_i")
    x = np.array([[1.0, 2.0, 1.5], [1.0, 1.0009765625, 0.5]])
    y = np.array([[1.0, 1.0, 1.0], [1.0009765625, 1.0, 1.0]])
    v, e = bounds(b, node, {"x_i": x, "y_i": y, "v_i": np.array([5.0, 6.0, 7.0])}, HALF)
    assert e.tolist() == [0.0, np.inf]
    assert v[0] == 6.0


@BOTH
def test_scatter_and_cross_entropy(model: Model) -> None:
    rng = np.random.default_rng(7)
    s, scattered, crossed = Sim(model, rng), [], []
    for kind in KINDS:
        b = Build()
        place_ = b.ref("q_i", "integer")
        node = b.op("scatter", *(b.op("mul", b.ref("x_i"), b.ref("y_i")), place_), data=(J, (I,)))
        x, y, q = draw(rng, model, kind, TRIALS, 9), draw(rng, model, kind, TRIALS, 9), rng.integers(0, 4, (TRIALS, 9))
        w = draw(rng, model, kind, 1, 4)
        b.ref("w_j")
        got = np.zeros((TRIALS, 4))
        for t in rng.permutation(9):
            rows = np.arange(TRIALS)
            got[rows, q[:, t]] = s.r(got[rows, q[:, t]] + s.r(x * y)[:, t])
        exact = np.stack([np.where(q == k, x * y, 0).sum(-1) for k in range(4)], -1)
        _, e = bounds(b, node, {"x_i": x, "y_i": y, "q_i": q, "w_j": w}, model)
        scattered.append((got, exact, e))

        b = Build()
        bound = b.table.bind("take", (b.op("mul", b.ref("x_ij"), b.ref("y_ij")),), (J,), (0,)).args[0]
        axis = next(a for a in bound.axes if a != I)
        node = b.op("cross_entropy", bound, b.ref("q_i", "integer"), data=((axis,),))
        x, y, q = (
            draw(rng, model, kind, TRIALS, 2, 5),
            draw(rng, model, kind, TRIALS, 2, 5),
            rng.integers(0, 5, (TRIALS, 2)),
        )
        t = s.r(x * y)
        gap = s.r(t - t.max(-1, keepdims=True))
        log = s.r(np.log(s.sum(s.r(np.exp(gap)))))
        got = -s.r(np.take_along_axis(gap, q[..., None], -1)[..., 0] - log)
        z = (x * y).astype(np.longdouble)
        top = z.max(-1, keepdims=True)
        exact = np.log(np.exp(z - top).sum(-1)) + top[..., 0] - np.take_along_axis(z, q[..., None], -1)[..., 0]
        _, e = bounds(b, node, {"x_ij": x, "y_ij": y, "q_i": q}, model)
        crossed.append((got, exact.astype(float), e))
    within(scattered)
    within(crossed)


# Loops


@BOTH
@pytest.mark.parametrize("simultaneous", [False, True])
def test_iteration(model: Model, simultaneous: bool) -> None:
    rng, pairs = np.random.default_rng(8), []
    s, rounds = Sim(model, rng), 4
    for kind in ("plain", "near", "positive"):
        b = Build()
        x = b.ref("x_i")
        p, q = (b.op("ref", data=(name, (I,))) for name in ("p", "q"))
        steps = b.op("tanh", b.op("mul", p, x)), b.op("add", b.op("mul", b.num(Fraction(1, 2)), q), p)
        node = b.table.iterate(
            b.num(rounds), [State("p", (I,), x, steps[0]), State("q", (I,), b.num(1), steps[1])],
            b.op("add", p, q), simultaneous,
        )  # fmt: skip
        xs = draw(rng, model, kind, 3000)

        def run(r: Callable[[Array], Array], xs: Array = xs) -> Array:
            a, c = xs, np.ones_like(xs)
            for _ in range(rounds):
                new = r(np.tanh(r(a * xs)))
                c = r(r(0.5 * c) + (a if simultaneous else new))
                a = new
            return r(a + c)

        _, e = bounds(b, node, {"x_i": xs}, model)
        pairs.append((run(s.r), run(lambda t: t), e))
    within(pairs)


def test_axes_of_contractions_are_told_apart() -> None:
    rng = np.random.default_rng(9)
    b = Build()
    node = b.total([b.ref("x_ij"), b.ref("y_jk"), b.ref("z_ik")], "jk")
    x, y, z = rng.standard_normal((7, 3, 4)), rng.standard_normal((4, 5)), rng.standard_normal((2, 1, 3, 5))
    v, e = bounds(b, node, {"x_ij": x, "y_jk": y, "z_ik": z}, HALF)
    assert np.allclose(v, np.einsum("bij,jk,abik->abi", x, y, np.broadcast_to(z, (2, 7, 3, 5))), atol=1e-12)
    assert (e > 0).all()
