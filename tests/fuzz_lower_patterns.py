"""Shapes that a compiler rewrites on purpose: differences that cancel, moments, segments, rounds, rare functions."""

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dltsym.notation.folds_api import iterate, prod_over, sum_over
from dltsym.notation.tree import Call, Expr, Num, Sym
from dltsym.notation.walk import substitute

if TYPE_CHECKING:
    from fuzz_lower_terms import Terms

Scope = dict[Sym, str]
ONE = Num(Fraction(1))


def call(name: str, *args: Any) -> Expr:
    """Apply a function."""
    return Call(name, tuple(a if isinstance(a, Expr) else Num(Fraction(a)) for a in args))


def rare(t: "Terms", scope: Scope, depth: int) -> Expr:
    """Return a function of the table on an argument in its domain."""
    real, pos, unit = t.tame(scope, depth - 1), t.positive(scope, depth - 2), t.entry(scope, "unit")
    smooth = ("sinh", "cosh", "relu", "expm1", "logsigmoid", "log_cosh", "sech2", "erfc", "log_ndtr", "phi1", "expm1mx")
    return t.one(
        lambda: call(t.one(*smooth), real),
        lambda: call(t.one("lgamma", "digamma", "trigamma", "log1p", "rsqrt", "xlogx", "log1pmx", "log1mexp"), pos),
        lambda: call(t.one("asin", "acos", "binary_entropy"), unit),
        lambda: call("kl_bernoulli", unit, t.entry(scope, "unit")),
        lambda: call("logaddexp", real, t.score(scope, 0) if scope else real),
        lambda: call("huber", real, t.one(1, Fraction(1, 2))),
        lambda: call("xlogy", real, pos),
        lambda: call("sign", real) * t.leaf(scope),
    )()


def cancelling(t: "Terms", scope: Scope, depth: int) -> Expr:
    """Return a difference of nearby numbers."""
    x, p, u, w = (t.entry(scope, kind) for kind in ("real", "pos", "unit", "unit"))
    forms: list[Callable[[], Expr]] = [
        lambda: call("exp", x) - 1,
        lambda: (call("exp", x) - 1) / x,
        lambda: 1 - call("cos", x),
        lambda: call("sqrt", 1 + p) - 1,
        lambda: call("log", p) - call("log", t.entry(scope, "pos")),
        lambda: 1 - call(t.one("tanh", "sigmoid", "erf"), x),
        lambda: 1 - call("tanh", x) ** 2,
        lambda: u * call("log", u / w) + (1 - u) * call("log", (1 - u) / (1 - w)),
        lambda: p - 1 - call("log", p),
        lambda: call("log", 1 + call("exp", x)),
        lambda: call("log", 1 - u),
        lambda: 1 - u**3,
    ]
    return t.one(*forms)()


def moment(t: "Terms", scope: Scope, depth: int) -> Expr:
    """Return a variance, a covariance, a normalised entry, a squared distance or a product of complements."""
    size, name = t.within(scope)  # type: ignore[misc]
    shared: dict[str, Any] = {}

    def entry(kind: str, s: Sym) -> Expr:
        if kind not in shared:
            shared[kind] = (s, t.entry({**scope, s: name}, kind, (s,)))
        first, e = shared[kind]
        return e if first == s else substitute(e, {first: s})

    mean = lambda f: sum_over(size, f) / size  # noqa: E731
    forms: list[Callable[[], Expr]] = [
        lambda: mean(lambda s: entry("real", s) ** 2) - mean(lambda s: entry("real", s)) ** 2,
        lambda: (
            mean(lambda s: entry("real", s) * entry("unit", s))
            - mean(lambda s: entry("real", s)) * mean(lambda s: entry("unit", s))
        ),
        lambda: sum_over(size, lambda s: (entry("real", s) - entry("decay", s)) ** 2),
        lambda: call("exp", -sum_over(size, lambda s: (entry("real", s) - entry("decay", s)) ** 2) / 2),
        lambda: ONE - prod_over(size, lambda s: 1 - entry("unit", s)),
        lambda: sum_over(size, lambda s: entry("pos", s) * call("log", entry("pos", s) / entry("unit", s))),
        lambda: divergence(size, lambda s: entry("real", s), lambda s: entry("decay", s)),
    ]
    same = [i for i in scope if scope[i] == name]
    if same:
        i = t.one(*same)
        spread = mean(lambda s: entry("real", s) ** 2) - mean(lambda s: entry("real", s)) ** 2
        centred = entry("real", i) - mean(lambda s: entry("real", s))
        forms.append(lambda: centred / call("sqrt", spread + Fraction(1, 100000)))
    return t.one(*forms)()


def divergence(size: Any, f: Callable[[Sym], Expr], g: Callable[[Sym], Expr]) -> Expr:
    """Return the relative entropy of two softmaxes, or the entropy of one."""

    def soft(h: Callable[[Sym], Expr], s: Sym) -> Expr:
        return call("exp", h(s)) / sum_over(size, lambda r: call("exp", h(r)))

    return sum_over(size, lambda s: soft(f, s) * call("log", soft(f, s) / soft(g, s)))


def segment(t: "Terms", scope: Scope, depth: int) -> Expr:
    """Return a sum of products over intervals that end at an index."""
    if not scope:
        return t.total(scope, depth)
    at = t.one(*scope)
    rest = {i: s for i, s in scope.items() if i != at}
    wide = lambda s: {**rest, s: scope[at]}  # noqa: E731
    rate = t.array("decay", (scope[at],))
    if t.chance(50):
        inner = lambda s: call("exp", sum_over((s + 1, at), lambda r: rate[r]))  # noqa: E731
    else:
        inner = lambda s: prod_over((s + 1, at), lambda r: rate[r])  # noqa: E731
    return sum_over((1, at), lambda s: inner(s) * t.entry(wide(s), "real", (s,)))


def rounds(t: "Terms", scope: Scope, depth: int) -> Expr:
    """Return the result of a few rounds of an update."""
    count = t.one(2, 1, 3)
    if not scope or t.chance(30):
        x = t.entry(scope, "real")
        return iterate(count, {"h": ([], 1, lambda h: call("tanh", x * h) + x)}, lambda h: h)
    at = t.one(*scope)
    name = scope[at]
    matrix, start = t.array("decay", (name, name)), t.array("real", (name,))
    if t.chance(50):
        step = lambda i, h: call("tanh", sum_over(t.size[name], lambda s: matrix[i, s] * h[s])) + start[i]  # noqa: E731
        return iterate(count, {"h": (t.size[name], 0, step)}, lambda h: h[at])
    up = lambda i, w: 1 / sum_over(t.size[name], lambda s: call("exp", matrix[i, s]) * w[s])  # noqa: E731
    down = lambda j, u: 1 / sum_over(t.size[name], lambda s: call("exp", matrix[s, j]) * u[s])  # noqa: E731
    states = {"u": (t.size[name], 1, up), "w": (t.size[name], 1, down)}
    return iterate(count, states, lambda u, w: call("log", u[at]) * w[at], simultaneous=t.chance(40))
