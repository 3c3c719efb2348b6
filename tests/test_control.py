"""The negative control: what becomes of an altered claim, points that altered claims share, and what is remembered."""

import pickle
import subprocess
import sys
from typing import Any

import pytest
from small_records import SOURCE, problem, scope, state

from dltsym.notation.calls import delta
from dltsym.notation.evaluate import holds
from dltsym.notation.tree import Eq, Rel
from dltsym.notation.walk import key, substitute
from dltsym.prove import stage as stages
from dltsym.prove.check import check_theorem
from dltsym.prove.control import Proof, fate
from dltsym.prove.facts import premise_fact
from dltsym.prove.mutants import same_bits
from dltsym.prove.problem import Problem, prepare
from dltsym.prove.signs import entails
from dltsym.prove.stage import Stage, refuted, stage_of
from dltsym.prove.sums import canonical_sums
from dltsym.prove.sums_prove import prove_equation
from dltsym.prove.undefined import undefined
from dltsym.prove.verdict import proved
from dltsym.record import premise
from dltsym.statement import Scope


def both(declare: str, goal: str, other: str) -> tuple[Problem, Rel]:
    v = scope(declare)
    return prepare(v.relations(goal)[0]), v.relations(other)[0]


@pytest.mark.parametrize(
    ("declare", "goal", "engine", "other", "what"),
    [
        ("p prob", "p <= 1", "given", "p <= 1/2", "refuted"),
        ("x nonneg", "log(1 + x) >= 0", "direct", "log(-1 - x) >= 0", "undefined"),
        ("x real", "x**2 >= 0", "sos", "sqrt(x) >= 0", "undefined"),
        ("n count; X array n", "X[n] - X[n] = 0", "tower", "X[101/100*n] - X[101/100*n] = 0", "undefined"),
        ("x real", "exp(-x**2) <= 1", "direct", "exp(-99/100*x**2) <= 1", "true"),
        ("x real", "(x + 1)**2 = x**2 + 2*x + 1", "tower", "(x + 1)**2 - 2*x = x**2 + 1", "equivalent"),
        ("x real", "(x + 1)**2 = x**2 + 2*x + 1", "tower", "(x + 1)**2 = x**2 + 2*x - 1", "refuted"),
    ],
)
def test_fates(declare: str, goal: str, engine: str, other: str, what: str) -> None:
    original, altered = both(declare, goal, other)
    assert fate(altered, Proof(original, engine)) == (what, "")


def test_what_premises_imply_is_true_too() -> None:
    v = scope("n count; x real")
    given = premise("one", v.relations("x = 1")[0], SOURCE)
    original = prepare(v.relations("n*x >= 0 - x**2")[0], v.relations("0 <= x"))
    altered = v.relations("n*x**3 >= 0 - x")[0]
    assert fate(altered, Proof(original, "sos", (premise_fact(given).fact,))) == ("true", "")


def test_powers_of_bits_are_the_bits() -> None:
    v = Scope()
    n = v.count("n")
    u, x = v.array("u", n, entries="bool"), v.array("x", n)
    i, j = v.index("i", n), v.index("j", n)
    bits, reals = (Eq((a[i] * delta(i, j)) ** 2, a[j]) for a in (u, x))
    assert same_bits(bits, Eq((u[i] * delta(i, j)) ** 3, u[j]))
    assert not same_bits(bits, Eq((u[i] * delta(i, j)) ** -2, u[j]))
    assert not same_bits(reals, Eq((x[i] * delta(i, j)) ** 3, x[j]))
    assert not same_bits(bits, Eq(u[i], u[j]))


def test_an_engine_that_proves_a_refuted_claim_is_an_internal_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from dltsym.prove import control

    original, altered = both("p prob", "p <= 1", "p <= 1/2")
    monkeypatch.setattr(control, "run_engine", lambda *_: proved("direct", "exact"))
    assert fate(altered, Proof(original, "direct")) == ("refuted", "direct proves")


def test_what_later_points_refute_is_not_true_because_an_engine_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from dltsym.prove import control

    original, altered = both("p prob", "p <= 1", "p <= 1/2")
    monkeypatch.setattr(control, "POINTS", 0)  # nothing is refuted at the first points
    assert fate(altered, Proof(original, "direct")) == ("refuted", "")
    monkeypatch.setattr(control, "run_engine", lambda *_: proved("direct", "exact"))
    assert fate(altered, Proof(original, "direct")) == ("refuted", "direct proves")


