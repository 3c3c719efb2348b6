"""Contractions: grouping by cost, partial sums that are used again, diagonals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ir_functions import array, check, executed, program, run

from dltsym import Scope
from dltsym.errors import ShapeError
from dltsym.lower.algebra.constructors import Algebra
from dltsym.lower.axes import Axis
from dltsym.lower.compiler import compile as lower
from dltsym.lower.nodes import Node
from dltsym.lower.passes.cells import cells
from dltsym.lower.passes.factor import cheaper, factor
from dltsym.lower.passes.rebuild import subnodes
from dltsym.lower.printers.base import print_program
from dltsym.lower.program import Program

pytest.importorskip("torch")

N, M, D, C, E, T = Axis("i", "n"), Axis("j", "m"), Axis("k", "d"), Axis("c", "c"), Axis("e", "E"), Axis("t", "T")
N2 = Axis("l", "n")
Q, K, V = array("Q", "n", "d"), array("K", "m", "d"), array("V", "m", "c")
Z = array("z", "n", "m")


def score(alg: Algebra, i: Axis = N, j: Axis = M) -> Node:
    """Return Q_i . K_j."""
    return alg.contract([alg.ref("Q", (i, D)), alg.ref("K", (j, D))], (D,))


def lse(alg: Algebra, x: Node, *axes: Axis) -> Node:
    """Return log sum exp."""
    return alg.reduce("lse", x, axes)


# Contractions


def chain(alg: Algebra) -> Node:
    """Return A_ia B_ab C_bc D_cj summed over a, b, c."""
    a, b, c = Axis("a", "p"), Axis("b", "q"), Axis("s", "r")
    parts = [alg.ref("A", (N, a)), alg.ref("B", (a, b)), alg.ref("C", (b, c)), alg.ref("D", (c, M))]
    return alg.contract(parts, (a, b, c))


CHAIN = [array("A", "n", "p"), array("B", "p", "q"), array("C", "q", "r"), array("D", "r", "m")]


def sizes_of(given: Program) -> list[tuple[str, ...]]:
    """List the sizes of the results of contractions, arguments first."""
    nodes = subnodes(*(o.node for o in given.outputs))
    return [tuple(sorted(a.size for a in n.axes)) for n in nodes if n.op == "contract"]


def test_a_chain_is_grouped_by_cost() -> None:
    before = program(CHAIN, chain, (N, M))
    small = factor(before, {"n": 512, "m": 512, "q": 512, "p": 16, "r": 16})
    assert sizes_of(small)[0] == ("p", "r")
    assert ("m", "n") not in sizes_of(small)[:-1]
    assert all(len(n.args) == 2 for n in subnodes(small.outputs[0].node) if n.op == "contract")
    wide = factor(before, {"n": 16, "m": 16, "q": 16, "p": 512, "r": 512})
    assert sizes_of(wide)[0] != ("p", "r")
    sizes = {"n": 3, "m": 4, "p": 5, "q": 6, "r": 7}
    rng = np.random.default_rng(0)
    args = [rng.normal(size=tuple(sizes[s] for s in i.shape)) for i in CHAIN]
    for after in (small, wide):
        np.testing.assert_allclose(run(executed(after, "torch"), "torch", *args), np.linalg.multi_dot(args), rtol=1e-11)


def test_a_frozen_order_is_reported_where_another_is_twice_as_cheap() -> None:
    after = factor(program(CHAIN, chain, (N, M)), {"n": 512, "m": 512, "q": 512, "p": 16, "r": 16})
    assert not cheaper(after.frozen, {"n": 500, "m": 500, "q": 500, "p": 16, "r": 16})
    (finding,) = cheaper(after.frozen, {"n": 16, "m": 16, "q": 16, "p": 512, "r": 512})
    assert finding.code == "W11"


def test_no_order_leaves_the_memory_class() -> None:
    # The cheapest order by operations alone may hold a larger array than every input and the output.
    a, b = Axis("a", "p"), Axis("b", "p")
    inputs = [array("u", "n", "p"), array("v", "n", "p"), array("w", "p", "p")]
    build = lambda alg: alg.contract([alg.ref("u", (N, a)), alg.ref("v", (N, b)), alg.ref("w", (a, b))], (a, b))  # noqa: E731
    after = factor(program(inputs, build, (N,)), {"n": 1024, "p": 1024})
    assert all(len(n.axes) <= 2 for n in subnodes(after.outputs[0].node))


def test_a_sum_that_one_factor_has_alone_comes_first() -> None:
    inputs = [array("x", "n", "m"), array("y", "n", "c")]
    after = check(
        inputs, lambda alg: alg.table.bind("contract", (alg.ref("x", (N, M)), alg.ref("y", (N, C))), (M, C)), (N,)
    )
    assert sorted(sizes_of(after)) == [("n",), ("n",)]


def test_moe_has_no_large_temporary() -> None:
    h = Axis("h", "m")
    inputs = [array("g", "T", "E"), array("R", "T", "E", "m"), array("U", "E", "m", "c")]
    build = lambda alg: alg.contract([alg.ref("g", (T, E)), alg.ref("R", (T, E, h)), alg.ref("U", (E, h, C))], (E, h))  # noqa: E731
    after = check(inputs, build, (T, C), T=512, E=8, m=128, c=64)
    assert all(len(n.axes) <= 3 for n in subnodes(after.outputs[0].node))


# Reuse


def test_partial_sums_are_used_again() -> None:
    g = array("g", "T", "E")

    def build(alg: Algebra) -> Node:
        one = alg.contract([alg.ref("g", (T, E))], (T,))
        return alg.sub(
            alg.contract([alg.power(one, 2)], (E,)), alg.power(alg.contract([alg.ref("g", (T, E))], (T, E)), 2)
        )

    after = check([g], build, ())
    sums = [n for n in subnodes(after.outputs[0].node) if n.op == "contract"]
    assert sum(n.args[0].op == "ref" for n in sums) == 1


def test_partial_sums_of_products() -> None:
    def build(alg: Algebra) -> Node:
        part = alg.contract([alg.ref("Q", (N, D)), alg.ref("K", (M, D))], (D,))
        whole = alg.contract([alg.ref("Q", (N, D)), alg.ref("K", (M, D)), alg.ref("V", (M, C))], (D, M))
        return alg.mul(alg.contract([alg.exp(part)], (M,)), whole)

    after = check([Q, K, V], build, (N, C))
    products = [n for n in subnodes(after.outputs[0].node) if n.op == "contract" and D in {*n.axes}]
    assert not products
    refs = [n for n in subnodes(after.outputs[0].node) if n.op == "contract" and {a.op for a in n.args} == {"ref"}]
    assert len(refs) == 1


def test_no_reuse_of_a_sum_over_an_axis_that_another_factor_has() -> None:
    def build(alg: Algebra) -> Node:
        part = alg.contract([alg.ref("z", (N, M))], (M,))
        whole = alg.contract([alg.ref("z", (N, M)), alg.ref("w", (N, M))], (M,))
        return alg.add(part, whole)

    check([Z, array("w", "n", "m")], build, (N,))


def test_the_diagonal_of_a_product_that_is_needed_anyway() -> None:
    square = [Q, array("K", "n", "d")]

    def build(alg: Algebra) -> Node:
        return alg.sub(lse(alg, alg.power(score(alg, N, N2), 2), N2), score(alg, N, N))

    text = print_program(check(square, build, (N,)), "torch", "f").text
    assert text.count(" @ ") == text.count(".diagonal(") == 1


def test_nothing_to_do_changes_nothing() -> None:
    before = program([Z], lambda alg: alg.exp(alg.ref("z", (N, M))), (N, M))
    after: Any = factor(cells(before))
    assert after.outputs == before.outputs
    assert after.rewrites == before.rewrites


def test_a_kernel_says_at_which_sizes_its_order_is_dear() -> None:
    v = Scope()
    n, p, q = (v.count(name) for name in "npq")
    A, B, C = v.array("A", (n, p)), v.array("B", (p, q)), v.array("C", (q, n))
    i, j = v.index("i", n), v.index("j", n)
    kernel = lower(v.sum(lambda a, b: A[i, a] * B[a, b] * C[b, j], p, q), "i j", typical={"n": 500, "p": 10, "q": 500})
    assert not kernel.cheaper(n=500, p=10, q=500)
    assert [f.code for f in kernel.cheaper(n=10, p=1000, q=5)] == ["W11"]
    assert kernel.cheaper() == ()  # sizes that are not given are those it was compiled for
    with pytest.raises(ShapeError, match="has no size z"):
        kernel.cheaper(z=3)
