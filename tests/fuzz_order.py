"""Random inequalities that are true by construction, and false ones made by asking for more than there is.

A true one is a lemma of `LEMMAS` (or a sum of squares, a product of signs, a convex combination, a chain of hypotheses)
at random terms, multiplied by a positive term, with a non-negative slack on the larger side and the same term on both.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from fuzz_case import Drawn, Point, certified, draw_point, inside
from fuzz_terms import DECLARE, REAL, UNIT, f, num, positive_term, real_term, rewritten
from small_records import scope

from dltsym.errors import DltsymError
from dltsym.notation.evaluate import evaluate
from dltsym.notation.tree import Add, Expr, Mul, Num, Pow, Sym
from dltsym.notation.walk import substitute
from dltsym.prove.problem import Problem


@dataclass(frozen=True)
class Lemma:
    """``less <= more`` under `given`; `contact` is where both are equal, `strict` when that never happens."""

    less: str
    more: str
    declare: str = "x real"
    given: tuple[str, ...] = ()
    contact: str = ""
    strict: bool = False
    fails: str = ""  # a point where it is false without its hypotheses


LEMMAS = (
    Lemma("1+x", "exp(x)", contact="x=0"),
    Lemma("log(p)", "p-1", "p pos", contact="p=1"),
    Lemma("1-1/p", "log(p)", "p pos", contact="p=1"),
    Lemma("p*log(p)", "p**2-p", "p pos", contact="p=1"),
    Lemma("log(1+x)", "x", given=("x>-1",), contact="x=0"),
    Lemma("x/(1+x)", "log(1+x)", given=("x>=0",), contact="x=0"),
    Lemma("2*x/(2+x)", "log(1+x)", given=("x>=0",), contact="x=0", fails="x=-1/2"),
    Lemma("log(1+x)", "x-x**2/2+x**3/3", given=("x>=0",), contact="x=0"),
    Lemma("log(1+x)", "x/sqrt(1+x)", given=("x>=0",), contact="x=0", fails="x=-1/2"),
    Lemma("exp(x)", "1+x+x**2", given=("x<=1",), contact="x=0", fails="x=3"),
    Lemma("1+x+x**2/2", "exp(x)", given=("x>=0",), contact="x=0", fails="x=-1"),
    Lemma("exp(-x)", "1-x+x**2/2", given=("x>=0",), contact="x=0", fails="x=-1"),
    Lemma("exp(x)", "1/(1-x)", given=("x<1",), contact="x=0", fails="x=2"),
    Lemma("tanh(x)", "x", given=("x>=0",), contact="x=0", fails="x=-1"),
    Lemma("x", "tanh(x)", given=("x<=0",), contact="x=0", fails="x=1"),
    Lemma("sin(x)", "x", given=("x>=0",), contact="x=0", fails="x=-1"),
    Lemma("1-x**2/2", "cos(x)", contact="x=0"),
    Lemma("atan(x)", "x", given=("x>=0",), contact="x=0", fails="x=-1"),
    Lemma("1", "cosh(x)", contact="x=0"),
    Lemma("1+x**2/2", "cosh(x)", contact="x=0"),
    Lemma("log(cosh(x))", "x**2/2", contact="x=0"),
    Lemma("cosh(x)", "exp(x**2/2)", contact="x=0"),
    Lemma("x", "softplus(x)", strict=True),
    Lemma("softplus(x)", "log(2)+x/2+x**2/8", contact="x=0"),
    Lemma("max(x,0)", "softplus(x)", strict=True),
    Lemma("softplus(x)", "max(x,0)+log(2)", contact="x=0"),
    Lemma("sigmoid(x)", "1/2+x/4", given=("x>=0",), contact="x=0", fails="x=-1"),
    Lemma("sigmoid(x)*(1-sigmoid(x))", "1/4", contact="x=0"),
    Lemma("tanh(x)**2", "1", strict=True),
    Lemma("erf(x)", "1", strict=True),
    Lemma("2*(u-w)**2", "kl(u,w)", "u prob open=True; w prob open=True", contact="u=1/2, w=1/2"),
    Lemma("kl(u,w)", "(u-w)**2/(w*(1-w))", "u prob open=True; w prob open=True", contact="u=1/2, w=1/2"),
    Lemma("binary_entropy(u)", "log(2)", "u prob open=True", contact="u=1/2"),
    Lemma("4*u*(1-u)*log(2)", "binary_entropy(u)", "u prob open=True", contact="u=1/2"),
    Lemma("log(1-u+u*exp(x))-u*x", "x**2/8", "u prob open=True; x real", contact="u=1/2, x=0"),
    Lemma("sqrt(p*q)", "(p+q)/2", "p pos; q pos", contact="p=1, q=1"),
    Lemma("2/(1/p+1/q)", "sqrt(p*q)", "p pos; q pos", contact="p=1, q=1"),
    Lemma("sqrt(p+q)", "sqrt(p)+sqrt(q)", "p pos; q pos", strict=True),
    Lemma("2*x*y", "x**2/p+p*y**2", "x real; y real; p pos", contact="x=0, y=0, p=1"),
    Lemma("(x*y+z*t)**2", "(x**2+z**2)*(y**2+t**2)", "x real; y real; z real; t real", contact="x=0, y=0, z=0, t=0"),
    Lemma("3*p*q*r", "p**3+q**3+r**3", "p nonneg; q nonneg; r nonneg", contact="p=1, q=1, r=1"),
    Lemma("abs(x+y)", "abs(x)+abs(y)", "x real; y real", contact="x=0, y=0"),
    Lemma("abs(abs(x)-abs(y))", "abs(x-y)", "x real; y real", contact="x=1, y=1"),
    Lemma("max(x,y)", "log(exp(x)+exp(y))", "x real; y real", strict=True),
    Lemma("log(exp(x)+exp(y))", "max(x,y)+log(2)", "x real; y real", contact="x=1, y=1"),
    Lemma("exp(u*x+(1-u)*y)", "u*exp(x)+(1-u)*exp(y)", "x real; y real; u prob", contact="x=1, y=1, u=1/2"),
    Lemma("(u*x+(1-u)*y)**2", "u*x**2+(1-u)*y**2", "x real; y real; u prob", contact="x=1, y=1, u=1/2"),
    Lemma("u*log(p)+(1-u)*log(q)", "log(u*p+(1-u)*q)", "p pos; q pos; u prob", contact="p=1, q=1, u=1/2"),
    Lemma("p**u*q**(1-u)", "u*p+(1-u)*q", "p pos; q pos; u prob", contact="p=1, q=1, u=1/2"),
    Lemma("exp(x)", "exp(y)", "x real; y real", ("x<=y",), "x=1, y=1", fails="x=1, y=0"),
    Lemma("sigmoid(x)", "sigmoid(y)", "x real; y real", ("x<=y",), "x=1, y=1", fails="x=1, y=0"),
    Lemma("tanh(x)", "tanh(y)", "x real; y real", ("x<y",), strict=True, fails="x=1, y=0"),
    Lemma("log(p)", "log(q)", "p pos; q pos", ("p<=q",), "p=1, q=1", fails="p=2, q=1"),
    Lemma("sqrt(p)", "sqrt(q)", "p pos; q pos", ("p<q",), strict=True, fails="p=2, q=1"),
    Lemma("1/q", "1/p", "p pos; q pos", ("p<=q",), "p=1, q=1", fails="p=2, q=1"),
    Lemma("p**2", "q**2", "p nonneg; q nonneg", ("p<=q",), "p=1, q=1", fails="p=2, q=1"),
    Lemma("x**2", "1", given=("-1<=x", "x<=1"), contact="x=1", fails="x=2"),
    Lemma("x*y", "(x**2+y**2+z**2)/2", "x real; y real; z real", contact="x=0, y=0, z=0"),
    Lemma("x*y", "1", "x real; y real", ("x**2<=1", "y**2<=1"), "x=1, y=1", fails="x=2, y=1"),
    Lemma("(u-w)**2", "u-w", "u prob; w prob", ("w<=u",), "u=1, w=0", fails="u=0, w=1"),
    Lemma("w", "sqrt(w)", "w prob", contact="w=1"),
    Lemma("x", "y+z", "x real; y real; z real; t real", ("x<=t", "t<=y", "z>=0"), "x=1, y=1, z=0, t=1"),
    Lemma("x", "2*y", "x real; y real; t real", ("x=t+y", "t<=y"), "x=2, y=1, t=1", fails="x=3, y=1, t=2"),
    Lemma("0", "x*y", "x real; y real", ("x<=0", "y<=0"), "x=0, y=0", fails="x=1, y=-1"),
    Lemma("-1/4", "x*(1-x)", given=("0<=x", "x<=1"), strict=True, fails="x=3"),
    Lemma("p**3*q", "p**4+q**4", "p nonneg; q nonneg", contact="p=0, q=0"),
    Lemma("x", "1", given=("x**3<=1",), contact="x=1", fails="x=2"),
    Lemma("Sum(X[i],(i,1,n))**2", "n*Sum(X[i]**2,(i,1,n))", "n count; X array n"),
    Lemma("Sum(X[i],(i,1,n))", "Sum(exp(X[i]),(i,1,n))-n", "n count; X array n"),
    Lemma("Sum(log(P[i]),(i,1,n))", "Sum(P[i],(i,1,n))-n", "n count; P array n lo=0 lo_open=True"),
    Lemma("Sum(tanh(X[i])**2,(i,1,n))", "n", "n count; X array n", strict=True),
    Lemma("0", "Sum((X[i]-Y[i])**2*P[i],(i,1,n))", "n count; X array n; Y array n; P array n lo=0 lo_open=True"),
    Lemma("Sum(X[i]*Y[i],(i,1,n))", "Sum((X[i]**2+Y[i]**2)/2,(i,1,n))", "n count; X array n; Y array n"),
    Lemma("X[k]**2", "Sum(X[i]**2,(i,1,n))", "n count; X array n; k index n"),
    Lemma("Sum(X[i],(i,1,n))", "Sum(Y[i],(i,1,n))", "n count; X array n; Y array n; k index n", ("X[k]<=Y[k]",)),
)
"""Textbook inequalities; each has been checked by hand, none comes from a table of the engines."""


def at_contact(lemma: Lemma) -> dict[str, Fraction]:
    """Read the contact point."""
    pairs = [part.split("=") for part in lemma.contact.replace(" ", "").split(",") if part]
    return {name: Fraction(value) for name, value in pairs}


def _over(lemma: Lemma) -> bool:
    """Whether the lemma is about scalars alone, so that terms can be put in."""
    return "array" not in lemma.declare


def _instance(rng: random.Random, lemma: Lemma) -> Drawn:
    """Put random terms of the right sign for the symbols of a lemma."""
    own = scope(lemma.declare)
    terms: dict[Sym, Expr] = {}
    for s in own.symbols.values():
        if s.decl.hi is not None:
            terms[s] = rng.choice((*UNIT, f("sigmoid", real_term(rng, 1))))
        elif s.decl.lo is not None:
            terms[s] = positive_term(rng, 1)
        else:
            terms[s] = real_term(rng, 1)
    goal = substitute(own.relations(f"{lemma.less} <= {lemma.more}")[0], terms)
    given = tuple(str(substitute(r, terms)) for g in lemma.given for r in own.relations(g))
    return Drawn("instance", DECLARE, str(goal), given)


def _dressed(rng: random.Random, lemma: Lemma) -> Drawn:
    """Scale a lemma, add the same to both sides and something non-negative to the larger one."""
    scale = rng.choice(("", "", "2*", "7/3*", "1/10*"))
    same = rng.choice(("", "", "+a", "-a**2", "+exp(a)", "+1/3"))
    slack = rng.choice(("", "", "+1/1000", "+b", "+a**2", "+abs(a)", "+b*exp(a)", "+(a-b)**2"))
    less, more = f"{scale}({lemma.less}){same}", f"{scale}({lemma.more}){slack}{same}"
    op = "<" if lemma.strict or slack == "+1/1000" else "<="
    spare = rng.choice(((), (), ("a <= b",), ("a != 1",), ("a + b = 1",)))
    given = list(lemma.given) + list(spare)
    rng.shuffle(given)
    goal = rng.choice((f"{less} {op} {more}", f"{more} {'>' if op == '<' else '>='} {less}"))
    if rng.random() < 0.2:
        goal = f"{'0' if op == '<=' else '0 '} {op} {more}-({less})"
    return Drawn("lemma", f"{lemma.declare}; a real; b nonneg", goal, tuple(given))


def _polynomial(rng: random.Random, names: list[Sym]) -> Expr:
    terms = [num(rng.choice((1, 1, 2, -1, -3, Fraction(1, 2)))) * s for s in rng.sample(names, rng.randint(1, 2))]
    if rng.random() < 0.3:
        terms.append(rng.choice(names) * rng.choice(names))
    if rng.random() < 0.3:
        terms.append(num(rng.randint(-2, 2)))
    return Add(tuple(terms)) if len(terms) > 1 else terms[0]


def _squares(rng: random.Random, gap: Fraction) -> Drawn:
    """Write a sum of squares plus a gap as an inequality between its positive and its negative terms."""
    total: dict[tuple[tuple[Sym, int], ...], Fraction] = {(): gap}
    for _ in range(rng.randint(1, 2)):
        weight = Fraction(rng.randint(1, 3), rng.randint(1, 2))
        form = _monomials(_polynomial(rng, REAL))
        for a, ca in form:
            for b, cb in form:
                key = _times(a, b)
                total[key] = total.get(key, Fraction(0)) + weight * ca * cb
    rows = [(_monomial(m), c) for m, c in total.items() if c]
    more = [num(c) * m for m, c in rows if c > 0] or [num(0)]
    less = [num(-c) * m for m, c in rows if c < 0] or [num(0)]
    left, right = (Add(tuple(t)) if len(t) > 1 else t[0] for t in (less, more))
    return Drawn("squares", DECLARE, f"{left} {'<' if gap > 0 else '<='} {right}")


Monomial = tuple[tuple[Sym, int], ...]


def _monomials(e: Expr) -> list[tuple[Monomial, Fraction]]:
    out = []
    for t in e.args if isinstance(e, Add) else (e,):
        coefficient, powers = Fraction(1), {}
        for factor in t.args if isinstance(t, Mul) else (t,):
            if isinstance(factor, Num):
                coefficient *= factor.value
            elif isinstance(factor, Sym):
                powers[factor] = powers.get(factor, 0) + 1
        out.append((tuple(sorted(powers.items(), key=lambda p: p[0].name)), coefficient))
    return out


def _times(a: Monomial, b: Monomial) -> Monomial:
    powers = dict(a)
    for s, k in b:
        powers[s] = powers.get(s, 0) + k
    return tuple(sorted(powers.items(), key=lambda p: p[0].name))


def _monomial(m: Monomial) -> Expr:
    parts: list[Expr] = [s if k == 1 else Pow(s, num(k)) for s, k in m]
    return num(1) if not parts else parts[0] if len(parts) == 1 else Mul(tuple(parts))


CHAINS = ("x<=y", "y<=z", "y<z", "z<=p", "x<=u", "q<=1+x", "-1<=x", "z<=3/2", "x+y<=1", "w<=u", "p+q=2", "x!=0")


def _chain(rng: random.Random) -> Drawn:
    """Add hypotheses with positive weights."""
    given = rng.sample(CHAINS, rng.randint(2, 4))
    used = [g for g in given if "!=" not in g][:3]
    weights = [rng.choice(("1", "2", "1/2", "p", "u", "exp(z)")) for _ in used]
    sides = [g.replace("<=", "<").replace("=", "<").split("<") for g in used]
    less = "+".join(f"{w}*({a})" for w, (a, _) in zip(weights, sides, strict=True)) or "0"
    more = "+".join(f"{w}*({b})" for w, (_, b) in zip(weights, sides, strict=True)) or "0"
    return Drawn("chain", DECLARE, f"{less} <= {more}", tuple(given))


def true_order(rng: random.Random) -> Drawn:
    """Draw an inequality that holds."""
    lemma = rng.choice(LEMMAS)
    match rng.choice(("lemma", "lemma", "instance", "squares", "chain", "equal")):
        case "instance" if _over(lemma):
            return _instance(rng, lemma)
        case "squares":
            return _squares(rng, Fraction(rng.choice((0, 0, 1)), rng.choice((1, 100))))
        case "chain":
            return _chain(rng)
        case "equal":
            e = real_term(rng, 2)
            new = rewritten(rng, e)
            return Drawn("equal", DECLARE, f"{e} <= {new}")
    return _dressed(rng, lemma)


def near(p: Problem, rng: random.Random, contact: dict[str, Fraction]) -> Iterator[Point]:
    """Draw points anywhere and points close to a contact."""
    for turn in range(18):
        point = dict(draw_point(p, rng))
        for name, value in contact.items() if turn % 3 else ():
            point[name] = value + rng.choice((1, -1, 0)) * Fraction(1, 2 ** rng.randint(1, 12))
        yield point


def _numbers_changed(rng: random.Random, text: str) -> str:
    places = [m for m in re.finditer(r"\d+", text)]
    if not places:
        return f"({text})*99/100"
    at = rng.choice(places)
    return (
        text[: at.start()]
        + rng.choice(("({}*99/100)", "({}*101/100)", "({}*999/1000)", "({}*2)")).format(at[0])
        + text[at.end() :]
    )


def false_order(rng: random.Random) -> Drawn | None:
    """Draw an inequality that fails somewhere, or None when no failing point is found."""
    lemma, contact = rng.choice(LEMMAS), None
    match rng.choice(("short", "turned", "number", "number", "strict", "unequal", "dropped", "squares", "chain")):
        case "short":
            return _short(rng, rng.choice((true_order(rng), _dressed(rng, lemma))))
        case "turned":
            drawn = _written(lemma, "turned", f"{lemma.more} {rng.choice(('<', '<='))} {lemma.less}")
        case "number":
            side = _numbers_changed(rng, lemma.more) if rng.random() < 0.7 else lemma.more
            other = lemma.less if side != lemma.more else _numbers_changed(rng, lemma.less)
            drawn, contact = _written(lemma, "number", f"{other} <= {side}"), at_contact(lemma)
        case "strict" | "unequal" as kind if lemma.contact:
            op = "<" if kind == "strict" else "!="
            return _written(lemma, kind, f"{lemma.less} {op} {lemma.more}")  # equal at the contact
        case "dropped" if lemma.fails:
            drawn = _written(replace(lemma, given=()), "dropped", f"{lemma.less} <= {lemma.more}")
            contact = at_contact(replace(lemma, contact=lemma.fails))
        case "squares":
            return _short(rng, _squares(rng, Fraction(0)))
        case _:
            return _short(rng, _chain(rng))
    p = drawn.problem()
    return certified(drawn, near(p, rng, contact or {}))


def _written(lemma: Lemma, kind: str, goal: str) -> Drawn:
    return Drawn(f"order: {kind}", lemma.declare, goal, lemma.given)


def _short(rng: random.Random, true: Drawn) -> Drawn | None:
    """Ask for a little more than there is at one point inside the hypotheses."""
    p = true.problem()
    less, more = p.goal.lhs, p.goal.rhs
    spare = rng.choice((Fraction(1, 10), Fraction(1, 10**4), Fraction(1, 10**8)))
    for _ in range(8):
        point = draw_point(p, rng)
        try:
            gap = evaluate(more - less, point, 128) if inside(p, point) else None
        except DltsymError:
            return None
        if gap is not None and gap.is_finite() and gap < 10**6:
            missing = Fraction(math.ceil(float(gap.upper()) * 10**9), 10**9) + spare
            goal = f"{less}+{missing} {p.goal.op} {more}" if missing >= 0 else f"{less} {p.goal.op} {more}+{-missing}"
            return certified(replace(true, kind=f"{true.kind}: short", goal=goal), iter((point,)))
    return None
