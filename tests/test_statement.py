"""A malformed record is one clear error at once: it names the part, the step and the symbol."""

import json
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from small_records import SOURCE, report, state

from dltsym.chain import Derivation, Step, derive
from dltsym.errors import DltsymError, MixedDirections, NotationError, RecordError, UndeclaredSymbol, UnknownNode
from dltsym.form import sizes
from dltsym.notation.calls import diff
from dltsym.notation.tree import Eq, Rel, as_expr
from dltsym.prove.problem import prepare
from dltsym.record import Break, Convex, Gap, Ode, Optimum, Rate, conclusion, premise, value
from dltsym.statement import Scope

Maker = Callable[[Scope], Any]


def attempt(make: Maker) -> None:
    make(Scope())


def with_x(v: Scope, claim: Any = "x = x", **parts: Any) -> Any:
    v.real("x")
    v.real("y")
    return v.theorem(title="t", cite=SOURCE, claim=claim, **parts)


def foreign(v: Scope) -> Any:
    mine = v.real("x")
    other = Scope().pos("x")
    return v.theorem(title="t", cite=SOURCE, claim=[mine + other >= 0])


CASES: tuple[tuple[str, Maker, type[DltsymError], str], ...] = (
    ("chain misses its claim", lambda v: with_x(v, "x <= y", given="x < y", proof=derive("x").le("y + 1")), RecordError,
     r"chain 1 does not end at its claim: it proves x <= y \+ 1, the claims are x <= y"),
    ("undeclared in a claim", lambda v: with_x(v, "x <= z"), UndeclaredSymbol, "z is not declared"),
    ("undeclared with a neighbour", lambda v: (v.real("alpha"), v.parse("alhpa")), UndeclaredSymbol, "mean alpha"),
    ("undeclared in a step", lambda v: with_x(v, proof=derive("x").eq("w")), UndeclaredSymbol, "w is not declared"),
    ("another scope", foreign, UndeclaredSymbol, r"symbol x is not declared here \(it belongs to another scope\)"),
    ("float", lambda v: with_x(v, v.real("z") >= 0.1), NotationError, "0.1 is a float and not exact"),
    ("mixed directions", lambda v: derive("x").le("y").ge("x"), MixedDirections, r"step 2 .* turns round: >= x"),
    ("mixed by hand", lambda v: conclusion(Derivation(v.real("x"), (Step("<=", v.real("y")), Step(">=", v.real("z"))))),
     MixedDirections, "turns round"),
    ("strange step", lambda v: conclusion(Derivation(v.real("x"), (Step("!=", v.real("y")),))), RecordError, "step !="),
    ("unknown by", lambda v: with_x(v, "x = x", proof=derive("x").eq("x", by="lemma")), RecordError,
     "chain 1, step 1: nothing is called 'lemma'"),
    ("a name used twice",
     lambda v: with_x(v, given=premise("a", "x > 0", SOURCE), proof=derive("x").eq("x").named("a")), RecordError,
     "the name 'a' is used twice"),
    ("no claim", lambda v: with_x(v, []), RecordError, "claims nothing"),
    ("equation after a relation", lambda v: with_x(v, "x <= 0", given="x <= 1", proof=derive("x <= 1").eq("x <= 0")),
     RecordError, r"chain 1, step 1 \(= x <= 0\): the chain starts at x <= 1, so it runs over relations"),
    ("order after a relation", lambda v: with_x(v, "x <= 0", given="x <= 1", proof=derive("x <= 1").le("x <= 0")),
     RecordError, "joined by iff"),
    ("relation after an expression", lambda v: with_x(v, proof=derive("x").le("x <= 0")), RecordError, "expressions"),
    ("equivalence from nowhere", lambda v: with_x(v, "x <= 0", proof=derive("x <= 1").iff("x <= 0")), RecordError,
     "does not start at a hypothesis"),
    ("no step", lambda v: with_x(v, proof=derive("x")), RecordError, "has no step"),
    ("unknown input", lambda v: with_x(v, outputs={"a": "x"}, values=[value("1", "s", z=1)]), RecordError,
     "value 1: input z is not declared"),
    ("unknown output", lambda v: with_x(v, outputs={"a": "x"}, values=[value("1", "s", of="b", x=1)]), RecordError,
     "no output b"),
    ("expected value is a float", lambda v: value(1.5, "s"), RecordError, "must be text"),  # type: ignore[arg-type]
    ("python comparison", lambda v: with_x(v, [1 <= 2]), NotationError, "is not a relation"),
    ("verdict", lambda v: v.audit(title="t", source=SOURCE, prints="", claim="1 = 1", verdict="wrong", corrected=""),
     RecordError, "verdict 'wrong' is not one of"),
)  # fmt: skip


