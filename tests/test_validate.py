"""The oracle against loops and mpmath, the second evaluator against the oracle, and the judges against mutants."""

import ast
from fractions import Fraction
from pathlib import Path

import mpmath
import numpy as np
import pytest
import torch

from dltsym import Scope, abs_, delta, erf, exp, log, max_, sqrt, tanh
from dltsym.errors import DomainError, ShapeError, Undecided
from dltsym.lower.checks.judge import check
from dltsym.lower.checks.validate import Subject, subject_of, validated
from dltsym.lower.compiler import compile as compile_kernel
from dltsym.lower.interpret import raw_arb
from dltsym.lower.interpret.ir_arb import ir_balls
from dltsym.lower.interpret.raw_arb import oracle
from dltsym.notation.folds_api import (
    argmax_over,
    argmin_over,
    cases,
    iterate,
    lse_over,
    max_over,
    min_over,
    prod_over,
    rank_over,
    scan_over,
    sum_over,
    topk_over,
)

v = Scope()
n, m, d, c = (v.count(s) for s in ("n", "m", "d", "c"))
i, j, t, e = v.index("i", n), v.index("j", m), v.index("t", n), v.index("e", c)
x, y, a = v.array("x", n), v.array("y", n), v.array("a", n, lo=-1, hi=1)
S, M, Q, K, V = (
    v.array("S", (n, m)), v.array("M", (n, m), entries="bool"), v.array("Q", (n, d)), v.array("K", (m, d)),
    v.array("V", (m, c)),
)  # fmt: skip
b, label = v.array("b", m, lo=0), v.array("I", n, lo=1, hi=m, entries="integer")
tau = v.pos("tau")
rng = np.random.default_rng(7)
DATA = {
    "x": rng.standard_normal(5), "y": rng.standard_normal(5), "a": rng.uniform(-1, 1, 5),
    "S": rng.standard_normal((5, 3)), "M": rng.random((5, 3)) < 0.5, "Q": rng.standard_normal((5, 2)),
    "K": rng.standard_normal((3, 2)), "V": rng.standard_normal((3, 4)), "b": np.array([0.5, 0.0, 2.0]),
    "I": np.array([1, 3, 3, 2, 1]), "tau": 0.25,
}  # fmt: skip


def value(tree, axes=(), **data):
    return oracle({"value": tree}, {"value": axes}, {**DATA, **data})["value"]


def weight(i, s):
    return exp(S[i, s])


ATTENTION = sum_over(m, lambda s: exp(sum_over(d, lambda k: Q[i, k] * K[s, k]) / sqrt(d)) * V[s, e]) / sum_over(
    m, lambda s: exp(sum_over(d, lambda k: Q[i, k] * K[s, k]) / sqrt(d))
)
MASKED = sum_over(m, lambda s: M[i, s] * weight(i, s) * V[s, e]) / sum_over(m, lambda s: M[i, s] * weight(i, s))
PRIOR = sum_over(m, lambda s: b[s] * weight(i, s) * V[s, e]) / sum_over(m, lambda s: b[s] * weight(i, s))
ENTROPY = -log(exp(S[i, label[i]]) / sum_over(m, lambda s: weight(i, s)))
KERNELS = {
    "attention": (ATTENTION, "i e"), "masked": (MASKED, "i e"), "prior": (PRIOR, "i e"), "entropy": (ENTROPY, "i"),
    "scan": (scan_over(t, lambda s, h: a[s] * h + x[s]), "t"),
    "potential": (-tau * log(sum_over(m, lambda s: b[s] * exp(S[i, s] / tau))), "i"),
    "top": (topk_over(m, lambda s: S[i, s], at=j, k=2) * weight(i, j), "i j"),
}  # fmt: skip


# The oracle


