"""E1 and E2: what the exact tower must prove, and what nothing may make it prove.

Source of the I and M rows: dltsym design note, tables 6.1 and 6.3 (`cases`).
"""

import random
import time
from fractions import Fraction

import pytest
from cases import IDENTITIES, MUTANTS, build

from dltsym.notation.evaluate import evaluate
from dltsym.notation.scope import Scope
from dltsym.notation.tree import Add, Call, Div, Eq, Expr, Mul, Neg, Num, Pow
from dltsym.prove.engines import exact, loglinear
from dltsym.prove.problem import Fact, Problem, prepare
from dltsym.prove.tower import Unknown, form_factors, form_tree, rational_form

TOWER = [c for c in IDENTITIES if c.id.startswith("I")]
EQUAL_MUTANTS = [c for c in MUTANTS if "=" in c.statement.replace("<=", "").replace(">=", "")]
LAM = ("0<ab", "ab<ap", "ap<1")

TRUE = """
sqrt(x**2) = abs(x)
sqrt(x**2) = x                                      | x>=0
sqrt(x**2) = -x                                     | x<=0
log(x**2) = 2*log(abs(x))                           | x!=0
log(x**2) = 2*log(x)                                | x>0
log(12) = 2*log(2)+log(3)
sqrt(12) = 2*sqrt(3)
sqrt(6) = sqrt(2)*sqrt(3)
4**Rational(1,4) = sqrt(2)
1/(sqrt(2)-1) = sqrt(2)+1
sqrt(s)*sqrt(t) = sqrt(s*t)                         | s>=0; t>=0
sqrt(s/t) = sqrt(s*t)/t                             | s>0; t>0
sqrt(x**2*s) = abs(x)*sqrt(s)                       | s>=0
s**a*s**b = s**(a+b)                                | s>0
(s*t)**a = s**a*t**a                                | s>0; t>0
(s**a)**b = s**(a*b)                                | s>0
(s**(1/a))**a = s                                   | s>0; a!=0
exp(a*log(s)/2) = sqrt(s**a)                        | s>0
exp(x/(1+x))*exp(1/(1+x)) = exp(1)                  | x>0
exp(a/(a+b))*exp(b/(a+b)) = exp(1)                  | a>0; b>0
exp(x/2)**2 = exp(x)
exp(exp(x/2)**2) = exp(exp(x))
log(s*t**2/3) = log(s)+2*log(t)-log(3)              | s>0; t>0
log(x/y) = -log(y/x)                                | x/y>0
log(sqrt(s)) = log(s)/2                             | s>0
log(s**a) = a*log(s)                                | s>0
sin(2*x) = 2*sin(x)*cos(x)
cos(x+y) = cos(x)*cos(y)-sin(x)*sin(y)
cos(3*x) = 4*cos(x)**3-3*cos(x)
sin(pi/2-x) = cos(x)
cos(2*pi/3) = -1/2
sin(pi/4) = sqrt(2)/2
sin(acos(x)) = sqrt(1-x**2)                         | x>=-1; x<=1
asin(x)+acos(x) = pi/2                              | x>=-1; x<=1
acos(-x) = pi-acos(x)                               | x>=-1; x<=1
cos(atan(x)) = 1/sqrt(1+x**2)
cosh(x)**2-sinh(x)**2 = 1
sg(x)+sg(-x) = 1
spl(x)-spl(-x) = x
erf(-x) = -erf(x)
max(x,y)+min(x,y) = x+y
max(x,0)*max(-x,0) = 0
abs(x*y) = abs(x)*abs(y)
phi1(x)*x = exp(x)-1                                | x!=0
xlogx(s) = s*log(s)                                 | s>0
kl(q,p) = q*log(q/p)+(1-q)*log((1-q)/(1-p))         | 0<q; q<p; p<1
binary_entropy(p) = -p*log(p)-(1-p)*log(1-p)        | 0<p; p<1
p*log(p)+q*log(q) = p*log(p)+(1-p)*log(1-p)         | p+q=1; p>0; q>0
exp(x) = exp(y+1)                                   | x=y+1
a*log(b) = 2*a                                      | log(b)=2
x/a = y/b                                           | x*b=y*a; a>0; b>0
x*exp(y) = 3*x                                      | exp(y)=3
x = y                                               | a*x=a*y; a!=0
Sum(P[i],(i,1,n))*x = x                             | Sum(P[j],(j,1,n))=1
X[k]-X[l] = 0                                       | X[k]=X[l]
KroneckerDelta(k,l)**2*X[k] = KroneckerDelta(l,k)*X[k]
"""
FALSE = """
sqrt(x**2) = x                                      | x!=0
sqrt(x**2) = -x
sqrt((x-y)**2) = x-y
sqrt(x**2*y) = x*sqrt(y)                            | y>=0
(x**2)**Rational(3,2) = x**3
(x**4)**Rational(1,4) = x
log(x**2) = 2*log(abs(x))+log(2)                    | x!=0
log(x*y) = log(abs(x))+log(abs(y))+log(2)           | x*y>0
log(12) = log(2)+2*log(3)
8**Rational(2,3) = 2
sqrt(8) = 2
1/(sqrt(2)-1) = sqrt(2)-1
s**a*s**b = s**(a*b)                                | s>0
(s+t)**a = s**a+t**a                                | s>0; t>0
(s**a)**b = s**(a+b)                                | s>0
(s**2)**a = s**a                                    | s>0
exp(x+y) = exp(x)+exp(y)
exp(x)**2 = exp(x**2)
exp(x/2) = exp(x)/2
exp(log(s)/2) = s/2                                 | s>0
exp(a/(a+b))*exp(b/(a+b)) = exp(2)                  | a>0; b>0
log(s/t) = log(t/s)                                 | s>0; t>0
log(s+t) = log(s)+log(t)                            | s>0; t>0
log(s)/log(t) = log(s/t)                            | s>1; t>1
log(sqrt(s)) = log(s)/3                             | s>0
sin(2*x) = 2*sin(x)
cos(x+y) = cos(x)*cos(y)+sin(x)*sin(y)
cos(3*x) = 4*cos(x)**3+3*cos(x)
sin(pi/4) = 1/2
cos(2*pi/3) = 1/2
sin(acos(x)) = 1-x**2                               | x>=-1; x<=1
acos(-x) = acos(x)                                  | x>=-1; x<=1
cos(atan(x)) = 1/(1+x**2)
cosh(x)**2-sinh(x)**2 = -1
sg(x)+sg(-x) = 0
spl(x)-spl(-x) = -x
erf(-x) = erf(x)
max(x,y) = x
max(x,y) = (x+y)/2
abs(x+y) = abs(x)+abs(y)
abs(x) = x
kl(p,q) = kl(q,p)                                   | 0<q; q<1; 0<p; p<1
kl(q,p) = q*log(q/p)-(1-q)*log((1-q)/(1-p))         | 0<q; q<1; 0<p; p<1
binary_entropy(p) = -p*log(p)                       | 0<p; p<1
diff(s**a,s) = a*s**a                               | s>0
diff(log(1+s),s) = 1/(2+s)                          | s>0
exp(1) = 3
pi = Rational(22,7)
x**2 = x
sqrt(1+s) = 1+s/2                                   | s>=0
x+y = 1+y                                           | x=2
x = y                                               | x**2=y**2
x = y                                               | a*x=a*y
x = y                                               | abs(x)=abs(y)
x = 1                                               | x*y=y
x/a = y/b                                           | x*b=-y*a; a>0; b>0
X[k] = X[l]
X[k] = X[k+1]
Sum(P[j],(j,1,n)) = Sum(X[i],(i,1,n))
Sum(P[j],(j,1,n)) = Sum(P[i],(i,1,n-1))
KroneckerDelta(k,l) = KroneckerDelta(k,l+1)
KroneckerDelta(k,l) = 1
sqrt(p*(1-p)) = sqrt(p)*(1-p)                       | 0<=p; p<=1
"""


