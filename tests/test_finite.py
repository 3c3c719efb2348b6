"""E7: finite families over integers, their certificates, and that nothing is said beyond the range."""

import copy
import json
from fractions import Fraction

import pytest

from dltsym.notation.scope import Scope
from dltsym.prove.engines import finite
from dltsym.prove.problem import Problem, prepare
from dltsym.prove.replay import Rejected
from dltsym.prove.replay import finite as checker

XI = "Sum(binomial(n,k)*(k/n)**k*(1-k/n)**(n-k),(k,0,n))"


def family(goal: str, *given: str, whole: tuple[str, ...] = ("n",)) -> Problem:
    v = Scope()
    for name in whole:
        v.integer(name)
    return prepare(v.relations(goal)[0], [r for g in given for r in v.relations(g)])


def decided(goal: str, *given: str, whole: tuple[str, ...] = ("n",)) -> tuple[str, str, int]:
    problem = family(goal, *given, whole=whole)
    out = finite.run(problem)
    if out.status == "proved":
        checker.check(problem, json.loads(json.dumps(out.evidence["certificate"])))
    return out.status, out.grade, out.evidence.get("members", 0)


@pytest.mark.parametrize("goal", [f"sqrt(n) <= {XI}", f"{XI} <= 2*sqrt(n)"])
def test_row_b07(goal: str) -> None:
    assert decided(goal, "1<=n", "n<=300") == ("proved", "ball", 300)


def test_row_x5_fails_at_8_only() -> None:
    out = finite.run(family(f"{XI} <= 3/2*sqrt(n)", "8<=n", "n<=300"))
    assert (out.status, out.witness) == ("refuted", {"n": "8"})
    assert decided(f"{XI} <= 3/2*sqrt(n)", "9<=n", "n<=300") == ("proved", "ball", 292)


@pytest.mark.parametrize(
    ("goal", "given", "grade", "members"),
    [
        ("n**2 <= 2**n", ("4<=n", "n<=40"), "exact", 37),
        ("Sum(k, (k, 1, n)) = n*(n+1)/2", ("0<=n", "n<=30"), "exact", 31),
        (f"{XI} <= n+1", ("1<=n", "n<=30"), "exact", 30),
        ("sqrt(n) < n+1/2", ("0<=n", "n<=30"), "ball", 31),
        ("exp(n) != n+3", ("1<=n", "n<=9"), "ball", 9),
        ("n**3 >= n", ("0<n", "n<5", "n!=3"), "exact", 3),  # strict ends, and a hole
        ("n**2 <= 9", ("n**2<=9",), "exact", 7),  # a range from an even power
        ("2*n <= 20", ("0<=n", "3*n+1<=31"), "exact", 11),  # and from a linear hypothesis
    ],
)
def test_true_families(goal: str, given: tuple[str, ...], grade: str, members: int) -> None:
    assert decided(goal, *given) == ("proved", grade, members)


def test_two_integers() -> None:
    both = ("n", "m")
    assert decided("m*n <= (m**2+n**2)/2", "1<=n", "n<=12", "1<=m", "m<=n", whole=both) == ("proved", "exact", 78)
    assert decided("binomial(n,m) <= 2**n", "1<=n", "n<=12", "0<=m", "m<=n", whole=both) == ("proved", "exact", 90)
    out = finite.run(family("binomial(n,m) <= 900", "1<=n", "n<=12", "0<=m", "m<=n", whole=both))
    assert (out.status, out.witness) == ("refuted", {"n": "12", "m": "6"})


def test_binomial_outside_its_range_has_no_value() -> None:
    out = finite.run(family("binomial(n,m) >= 0", "1<=n", "n<=3", "0<=m", "m<=3", whole=("n", "m")))
    assert out.status == "open"


FALSE = [
    ("n**2 <= 2**n", ("2<=n", "n<=40")),
    ("sqrt(n) <= n", ("-1<=n", "n<=5")),
    (f"{XI} <= 2*sqrt(n)-1/1000000", ("1<=n", "n<=9")),
    (f"{XI} < 2*sqrt(n)", ("1<=n", "n<=9")),
    ("sqrt(n**2+1) <= n+49999/1000000", ("1<=n", "n<=10")),
    ("exp(n) = n+1", ("0<=n", "n<=3")),
    ("sqrt(n)**2 = n+1/10**60", ("2<=n", "n<=3")),
]


@pytest.mark.parametrize(("goal", "given"), FALSE)
def test_false_families_are_never_proved(goal: str, given: tuple[str, ...]) -> None:
    assert finite.run(family(goal, *given)).status in ("refuted", "open")


@pytest.mark.parametrize(
    ("goal", "given", "why"),
    [
        ("n >= 0", ("n>=0",), "not confined"),  # nothing is ever said for all n
        ("n >= 0", ("0<=n", "n<=1000000"), "at most"),
        ("n >= 5", ("n<=0", "n>=1"), "contradict"),
        ("n >= 5", ("1<n", "n<2"), "no member"),
        ("n >= 5", ("0<=n", "n<=3", "n!=n"), "no member"),
        ("sqrt(2)**(2*n) = 2**n", ("1<=n", "n<=3"), "undecided"),  # equality is never read off balls
    ],
)
def test_what_stays_open(goal: str, given: tuple[str, ...], why: str) -> None:
    out = finite.run(family(goal, *given))
    assert out.status == "open"
    assert why in out.evidence["reason"]


def test_a_real_variable_is_no_family() -> None:
    v = Scope()
    x = v.real("x")
    assert finite.run(prepare(x * x >= 0, [x >= 0, x <= 1])).status == "open"


def rejected(problem: Problem, certificate: dict) -> bool:
    try:
        checker.check(problem, certificate)
    except (Rejected, KeyError, TypeError, ValueError, IndexError):
        return True
    return False


def test_tampered_certificates_are_rejected() -> None:
    problem = family("sqrt(n) < n+1/2", "0<=n", "n<=6")
    certificate = finite.run(problem).evidence["certificate"]
    assert not rejected(problem, certificate)
    bad = []
    for k, (values, bits, margin) in enumerate(certificate["members"]):
        more = str(Fraction(margin) * 2) if margin else "1/2"
        for new in ([[values[0] + 1], bits, margin], [[values[0] - 1], bits, margin], [values, bits, more],
                    [values, bits, f"-{more}"], [values, 0 if bits else 64, margin], [values, 0, "1"]):  # fmt: skip
            bad.append(copy.deepcopy(certificate))
            bad[-1]["members"][k] = new
        bad.append(copy.deepcopy(certificate))
        del bad[-1]["members"][k]
    for k, (name, side, value, text) in enumerate(certificate["sides"]):
        for new in ([name, side, str(int(value) + 1), text], [name, side, str(int(value) - 1), text],
                    [name, side, value, f"{text} + 1"], ["m", side, value, text]):  # fmt: skip
            bad.append(copy.deepcopy(certificate))
            bad[-1]["sides"][k] = new
    bad.append({**certificate, "members": []})
    bad.append({**certificate, "members": [*certificate["members"], [[7], 64, "1"]]})
    assert [b for b in bad if not rejected(problem, b)] == []
    assert rejected(family("sqrt(n) < n+1/2", "0<=n", "n<=7"), certificate)
    assert rejected(family("sqrt(n) < n", "0<=n", "n<=6"), certificate)
