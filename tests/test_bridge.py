"""Trees to SymPy and back."""

import pickle

import pytest
import sympy as sp

from dltsym.errors import UndeclaredSymbol, UnknownNode
from dltsym.notation.scope import Scope
from dltsym.notation.sympy_bridge import from_sympy, to_sympy
from dltsym.notation.tree import Expr, Rel, Sum, as_expr, bound_symbol
from dltsym.notation.walk import free_symbols
from dltsym.prove.problem import prepare
from dltsym.prove.tower import is_zero
from dltsym.statement import Scope as StatementScope


def scope() -> Scope:
    """Declare one symbol of every sort."""
    v = Scope()
    n = v.count("n")
    v.real("x"), v.real("y"), v.pos("K"), v.nonneg("b"), v.integer("m"), v.index("k", n), v.index("l", n)
    v.array("X", n), v.array("M", (n, n), lo=0, lo_open=True), v.let("B", "sqrt(K/2)")
    return v


SMOOTH = [
    "sqrt(x/2) + x*y", "exp(x) + exp(1) + pi", "x**K - x**(-n)", "-x - 3*y/4 + 1/K", "K**Rational(1, 3)",
    "abs(x)*erf(y)",
    "max(x, y) - min(x, y)", "delta(k, l)*X[k]", "cosh(x)/tanh(y)", "acos(x) + asin(y) + atan(x)", "B*exp(x)",
    "kl_bernoulli(x, y)", "log(K)/K**2", "M[k, l]*M[l, k]",
]  # fmt: skip
BINDERS = [
    "Sum(X[i]*Sum(X[j], (j, 1, n)), (i, 1, n))", "Sum(M[i, j], (j, 1, i), (i, 1, n))",
    "Sum(x**i, (i, 0, n)) + Sum(i, (i, 1, n))",
    "diff(x**2*y, x, 2)", "diff(X[k]**2, X[k])", "Integral(exp(-z**2), (z, 0, oo))", "limit((exp(z) - 1)/z, z, 0)",
    "limit(1/z, z, oo)", 'limit(1/z, z, 0, "+")', "Integral(Integral(z*w, (z, 0, w)), (w, 0, x))",
]  # fmt: skip


@pytest.mark.parametrize("text", SMOOTH)
def test_the_value_survives_the_round_trip(text: str) -> None:
    v = scope()
    e = v.parse(text)
    back = from_sympy(to_sympy(e))
    assert free_symbols(back) <= set(v.symbols.values())
    assert is_zero(e - back, prepare(Rel(e, "=", back), v.relations("0 < x < 1") + v.relations("0 < y < 1")))


@pytest.mark.parametrize("text", [*SMOOTH, *BINDERS])
def test_sympy_survives_the_round_trip(text: str) -> None:
    canonical = to_sympy(scope().parse(text))
    assert to_sympy(from_sympy(canonical)) == canonical
    assert pickle.loads(pickle.dumps(canonical)) == canonical


def test_symbols_carry_their_declaration() -> None:
    v = scope()
    x, K, b, m = (to_sympy(v.symbols[name]) for name in ("x", "K", "b", "m"))
    assert (x.is_real, x.is_positive) == (True, None)
    assert (K.is_positive, b.is_nonnegative, b.is_positive, m.is_integer) == (True, True, None, True)
    assert from_sympy(x) == v.symbols["x"]
    other = Scope().pos("x")
    assert to_sympy(other) != x
    assert (v.symbols["y"] + x).args == (v.symbols["y"], v.symbols["x"])  # a SymPy expression inside a tree


def test_plain_symbols_need_names() -> None:
    v = scope()
    plain = sp.Symbol("x") ** 2 / 3
    assert str(from_sympy(plain, v.symbols)) == "x**2/3"
    with pytest.raises(UndeclaredSymbol, match="did you mean x"):
        from_sympy(sp.Symbol("xx"), v.symbols)


def test_bound_names_are_kept_apart() -> None:
    v = scope()
    nested = to_sympy(v.parse("Sum(Sum(M[i, j], (j, 1, n))*X[i], (i, 1, n))"))
    same = to_sympy(v.parse("Sum(Sum(M[j, i], (i, 1, n))*X[j], (j, 1, n))"))
    assert nested.subs(to_sympy(v.symbols["n"]), 2).doit() == same.subs(to_sympy(v.symbols["n"]), 2).doit()
    inner = bound_symbol("i")
    outer, one, n = bound_symbol("i"), as_expr(1), v.symbols["n"]
    shadow = Sum(Sum(v.symbols["M"][inner, outer], ((inner, one, n),)), ((outer, one, n),))
    assert {s.name for s in to_sympy(shadow).atoms(sp.Symbol)} == {"M", "i", "i_1", "n"}
    i = sp.Symbol("i")
    tree = from_sympy(sp.Sum(i, (i, 1, 3)) + i, {"i": v.symbols["m"]})
    assert isinstance(tree, Expr)
    assert free_symbols(tree) == {v.symbols["m"]}  # the free i is not the bound one
    clash = Sum(v.symbols["m"] * 1, from_sympy(sp.Sum(i, (i, 1, 3))).limits)
    assert to_sympy(clash).doit() == 3 * to_sympy(v.symbols["m"])


def test_relations_stay_unevaluated() -> None:
    v = scope()
    rel = v.relations("x <= x + 1")[0]
    assert isinstance(to_sympy(rel), sp.Le)
    assert from_sympy(to_sympy(rel)) == rel


@pytest.mark.parametrize("bad", [
    sp.Determinant(sp.MatrixSymbol("Z", 2, 2)), sp.log(sp.Determinant(sp.MatrixSymbol("Z", 2, 2))), sp.I,
    sp.Float("0.5"),
    sp.MatrixSymbol("Z", 2, 2), sp.Matrix([[1, 2]]), sp.zoo, sp.nan, sp.true, sp.gamma(sp.pi),
    sp.Integral(sp.Symbol("x")),
    sp.Piecewise((1, sp.Symbol("x") > 0)),
], ids=str)  # fmt: skip
def test_other_nodes_are_unknown(bad: object) -> None:
    with pytest.raises(UnknownNode):
        from_sympy(bad, scope().symbols)


def test_sympy_input_is_read_by_name() -> None:
    v = StatementScope()
    x = v.pos("x")
    sx = sp.Symbol("x")
    (rel,) = v.relations(sp.log(sx + 1) <= sx)
    assert str(rel) == "log(x + 1) <= x"
    assert free_symbols(rel) == {x}
    assert v.read(x + sx) == x + x
    with pytest.raises(UndeclaredSymbol, match="nope"):
        v.theorem(title="t", cite=("a", "b"), claim=x + sp.Symbol("nope") <= 1)