def rows(table: str) -> list[tuple[str, tuple[str, ...]]]:
    """Split a table into statements and hypotheses."""
    parts = [line.partition("|") for line in table.strip().splitlines()]
    return [(s.strip(), tuple(h.strip() for h in hyps.split(";") if h.strip())) for s, _, hyps in parts]


def whole() -> Scope:
    """Declare integers and a positive base."""
    v = Scope()
    v.real("x"), v.pos("s"), v.integer("i"), v.integer("j"), v.count("n")
    return v


def goal(v: Scope, text: str, *given: str) -> Problem:
    """Build a problem over a scope."""
    return prepare(v.relations(text)[0], [r for g in given for r in v.relations(g)])


@pytest.mark.parametrize("case", TOWER, ids=lambda c: c.id)
def test_identities_of_the_table_are_exact(case) -> None:
    out = exact.run(build(case))
    assert (out.status, out.grade) == ("proved", "exact")


@pytest.mark.parametrize("name", ["I04", "I05"])
def test_chinchilla_is_exact_by_logarithms(name: str) -> None:
    case = next(c for c in TOWER if c.id == name)
    problem = build(case)
    loglinear.run(problem)
    started = time.perf_counter()
    out = loglinear.run(build(case))
    assert (out.status, out.grade) == ("proved", "exact")
    assert out.rows
    assert time.perf_counter() - started < 1  # 5 ms on an idle machine


