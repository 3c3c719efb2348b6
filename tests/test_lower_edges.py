"""Kernels at the edges: zeros under logarithms, nothing to fold, underflow, half precision, logarithms of a loop."""

import numpy as np
import pytest
import torch

from dltsym import Scope, exp, iterate, log, max_over, min_over, sum_over
from dltsym.errors import ShapeError
from dltsym.lower.axes import Axis
from dltsym.lower.compiler import compile as compile_kernel
from dltsym.lower.ir import State, Table
from dltsym.lower.printers.targets.torch import TARGET
from dltsym.lower.show import show

BACKENDS = ("numpy", "torch")


def given(backend: str, **arrays):
    if backend == "numpy":
        return arrays
    return {n: torch.as_tensor(x) if isinstance(x, np.ndarray) else x for n, x in arrays.items()}


def test_gradient_of_an_entropy_with_zeros_is_finite():
    v = Scope()
    n = v.count("n")
    x, p = v.array("x", (n,)), v.array("p", (n,), lo=0)
    square = compile_kernel(sum_over(n, lambda s: x[s] ** 2 * log(x[s] ** 2)))
    at = torch.tensor([0.0, 0.5, -2.0], dtype=torch.float64, requires_grad=True)
    square(x=at).backward()
    want = torch.tensor([0.0, 1 + np.log(0.25), -4 * (1 + np.log(4.0))], dtype=torch.float64)
    torch.testing.assert_close(at.grad, want)
    torch.testing.assert_close(square.grad("x")(x=at.detach()), want)
    q = v.array("q", (n,), lo=0, lo_open=True)
    kl = compile_kernel(sum_over(n, lambda s: p[s] * log(p[s] / q[s])))
    q_at = torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64, requires_grad=True)
    p_at = torch.tensor([0.0, 0.4, 0.6], dtype=torch.float64)
    kl(p=p_at, q=q_at).backward()
    torch.testing.assert_close(q_at.grad, -p_at / q_at.detach())


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("fold", [max_over, min_over])
def test_an_extreme_over_nothing_says_so(fold, backend):
    v = Scope()
    n, m = v.count("n"), v.count("m", lo=0)
    z, i = v.array("z", (n, m)), v.index("i", n)
    kernel = compile_kernel(fold(m, lambda j: z[i, j]), axes="i", backend=backend)
    with pytest.raises(ShapeError, match="over nothing"):
        kernel(**given(backend, z=np.zeros((3, 0))))


