"""The independent checker: true certificates replay, altered ones do not, its own rules prove nothing false."""

import json
import random
import re
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from typing import Any

import pytest
from altered import altered, changes
from cases import ALL, IDENTITIES, Case, build

from dltsym.errors import DltsymError
from dltsym.notation.evaluate import evaluate, holds
from dltsym.notation.parse import parse_expr, parse_relations
from dltsym.notation.tree import Add, Call, Decl, Div, Expr, Mul, Neg, Num, Pow, Rel, Sym
from dltsym.notation.walk import expand_definitions
from dltsym.prove.decide import confirmed, decide
from dltsym.prove.engines import direct, exact, ladder, loglinear, termwise
from dltsym.prove.problem import Problem
from dltsym.prove.replay import Rejected, replay
from dltsym.prove.replay.defined import gap
from dltsym.prove.replay.place import Bad, Place
from dltsym.prove.replay.series import need_slope
from dltsym.prove.replay.side import Store, enclose
from dltsym.prove.sample import refute
from dltsym.prove.verdict import OPEN, PROVED, Verdict, proved

LADDERS = [k for k in ALL if re.fullmatch(r"L\d\d", k)]
OTHERS = ["T01", "T02", "T03", "P01", "P02", "P06", "P08"]
MORE = {
    "strict": Case("", "exp(x) > 1+x", ("x!=0",)),
    "isolated": Case("", "kl(p,q) > 0", ("0<p", "p<1", "0<q", "q<1", "p!=q")),
    "constant": Case("", "log(1+x) <= x+1", ("x>=0",)),
    "root": Case("", "sqrt(x*y) <= (x+y)/2", ("x>0", "y>0")),
    "erf": Case("", "erf(x) <= 2*x/sqrt(pi)", ("x>=0",)),
    "entropy": Case("", "binary_entropy(p) <= log(2)-2*(p-1/2)**2", ("0<p", "p<1")),
    "one term": Case("", "Sum(P[i]**2,(i,1,n)) >= P[k]**2", ("1<=k", "k<=n")),
    "two variables": Case("", "1-p+p*exp(s) <= exp(p*s+s**2/8)", ("0<p", "p<1")),
    "pole": Case("", "log(x) <= x-1", ("x>0",)),
}
CASES = {**{k: ALL[k] for k in (*LADDERS, *OTHERS)}, **MORE}


@lru_cache
def found(name: str) -> tuple[Problem, dict[str, Any]]:
    """Prove a case with the engines that write the certificates of this file."""
    problem = build(CASES[name])
    for engine in (direct, ladder, termwise):
        out = engine.run(problem)
        if out.status == PROVED:
            return problem, json.loads(json.dumps(out.evidence["certificate"]))
    raise AssertionError(f"{name} is not proved")


def accepts(problem: Problem, certificate: dict[str, Any]) -> bool:
    """Whether the checker accepts; anything but `Rejected` is an error of the checker."""
    try:
        replay(problem, certificate)
    except Rejected:
        return False
    return True


@pytest.mark.parametrize("name", CASES)
def test_every_proof_has_a_certificate_that_replays(name: str) -> None:
    problem, certificate = found(name)
    replay(problem, certificate)


# What an accepted change may touch: an end of a substitution or of the interval (a weaker one may do), another proof of
# the same sign, the sign of a polynomial in an even power. What it proves is the same, and was checked again.
HARMLESS = {"num", "poly", "contact", "domain", "low", "high", "plan", "last", "body", "by"}


