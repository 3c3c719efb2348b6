"""Claims on unbounded domains: covers by intervals, the substitution 1/t, integers relaxed beyond a finite family."""

import copy
import json
from fractions import Fraction

import pytest
from cases import build

from dltsym.notation.scope import Scope
from dltsym.notation.tree import Call
from dltsym.prove.decide import decide
from dltsym.prove.engines import boxes, tail
from dltsym.prove.problem import Problem, prepare
from dltsym.prove.replay import Rejected, replay
from dltsym.prove.replay import tail as checker
from dltsym.prove.verdict import Verdict


def claim(goal: str, *given: str, whole: tuple[str, ...] = (), hint: str = "") -> Problem:
    """Names in `whole` are integers, x and y real."""
    v = Scope()
    for name in ("x", "y", "c"):
        v.real(name)
    for name in whole:
        v.integer(name)
    return prepare(v.relations(goal)[0], [r for g in given for r in v.relations(g)], hint=hint)


def replays(problem: Problem, out: Verdict) -> bool:
    """Replay the certificate; a part that z3 helped with has none, nor has the contact exp(2) of the second."""
    certificate = json.loads(json.dumps(out.evidence["certificate"]))
    if certificate["kind"] == "none":
        return out.grade == "smt" or problem.goal.lhs == Call("log", (problem.goal.rhs.args[0],))
    replay(problem, certificate)
    return True


@pytest.mark.parametrize(
    ("goal", "given", "grades"),
    [
        ("x*log(1+1/x) <= 1", ("x>=1",), ("exact", "smt")),
        ("log(x)/x <= 3/8", ("x>=1",), ("exact",)),
        ("x/(1+x**2) <= 51/100", ("x>=0",), ("exact", "smt")),
        ("x**2/(1+x**4) <= 51/100", (), ("exact", "smt", "ball")),
        ("x*sg(x) >= -Rational(2785,10000)", (), ("exact", "ball")),
        ("x*log(1-1/x) >= -3/2", ("x<=-1",), ("exact", "smt", "ball")),
    ],
)
def test_real_tails(goal: str, given: tuple[str, ...], grades: tuple[str, ...]) -> None:
    problem = build(goal, given)
    out = tail.run(problem)
    assert out.status == "proved", out.evidence
    assert out.grade in grades
    assert replays(problem, out)


def test_the_hint_names_the_substitution() -> None:
    out = tail.run(claim("x*log(1+1/x) <= 1", "x>=1", hint="tail(x, 1/t)"))
    assert [p["put"] for p in out.evidence["parts"]] == ["0 + 1/t"]
    shifted = tail.run(claim("(x-1)*log(1+1/(x-1)) <= 1", "x>=2", hint="tail(x, 1 + 1/t)"))
    assert [p["put"] for p in shifted.evidence["parts"]] == ["1 + 1/t"]
    assert tail.run(claim("x*log(1+1/x) <= 1", "x>=1", hint="tail(y, 1/t)")).status == "open"


@pytest.mark.parametrize(
    ("goal", "given"),
    [
        ("log(n) <= sqrt(n)", ("n>=1",)),
        ("n**2 <= 2**n", ("n>=4",)),
        ("n+1 <= 2**n", ("n>=0",)),
        ("1/n+1/n**2 <= 2", ("n>=1",)),
        ("log(n+1) <= n", ("n>=0",)),
        ("log(n) <= n-1", ("n>0",)),
        ("log(2*n) <= 2*n-1", ("2*n>=1",)),
    ],
)
def test_integers_from_a_number_on(goal: str, given: tuple[str, ...]) -> None:
    problem = claim(goal, *given, whole=("n",))
    out = tail.run(problem)
    assert out.status == "proved", out.evidence
    assert replays(problem, out)
    assert [p["hi"] for p in out.evidence["parts"]][-1] == "oo"


# Each is false somewhere: in the tail, in the middle, at an end, or only far out.
FALSE = [
    ("x/(1+x**2) <= 49/100", ("x>=0",), ()),
    ("x*log(1+1/x) <= 9999/10000", ("x>=1",), ()),
    ("log(x) <= 10", ("x>=1",), ()),
    ("x**2/(1+x**4) <= 49/100", (), ()),
    ("x*sg(x) >= -Rational(2784,10000)", (), ()),
    ("sqrt(x**2+1)-x >= 1/1000", ("x>=0",), ()),
    ("n**2 <= 2**n", ("n>=3",), ("n",)),
    ("n**2 <= 2**n", ("n>=0",), ("n",)),
    ("log(n) <= sqrt(n)*73/100", ("n>=1",), ("n",)),
    ("(-1)**n <= 0", ("n>=0",), ("n",)),
    ("n <= 1000000", ("n>=0",), ("n",)),
    ("(-2)**n >= -100", ("n>=0",), ("n",)),
    ("binomial(n,2) <= 100", ("n>=2",), ("n",)),
    ("Sum(k, (k, 1, n)) <= 10000", ("n>=1",), ("n",)),
]