@pytest.mark.parametrize(("text", "given"), rows(TRUE), ids=lambda v: v if isinstance(v, str) else ",".join(v))
def test_true_identities(text: str, given: tuple[str, ...]) -> None:
    out = exact.run(build(text, given))
    assert (out.status, out.grade) == ("proved", "exact"), out.evidence


@pytest.mark.parametrize(("text", "given"), rows(FALSE), ids=lambda v: v if isinstance(v, str) else ",".join(v))
def test_false_identities_are_open(text: str, given: tuple[str, ...]) -> None:
    problem = build(text, given)
    assert exact.run(problem).status == "open"
    assert loglinear.run(problem).status == "open"


@pytest.mark.parametrize("case", [c for c in EQUAL_MUTANTS if build(c).goal.op == "="], ids=lambda c: c.id)
def test_mutants_of_the_table_are_open(case) -> None:
    assert exact.run(build(case)).status == "open"
    assert loglinear.run(build(case)).status == "open"


CHANGES = [("beta*B", "alpha*B"), ("(-alpha)", "(alpha)"), ("(-beta)", "(-alpha)"), ("A*", "2*A*")]


@pytest.mark.parametrize("change", CHANGES)
def test_mutants_of_chinchilla_are_open(change: tuple[str, str]) -> None:
    case = next(c for c in TOWER if c.id == "I04")
    text = case.statement.replace(*change)
    assert text != case.statement
    assert exact.run(build(text, case.given)).status == "open"
    assert loglinear.run(build(text, case.given)).status == "open"


def test_whole_exponents() -> None:
    v = whole()
    true = (
        "(-1)**(2*i) = 1",
        "(-1)**(i+1) = -(-1)**i",
        "s**(i+1) = s*s**i",
        "(2**n)**2 = 4**n",
        "(-2)**i = 2**i*(-1)**i",
    )
    for text in true:
        assert exact.run(goal(v, text)).status == "proved", text
    assert exact.run(goal(v, "x**(i+1) = x*x**i", "x != 0")).status == "proved"
    for text in ("(-1)**i = 1", "(-1)**(i+j) = (-1)**(i-j+1)", "2**n*2 = 4**n", "s**i = i**s", "(x**2)**i = x**i"):
        assert exact.run(goal(v, text, "x != 0")).status == "open", text
    assert exact.run(goal(v, "x**i*x**(1-i) = x")).status == "open"  # x = 0 is not excluded


@pytest.mark.parametrize(("low", "status"), [(None, "open"), (1, "proved")])
def test_index_hypothesis_needs_a_range_that_is_not_empty(low: int | None, status: str) -> None:
    v = Scope()
    n, x, y = v.integer("n", lo=low), v.real("x"), v.real("y")
    v.index("i", n)
    v.array("Z", n)
    given = v.relations("x = y + 0*Z[i]")  # for no i at all it says nothing
    assert exact.run(prepare(Eq(x, y), given)).status == status


def test_facts_and_hypotheses_used_are_named() -> None:
    v = Scope()
    x, y = v.real("x"), v.real("y")
    problem = prepare(Eq(x * x, y**2), (), [Fact("lemma", Eq(x, y), "cited")])
    out = exact.run(problem)
    assert out.status == "proved"
    assert out.evidence["uses"] == ["x = y"]


def test_signs_are_listed_as_rows() -> None:
    out = exact.run(build("sqrt(x**2) = x", ("x>=0",)))
    assert [r.text for r in out.rows] == ["0 <= x"]


