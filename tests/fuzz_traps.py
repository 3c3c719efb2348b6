"""Statements that invite a mistake: poles, hidden domains, names used twice, empty ranges, indices out of reach."""

from __future__ import annotations

import random
from fractions import Fraction

from fuzz_case import Drawn, certified
from fuzz_sums import ARRAYS, INDICES, body
from fuzz_terms import DECLARE, REAL, constant, num

from dltsym.notation.evaluate import evaluate_exact
from dltsym.notation.tree import Expr

UNDEFINED = (
    "{e}/{e} = 1", "1/{e}-1/{e} = 0", "0*log({n}) = 0", "sqrt({n})**2 = {n}", "exp(log({n})) = {n}", "0 <= 1/{e}**2",
    "log({n})-log({n}) = 0", "{e}**(-1)*{e} = 1", "0 <= sqrt({n})", "log({n}**2)-2*log({n}) = 0", "{e}*(1/{e}) <= 2",
    "abs({e})/{e} <= 1", "log({e}**2) <= {e}**2-1", "log({e}/{e}) = 0", "acos(1+{e}**2-{n}) >= 0", "0**{n} = 0",
    "({n})**(1/2)*({n})**(1/2) = {n}", "sigmoid(1/{e})+sigmoid(-1/{e}) = 1", "0/{e} = 0", "tanh(log({n}))**2 < 1",
    "x+1/{e} = 1/{e}+x", "log(abs({e})) <= abs({e})", "1/(1/{e}) = {e}", "{e}**2/{e} = {e}",
)  # fmt: skip


def undefined(rng: random.Random) -> Drawn:
    """Draw a statement with a part that has no value at some point inside its hypotheses.

    ``e`` is 0 at the point and ``n`` is negative there; the point satisfies the bounds that may be added.
    """
    point = {s.name: Fraction(rng.randint(-6, 6), rng.randint(1, 3)) for s in REAL}
    point |= {"p": Fraction(rng.randint(1, 9), 2), "q": Fraction(rng.randint(1, 9), 3)}
    shape = _polynomial(rng, rng.randint(1, 2))
    value = evaluate_exact(shape, point)
    if value is None:
        raise AssertionError(shape)
    zero = f"({shape}-({value}))"
    negative = f"({zero}-{rng.choice(('1', 'p', 'exp(x)', 'y**2-1/8'))})"
    goal = rng.choice(UNDEFINED).format(e=zero, n=negative)
    x, y = point["x"], point["y"]
    given = rng.choice(((), (), (f"x <= {x}",), (f"{y} <= y",), (f"x-y = {x - y}",), (f"{zero} >= 0",), ("p > 0",)))
    return Drawn("undefined", DECLARE, goal, given, point)


def _polynomial(rng: random.Random, depth: int) -> Expr:
    if depth == 0:
        return rng.choice((*REAL, constant(rng)))
    a, b = _polynomial(rng, depth - 1), _polynomial(rng, depth - 1)
    return rng.choice((a + b, a - b, a * b, a ** num(2), a * rng.choice(REAL) + b))


def shadowed_true(rng: random.Random) -> Drawn:
    """Draw a law of sums whose bound names are also names of free symbols, or bound twice."""
    a, b = body(rng, "i", 1), body(rng, "i", 1)
    name = rng.choice(("k", "c", "s", "l"))
    inner = rng.choice((f"Sum({b},(i,1,n))", f"Sum({b},(i,1,m))" if not set("XYP") & set(b) else f"Sum({b},(i,1,n))"))
    goal = rng.choice(
        (
            f"Sum(({a})*{inner},(i,1,n)) = Sum({a},(i,1,n))*{inner}",
            f"Sum(X[i]+Sum({b},(i,1,n)),(i,1,n)) = Sum(X[i],(i,1,n))+n*Sum({b},(i,1,n))",
            f"{name}+Sum(X[{name}]**2,({name},1,n)) = Sum(X[i]**2,(i,1,n))+{name}",
            f"{name}*Sum(exp(Y[{name}]),({name},1,n)) = Sum({name}*exp(Y[i]),(i,1,n))",
            "Sum(Sum(M[i,j],(i,1,n)),(j,1,m)) = Sum(Sum(M[j,i],(i,1,m)),(j,1,n))",
            "Sum(Sum(M[j,i],(j,1,n)),(i,1,m)) = Sum(Sum(M[i,j],(j,1,m)),(i,1,n))",
        )
    )
    return Drawn("shadowed", f"n count; {ARRAYS}; {INDICES}", goal)