@pytest.mark.parametrize(("spent", "seconds"), [(0.0, 0.03), (0.06, 0.09), (0.14, 0.15)])
def test_the_engine_of_a_step_gets_half_as_much_time_again(spent: float, seconds: float) -> None:
    original, _ = both("p prob", "p <= 1", "p <= 1/2")
    assert Proof(original, "direct", spent=spent).effort.seconds == seconds


def test_an_engine_that_was_slow_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from dltsym.prove import control

    original, altered = both("p prob", "p <= 1", "p <= 1/2")
    monkeypatch.setattr(control, "run_engine", lambda *_: proved("direct", "exact"))
    assert fate(altered, Proof(original, "direct", spent=0.2)) == ("refuted", "")


def test_side_conditions_that_are_proved_although_false_are_an_internal_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from dltsym.prove import control

    original, altered = both("x real", "x**2 >= 0", "sqrt(x) >= 0")
    monkeypatch.setattr(control, "discharge", lambda _: ((), ()))
    assert fate(altered, Proof(original, "sos")) == ("undefined", "side conditions are proved of")


@pytest.mark.parametrize(
    ("declare", "other", "found"),
    [
        ("n count", "Sum(sqrt(i - 1), (i, 1, n)) >= 0", False),  # defined inside the range
        ("n count", "Sum(sqrt(i - 2), (i, 1, n)) >= 0", True),
        ("n count", "Sum(1/(i - n), (i, 1, n - 1)) <= 0", False),
        ("n count", "Sum(1/(i - n), (i, 1, n)) <= 0", True),
        ("n count", "Sum(Sum(log(i - j), (j, 1, i - 1)), (i, 1, n)) >= 0", False),
        ("n count", "Sum(Sum(log(i - j), (j, 1, i)), (i, 1, n)) >= 0", True),
        ("n count", "limit(log(x), x, 0) <= n", False),  # near a point: nobody asks for its value there
        ("x real", "x**2*log(x**2) <= x**4", True),
    ],
)
def test_a_condition_must_fail_where_it_is_asked_for(declare: str, other: str, found: bool) -> None:
    name = declare.split()[0]
    original, altered = both(declare, f"{name}**2 >= 0", other)
    assert (undefined(original.stating(altered), original, stage_of(original), 24) is not None) == found


def test_a_record_says_what_is_true_as_well_and_counts_only_the_rest() -> None:
    theorem = state("x pos", "exp(-2*x) < 1")
    made = check_theorem(theorem, {}.__getitem__, {}.__getitem__).mutants
    assert made.made == made.rejected
    assert made.true
    assert not made.survivors


RELATIONS = ("x <= y", "x**2 + y >= 0", "x = y", "1/x > y", "sqrt(y) <= x", "Sum(1/(x + i), (i, 1, n)) <= n", "x != y")


def test_points_say_what_evaluation_says() -> None:
    v = scope("x real; y real; n count")
    whole = prepare(v.relations("x + y + n >= 0")[0], v.relations("x <= 3"))
    stage = Stage(whole)
    seen = set()
    for text in RELATIONS:
        rel = v.relations(text)[0].flipped()
        for k, point in stage.points(24):
            assert stage.truth(rel, k) == holds(rel, point), (text, point)
            seen.add(stage.truth(rel, k))
    assert seen == {True, False, None}


def test_points_obey_hypotheses_and_speak_of_their_own_symbols() -> None:
    v = scope("x real; y real; z real")
    stage = Stage(prepare(v.relations("x <= y")[0], (*v.relations("x = y**2 + 1"), *v.relations("y <= 2"))))
    inside = list(stage.points(24))
    assert inside
    assert all(point["y"] <= 2 for _, point in inside)
    assert stage.refutes(v.relations("x <= 3/4")[0], 24)
    assert not stage.refutes(v.relations("1 <= x")[0], 24)
    assert not stage.takes(v.relations("z <= 1")[0])


