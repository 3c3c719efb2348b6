"""Ways past the checker that a review found: each is a false or unproved claim and must stay one."""

import pytest
from small_records import SOURCE, report

from dltsym.errors import RecordError
from dltsym.notation.calls import diff, exp, log
from dltsym.notation.tree import Eq
from dltsym.prove import decide as decide_module
from dltsym.prove.audit import check_audit
from dltsym.prove.cas_check import _vanishes
from dltsym.prove.engines.cas import CrossCheckFailed
from dltsym.prove.problem import prepare
from dltsym.prove.values import check_value
from dltsym.prove.verdict import refuted
from dltsym.record import Convex, Ode, Optimum, Rate, derive, premise, thm, value
from dltsym.statement import Scope


def optimum():
    """Minimise N + 1/D' along N*D = C: the constraint matters."""
    v = Scope()
    N, D, C, u = v.pos("N"), v.pos("D"), v.pos("C"), v.real("u")
    best = Optimum(
        "min",
        N + D,
        over=(N, D),
        at={N: "sqrt(C)", D: "sqrt(C)"},
        value="2*sqrt(C)",
        subject_to=Eq(N * D, C),
        proof=Convex(u, inverse=log(N), param={N: exp(u), D: C / exp(u)}),
    )
    return v.theorem(title="o", cite=SOURCE, claim=best)


def test_an_optimum_as_a_lemma_keeps_its_constraint():
    library = {"a.opt": optimum()}
    assert report(library["a.opt"]).grade == "exact"
    v = Scope()
    N, D, C = v.pos("N"), v.pos("D"), v.pos("C")
    step = derive(N + D).ge("2*sqrt(C)", by=thm("a.opt"))
    bad = report(v.theorem(title="t", cite=SOURCE, claim="N + D >= 2*sqrt(C)", proof=step), library)
    assert not bad.ok
    assert any("a.opt needs" in p or "refuted" in p for p in bad.problems)
    good = v.theorem(title="t", cite=SOURCE, given=Eq(N * D, C), claim="N + D >= 2*sqrt(C)", proof=step)
    assert report(good, library).ok


def chains():
    v = Scope()
    m = v.integer("m", lo=0)
    b = v.integer("b", lo=1, hi=m)
    yield "integer", v, "m >= 1", derive(m).ge(b).ge(1)
    v = Scope()
    m = v.integer("m", lo=0)
    b = v.index("b", m)
    yield "index", v, "m >= 1", derive(m).ge(b).ge(1)
    v = Scope()
    x = v.real("x")
    z = v.real("z", lo=x, hi=1)
    yield "real", v, "x <= 1", derive(x).le(z).le(1)
    v = Scope()
    k, m = v.integer("k"), v.integer("m")
    w = v.integer("w", lo=k, hi=m)
    yield "fact", v, "k <= m", [derive(w).le(w + 1).named("silly"), derive(k).le(m, by="silly")]


@pytest.mark.parametrize(("v", "claim", "proof"), [pytest.param(*c[1:], id=c[0]) for c in chains()])
def test_a_chain_through_an_empty_domain_proves_nothing(v, claim, proof):
    out = report(v.theorem(title="t", cite=SOURCE, claim=claim, proof=proof))
    assert not out.ok
    assert out.grade in ("open", "refuted")


def test_a_chain_through_an_index_of_the_hypotheses_needs_a_value():
    v = Scope()
    n, x = v.integer("n", lo=0), v.real("x")
    f = v.array("f", n)
    i = v.index("i", n)
    given = [x <= f[i], f[i] <= 1]
    out = report(v.theorem(title="t", cite=SOURCE, given=given, claim=x <= 1, proof=derive(x).le(f[i]).le(1)))
    assert not out.ok


def test_a_chain_through_a_symbol_that_has_a_value_is_fine():
    v = Scope()
    x = v.real("x", lo=0, hi=1)
    z = v.real("z", lo=x, hi=1)
    assert report(v.theorem(title="t", cite=SOURCE, claim=x <= 1, proof=derive(x).le(z).le(1))).ok


def test_one_point_does_not_prove_an_audited_claim():
    v = Scope()
    x = v.real("x")
    a = v.audit(
        title="t", source=SOURCE, prints="x <= 1", claim=x <= 1, at={"x": "1/2"}, verdict="holds", corrected="-"
    )
    assert check_audit(a).problems


def test_a_universal_hypothesis_is_checked_at_every_index_of_a_witness():
    v = Scope()
    n = v.count("n")
    p = v.array("p", n)
    i = v.index("i", n)
    total = v.sum(lambda j: p[j], n)
    a = v.audit(
        title="t",
        source=SOURCE,
        prints="-",
        given=p[i] >= 0,
        claim=total >= 0,
        verdict="refuted",
        corrected="-",
        at={"n": 2, "p": [1, -5], "i": 1},
    )
    assert any("does not certainly satisfy" in str(r) for r in (check_audit(a).witness, check_audit(a).problems))


def test_every_claim_is_held_against_vacuity():
    v = Scope()
    t = v.real("t")
    z = v.real("z", lo=t, hi=t - 1)
    out = report(v.theorem(title="t", cite=SOURCE, claim=[t**2 >= 0, z**2 <= -1]))
    assert not out.ok