def shadowed_false(rng: random.Random) -> Drawn | None:
    """Draw what a substitution that captures would take for true."""
    name = rng.choice(("k", "c", "l"))
    goal = rng.choice(
        (
            "Sum(X[i]*Sum(Y[i],(i,1,n)),(i,1,n)) = Sum(X[i]*Y[i],(i,1,n))",
            "Sum(X[i]*Sum(Y[i],(i,1,n)),(i,1,n)) = n*Sum(X[i]*Y[i],(i,1,n))",
            "Sum(Sum(M[i,j],(i,1,n)),(j,1,m)) = Sum(Sum(M[i,i],(i,1,n)),(j,1,m))",
            "Sum(log(Sum(exp(X[i]*Y[j]),(j,1,n))),(i,1,n)) = Sum(log(Sum(exp(X[j]*Y[i]),(j,1,n))),(i,1,n))",
            "Sum(Sum(X[i]*Y[j],(j,1,i)),(i,1,n)) = Sum(Sum(X[j]*Y[i],(j,1,i)),(i,1,n))",
            f"Sum(X[{name}]+{name},({name},1,n)) = Sum(X[i],(i,1,n))+n*{name}",
            f"{name}*Sum(X[i],(i,1,n)) = Sum({name}*X[{name}],({name},1,n))",
            "Sum(X[k],(k,1,n)) = n*X[k]",
            "Sum(X[k],(i,1,n)) = Sum(X[k],(k,1,n))",
            "diff(Sum(X[k]**2,(k,1,n)),X[k]) = 2*Sum(X[k],(k,1,n))",
            "diff(Sum(X[k]**2,(k,1,n)),X[l]) = 2*X[k]",
            "Sum(Sum((X[i]-X[j])**2,(i,1,n)),(j,1,n)) = Sum(Sum((X[i]-X[i])**2,(i,1,n)),(i,1,n))",
        )
    )
    return certified(Drawn("shadowed: captured", f"n count; {ARRAYS}; {INDICES}", goal), count=40)


RANGES = (
    # a law that needs a size, under a declaration that does not give it
    ("n integer", "Sum({t},(i,1,n)) = n*({t})"), ("n integer", "Sum({t}*i,(i,1,n)) = ({t})*n*(n+1)/2"),
    ("n integer lo=0", "Sum({t},(i,2,n)) = (n-1)*({t})"), ("n integer lo=0", "Sum({t},(i,1,n-2)) = (n-2)*({t})"),
    ("n integer", "Sum({t},(i,n,n)) = n*({t})"), ("n count", "Sum({t},(i,1,n-1)) = n*({t})"),
    ("n integer lo=0; X array n", "Sum(X[i],(i,1,n)) = X[1]+Sum(X[i],(i,2,n))"),
    ("n count; X array n", "Sum(X[i],(i,1,n)) = X[1]+X[n]+Sum(X[i],(i,2,n-1))"),
    ("n count; m integer; X array n", "Sum(delta(i,m)*X[i],(i,1,n)) = ({t})*Sum(X[i],(i,1,n))"),
    ("n count; m integer", "Sum(delta(i,m),(i,1,n)) = 1"),
    ("n count; m integer", "Sum(delta(i,m)*({t}),(i,0,n)) = {t}"),
    ("n integer lo=0; P array n lo=0 lo_open=True", "Sum(P[i],(i,1,n)) > 0"),
    ("n integer lo=0; P array n lo=0 lo_open=True", "Sum(P[i]**2,(i,2,n)) != 0"),
    ("n count; P array n lo=0 lo_open=True", "0 < Sum(P[i],(i,2,n))"), ("n count", "2 <= n"), ("n count", "n != 1"),
    ("n integer lo=0", "n <= n**2-1"), ("n integer lo=0", "n < n**2+n"), ("n integer", "0 <= n*(n-1)*(n-2)"),
    ("n integer lo=0; X array n; k index n", "1 <= n+1-1/2"), ("n integer lo=0; X array n", "1 <= Sum(1,(i,1,n))"),
    ("n integer lo=0; X array n", "0 < Sum(exp(X[i]),(i,1,n))"),
    ("n count; m count; X array n", "Sum(X[i]**2,(i,1,n)) <= Sum(X[i]**2,(i,1,n-1))"),
    ("n count; m count; c real", "Sum(c**i,(i,0,n)) = (1-c**n)/(1-c)*1"),
    ("n integer; c pos", "Sum(c**i,(i,1,n)) >= c"),
    ("n count; X array n; k index n; l index n", "X[k]*X[l] = X[k]**2"), ("n count; k index n", "k < n"),
    ("n count; k index n; l index n", "k != l"), ("n count; X array n; k index n", "X[k] <= Sum(X[i],(i,1,n))"),
)  # fmt: skip


