"""Random sums and the laws of finite sums (linearity, order, splitting, shifting, deltas, telescoping), and slips.

``n`` may be 1, in some statements 0; ``k`` is any index. Sums are over sets: an empty one is 0.
"""

from __future__ import annotations

import random
import re

from fuzz_case import Drawn

SIZES = ("n count", "n integer lo=0")
ARRAYS = "m count; X array n; Y array n; P array n lo=0 lo_open=True; M array n m; c real; s pos"
INDICES = "k index n; l index n"


def body(rng: random.Random, i: str, depth: int = 2) -> str:
    """Draw a summand in the index `i`."""
    if depth == 0 or rng.random() < 0.3:
        return rng.choice((f"X[{i}]", f"Y[{i}]", f"P[{i}]", "c", "s", "2", f"X[{i}]", i))
    a, b = body(rng, i, depth - 1), body(rng, i, depth - 1)
    return rng.choice(
        (f"({a}+{b})", f"({a}-{b})", f"{a}*{b}", f"({a})**2", f"exp({a})", f"log(P[{i}])", f"({a})/P[{i}]", f"-({a})")
    )


def table(rng: random.Random, i: str, j: str) -> str:
    """Draw a summand in two indices."""
    core = rng.choice((f"M[{i},{j}]", f"M[{i},{j}]**2", f"X[{i}]*M[{i},{j}]", f"exp(M[{i},{j}])", f"{i}*M[{i},{j}]"))
    return rng.choice((core, f"({core}+{body(rng, i, 1)})", f"{core}*({body(rng, i, 1)})"))


def linear(rng: random.Random) -> tuple[str, str]:
    """Split a sum by its terms."""
    a, b = body(rng, "i"), body(rng, "i")
    t = rng.choice(("c", "2", "c*s", "exp(c)"))
    return f"Sum({t}*({a})-({b}),(i,1,n))", f"{t}*Sum({a},(j,1,n))-Sum({b},(i,1,n))".replace(
        f"Sum({a},(j,1,n))", f"Sum({renamed(a, 'i', 'j')},(j,1,n))"
    )


def renamed(text: str, old: str, new: str) -> str:
    """Rename one index in a summand without binders."""
    return re.sub(rf"\b{old}\b", new, text)


def swapped(rng: random.Random) -> tuple[str, str]:
    """Exchange two sums, nested or with two limits."""
    t = table(rng, "i", "j")
    left = rng.choice((f"Sum({t},(i,1,n),(j,1,m))", f"Sum(Sum({t},(i,1,n)),(j,1,m))"))
    return left, rng.choice((f"Sum({t},(j,1,m),(i,1,n))", f"Sum(Sum({t},(j,1,m)),(i,1,n))"))


def triangle(rng: random.Random) -> tuple[str, str]:
    """Exchange two sums over a triangle."""
    t = rng.choice(("X[i]*Y[j]", "exp(X[i]-Y[j])", "(X[i]-Y[j])**2", "X[i]*j"))
    return f"Sum({t},(j,1,i),(i,1,n))", f"Sum({t},(i,j,n),(j,1,n))"


def product(rng: random.Random) -> tuple[str, str]:
    """Multiply two sums out."""
    a, b = body(rng, "i", 1), body(rng, "j", 1)
    return f"Sum({a},(i,1,n))*Sum({renamed(b, 'j', 'i')},(i,1,n))", f"Sum(({a})*({b}),(i,1,n),(j,1,n))"


def picked(rng: random.Random) -> tuple[str, str]:
    """Pick one term by a Kronecker delta."""
    a = body(rng, "i", 1)
    d = rng.choice(("delta(i,k)", "delta(k,i)"))
    return f"Sum({d}*({a}),(i,1,n))", renamed(a, "i", "k")


def gradient(rng: random.Random) -> tuple[str, str]:
    """Differentiate a sum by one entry."""
    f, df = rng.choice(
        (("X[i]**2", "2*X[k]"), ("exp(X[i])", "exp(X[k])"), ("Y[i]*X[i]", "Y[k]"), ("tanh(X[i])", "1-tanh(X[k])**2"))
    )
    form = rng.choice(("{}", "log(1+{}**2)", "{}**3"))
    s = f"Sum({f},(i,1,n))"
    outer = {"{}": "1", "log(1+{}**2)": f"2*{s}/(1+{s}**2)", "{}**3": f"3*{s}**2"}[form]
    return f"diff({form.format(s)},X[k])", f"{outer}*({df})"


def counted(rng: random.Random) -> tuple[str, str]:
    """Sum a constant, or whole powers of the index."""
    t = rng.choice(("c", "exp(c)", "s*c"))
    return rng.choice(
        (
            (f"Sum({t},(i,1,n))", f"n*{t}"),
            (f"Sum(i*{t},(i,1,n))", f"{t}*n*(n+1)/2"),
            (f"Sum(i**2+{t},(i,1,n))", f"n*(n+1)*(2*n+1)/6+{t}*n"),
            (f"Sum(s**i*(1-s),(i,0,n-1))*{t}", f"(1-s**n)*{t}"),
            (f"Sum({t},(j,1,i),(i,1,n))", f"{t}*n*(n+1)/2"),
            (f"Sum({t}*X[i],(j,1,m),(i,1,n))", f"m*{t}*Sum(X[i],(i,1,n))"),
        )
    )


