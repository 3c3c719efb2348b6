"""Statements whose truth is a computation: integrals of derivatives, limits, finite families."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from fuzz_case import Drawn, certified
from fuzz_order import LEMMAS, at_contact

PRIMITIVES = (  # function of t and its derivative, both defined everywhere
    ("t**3", "3*t**2"), ("exp(a*t)", "a*exp(a*t)"), ("sin(t)", "cos(t)"), ("log(1+t**2)", "2*t/(1+t**2)"),
    ("atan(t)", "1/(1+t**2)"), ("exp(-t**2)", "-2*t*exp(-t**2)"), ("tanh(t)", "1-tanh(t)**2"),
    ("softplus(t)", "sigmoid(t)"),
    ("t*exp(t)", "(1+t)*exp(t)"), ("a*t", "a"), ("t**2*a", "2*a*t"), ("t**4/4-b*t", "t**3-b"),
    ("t*sin(t)", "sin(t)+t*cos(t)"),
    ("(t-1)*exp(t)", "t*exp(t)"), ("sqrt(1+t**2)", "t/sqrt(1+t**2)"), ("b*t-exp(-t)", "b+exp(-t)"),
)  # fmt: skip
WHOLE_LINE = (  # known values over half a line or the whole line, b > 0
    ("Integral(exp(-b*t),(t,0,oo))", "1/b"), ("Integral(t*exp(-b*t),(t,0,oo))", "1/b**2"),
    ("Integral(exp(-t**2/2),(t,-oo,oo))", "sqrt(2*pi)"), ("Integral(exp(-b*t**2),(t,-oo,oo))", "sqrt(pi/b)"),
    ("Integral(t*exp(-t**2/2),(t,-oo,oo))", "0*a"), ("Integral(t**2*exp(-t**2/2),(t,-oo,oo))", "sqrt(2*pi)"),
    ("Integral(exp(-(t-a)**2/2),(t,-oo,oo))", "sqrt(2*pi)"),
    ("Integral(exp(-t**2/2+a*t),(t,-oo,oo))", "sqrt(2*pi)*exp(a**2/2)"),
    ("Integral(max(t,0)*exp(-t**2/2),(t,-oo,oo))", "1+0*a"), ("Integral(t**3*exp(-t),(t,0,oo))", "6"),
    ("Integral(1/(1+t**2),(t,0,oo))", "pi/2"),
    ("Integral(cos(a*t)*exp(-t**2/2),(t,-oo,oo))", "sqrt(2*pi)*exp(-a**2/2)"),
)  # fmt: skip
LIMITS = (
    ("limit((exp(a*t)-1)/t,t,0)", "a"), ("limit(sin(a*t)/t,t,0)", "a"), ("limit((1-cos(t))/t**2,t,0)", "1/2"),
    ("limit(log(1+a*t**2)/t**2,t,0)", "a"), ("limit((a*t**2+t)/(t**2+b),t,oo)", "a"),
    ("limit(exp(-b*t)*t**3,t,oo)", "0*a"),
    ("limit(sqrt(t**2+a*t)-t,t,oo)", "a/2"), ("limit(log(t)/t,t,oo)", "0*a"), ("limit((1+b/t)**t,t,oo)", "exp(b)"),
    ("limit(tanh(b*t),t,oo)", "1"), ("limit(t*log(t),t,0,'+')", "0*a"), ("limit(abs(t)/t,t,0,'-')", "-1"),
    ("limit((exp(t)-1-t)/t**2,t,0)", "1/2"), ("limit(softplus(t)-t,t,oo)", "0*a"),
    ("limit(a*t**2+exp(t),t,b)", "a*b**2+exp(b)"),
    ("limit(b**t,t,0)", "1"), ("limit((t**2-b**2)/(t-b),t,b)", "2*b"), ("limit(max(t,a)-t,t,oo)", "0*a"),
)  # fmt: skip


def _put(text: str, value: str) -> str:
    return "".join(f"({value})" if c == "t" and not _inside_word(text, k) else c for k, c in enumerate(text))


def _inside_word(text: str, k: int) -> bool:
    return any(0 <= j < len(text) and (text[j].isalpha()) for j in (k - 1, k + 1))


def true_value(rng: random.Random) -> Drawn:
    """Draw an integral or a limit with its value."""
    match rng.choice(("primitive", "line", "limit", "limit")):
        case "primitive":
            f, df = rng.choice(PRIMITIVES)
            lo, hi = rng.choice((("0", "1"), ("0", "b"), ("-1", "2"), ("a", "a+b"), ("-b", "b"), ("0", "1/2")))
            left, right = f"Integral({df},(t,{lo},{hi}))", f"{_put(f, hi)}-({_put(f, lo)})"
        case "line":
            left, right = rng.choice(WHOLE_LINE)
        case _:
            left, right = rng.choice(LIMITS)
    scale, more = rng.choice(("", "2*", "a*")), rng.choice(("", "+b", "-a**2"))
    return Drawn("value", "a real; b pos", f"{scale}{left}{more} = {scale}({right}){more}")


def false_value(rng: random.Random) -> Drawn:
    """Draw an integral or a limit with another number than its value."""
    true = true_value(rng)
    off = rng.choice(("+1/1000", "-1", "+1/10**9", "+b", "-exp(a)/7", "+a**2+1"))
    return replace(true, kind="value: off", goal=true.goal + off)


FAMILIES: tuple[tuple[str, Callable[[int], Fraction]], ...] = (
    ("n*(n-5)", lambda n: Fraction(n * (n - 5))), ("1/(n+7)", lambda n: Fraction(1, n + 7)),
    ("n**3-7*n**2+1", lambda n: Fraction(n**3 - 7 * n**2 + 1)),
    ("2**n/(n**2+1)", lambda n: Fraction(2) ** n / (n**2 + 1)),
    ("Sum(k**2,(k,1,n))-n**2", lambda n: Fraction(sum(k * k for k in range(1, n + 1)) - n * n)),
    ("abs(n-3)*(n-4)", lambda n: Fraction(abs(n - 3) * (n - 4))), ("max(n,6-n)", lambda n: Fraction(max(n, 6 - n))),
    ("(-1)**n*n", lambda n: Fraction((-1) ** n * n)), ("(n-1/3)**2", lambda n: (n - Fraction(1, 3)) ** 2),
)  # fmt: skip


def _family(rng: random.Random) -> tuple[str, str, tuple[str, ...], list[Fraction]]:
    text, f = rng.choice(FAMILIES)
    lo = rng.randint(0, 6) if "Sum" in text else rng.randint(-5, 4)
    hi = lo + rng.randint(0, 12)
    values = [f(n) for n in range(lo, hi + 1)]
    if rng.random() < 0.5:
        return text, f"n integer lo={lo} hi={hi}", (), values
    low = rng.choice((f"{lo} <= n", f"{lo}-1 < n", f"{2 * lo - 1}/2 <= n", f"{2 * lo} <= 2*n"))
    return text, "n integer", (low, rng.choice((f"n <= {hi}", f"n < {hi}+1", f"n < {2 * hi + 1}/2"))), values


def true_family(rng: random.Random) -> Drawn:
    """Draw a bound on a function of an integer in a finite range."""
    text, declare, given, values = _family(rng)
    top, bottom = max(values), min(values)
    goal = rng.choice((f"{text} <= {top}", f"{text} < {top}+1/1000", f"{bottom} <= {text}", f"{text} != {top}+1/7"))
    return Drawn("family", declare, goal, given)


def false_family(rng: random.Random) -> Drawn | None:
    """Draw a bound that one member misses."""
    text, declare, given, values = _family(rng)
    top, some = max(values), rng.choice(values)
    goal = rng.choice(
        (f"{text} < {top}", f"{text} <= {top}-1/1000", f"{min(values)}+1/10**9 <= {text}", f"{text} != {some}")
    )
    return certified(Drawn("family: missed", declare, goal, given), iter({"n": Fraction(n)} for n in range(-6, 30)))


def _boxed(rng: random.Random) -> tuple[str, str, str, tuple[str, ...], dict[str, Fraction]]:
    lemma = rng.choice([x for x in LEMMAS if x.contact and "array" not in x.declare])
    contact = at_contact(lemma)
    bounds = [
        f"{c}-{rng.choice(('1/8', '1/3', '1/2'))} <= {s} <= {c}+{rng.choice(('1/9', '1/4'))}"
        for s, c in contact.items()
    ]
    return lemma.less, lemma.more, lemma.declare, (*lemma.given, *bounds), contact


def true_boxed(rng: random.Random) -> Drawn:
    """Draw a lemma with some slack on a box around its contact."""
    less, more, declare, given, _ = _boxed(rng)
    return Drawn("boxed", declare, f"{less} {rng.choice(('<', '<='))} {more}+{rng.choice(('1/10', '1/100'))}", given)


def false_boxed(rng: random.Random) -> Drawn | None:
    """Draw a lemma that asks for a little more than there is at the contact, on a box around it."""
    less, more, declare, given, contact = _boxed(rng)
    short = rng.choice(("1/100", "1/10**5", "1/10**9", "1/10**15"))
    return certified(Drawn("boxed: short", declare, f"{less}+{short} <= {more}", given), iter((contact,)))
