"""Orders, gathers and iterations of generated code, against plain loops."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from ir_functions import BACKENDS, array, function, program, run

from dltsym.lower.algebra.constructors import Algebra
from dltsym.lower.axes import Axis, Slot
from dltsym.lower.ir import State
from dltsym.lower.nodes import Node
from dltsym.lower.printers.base import print_program

torch = pytest.importorskip("torch")

T, C, N, M, E = Axis("t", "T"), Axis("c", "C"), Axis("i", "n"), Axis("j", "n"), Axis("e", "E")


# Orders


def top(x: np.ndarray, k: int) -> np.ndarray:
    """Mark the k largest of a row: nan first, then by value, then by place."""
    out = np.zeros(len(x), bool)
    key = sorted(range(len(x)), key=lambda q: (not np.isnan(x[q]), 0 if np.isnan(x[q]) else -x[q], q))
    out[key[:k]] = True
    return out


LOW, NAN = -np.inf, np.nan
ROWS = [
    [3, 1, 2, 5, 4, 0], [1, 1, 1, 1, 1, 1], [2, 7, 7, 7, 1, 7], [LOW] * 6, [5, LOW, LOW, LOW, LOW, 1],
    [LOW, 4, LOW, LOW, LOW, LOW], [1, NAN, 3, NAN, np.inf, 2], [np.inf, np.inf, 0, 1, 2, NAN],
    [0.0, -0.0, 0.0, -0.0, -1, -2], [LOW, LOW, 9, 9, LOW, LOW],
]  # fmt: skip


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 6, 9])
@pytest.mark.parametrize("backend", BACKENDS)
def test_topk(backend: str, k: int) -> None:
    f = function(
        [array("x", "n", "E")],
        lambda alg: alg.where(alg.order("topk", E, k, alg.ref("x", (N, E))), alg.num(1), alg.num(0)),
        (N, E),
        backend,
    )
    x = np.array(ROWS, float)
    assert run(f, backend, x).astype(bool).tolist() == [top(row, k).tolist() for row in x]
    assert run(f, backend, x[None])[0].astype(bool).tolist() == [top(row, k).tolist() for row in x]


@pytest.mark.parametrize("backend", BACKENDS)
def test_rank(backend: str) -> None:
    f = function([array("x", "n", "E")], lambda alg: alg.order("rank", E, 0, alg.ref("x", (N, E))), (N, E), backend)
    x = np.array(ROWS, float)
    wanted = [[int(top(row, k).tolist()[e] is False) for k in range(1, 7)] for row in x for e in range(6)]
    assert run(f, backend, x).reshape(-1).tolist() == [sum(w) for w in wanted]


@pytest.mark.parametrize(("monoid", "wanted"), [("argmax", [3, 0, 1, 0, 0, 1, 1, 5, 0, 2]), ("argmin", None)])
@pytest.mark.parametrize("backend", BACKENDS)
def test_first_place(backend: str, monoid: str, wanted: list[int] | None) -> None:
    f = function([array("x", "n", "E")], lambda alg: alg.reduce(monoid, alg.ref("x", (N, E)), (E,)), (N,), backend)
    x = np.array(ROWS, float)
    if wanted is None:
        wanted = [int(np.argmin(np.where(np.isnan(row), np.inf, row))) for row in x]
    assert run(f, backend, x).tolist() == wanted


# Places


@pytest.mark.parametrize("backend", BACKENDS)
def test_gathers(backend: str) -> None:
    rng = np.random.default_rng(0)
    w, z = rng.normal(size=(6, 4)), rng.normal(size=(5, 6))
    at, own, second = np.array([0, 5, 2, 2]), np.array([0, 5, 3, 3, 1]), np.array([1, 4, 0, 2])
    rows = function(
        [array("W", "E", "C"), array("p", "T", entries="integer")],
        lambda alg: alg.ref("W", (Slot(0), C), alg.ref("p", (T,))), (T, C), backend,
    )  # fmt: skip
    np.testing.assert_array_equal(run(rows, backend, w, at), w[at])
    both = run(rows, backend, np.stack([w, -w]), np.stack([at, at[::-1]]))
    np.testing.assert_array_equal(both, np.stack([w[at], -w[at[::-1]]]))
    np.testing.assert_array_equal(run(rows, backend, w, np.stack([at, at[::-1]])), np.stack([w[at], w[at[::-1]]]))
    columns = function(
        [array("z", "n", "E"), array("p", "T", entries="integer")],
        lambda alg: alg.ref("z", (N, Slot(0)), alg.ref("p", (T,))), (N, T), backend,
    )  # fmt: skip
    np.testing.assert_array_equal(run(columns, backend, z, at), z[:, at])
    shifted = run(columns, backend, np.stack([z, -z]), np.stack([at, at[::-1]]))
    np.testing.assert_array_equal(shifted, np.stack([z[:, at], -z[:, at[::-1]]]))
    picked = function(
        [array("z", "n", "E"), array("p", "n", entries="integer")],
        lambda alg: alg.ref("z", (N, Slot(0)), alg.ref("p", (N,))), (N,), backend,
    )  # fmt: skip
    np.testing.assert_array_equal(run(picked, backend, z, own), z[range(5), own])
    pairs = function(
        [array("z", "n", "E"), array("p", "T", entries="integer"), array("q", "T", entries="integer")],
        lambda alg: alg.ref("z", (Slot(0), Slot(1)), alg.ref("q", (T,)), alg.ref("p", (T,))), (T,), backend,
    )  # fmt: skip
    np.testing.assert_array_equal(run(pairs, backend, z, at, second), z[second, at])


@pytest.mark.parametrize("wrong", [-1, 6, 100, -100])
@pytest.mark.parametrize("backend", BACKENDS)
def test_places_that_do_not_exist(backend: str, wrong: int) -> None:
    w, at = np.zeros((6, 4)), np.array([0, wrong])
    rows = function(
        [array("W", "E", "C"), array("p", "T", entries="integer")],
        lambda alg: alg.ref("W", (Slot(0), C), alg.ref("p", (T,))), (T, C), backend,
    )  # fmt: skip
    pairs = function(
        [array("z", "E", "C"), array("p", "T", entries="integer"), array("q", "T", entries="integer")],
        lambda alg: alg.ref("z", (Slot(0), Slot(1)), alg.ref("p", (T,)), alg.ref("q", (T,))), (T,), backend,
    )  # fmt: skip
    for f, args in ((rows, (w, at)), (rows, (w[None], at[None])), (pairs, (w, at, at * 0)), (pairs, (w, at * 0, at))):
        with pytest.raises((IndexError, RuntimeError)):
            run(f, backend, *args)


def test_gather_gradient() -> None:
    rows = function(
        [array("W", "E", "C"), array("p", "T", entries="integer")],
        lambda alg: alg.ref("W", (Slot(0), C), alg.ref("p", (T,))), (T, C), "torch",
    )  # fmt: skip
    w = torch.rand(2, 6, 4, dtype=torch.float64, requires_grad=True)
    at = torch.tensor([[0, 5, 2, 2], [1, 1, 1, 0]])
    assert torch.autograd.gradcheck(lambda w: rows(w, at), (w,))


# Iterations


def power(alg: Algebra, rounds: Node, simultaneous: bool = False, tol: Node | None = None) -> Node:
    """Return x_1 after rounds of y <- A x and x <- y / 2 + x / 4, listed or at once."""
    own, other = alg.table.fresh("n"), alg.table.fresh("n")
    step = alg.contract([alg.ref("A", (own, M)), alg.ref("$x", (M,))], (M,))
    states = [
        State("$y", (own,), alg.num(0), step),
        State("$x", (other,), alg.num(1), alg.add(alg.mul(alg.num(Fraction(1, 2)), alg.ref("$y", (other,))),
                                                   alg.mul(alg.num(Fraction(1, 4)), alg.ref("$x", (other,))))),
    ]  # fmt: skip
    return alg.table.iterate(rounds, states, alg.ref("$x", (N,)), simultaneous, tol)


@pytest.mark.parametrize("simultaneous", [True, False])
@pytest.mark.parametrize("rounds", [0, 1, 7])
@pytest.mark.parametrize("backend", BACKENDS)
def test_iterations(backend: str, rounds: int, simultaneous: bool) -> None:
    f = function([array("A", "n", "n")], lambda alg: power(alg, alg.num(rounds), simultaneous), (N,), backend)
    a = np.random.default_rng(0).normal(size=(2, 4, 4))
    for given in (a[0], a):
        x, y = np.ones(given.shape[:-1]), np.zeros(given.shape[:-1])
        for _ in range(rounds):
            new = np.einsum("...ij,...j->...i", given, x)
            x, y = (y / 2 + x / 4, new) if simultaneous else (new / 2 + x / 4, new)
        got = run(f, backend, given)
        np.testing.assert_allclose(np.broadcast_to(got, x.shape), x, rtol=1e-12)


def test_iterations_have_gradients() -> None:
    f = function([array("A", "n", "n")], lambda alg: power(alg, alg.num(3)), (N,), "torch")
    a = torch.rand(3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(f, (a,))
    assert torch.autograd.gradgradcheck(f, (a,))


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_tolerance_ends_an_iteration(backend: str) -> None:
    f = function(
        [array("A", "n", "n"), array("tol")],
        lambda alg: power(alg, alg.num(1000), tol=alg.ref("tol", ())), (N,), backend,
    )  # fmt: skip
    a, x, y = np.eye(3) * 0.5, np.ones(3), np.zeros(3)
    for _ in range(1000):
        old, y = (x, y), a @ x
        x = y / 2 + x / 4
        if max(np.abs(x - old[0]).max(), np.abs(y - old[1]).max()) <= 1e-3:
            break
    got = run(f, backend, a, np.float64(1e-3))
    np.testing.assert_allclose(got, x, rtol=1e-12)
    assert got[0] > 1e-4


def test_what_no_round_changes_is_in_front_of_the_loop() -> None:
    def build(alg: Algebra) -> Node:
        own = alg.table.fresh("n")
        kernel = alg.exp(alg.ref("A", (own, M)))
        step = alg.contract([kernel, alg.ref("$x", (M,))], (M,))
        return alg.table.iterate(alg.num(5), [State("$x", (own,), alg.num(1), step)], alg.ref("$x", (N,)))

    text = print_program(program([array("A", "n", "n")], build, (N,)), "torch", "f").text
    before, inside = text.split("for _ in range(5):")
    assert "exp(" in before
    assert "exp(" not in inside