def test_unknown_satisfiability_is_not_fine():
    v = Scope()
    a, b, c = v.count("a"), v.count("b"), v.count("c")
    out = report(v.theorem(title="t", cite=SOURCE, given=Eq(a**3 + b**3, c**3), claim=a >= 1))
    assert not out.ok


def test_a_solution_stays_in_the_domain_of_its_unknown():
    v = Scope()
    t = v.nonneg("t")
    g = v.real("g", lo=-1, hi=1)
    ode = Ode(unknown=g, var=t, equation=Eq(diff(g, t), g), solution=exp(t), start=0, initial=1)
    assert not report(v.theorem(title="t", cite=SOURCE, claim=ode)).ok


def test_a_limit_that_is_slightly_wrong_fails_the_cross_check():
    assert not _vanishes([2.0**-8, 2.0**-10 + 2.0**-12, 2.0**-10 + 2.0**-20, 2.0**-10])
    assert _vanishes([2.0**-8, 2.0**-12, 2.0**-16, 2.0**-20])


@pytest.mark.parametrize(
    ("expected", "x", "ok"), [("4", "4.4", False), ("4", "4", True), ("0", "0.4", False), ("4.40000", "4.400001", True)]
)
def test_a_short_value_must_be_exact(expected, x, ok):
    v = Scope()
    s = v.real("x")
    item = value(expected, "here", of="x", x=x)
    assert check_value(item, {"x": s + 0}).ok is ok


def test_a_premise_alone_does_not_make_an_index_real():
    v = Scope()
    n, x = v.integer("n", lo=0), v.real("x")
    f = v.array("f", n)
    i = v.index("i", n)
    given = [premise("p", x <= f[i], SOURCE), f[i] <= 1]
    proof = derive(x).le(f[i], by="p").le(1)
    assert not report(v.theorem(title="t", cite=SOURCE, given=given, claim=x <= 1, proof=proof)).ok


def rate_cases():
    v = Scope()
    N, D, C = v.pos("N"), v.pos("D"), v.pos("C")
    yield "coupled", v, Rate(N * D, C, 0), Eq(6 * N * D, C)
    v = Scope()
    x = v.pos("x")
    yield "one point", v, Rate(x**2 + x**4, x, 3), Eq(x, 1)
    v = Scope()
    x = v.real("x", lo=1, hi=1)
    yield "one point by declaration", v, Rate(x**2 + x**4, x, 3), ()
    for name, given in (("ode at a point", "t = 0"), ("ode squeezed", "t**2 <= 0"), ("ode across a pole", "t != 1")):
        v = Scope()
        t, y = v.nonneg("t"), v.real("y")
        ode = Ode(unknown=y, var=t, equation=Eq(diff(y, t), y), solution=exp(t), start=0, initial=1)
        yield name, v, ode, given
    v = Scope()
    t, y = v.nonneg("t"), v.real("y")
    v.real("c", lo=t, hi=t)
    yield "parameter tied to time", v, Ode(y, t, "diff(y, t) = c", "c*t", 0, 0), ()
    v = Scope()
    t, y = v.nonneg("t"), v.real("y")
    yield "second order", v, Ode(y, t, "diff(y, t, 2) = -y", "sin(t) + cos(t)", 0, 1), ()
    v = Scope()
    t, y = v.nonneg("t"), v.real("y")
    yield "hypothesis on the unknown", v, Ode(y, t, "diff(y, t) = y", "exp(t)", 0, 1), "y <= 7"


@pytest.mark.parametrize(("v", "claim", "given"), [pytest.param(*c[1:], id=c[0]) for c in rate_cases()])
def test_the_variable_of_a_rate_or_equation_is_free(v, claim, given):
    with pytest.raises(RecordError):
        v.theorem(title="t", cite=SOURCE, claim=claim, given=given)


def test_the_start_of_an_equation_lies_in_its_domain():
    v = Scope()
    t, y = v.real("t", lo=1), v.real("y")
    assert not report(v.theorem(title="t", cite=SOURCE, claim=Ode(y, t, "diff(y, t) = 1", "t", 0, 0))).ok


def test_a_citation_is_a_pair():
    v = Scope()
    x = v.real("x")
    with pytest.raises(RecordError, match="a citation is a pair"):
        v.theorem(title="t", cite="ab", claim=x**2 >= 0)


def stand_in(outcome):
    """Return an engine list with one exact equation engine that always answers `outcome`."""
    from dltsym.prove.engines import Engine

    def run(_problem):
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return lambda: (Engine("stand-in", "exact", 100, ("=",), 1.0, run),)


def test_a_refuted_equation_does_not_refute_the_inequality(monkeypatch):
    v = Scope()
    x = v.real("x")
    monkeypatch.setattr(decide_module, "engines", stand_in(refuted("stand-in", {"x": "1"})))
    assert decide_module.decide(prepare(x**2 >= 0)).status == "open"


def test_a_disagreement_is_open_whatever_later_engines_say(monkeypatch):
    v = Scope()
    x = v.real("x")
    monkeypatch.setattr(decide_module, "engines", stand_in(CrossCheckFailed("they differ")))
    out = decide_module.decide(prepare(Eq(x + x, 2 * x)))
    assert out.status == "open"
    assert "internal error: they differ" in out.evidence["reason"]