def test_a_held_input_whose_product_underflows():
    backend = "numpy"  # a guard on the whole product costs torch more than the form may: its bound covers the loss
    v = Scope()
    n, m = v.count("n"), v.count("m")
    d, a, i, j = v.array("D", (n,)), v.array("A", (m,)), v.index("i", n), v.index("j", m)
    kernel = compile_kernel((exp(d[i] * a[j]) - 1) / a[j], axes="i j", backend=backend)
    tiny = np.float32(1e-30)
    got = np.asarray(kernel(**given(backend, D=np.array([tiny], np.float32), A=np.array([tiny, 0], np.float32))))
    assert (got == tiny).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_logarithm_of_a_scaling_from_outside(backend):
    v = Scope()
    n = v.count("n")
    c, a = v.array("C", (n, n)), v.array("a", (n,), lo=0, lo_open=True)
    eps, i = v.real("eps", lo=0, lo_open=True), v.index("i", n)
    rows = lambda i, w: a[i] / sum_over(n, lambda s: exp(-c[i, s] / eps) * w[s])  # noqa: E731
    columns = lambda j, u: a[j] / sum_over(n, lambda s: exp(-c[s, j] / eps) * u[s])  # noqa: E731
    states = {"u": (n, 1, rows), "w": (n, 1, columns)}
    outside = eps * log(iterate(20, states, lambda u, w: u[i]))
    inside = eps * iterate(20, states, lambda u, w: log(u[i]))
    data = given(backend, C=np.random.default_rng(0).random((5, 5)), a=np.full(5, 0.2), eps=1e-4)
    got, want = (np.asarray(compile_kernel(e, axes="i", backend=backend)(**data)) for e in (outside, inside))
    assert np.isfinite(got).all()
    np.testing.assert_allclose(got, want, rtol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_loop_in_half_precision_stays_there(dtype):
    v = Scope()
    n = v.count("n")
    matrix, i = v.array("M", (n, n)), v.index("i", n)
    step = lambda i, h: sum_over(n, lambda s: matrix[i, s] * h[s]) / 2  # noqa: E731
    out = iterate(3, {"h": (n, 1, step)}, lambda h: h[i])
    kernel = compile_kernel(out, axes="i", acc="native")
    assert kernel(M=torch.eye(4, dtype=dtype)).dtype == dtype


def test_two_axes_of_a_loop_become_one():
    table = Table()
    i, j, s = Axis("i", "n"), Axis("j", "n"), Axis("s", "n")
    entry = lambda *p: table.make("ref", (), ("X", p))  # noqa: E731
    run = table.make("scan", (table.make("mul", (entry(i, s), entry(j, s))),), ("sum", j, 1, True))
    state = table.make("ref", (), ("$h", (s,)))
    loop = table.iterate(
        table.num(3), [State("$h", (s,), table.num(0), table.make("add", (state, run)))],
        table.make("ref", (), ("$h", (i,))),
    )  # fmt: skip
    merged = table.rename(loop, {j: i})
    assert merged.axes == {i}
    assert "scan[sum, k, 1, True]((X[k, j] * X[i, j]))" in show(merged)


def test_a_share_of_a_size_hides_nothing():
    v = Scope()
    T, E = v.count("T"), v.count("E")
    z = v.array("z", (T, E))
    loss = sum_over(T, lambda t: log(sum_over(E, lambda e: exp(z[t, e]))) ** 2) / T
    assert "where" not in compile_kernel(loss).source


def test_the_slope_of_a_weight_beside_a_power_is_finite_at_0():
    v = Scope()
    n = v.count("n")
    r, e, be = v.array("r", (n,), lo=0), v.array("e", (n,), lo=0, lo_open=True), v.pos("be")
    kernel = compile_kernel(sum_over(n, lambda j: e[j] * e[j] ** be + (1 + be) * r[j] * e[j])).grad("r")
    at = given("torch", be=0.5, r=np.array([0.7, 0.0]), e=np.array([0.3, 0.2]))
    torch.testing.assert_close(kernel(**at), 1.5 * at["e"])  # logaddexp(a, b) - softplus(b - a) = a


def test_the_gradient_of_a_let_name_with_a_free_index():
    v = Scope()
    n = v.count("n")
    x, i, t = v.array("x", (n,)), v.index("i", n), v.real("t")
    total = v.let("Z", sum_over(n, lambda j: exp(t * x[i] * x[j])))
    assert compile_kernel(x[i] / total, axes="i").grad("t").validate(trials=1).ok


def test_a_number_that_names_an_entry_is_drawn_inside_the_array():
    v = Scope()
    n = v.count("n")
    s, b = v.array("s", (n,)), v.integer("b", lo=1, hi=n)
    assert compile_kernel(s[b] / sum_over(n, lambda j: s[j] ** 2)).validate(trials=4).ok


CONDITIONS = ("r <= 0", "R[i] <= 0", "i > 5", "B[s] != 0", "s > 5", "M[i, s] != 0")
QUOTIENTS = (  # weights above and below, and what is averaged
    ("exp(d[i, s])", "exp(d[i, s])", "X[s]"),
    ("exp(d[i, s])", "exp(d[i, s])", "1"),
    ("exp(d[i, s])", "exp(X[s])", "X[s]"),
    ("exp(d[i, s])*z[s]", "exp(d[i, s])*z[s]", "X[s]"),
)


@pytest.mark.parametrize("inner", CONDITIONS)
@pytest.mark.parametrize("outer", CONDITIONS)
def test_a_quotient_of_sums_over_nothing_is_0_with_its_gradient(outer, inner):
    v, rng = Scope(), np.random.default_rng(0)
    n, m = v.count("n"), v.count("m")
    i = v.index("i", m)
    v.real("r"), v.array("d", (m, n)), v.array("X", (n,)), v.array("R", (m,)), v.array("z", (n,), lo=0)
    v.array("B", (n,), entries="bool"), v.array("M", (m, n), entries="bool")
    data = {"r": 1.0, "d": rng.normal(size=(2, 3)), "X": rng.normal(size=3), "R": np.ones(2)}
    data |= {"z": np.array([0.5, 0, 2]), "B": np.zeros(3, bool), "M": np.zeros((2, 3), bool)}
    for above, below, term in QUOTIENTS:
        up, down = (f"cases(({outer}, cases(({inner}, {w}), 0)), 0)" for w in (above, below))
        row = f"Sum({up}*{term}, (s, 1, n))/Sum({down}, (s, 1, n))"
        for kernel in (compile_kernel(v.parse(row), axes=(i,)), compile_kernel(v.parse(f"Sum({row}, (i, 1, m))"))):
            x = given("torch", **{name: value for name, value in data.items() if name in kernel.inputs})
            ones = {"cotangent": torch.ones(2, dtype=torch.float64)} if kernel.axes["value"] else {}
            slope = kernel.grad("d")(**x, **ones)
            x["d"].requires_grad_()
            y = kernel(**x)
            (y.sum() + 0 * x["d"].sum()).backward()  # what is left of some does not hold d
            for got in (y, x["d"].grad, slope):
                assert (got == 0).all(), kernel.source


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_difference_of_logarithms_of_nothing_has_no_value(backend):
    v = Scope()
    n = v.count("n")
    v.array("x", (n,)), v.array("y", (n,)), v.array("B", (n,), entries="bool")
    up, down = (f"Sum(cases((B[s] != 0, exp({a}[s])), 0), (s, 1, n))" for a in "xy")
    at = given(backend, x=np.array([0.1, 0.2]), y=np.array([0.3, 0.4]), B=np.zeros(2, bool))
    assert np.isnan(float(compile_kernel(v.parse(f"log({up}) - log({down})"), backend=backend)(**at)))
    assert float(compile_kernel(v.parse(f"{up}/{down}"), backend=backend)(**at)) == 0


def test_every_helper_that_torch_may_print_is_there():
    assert {text.partition("(")[0] for text in TARGET.vanishing.values()} <= TARGET.helpers.keys()
