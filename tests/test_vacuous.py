"""Hypotheses that contradict each other: with a minimal set, over the reals and over the integers."""

import random
from fractions import Fraction
from itertools import product

import pytest
from small_records import problem, report, state

from dltsym.prove.integers import no_integers
from dltsym.prove.vacuous import satisfied_at, vacuous
from dltsym.prove.verdict import Verdict

IMPOSSIBLE = [
    ("n integer", ["2*n = 7"], ["2*n = 7"]),
    ("n integer", ["n = 1/2"], ["n = 1/2"]),
    ("n integer", ["1 < n", "n < 2"], ["1 < n", "n < 2"]),
    ("n integer", ["3*n >= 4", "3*n <= 5", "n >= -7"], ["4 <= 3*n", "3*n <= 5"]),
    ("n integer; m integer", ["2*n + 4*m = 7", "n >= 0"], ["2*n + 4*m = 7"]),
    ("n integer; m integer", ["3*n + 5*m = 1", "n = m"], ["3*n + 5*m = 1", "n = m"]),
    ("n integer; m integer", ["6*n + 10*m = 15"], ["6*n + 10*m = 15"]),
    ("n integer; m integer", ["n = 2*m", "1 < n", "n < 4", "n != 2", "m >= 2"], ["n = 2*m", "n < 4", "2 <= m"]),
    ("n integer", ["2*n**2 = 5"], ["2*n**2 = 5"]),
    ("n integer; m integer", ["4*n*m = 6"], ["4*n*m = 6"]),
    ("n count", ["n < 1"], ["n < 1", "1 <= n"]),
    ("n integer lo=3 hi=2", [], ["3 <= n", "n <= 2"]),
    ("n integer; m integer; k integer", ["n + m = 1", "m + k = 1", "n + k = 1"], None),
    ("n integer; m integer", ["1 < 2*n + 2*m", "2*n + 2*m < 2"], None),
]


@pytest.mark.parametrize(("declare", "given", "core"), IMPOSSIBLE, ids=lambda x: str(x)[:40])
def test_no_integers_satisfy_them(declare: str, given: list[str], core: list[str] | None) -> None:
    found = no_integers(problem(declare, "n >= -1000", given))
    assert list(found) == (core or given)
    verdict = satisfied_at(problem(declare, "n >= -1000", given))
    assert isinstance(verdict, Verdict)
    assert (verdict.status, verdict.evidence["contradiction"]) == ("vacuous", list(found))


POSSIBLE = [
    ("n integer", ["2*n = 8"]), ("n integer", ["1 < n", "n < 3"]), ("n real", ["2*n = 7"]), ("n real", ["1<n", "n<2"]),
    ("n integer; m integer", ["2*n + 3*m = 7"]), ("n integer; m integer", ["6*n + 10*m = 4", "n + m = 2"]),
    ("n integer; x real", ["2*n = x", "x = 7/2 + 1/2"]), ("n integer; x real", ["n = x", "0 < x", "x < 2"]),
    ("n integer", ["n != 1", "0 <= n", "n <= 2"]), ("n integer; m integer", ["n*m = 6", "n = 2*m + 1"]),
    ("n integer lo=0; k index n", ["2*k = 7"]), ("n integer lo=0; k index n", ["k > n"]), ("n integer", ["n/2 <= 1/3"]),
    ("n integer; m integer", ["2**n = 8"]), ("n count", ["sqrt(n) = 2"]),
]  # fmt: skip


@pytest.mark.parametrize(("declare", "given"), POSSIBLE, ids=lambda x: str(x)[:40])
def test_what_can_hold_is_not_called_contradictory(declare: str, given: list[str]) -> None:
    assert no_integers(problem(declare, "n >= -1000", given)) == ()
    assert vacuous(problem(declare, "n >= -1000", given)) is None


def test_an_index_of_the_claim_has_a_range_with_something_in_it() -> None:
    verdict = satisfied_at(problem("n integer lo=0; k index n", "k >= 0", ["2*k = 7"]))
    assert isinstance(verdict, Verdict)
    assert verdict.engine == "integers"
    assert isinstance(satisfied_at(problem("n integer lo=0; k index n", "k >= 0", ["k > n"])), Verdict)


def test_no_small_solution_is_ever_missed() -> None:
    """Random linear systems that have a solution in a small box are never called contradictory."""
    rng, found = random.Random(7), 0
    for _ in range(400):
        names = ["n", "m", "k"][: rng.randint(1, 3)]
        rows = []
        for _ in range(rng.randint(1, 3)):
            coefficients = [rng.randint(-4, 4) for _ in names]
            op, const = rng.choice(["=", "<", "<="]), Fraction(rng.randint(-9, 9), rng.choice([1, 1, 1, 2]))
            rows.append((coefficients, op, const))
        terms = [" + ".join(f"({c})*{x}" for c, x in zip(cs, names, strict=True)) for cs, _, _ in rows]
        given = [f"{t} {op} {const}" for t, (_, op, const) in zip(terms, rows, strict=True)]
        declare = "; ".join(f"{x} integer" for x in names)
        impossible = no_integers(problem(declare, "n >= -1000", given))
        solvable = any(
            all(_holds(sum(c * v for c, v in zip(cs, point, strict=True)), op, const) for cs, op, const in rows)
            for point in product(range(-8, 9), repeat=len(names))
        )
        assert not (impossible and solvable), given
        found += bool(impossible)
    assert found > 40


def _holds(left: int, op: str, right: Fraction) -> bool:
    return {"=": left == right, "<": left < right, "<=": left <= right}[op]


def test_a_record_over_no_integers_is_vacuous() -> None:
    made = report(state("n integer", "n = 17", given=["2*n = 7"]))
    assert (made.grade, made.ok) == ("vacuous", False)
    assert made.steps[0].evidence["contradiction"] == ["2*n = 7"]