def centred(rng: random.Random) -> tuple[str, str]:
    """Sum squared differences."""
    a, b = rng.choice((("X", "Y"), ("P", "X"), ("X", "P")))
    return rng.choice(
        (
            (
                f"Sum(({a}[i]-{a}[j])**2,(i,1,n),(j,1,n))",
                f"2*n*Sum({a}[i]**2,(i,1,n))-2*Sum({a}[i],(i,1,n))**2",
            ),
            (
                f"Sum(({a}[i]-c)*({b}[i]+c),(i,1,n))",
                f"Sum({a}[i]*{b}[i],(i,1,n))+c*Sum({a}[i]-{b}[i],(i,1,n))-n*c**2",
            ),
            (
                f"Sum(({a}[i]*{b}[j]-{a}[j]*{b}[i])**2,(i,1,n),(j,1,n))/2",
                f"Sum({a}[i]**2,(i,1,n))*Sum({b}[i]**2,(i,1,n))-Sum({a}[i]*{b}[i],(i,1,n))**2",
            ),
        )
    )


def moved(rng: random.Random) -> tuple[str, str]:
    """Shift, turn round or split a range; no engine has to prove these. Telescoping needs ``m >= 1``."""
    a = body(rng, "i", 1)
    return rng.choice(
        (
            (f"Sum({a},(i,1,n))", f"Sum({renamed(a, 'i', '(i-1)')},(i,2,n+1))"),
            (f"Sum({a},(i,1,n))", f"Sum({renamed(a, 'i', '(n+1-i)')},(i,1,n))"),
            (f"Sum({a},(i,1,n))", f"Sum({a},(i,1,k))+Sum({a},(i,k+1,n))"),
            (f"Sum({renamed(a, 'i', '(i+1)')}-({a}),(i,1,m-1))", f"{renamed(a, 'i', 'm')}-({renamed(a, 'i', '1')})"),
            (f"Sum({a},(i,1,3))", "+".join(f"({renamed(a, 'i', str(t))})" for t in (1, 2, 3))),
        )
    )


LAWS = (linear, swapped, triangle, product, picked, gradient, counted, centred, moved)
OUTER = (
    ("{0}", "{0}"),
    ("c+{0}", "{0}+c"),
    ("s*({0})", "({0})*s"),
    ("exp({0})", "exp({0})"),
    ("-({0})/2", "({0})/(-2)"),
)


def declarations(rng: random.Random, *sides: str) -> str:
    """Declare the sizes; a statement with a free index or a single term has n >= 1."""
    text = " ".join(sides)
    fixed = re.search(r"\bk\b|\bl\b|[XYPM]\[[1-9n]", text)
    return f"{SIZES[0] if fixed else rng.choice(SIZES)}; {ARRAYS}" + (f"; {INDICES}" if fixed else "")


def true_sum(rng: random.Random) -> Drawn:
    """Draw one law of sums, between the same brackets on both sides."""
    law = rng.choice(LAWS)
    a, b = law(rng)
    left, right = rng.choice(OUTER)
    a, b = left.format(a), right.format(b)
    if rng.random() < 0.3:
        a, b = b, a
    return Drawn(f"sum {law.__name__}", declarations(rng, a, b), f"{a} = {b}")


SLIPS = (
    (r"\bn\b", ("m", "n-1", "n+1")), (r"\(i,1,", ("(i,0,", "(i,2,")), (r"\(j,1,", ("(j,0,", "(j,2,")),
    (r"\bk\b", ("l",)), (r"\bX\b", ("Y", "P")), (r"\bY\b", ("X",)), (r"\bi\b", ("j", "k")), (r"\bj\b", ("i",)),
    (r"\+", ("-",)), (r"-", ("+",)), (r"\*\*2", ("", "**3")), (r"\b2\b", ("3", "(2+1/1000)")), (r"\[i,j\]", ("[j,i]",)),
    (r"\bexp\b", ("tanh",)), (r"\bc\b", ("s",)),
)  # fmt: skip


def false_sum(rng: random.Random) -> Drawn:
    """Draw a law and make one slip on its right side."""
    true = true_sum(rng)
    a, b = true.goal.split(" = ")
    for _ in range(8):
        pattern, news = rng.choice(SLIPS)
        places = list(re.finditer(pattern, b))
        if not places:
            continue
        at = rng.choice(places)
        b = b[: at.start()] + rng.choice(news) + b[at.end() :]
        break
    return Drawn(f"{true.kind}: slip", declarations(rng, a, b), f"{a} = {b}")