def ranges(rng: random.Random) -> Drawn | None:
    """Draw a law of sums where a range may be empty, short or shifted."""
    declare, goal = rng.choice(RANGES)
    t = rng.choice(("c", "2", "exp(c)", "c+1"))
    if "c " not in declare:
        declare += "; c real"
    return certified(Drawn("range", declare, goal.format(t=t)), count=60)


ENDS = (
    # equality is attained, or the relation breaks, only at the end of a closed domain
    ("q prob", "binary_entropy(q) > 0", "q=0"), ("q prob", "xlogx(q) < 0", "q=1"), ("q nonneg", "q < q+sqrt(q)", "q=0"),
    ("q prob; p prob open=True", "kl(q,p) > 0", "q=1/2, p=1/2"), ("q nonneg", "0 < abs(q)", "q=0"),
    ("x real", "x**2+abs(x) > 0", "x=0"), ("x real", "max(x,0) > 0", "x=-1"),
    ("x real", "max(x,0)*min(x,0) != 0", "x=1"),
    ("x real", "abs(x) != x", "x=1"), ("x real", "x*abs(x) >= 0", "x=-1"), ("x real", "min(x,1-x) <= 49/100", "x=1/2"),
    ("x real", "abs(x-1)+abs(x+1) > 2", "x=0"), ("x real", "abs(x)+abs(1-x) >= 101/100", "x=1/3"),
    ("x real; y real", "max(x,y) > x", "x=1, y=0"), ("x real; y real", "abs(x-y) < max(x,y)-min(x,y)+x**2", "x=0, y=1"),
    ("x nonneg; y nonneg", "sqrt(x+y) < sqrt(x)+sqrt(y)", "x=0, y=1"), ("x nonneg", "x**(1/3) <= x", "x=1/8"),
    ("x nonneg", "x**(3/2) > 0", "x=0"), ("x nonneg; y nonneg", "0 < x**2*y+x*y**2+y**3", "x=1, y=0"),
    ("x real", "sqrt(x**2) < x+1", "x=-1"), ("x real", "(x**2)**(1/2) = x", "x=-2"),
    ("x real", "(x**4)**(1/4) = x", "x=-2"),
    ("x real", "(x**2)**(3/2) = x**3", "x=-1"), ("x real", "abs(x**3) = x**3", "x=-1"), ("x real", "x**2 != 1", "x=1"),
    ("x real", "1 < cosh(x)", "x=0"), ("x real", "x**2*exp(x) > 0", "x=0"),
    ("p pos", "log(p)**2 > 0", "p=1"), ("p pos", "log(p) != 0", "p=1"), ("p pos", "p**x0 >= 1", "p=1/2, x0=1"),
)  # fmt: skip


def ends(rng: random.Random) -> Drawn | None:
    """Draw a relation that fails at one point only, and move everything by a term."""
    declare, goal, at = rng.choice(ENDS)
    if "x0" in goal:
        declare += "; x0 real"
    op = next(o for o in ("<=", ">=", "!=", "<", ">", "=") if o in goal)
    less, more = goal.split(op)
    same = rng.choice(("", "+a", "-a**2", "+1/3"))
    drawn = Drawn("end", f"{declare}; a real", f"{less}{same} {op} {more}{same}")
    point = {"a": Fraction(1, 2)} | {
        k: Fraction(v) for k, v in (c.split("=") for c in at.replace(" ", "").split(",") if c)
    }
    return certified(drawn, iter((point,)))


def trap(rng: random.Random) -> Drawn | None:
    """Draw a false statement of any of these sorts."""
    return rng.choice((shadowed_false, ranges, ranges, ends, ends))(rng)