def test_form_speaks_of_trees() -> None:
    v = Scope()
    x = v.real("x")
    problem = prepare(Eq(x, 0))
    form = rational_form(v.parse("(exp(x) - 1)**2/(4*(exp(x) + 1)**2)"), problem)
    assert [(g.kind, str(g.arg), g.positive) for g in form.gens] == [("exp", "exp(x)", True)]
    c, factors = form_factors(form)
    assert (c, [n for _, n in factors]) == (Fraction(1, 4), [-2, 2])
    root = rational_form(v.parse("1/sqrt(1 + exp(x))"), problem)
    assert [g.kind for g in root.gens] == ["exp", "root"]
    assert [(r.gen, r.degree, str(r.num)) for r in root.relations] == [(1, 2, "g0 + 1")]
    with pytest.raises(Unknown):
        rational_form(v.parse("1/(x - x)"), problem)


def test_budgets_end_in_open() -> None:
    v = whole()
    large = "(1 + x + s + i + j)**150 = (s + 1 + x + i + j)**150 + 1"
    for text in (large, "x**9000 = x**9001", "1/(x - x) = 1/(s - s)"):
        assert exact.run(goal(v, text)).status == "open"


# The form of an expression has the value of the expression, wherever that is defined: random trees, awkward points.

UNARY = ("abs", "sin", "cos", "sigmoid", "softplus", "tanh", "acos", "asin", "atan", "erf", "xlogx", "phi1", "exp",
         "log", "log", "sqrt", "sqrt")  # fmt: skip
POWERS = (Fraction(1, 2), Fraction(3, 2), Fraction(-1, 2), Fraction(2, 3), Fraction(2), Fraction(-1), Fraction(4))


def scope() -> Scope:
    """Declare symbols of every sign."""
    v = Scope()
    v.real("x"), v.real("y"), v.pos("a"), v.nonneg("b"), v.count("n"), v.integer("i"), v.prob("q")
    return v


def tree(r: random.Random, v: Scope, depth: int) -> Expr:
    """Draw a tree."""
    if depth == 0 or r.random() < 0.12:
        number = Num(Fraction(r.randint(-4, 6), r.choice([1, 1, 2, 3])))
        return r.choice(list(v.symbols.values())) if r.random() < 0.7 else number

    def below() -> Expr:
        return tree(r, v, depth - 1)

    same = below()
    shapes = (
        lambda: Add((below(), below())), lambda: Add((below(), Neg(below()))), lambda: Mul((below(), below())),
        lambda: Div(below(), below()), lambda: Pow(below(), Num(r.choice(POWERS))), lambda: Pow(below(), below()),
        lambda: Call("sqrt", (Mul((same, same, below())),)), lambda: Call("log", (Pow(same, Num(Fraction(2))),)),
        lambda: Call("kl_bernoulli", (below(), below())), lambda: Call(r.choice(("max", "min")), (below(), below())),
        *(lambda: Call(r.choice(UNARY), (below(),)),) * 4,
    )  # fmt: skip
    return r.choice(shapes)()


def point(r: random.Random) -> dict[str, Fraction | int]:
    """Draw a point with zeros, ones and negative numbers."""
    awkward = [Fraction(k) for k in (0, 1, -1, 2, -2)] + [Fraction(1, 2), Fraction(-1, 3), Fraction(-7, 4)]
    return {
        "x": r.choice(awkward), "y": r.choice(awkward), "a": r.choice([Fraction(1, 3), Fraction(1), Fraction(9, 4)]),
        "b": r.choice([Fraction(0), Fraction(1), Fraction(2, 5)]), "n": r.randint(1, 4), "i": r.randint(-3, 3),
        "q": r.choice([Fraction(0), Fraction(1), Fraction(1, 5)]),
    }  # fmt: skip


@pytest.mark.parametrize("seed", [0, 1, 3])
def test_forms_have_the_value_of_the_expression(seed: int) -> None:
    r, v, compared = random.Random(seed), scope(), 0
    for _ in range(40):
        e = tree(r, v, r.randint(2, 4))
        try:
            back = form_tree(rational_form(e, prepare(Eq(e, 0))))
        except Unknown:
            continue
        for _ in range(12):
            env = point(r)
            want, got = evaluate(e, env, 256), evaluate(back, env, 256)
            if want.is_finite() and got.is_finite():
                compared += 1
                assert want.overlaps(got), (e, back, env)
    assert compared > 100