def test_the_oracle_imports_nothing_of_the_compiler() -> None:
    folder = Path(raw_arb.__file__).parent
    for path in sorted(folder.glob("raw_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            module = (node.module or "") if isinstance(node, ast.ImportFrom) else ""
            if module.startswith("dltsym.lower"):
                assert module.startswith("dltsym.lower.interpret.raw_"), f"{path.name} imports {module}"


def test_folds() -> None:
    X, Z = DATA["x"], DATA["S"]
    assert value(sum_over(n, lambda s: x[s])).mid() == pytest.approx(X.sum(), rel=1e-15)
    assert value(prod_over(n, lambda s: x[s])).mid() == pytest.approx(X.prod(), rel=1e-15)
    assert value(max_over(n, m, lambda r, s: S[r, s])).mid() == Z.max()
    assert value(min_over(n, m, lambda r, s: S[r, s])).mid() == Z.min()
    assert value(argmax_over(m, lambda s: S[i, s]), (i,)).mid().tolist() == (Z.argmax(1) + 1).tolist()
    assert value(argmin_over(m, lambda s: S[i, s]), (i,)).mid().tolist() == (Z.argmin(1) + 1).tolist()
    assert value(lse_over(m, lambda s: 1000 * S[i, s]), (i,)).mid() == pytest.approx(
        np.logaddexp.reduce(1000 * Z, 1), rel=1e-15
    )


def test_recurrences_orders_and_iterations() -> None:
    X, A, Z = DATA["x"], DATA["a"], DATA["S"]
    h, want = 0.0, []
    for k in range(5):
        h = A[k] * h + X[k]
        want.append(h)
    got = value(scan_over(t, lambda s, h: a[s] * h + x[s]), (t,)).mid()
    assert got == pytest.approx(want, rel=1e-14)
    assert value(rank_over(n, lambda s: x[s], at=i), (i,)).mid().tolist() == (-X).argsort().argsort().tolist()
    ties = np.array([1.0, 2.0, 2.0, 0.0, 2.0])
    assert value(topk_over(n, lambda s: x[s], at=i, k=2), (i,), x=ties).mid().tolist() == [0, 1, 1, 0, 0]
    rounds = iterate(
        4,
        {"u": (n, 1, lambda i, v: 1 / sum_over(m, lambda s: exp(S[i, s]) * v[s])),
         "v": (m, 1, lambda j, u: 1 / sum_over(n, lambda r: exp(S[r, j]) * u[r]))},
        lambda u: u[i],
    )  # fmt: skip
    u, w = np.ones(5), np.ones(3)
    for _ in range(4):
        u = 1 / (np.exp(Z) @ w)
        w = 1 / (np.exp(Z).T @ u)
    assert value(rounds, (i,)).mid() == pytest.approx(u, rel=1e-13)


def test_limits_deltas_gathers_and_cases() -> None:
    X, Z = DATA["x"], DATA["S"]
    assert value(sum_over((1, t), lambda s: x[s]), (t,)).mid() == pytest.approx(X.cumsum(), rel=1e-14)
    assert value(sum_over((t, n), lambda s: x[s]), (t,)).mid() == pytest.approx(X[::-1].cumsum()[::-1], rel=1e-14)
    assert value(sum_over(n, lambda s: delta(s, j) * x[s]), (j,), m=3).mid().tolist() == X[:3].tolist()
    assert value(S[i, label[i]], (i,)).mid().tolist() == Z[np.arange(5), DATA["I"] - 1].tolist()
    assert value(cases((x[i] > 0, sqrt(x[i])), 0), (i,)).mid() == pytest.approx(np.sqrt(np.maximum(X, 0)), rel=1e-15)
    assert value(cases((i <= 2, x[i]), -x[i]), (i,)).mid().tolist() == [*X[:2], *(-X[2:])]


def test_what_is_left_out_counts_as_nothing() -> None:
    none = np.zeros((5, 3), dtype=bool)
    assert (value(MASKED, (i, e), M=none).mid() == 0).all()
    assert (value(log(sum_over(m, lambda s: M[i, s] * weight(i, s))), (i,), M=none).mid() == -np.inf).all()
    assert (value(PRIOR, (i, e)).mid() == pytest.approx(
        (DATA["b"] * np.exp(DATA["S"])) @ DATA["V"] / ((DATA["b"] * np.exp(DATA["S"])).sum(1)[:, None]), rel=1e-13
    ))  # fmt: skip
    wild = np.where(none, 0.0, np.nan)
    assert (value(MASKED, (i, e), M=none, S=wild).mid() == 0).all()  # nothing is read under a false mask
    p = sum_over(n, lambda s: x[s] * log(x[s]))
    assert value(p, x=np.array([0.0, 1.0, 0.0, 1.0, 0.0])).mid() == 0
    assert np.isnan(value(1 / x[1], x=np.zeros(5)).mid())
    assert np.isnan(value(sum_over(n, lambda s: x[s]) / sum_over(n, lambda s: x[s]), x=np.zeros(5)).mid())


def test_exact_where_balls_cannot_tell() -> None:
    third = np.array([Fraction(1, 3)] * 5, dtype=object)
    spread = sum_over(n, lambda s: x[s] ** 2) / n - (sum_over(n, lambda s: x[s]) / n) ** 2
    assert value(sqrt(spread), x=third).mid() == 0
    assert value(cases((x[1] * 3 <= 1, 7), 8), x=third).mid() == 7
    with pytest.raises(Undecided, match="overlap"):
        value(cases((exp(log(x[1])) <= 2, 7), 8), x=np.array([2.0] * 5))


def test_precision_grows_until_it_suffices() -> None:
    small = value((1 + x[1]) ** 40 - 1, x=np.full(5, 1e-60))
    assert float(small.rad()) < 2**-60 * float(small.mid())
    assert float(small.mid()) == pytest.approx(4e-59, rel=1e-15)
    assert np.isfinite(value(log(sum_over(n, lambda s: exp(1_000_000 * abs_(x[s]))))).mid())


def test_functions_against_mpmath() -> None:
    with mpmath.workdps(40):
        for z in (-3.7, -0.2, 0.6, 4.0):
            for f, g in ((erf, mpmath.erf), (tanh, mpmath.tanh), (lambda u: max_(u, 0), lambda u: max(u, 0))):
                got = value(f(x[1]), x=np.full(5, z)).balls[()]
                assert abs(float(got.mid()) - float(g(mpmath.mpf(z)))) <= 1e-15 * abs(float(got.mid()))


def test_batches_and_sizes() -> None:
    several = np.stack([DATA["x"], 2 * DATA["x"]])
    out = value(x[i] * y[i], (i,), x=several)
    assert out.shape == (2, 5)
    assert (out.mid()[1] == 2 * out.mid()[0]).all()
    wide = value(x[i] * y[i], (i,), x=several[:, None], y=np.stack([DATA["y"]] * 3))
    assert wide.shape == (2, 3, 5)
    with pytest.raises(ShapeError, match="y, axis 0 has 4 entries, but n"):
        value(x[i] * y[i], (i,), y=np.zeros(4))
    with pytest.raises(DomainError, match="has no entry"):
        value(x[i + 1], (i,))
    base = Scope(base=0)
    k = base.count("k")
    z = base.array("z", k)
    assert oracle({"o": base.sum(lambda s: z[s] * s, k)}, {"o": ()}, {"z": np.ones(4)})["o"].mid() == 6


# The second evaluator and the judges


@pytest.mark.parametrize("name", KERNELS)
def test_translation(name: str) -> None:
    tree, axes = KERNELS[name]
    kernel = compile_kernel(tree, axes=axes, backend="numpy")
    report = validated(subject_of(kernel))
    assert report.ok, report
    assert report.entries > 10
    assert report.z_max < 6


def test_second_evaluator_agrees_on_medium_sizes() -> None:
    kernel = compile_kernel(ATTENTION, axes="i e", backend="numpy")
    data = {"Q": rng.standard_normal((12, 8)), "K": rng.standard_normal((10, 8)), "V": rng.standard_normal((10, 6))}
    raw, final = value(ATTENTION, (i, e), **data), ir_balls(kernel.final, data)["value"]
    assert final.shape == raw.shape
    assert all(p.overlaps(q) for p, q in zip(raw.balls.flat, final.balls.flat, strict=True))


MUTANTS = {
    "scale": exp(S[i, j] / tau) / sum_over(m, lambda s: exp(S[i, s])),
    "sign": exp(-S[i, j]) / sum_over(m, lambda s: exp(-S[i, s])),
    "range": exp(S[i, j]) / sum_over((1, m - 1), lambda s: exp(S[i, s])),
    "index": exp(S[i, j]) / sum_over(m, lambda s: exp(S[1, s])),
    "factor": (1 + Fraction(1, 10**12)) * exp(S[i, j]) / sum_over(m, lambda s: exp(S[i, s])),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_wrong_translation_is_found(name: str) -> None:
    right = exp(S[i, j]) / sum_over(m, lambda s: exp(S[i, s])) + 0 * tau
    subject = subject_of(compile_kernel(MUTANTS[name] + 0 * tau, axes="i j", backend="numpy"))
    false = Subject({"value": right}, subject.axes, subject.program, subject.functions)
    report = validated(false)
    assert not report.ok
    assert "DISAGREES" in str(report)


def judged(other):
    kernel = compile_kernel(ATTENTION, axes="i e")
    source = torch.Generator().manual_seed(3)
    data = {s: torch.randn((32, 16), generator=source) for s in "QKV"}
    return check(kernel, other, **data)


def test_a_sound_implementation_passes_and_rounding_mutants_do_not() -> None:
    sound = judged(lambda Q, K, V: torch.softmax(Q @ K.T / 4, -1) @ V)
    assert sound.passed
    assert sound.z_max < 4
    assert 0.05 < sound.rms_z < 2
    wrong = {
        "log2 e": lambda Q, K, V: torch.softmax(Q @ K.T / 4 * (1.44270 / 1.4426950408889634), -1) @ V,
        "weights in half": lambda Q, K, V: torch.softmax(Q @ K.T / 4, -1).half().float() @ V,
        "scores in bfloat16": lambda Q, K, V: torch.softmax((Q.bfloat16() @ K.T.bfloat16()).float() / 4, -1) @ V,
        "not finite": lambda Q, K, V: torch.full((32, 16), torch.nan),
    }
    for name, other in wrong.items():
        result = judged(other)
        assert not result.passed, name
        assert result.z_max > 10, name
        assert "FAILED" in str(result)
    with pytest.raises(DomainError, match="shape"):
        judged(lambda Q, K, V: torch.zeros(32, 15))


def test_what_nothing_is_promised_of_is_counted_and_does_not_pass() -> None:
    product = compile_kernel(sum_over(m, lambda s: S[i, s] * b[s]), axes="i")
    given = {"S": torch.full((2, 3), 3e4).half(), "b": torch.tensor([1.0, 2.0, 3.0]).half()}
    nothing = product.check(product, **given)
    assert (nothing.passed, nothing.judged, nothing.unjudged) == (False, 0, 2)
    assert nothing.worst_index == ()
    assert "nothing is promised" in str(nothing)
    given["S"][0] = 1
    some = product.check(product, **given)
    assert (some.passed, some.judged, some.unjudged) == (True, 1, 1)
    assert "1 of 2 entries not judged" in str(some)
    for wrong in (torch.inf, torch.nan):
        assert not product.check(lambda S, b, wrong=wrong: torch.full((2,), wrong).half(), **given).passed


def test_a_kernel_is_judged_in_its_own_arithmetic() -> None:
    kernel = compile_kernel(ATTENTION, axes="i e")
    source = torch.Generator().manual_seed(3)
    data = {s: torch.randn((12, 16), generator=source).half() for s in "QKV"}
    stored = lambda Q, K, V: torch.softmax((Q @ K.T) / 4, -1) @ V  # noqa: E731
    assert kernel.check(stored, **data).passed
    own, other = kernel.check(kernel, **data), kernel.check(lambda **x: kernel(**x), **data)
    assert own.passed
    assert own.rms_z > 1.2 * other.rms_z


def test_an_iteration_that_stops_by_itself_is_compared_in_balls() -> None:
    states = {"h": ([n], 1, lambda h, r: (h[r] + (x[r] ** 2 + 1) / h[r]) / 2)}
    kernel = compile_kernel(iterate(40, states, lambda h: h[i], tol=Fraction(1, 10**6)), axes="i")
    report = kernel.validate()
    assert report.ok, report
    wrong = compile_kernel(iterate(40, states, lambda h: h[i] + Fraction(1, 10**9), tol=Fraction(1, 10**6)), axes="i")
    subject = subject_of(wrong)
    right = Subject(subject_of(kernel).outputs, subject.axes, subject.program, subject.functions)
    assert not validated(right).ok