@pytest.mark.parametrize(("goal", "given", "whole"), FALSE)
def test_false_claims_are_never_proved(goal: str, given: tuple[str, ...], whole: tuple[str, ...]) -> None:
    problem = claim(goal, *given, whole=whole)
    assert tail.run(problem).status in ("open", "refuted")


@pytest.mark.parametrize("case", FALSE[:3])
def test_nor_does_the_whole_pipeline(case: tuple[str, tuple[str, ...], tuple[str, ...]]) -> None:
    assert decide(claim(case[0], *case[1], whole=case[2])).status in ("refuted", "open")


def test_an_integer_is_not_relaxed_where_it_must_be_whole() -> None:
    relaxed = checker.Interval(Fraction(1), None, relaxed=True)
    for goal in ("Sum(k, (k, 1, n)) >= 0", "binomial(n, 1) >= 0", "(-1)**(2*n) >= 0", "(c-1)**n >= 0"):
        problem = claim(goal, "n>=1", whole=("n",))
        n = next(s for s in problem.symbols if s.name == "n")
        with pytest.raises(Rejected, match="whole"):
            checker.part(problem, n, relaxed)


def test_a_hypothesis_that_needs_whole_numbers_is_dropped() -> None:
    """Over the reals ``(-2)**n`` has no value; the hypothesis may not be used there to prove anything."""
    problem = claim("n >= 2", "n>=1", "(-2)**n >= 0", whole=("n",))
    n = next(s for s in problem.symbols if s.name == "n")
    assert len(checker.part(problem, n, checker.Interval(Fraction(1), None, relaxed=True)).given) == 2


@pytest.mark.parametrize(
    "text", ["x*log(1+1/x)", "sqrt(x**3+1)/x", "(x**2-1)**(3/2)/x**3", "exp(-x)*x**5", "2**x/x", "(1+1/x)**x"]
)
@pytest.mark.parametrize(("put", "shift"), [(1, 0), (1, 2), (-1, -3)])
def test_the_rewriting_at_1_over_t_keeps_the_value(text: str, put: int, shift: int) -> None:
    """What is left over differs from the value by a power of t."""
    from dltsym.notation.evaluate import evaluate

    problem = claim(f"0 <= {text}")
    x = next(s for s in problem.symbols if s.name == "x")
    top = Fraction(shift) * x + put
    k, rest = checker.scaled(problem.goal.rhs, x, top)
    for t in (Fraction(1, 7), Fraction(2, 9)):
        old = evaluate(problem.goal.rhs, {"x": shift + put / t}, 128)
        new = evaluate(rest, {"x": t}, 128) * evaluate(x**k, {"x": t}, 128)
        assert old.overlaps(new) or not old.is_finite()
        assert old.is_finite() or put < 0


def compact() -> tuple[Problem, dict]:
    """A cover by boxes alone, whose certificate can be replayed."""
    problem = claim("x/(1+x**2) <= 51/100", "x>=0")
    intervals = [checker.Interval(Fraction(0), Fraction(2)), checker.Interval(Fraction(2), None, 1, Fraction(0))]
    x = next(s for s in problem.symbols if s.name == "x")
    parts = [{**checker.write(i), "certificate": boxes.run(checker.part(problem, x, i)).evidence["certificate"]}
             for i in intervals]  # fmt: skip
    return problem, json.loads(json.dumps({"kind": "tail", "variable": "x", "parts": parts}))


def rejected(problem: Problem, certificate: dict) -> bool:
    try:
        checker.check(problem, certificate)
    except (Rejected, KeyError, TypeError, ValueError, IndexError, AttributeError, ZeroDivisionError):
        return True
    return False


def test_box_and_tail_replay_together() -> None:
    problem, certificate = compact()
    checker.check(problem, certificate)


def test_tampered_covers_are_rejected() -> None:
    problem, certificate = compact()
    bad = []
    for k, changes in ((0, ({"lo": "1"}, {"hi": "1"}, {"hi": "3"}, {"put": "0 + 1/t"})),
                       (1, ({"lo": "3"}, {"hi": "10"}, {"put": ""}, {"put": "0 - 1/t"}, {"put": "1 + 1/t"},
                            {"put": "2 + 1/t"}, {"put": "0 + 2/t"}, {"lo": "1"}))):  # fmt: skip
        for change in changes:
            bad.append(copy.deepcopy(certificate))
            bad[-1]["parts"][k] |= change
    for parts in ([], certificate["parts"][:1], certificate["parts"][1:], certificate["parts"][::-1]):
        bad.append({**copy.deepcopy(certificate), "parts": parts})
    bad.append({**copy.deepcopy(certificate), "variable": "y"})
    for k in (0, 1):
        inner = certificate["parts"][k]["certificate"]
        bad.append(copy.deepcopy(certificate))
        bad[-1]["parts"][k]["certificate"]["members"][0]["tree"] = inner["members"][0]["tree"][:-1]
    assert [b for b in bad if not rejected(problem, b)] == []
    assert rejected(claim("x/(1+x**2) <= 51/100", "x>=-1"), certificate)
    assert rejected(claim("x/(1+x**2) <= 51/100"), certificate)
    assert rejected(claim("x/(1+x**2) <= 49/100", "x>=0"), certificate)