def test_an_alarm_while_a_point_is_drawn_leaves_the_stage_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = problem("x real; y real", "x <= y", ["x + y <= 1"])
    wanted = [point for _, point in Stage(whole).points(12)]
    draw, left = stages.candidate, [3]

    def interrupted(*args: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            raise TimeoutError
        return draw(*args)

    monkeypatch.setattr(stages, "candidate", interrupted)
    stage = Stage(whole)
    with pytest.raises(TimeoutError):
        list(stage.points(12))
    assert [point for _, point in stage.points(12)] == wanted


def test_problems_that_differ_in_their_goals_share_points_and_others_do_not() -> None:
    v = scope("x real; y real; n count")
    given = v.relations("x <= 1")
    one, two, three = (prepare(v.relations(g)[0], given) for g in ("x <= y", "x**2 >= y", "x <= n*y"))
    assert stage_of(one) is stage_of(two)
    assert stage_of(one) is not stage_of(three)
    assert stage_of(one) is not stage_of(prepare(one.goal, v.relations("x <= 2")))
    assert refuted(one, 24)
    assert not refuted(prepare(v.relations("x + y <= 1 + y")[0], given), 24)


# What is remembered


def test_answers_are_remembered_for_the_same_hypotheses_only() -> None:
    v = scope("x real; y real")
    asked, goal = v.relations("0 <= x")[0], v.relations("x <= y")[0]
    knows, ignores = prepare(goal, v.relations("1 <= x")), prepare(goal, v.relations("1 <= y"))
    for _ in range(2):
        assert entails(asked, knows) is not None
        assert entails(asked, ignores) is None
        assert entails(asked, ignores, tuple(v.relations("y <= x"))) is not None


def test_canonical_sums_are_remembered_for_the_same_hypotheses_only() -> None:
    v = scope("m integer; n count; X array n")
    body, goal = v.parse("Sum(1, (i, 1, m))"), v.relations("m = m")[0]
    sure, unsure = prepare(goal, v.relations("0 <= m")), prepare(goal)
    for _ in range(2):
        assert str(canonical_sums(body, sure)[0]) == "m"  # pyright: ignore[reportOptionalSubscript]
        assert "Sum" in str(canonical_sums(body, unsure)[0])  # pyright: ignore[reportOptionalSubscript]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Sum(X[i] - 2*Y[i] + 1, (i, 1, n))", "Sum(X[i], (i, 1, n)) - 2*Sum(Y[j], (j, 1, n)) + n"),
        (
            "Sum(Sum(X[i] - (Y[j] - X[j]*Y[i]), (j, 1, n)), (i, 1, n))",
            "n*Sum(X[i], (i, 1, n)) - n*Sum(Y[i], (i, 1, n)) + Sum(X[i], (i, 1, n))*Sum(Y[i], (i, 1, n))",
        ),
        ("Sum(X[i] - X[i], (i, 1, n))", "0"),
    ],
)
def test_a_sum_of_terms_is_read_term_by_term(left: str, right: str) -> None:
    v = scope("n count; X array n; Y array n")
    assert prove_equation(prepare(v.relations(f"{left} = {right}")[0])) is not None
    assert prove_equation(prepare(v.relations(f"{left} = {right} + 1")[0])) is None


def test_keys_of_nested_sums_do_not_depend_on_what_was_asked_before() -> None:
    v = scope("n count; X array n")
    text = "Sum(X[i]*Sum(X[j], (j, 1, n))*Sum(Sum(X[k]*X[l], (k, 1, n)), (l, 1, n)), (i, 1, n))"
    fresh, asked = v.parse(text), v.parse(text)
    for part in asked.body.args:  # pyright: ignore[reportAttributeAccessIssue]
        key(part)
    assert key(fresh) == key(asked)
    once = substitute(asked, {v.symbols["n"]: v.parse("n + 1")})
    assert key(once) == key(substitute(fresh, {v.symbols["n"]: v.parse("n + 1")})) != key(fresh)


def test_what_a_node_remembers_does_not_travel() -> None:
    e = scope("x real").parse("exp(x)**2 + 1")
    assert hash(e) == hash(scope("x real").parse("exp(x)**2 + 1"))
    assert "_hash" in vars(e)
    data = pickle.dumps(e)
    assert b"_hash" not in data
    code = "import pickle, sys; e = pickle.loads(sys.stdin.buffer.read()); print(hash(e) == hash(type(e)(e.args)))"
    done = subprocess.run([sys.executable, "-c", code], input=data, capture_output=True, check=True)
    assert done.stdout.strip() == b"True"