@pytest.mark.parametrize(("make", "error", "message"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_malformed_record_is_one_clear_error(make: Maker, error: type[DltsymError], message: str) -> None:
    with pytest.raises(error, match=message):
        attempt(make)


def optimum(v: Scope, **parts: Any) -> Any:
    x = v.real("x")
    v.real("c")
    u = v.real("u")
    usual: dict[str, Any] = {"sense": "min", "objective": "(x - c)**2", "over": (x,), "at": {x: "c"}, "value": 0}
    usual["proof"] = Convex(u, inverse="x", param={x: "u"})
    given = parts.pop("given", ())
    return v.theorem(title="t", cite=SOURCE, claim=Optimum(**(usual | parts)), given=given)


def over_count(v: Scope) -> Any:
    n, u = v.integer("n"), v.real("u")
    return optimum_of(v, "cos(2*pi*n)", n, Convex(u, inverse="n", param={n: "u"}))


def integer_curve(v: Scope) -> Any:
    x, u = v.real("x"), v.integer("u")
    return optimum_of(v, "x**2", x, Convex(u, inverse="x", param={x: "u"}))


def optimum_of(v: Scope, objective: str, sym: Any, proof: Any) -> Any:
    return v.theorem(title="t", cite=SOURCE, claim=Optimum("min", objective, (sym,), {sym: 0}, 0, proof))


def foreign_optimum(v: Scope) -> Any:
    x, other = v.real("x"), Scope().pos("x")
    return v.theorem(title="t", cite=SOURCE, claim=Optimum("min", other + x**2, (x,), {x: 0}, 0, Gap(other + x**2)))


def ode(v: Scope, equation: Any = None, solution: str = "c*exp(t)", start: str = "0", initial: str = "c") -> Any:
    y, t = v.real("y"), v.real("t")
    v.real("c")
    equation = Eq(diff(y, t), y) if equation is None else equation
    return v.theorem(title="t", cite=SOURCE, claim=Ode(y, t, equation, solution, start, initial))


def rate(v: Scope, exponent: str, integer: bool = False) -> Any:
    x = v.count("x") if integer else v.pos("x")
    return v.theorem(title="t", cite=SOURCE, claim=Rate("exp(x)", x, exponent))


FORMS: tuple[tuple[str, Maker, str], ...] = (
    ("at depends on over", lambda v: optimum(v, at={"x": "x"}), "the optimum may not depend on x"),
    ("value depends on over", lambda v: optimum(v, value="(x - c)**2"), "the optimal value may not depend on x"),
    ("nothing said of x", lambda v: optimum(v, at={}), "gives a value to each symbol of over= and to no other: see x"),
    ("hypothesis on the parameter", lambda v: optimum(v, given="u > 0"), "hypotheses may not depend on u"),
    ("constraint on the parameter", lambda v: optimum(v, subject_to="u > 0"), "may not depend on u"),
    ("curve needs reals", over_count, "needs a real variable, but n is declared as integer"),
    ("parameter is an integer", integer_curve, "needs a real variable, but u is declared as integer"),
    ("sense", lambda v: optimum(v, sense="least"), "'min' or a 'max'"),
    ("another scope", foreign_optimum, "belongs to another scope"),
    ("no derivative", lambda v: ode(v, "y = y"), "no differential equation"),
    ("start depends on time", lambda v: ode(v, start="t", initial="c*exp(t)"), "may not depend on t"),
    ("solution is the unknown", lambda v: ode(v, solution="y"), "the solution of the equation may not depend on y"),
    ("no power law", lambda v: rate(v, "x"), "the exponent of a rate may not depend on x"),
    ("rate in an integer", lambda v: rate(v, "1", integer=True), "needs a real variable, but x is declared as integer"),
)  # fmt: skip


@pytest.mark.parametrize(("make", "message"), [c[1:] for c in FORMS], ids=[c[0] for c in FORMS])
def test_a_structured_claim_may_not_depend_on_what_it_determines(make: Maker, message: str) -> None:
    with pytest.raises((RecordError, UndeclaredSymbol), match=message):
        attempt(make)


@pytest.mark.parametrize("declare", ["x real; y let x**2", "y integer; x real"])
def test_a_derivative_is_by_a_real_variable(declare: str) -> None:
    claim = state(declare, "diff(y**2, y) = 0").claims[0]
    assert isinstance(claim, Rel)
    with pytest.raises(UnknownNode, match="no real variable"):
        prepare(claim)


# Text and sizes that need not be spelt out


def test_numbers_bounds_and_sizes_may_be_text() -> None:
    v = Scope()
    m = v.count("m")
    x = v.real("x", lo="1/4", hi="pi/2")
    p = v.array("p", ("m", "m + 1"), lo="0")
    assert (str(x.decl.lo), str(x.decl.hi)) == ("1/4", "pi/2")
    assert p.decl.shape == v.array("q", (m, m + 1)).decl.shape
    assert (x <= "0.5") == v.relations("x <= 0.5")[0]
    assert str(x * "-1/4") == str(x * Fraction(-1, 4))
    for text in ("x", "1/0", "1e3", "", " 1", "1_0", "\u0663"):
        with pytest.raises(NotationError, match="is no number"):
            as_expr(text)


def test_a_number_is_the_same_however_it_is_written() -> None:
    v = Scope()
    x = v.real("x", hi=0)
    half = Fraction(1, 2)
    for claim in ("x <= 1/2", x <= half, x <= "1/2", x <= "0.5"):
        for end in ("1/2", half, "0.5", "2/4"):
            made = v.theorem(title="t", cite=SOURCE, claim=claim, proof=derive("x").le(end))
            assert report(made).ok
    with pytest.raises(RecordError, match="does not end at its claim"):
        v.theorem(title="t", cite=SOURCE, claim="x <= 1/2", proof=derive("x").le("1/3"))


@pytest.mark.parametrize("base", [0, 1])
def test_arrays_give_the_sizes_that_a_point_leaves_out(base: int) -> None:
    v = Scope(base=base)
    m, k = v.count("m"), v.count("k")
    v.array("p", (m, k))
    v.array("q", m + 1)
    v.array("s", 2 * m)
    point = {"p": [[1, 2, 3], [4, 5, 6]]}
    assert sizes(v.symbols, point) == {"m": 2, "k": 3}
    assert sizes(v.symbols, point | {"m": 5}) == {"k": 3}
    assert sizes(v.symbols, {"q": [1, 2, 3]}) == {"m": 2}
    assert sizes(v.symbols, {"s": [1, 2]}) == {}
    assert sizes(v.symbols, {"p": 1, "unknown": [1]}) == {}


def test_values_and_breaks_take_sizes_and_symbols() -> None:
    v = Scope()
    m = v.count("m", lo=2)
    p = v.array("p", m, lo=0)
    total = v.sum(lambda j: p[j], m)
    made = v.theorem(
        title="t",
        cite=SOURCE,
        claim=total >= 0,
        outputs={"s": total},
        values=value("3", "s", p=[1, 2]),
        breaks=Break({p: [-1, 0]}, "p >= 0"),
    )
    assert made.values[0].inputs == {"p": [1, 2], "m": 2}
    assert made.breaks[0].at == {"p": [-1, 0], "m": 2}
    found = report(made)
    assert found.ok
    assert [(s.role, s.grade) for s in found.steps if s.role == "break"] == [("break", "ball")]
    assert json.loads(json.dumps(found.to_json(), default=str))["ok"]
    wrong = v.theorem(
        title="t", cite=SOURCE, claim=total >= 0, outputs={"s": total}, values=value("3", "s", m=3, p=[1, 2])
    )
    assert any("p has the wrong size: 2 instead of m" in p for p in report(wrong).problems)


def test_few_digits_that_agree_say_what_to_do() -> None:
    v = Scope()
    v.real("x")
    made = v.theorem(title="t", cite=SOURCE, claim="tanh(x) <= 1", outputs={"t": "tanh(x)"}, values=[
        value("0.76", "s", x=1), value("0.76", "s", digits=2, x=1), value("0.77", "s", x=1), value("0", "s", x=0),
    ])  # fmt: skip
    found = report(made)
    assert [v.ok for v in found.values] == [False, True, False, True]
    assert "so few digits claim equality: print six or more" in found.values[0].defect
    assert "equality" not in found.values[2].defect


def test_a_refutation_shows_the_sides_as_they_were_written() -> None:
    found = report(state("x real", "x >= x + 2"))
    [bad] = [s for s in found.steps if s.grade == "refuted"]
    assert bad.witness is not None
    x = Fraction(bad.witness["x"])
    assert Fraction(bad.evidence["lhs"][0]) <= x <= Fraction(bad.evidence["lhs"][1])
    assert Fraction(bad.evidence["difference"][0]) <= -2 <= Fraction(bad.evidence["difference"][1])