@pytest.mark.parametrize("name", CASES)
def test_altered_certificates_are_rejected(name: str) -> None:
    problem, certificate = found(name)
    every = list(changes(certificate))
    some = every[:: max(1, len(every) // 12)]
    accepted = [path for path, new in some if accepts(problem, altered(certificate, path, new))]
    assert all(any(p in HARMLESS for p in path[-2:]) for path in accepted), accepted
    assert len(accepted) <= 0.2 * len(some), accepted


def neighbours(case: Case) -> Iterator[Case]:
    """Yield statements with one number changed, one relation turned round, one hypothesis dropped."""
    for m in re.finditer(r"(?<![\w.])\d+", case.statement):
        for d in (1, -1):
            yield case._replace(statement=case.statement[: m.start()] + str(int(m[0]) + d) + case.statement[m.end() :])
    for a, b in (("<=", ">="), (">=", "<="), ("<=", "<"), (">=", ">")):
        if a in case.statement and not case.statement.count("< "):
            yield case._replace(statement=case.statement.replace(a, b))
    for k in range(len(case.given)):
        yield case._replace(given=(*case.given[:k], *case.given[k + 1 :]))


@pytest.mark.parametrize("name", CASES)
def test_a_certificate_proves_no_other_claim(name: str) -> None:
    problem, certificate = found(name)
    for other in neighbours(CASES[name]):
        try:
            target = build(other)
        except DltsymError:  # a number that was a limit or an exponent may not parse any more
            continue
        if target.key != problem.key and accepts(target, certificate):
            # a hypothesis that was not needed may go, and a sign may be better than what was asked for
            assert (target.goal.lhs, target.goal.rhs) == (problem.goal.lhs, problem.goal.rhs), other
            assert {str(r) for r in target.given} <= {str(r) for r in problem.given}
            assert refute(target, points=32) is None


@pytest.mark.parametrize("name", LADDERS)
def test_a_certificate_does_not_fit_another_function(name: str) -> None:
    certificate = found(name)[1]
    if "function" not in certificate:
        return
    for other in neighbours(CASES[name]):
        try:
            target = build(other)
        except DltsymError:
            continue
        goal = expand_definitions(target.goal)
        for part in (f"{goal.rhs} - ({goal.lhs})", f"log({goal.rhs}) - log({goal.lhs})"):
            if accepts(target, {**certificate, "function": part}):
                assert refute(target, points=64) is None, other


@pytest.mark.parametrize("row", [c for c in IDENTITIES if re.fullmatch(r"I\d\d", c.id)], ids=lambda c: c.id)
def test_identities_are_checked_again(row: Case) -> None:
    problem = build(row)
    out = exact.run(problem)
    out = out if out.status == PROVED else loglinear.run(problem)
    replay(problem, json.loads(json.dumps(out.evidence["certificate"])))


FALSE = [c for k, c in ALL.items() if re.fullmatch(r"M0[1-6]", k)]


@pytest.mark.parametrize("row", FALSE, ids=lambda c: c.id)
def test_false_identities_are_not(row: Case) -> None:
    for logs in ({}, {"logs": True}):
        assert not accepts(build(row), {"kind": "identity", **logs})


@pytest.mark.parametrize("bad", [{}, {"kind": "ladder"}, {"kind": "direct", "sign": 3}, {"kind": []}])
def test_malformed_certificates_are_rejected(bad: dict[str, Any]) -> None:
    assert not accepts(build(ALL["L03"]), bad)


def test_unknown_fields_are_rejected() -> None:
    problem, certificate = found("L03")
    assert not accepts(problem, {**certificate, "note": "trust me"})


# ---- the door ----


def tampered() -> tuple[Problem, Verdict]:
    problem, certificate = found("L25")
    bad = altered(certificate, ("sign", "content"), "-1/2")
    return problem, proved("direct", "exact", certificate=bad)


def test_a_rejected_certificate_is_no_proof() -> None:
    out = confirmed(*tampered())
    assert (out.status, out.evidence["internal"]) == (OPEN, True)
    assert "certificate rejected" in out.evidence["reason"]


def test_a_stored_verdict_is_replayed() -> None:
    class Memory:
        def __init__(self) -> None:
            self.kept: dict[str, Any] = {}

        def get(self, key: str) -> Any:
            return self.kept.get(key)

        def put(self, key: str, value: Any) -> None:
            self.kept[key] = value

    problem, memo = found("L25")[0], Memory()
    assert decide(problem, memo=memo).grade == "exact"
    (stored,) = memo.kept.values()
    stored["seconds"] = 1e9
    assert decide(problem, memo=memo).seconds == 1e9
    stored["evidence"]["certificate"] = {"kind": "constants", "bits": 64}
    assert decide(problem, memo=memo).seconds < 1e9  # not the stored one


# ---- the checker's own rules, against values ----

X, Y, N = Sym(Decl("x", "real")), Sym(Decl("y", "real")), Sym(Decl("n", "integer"))
NAMES = {"x": X, "y": Y, "n": N}
FACTS = tuple(r for t in ("0 < x", "x < 2", "-1 <= y", "y <= x", "1 <= n") for r in parse_relations(t, NAMES))


def tree(rng: random.Random, depth: int) -> Expr:
    """Return a random tree in x, y and n."""
    if depth == 0:
        return rng.choice([X, Y, N, Num(Fraction(rng.randint(-3, 3), rng.randint(1, 3)))])
    a, b = tree(rng, depth - 1), tree(rng, depth - 1)
    small = Num(Fraction(rng.randint(-2, 3)))
    unary = [Call(f, (a,)) for f in ("exp", "log", "sqrt", "abs", "sin", "erf", "tanh", "sigmoid")]
    return rng.choice([Add((a, b)), Add((a, Neg(b))), Mul((a, b)), Div(a, b), Pow(a, small), Neg(a), *unary])


def points(rng: random.Random) -> Iterator[dict[str, Fraction]]:
    """Yield points that satisfy the facts, some of them on the edge."""
    while True:
        x = Fraction(rng.randint(1, 39), 20)
        y = rng.choice([x, Fraction(-1), Fraction(rng.randint(-20, 39), 20)])
        at = {"x": x, "y": y, "n": Fraction(rng.randint(1, 4))}
        if all(holds(r, at) for r in FACTS):
            yield at


def test_enclosures_hold() -> None:
    rng, tight = random.Random(5), 0
    for _ in range(400):
        e = tree(rng, 2)
        box = enclose(e, Store(FACTS))
        tight += box.low is not None or box.high is not None
        for _, at in zip(range(4), points(rng), strict=False):
            value = evaluate(e, at, 100)
            if not value.is_finite():
                continue
            for end, open_, side in ((box.low, box.low_open, 1), (box.high, box.high_open, -1)):
                if end is not None:
                    away = (value - evaluate(Num(end), {}, 100)) * side
                    assert not away < 0, (e, at, box)
                    assert not (open_ and away == 0), (e, at, box)
    assert tight > 100


def test_what_is_said_to_be_defined_is() -> None:
    rng, shown = random.Random(6), 0
    for _ in range(300):
        e = tree(rng, 2)
        if gap(Store(FACTS), e) is not None:
            continue
        shown += 1
        for _, at in zip(range(4), points(rng), strict=False):
            assert evaluate(e, at, 200).is_finite(), (e, at)
    assert shown > 60


def test_what_is_said_to_vanish_does() -> None:
    rng, equal = random.Random(7), 0
    store = Store(())
    for _ in range(300):
        a, c, two = tree(rng, 2), tree(rng, 1), Num(Fraction(2))
        pairs = [
            (a, c),
            (a, Call("exp", (Call("log", (a,)),))),
            (a, Call("sqrt", (Pow(a, two),))),
            (a, Pow(Call("sqrt", (a,)), two)),
            (Call("log", (Pow(a, two),)), Mul((two, Call("log", (a,))))),
            (Call("sqrt", (Mul((a, c)),)), Mul((Call("sqrt", (a,)), Call("sqrt", (c,))))),
            (Call("log", (Div(a, c),)), Add((Call("log", (a,)), Neg(Call("log", (c,)))))),
        ]
        left, right = rng.choice(pairs)
        e = Add((left, Neg(right)))
        if not store.zero(e):
            continue
        equal += 1
        for _ in range(4):
            at = {"x": Fraction(rng.randint(-9, 9), 4), "y": Fraction(rng.randint(-9, 9), 5), "n": Fraction(2)}
            value = evaluate(e, at, 100)
            assert not value.is_finite() or value.contains(0), (e, at)
    assert equal > 40


NOT_ZERO = [
    "sqrt(x**2)-x",
    "abs(x)-x",
    "x**n-abs(x)**n",
    "log(x**2)-2*log(x+1)",
    "sqrt(x**2*y)-x*sqrt(y)",
    "exp(x)-1-x",
]


@pytest.mark.parametrize("text", NOT_ZERO)
def test_signs_are_not_assumed(text: str) -> None:
    assert not Store(()).zero(parse_expr(text, NAMES))


NOT_SHOWN = ["x < 1", "y > 0", "x*y >= 0", "n > 1", "x - y > 0", "x**2 < x", "log(x) < 0", "1/(1-x) > 0", "y != 0"]


@pytest.mark.parametrize("text", NOT_SHOWN)
def test_false_relations_do_not_follow(text: str) -> None:
    (rel,) = parse_relations(text, NAMES)
    assert not Store(FACTS).follows(rel)


def test_a_wrong_derivative_is_seen() -> None:
    place = Place(NAMES, Store(FACTS))
    need_slope(parse_expr("x*log(x)", NAMES), parse_expr("1 + log(x)", NAMES), X, place)
    with pytest.raises(Bad):
        need_slope(parse_expr("x*log(x)", NAMES), parse_expr("log(x)", NAMES), X, place)


def test_no_sum_is_counted_over_a_range_that_may_be_negative() -> None:
    v = {"m": Sym(Decl("m", "integer"))}
    sides = parse_expr("Sum(1, (i, 1, m))", v), parse_expr("m", v)
    assert not accepts(Problem(Rel(sides[0], "=", sides[1])), {"kind": "identity"})
    fact = parse_relations("0 <= m", v)
    assert accepts(Problem(Rel(sides[0], "=", sides[1]), fact), {"kind": "identity"})
