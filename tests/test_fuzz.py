"""The fuzzer: random statements that are true or false by construction, put to every engine by itself and to `decide`.

2,000 statements in the ``ci`` profile, fewer otherwise. No engine may prove a false one, and the engines together must
prove most of the true ones, so that nobody passes by proving nothing. A failure prints the statement in the grammar;
in the ``ci`` profile the draws are the same in every run.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

import pytest
from fuzz_calculus import false_derivative, true_derivative
from fuzz_case import (
    APART,
    Drawn,
    Tally,
    accepts,
    certified,
    certified_by,
    fails_at,
    inside,
    provers,
    refuters,
    smallest,
)
from fuzz_order import LEMMAS, at_contact, false_order, true_order
from fuzz_sums import false_sum, true_sum
from fuzz_terms import DECLARE, perturbed, real_term, rewritten
from fuzz_traps import shadowed_true, trap, undefined
from fuzz_values import false_boxed, false_family, false_value, true_boxed, true_family, true_value
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from dltsym.errors import DltsymError
from dltsym.notation.evaluate import holds
from dltsym.notation.tree import Num, Rel
from dltsym.prove.decide import Effort, decide
from dltsym.prove.definedness import discharge
from dltsym.prove.problem import Problem
from dltsym.prove.sample import refute
from dltsym.prove.verdict import PROVED, REFUTED

Draw = Callable[[random.Random], Drawn | None]
CASES = 2000 if settings.default is not None and settings.default.derandomize else 160
EVERY = 10  # the engines that search are asked one false statement in so many, and the last about a true one
SEARCH = ("z3", "sos", "tail", "ladder")
WHOLE = Effort(0.05, full_refuter=False)


def true_identity(rng: random.Random) -> Drawn:
    """Draw a term and the same term rewritten."""
    term = new = real_term(rng, rng.randint(2, 3))
    for _ in range(rng.randint(1, 3)):
        new = rewritten(rng, new)
    return Drawn("identity", DECLARE, str(Rel(term, "=", new)))


def false_identity(rng: random.Random) -> Drawn:
    """Draw an identity with one slip."""
    term = new = real_term(rng, rng.randint(2, 3))
    for _ in range(rng.randint(0, 2)):
        new = rewritten(rng, new)
    return Drawn("identity: slip", DECLARE, str(Rel(term, "=", perturbed(rng, new))))


def fuzz(draw: Draw, share: float, ask: Callable[[Drawn, Problem], None]) -> None:
    """Put random statements to `ask`; a draw that says nothing, or cannot be read, is drawn again.

    Hypothesis draws the seed and the generators the rest, because a statement that Hypothesis draws piece by piece is a
    copy of an earlier one three times in five. `smallest` shrinks what fails.
    """

    @settings(max_examples=max(int(CASES * share), 4), phases=(Phase.reuse, Phase.generate), deadline=None)
    @given(st.integers(0, 2**64 - 1))
    def run(seed: int) -> None:
        rng = random.Random(seed)
        for _ in range(20):
            drawn = draw(rng)
            try:
                p = None if drawn is None else drawn.problem()
            except DltsymError:
                continue
            if drawn is not None and p is not None:
                return ask(drawn, p)
        return None

    run()


def shifted(p: Problem) -> Problem:
    """Return a false neighbour of a true statement: an equation off by one, a relation turned round with a gap."""
    goal = p.goal
    one = Num(1)  # type: ignore[arg-type]
    if goal.op == "=":
        return p.with_goal(Rel(goal.lhs, "=", goal.rhs + one))
    return p.with_goal(Rel(goal.rhs + one, "<=", goal.lhs))


def boxed(drawn: Drawn) -> bool:
    """Whether the ladder would only spend its budget: a lemma on a box, with some slack."""
    return drawn.kind.startswith("boxed")


def check_true(draw: Draw, share: float, least: float) -> None:
    """Put true statements: no engine and no point refutes one, certificates replay, most are proved."""
    tally, rejected = Tally(), Tally()

    def ask(drawn: Drawn, p: Problem) -> None:
        bad = refute(p, points=3)
        assert bad is None, f"refuted at {bad.witness if bad is not None else None}: {drawn}"
        quick = SEARCH if boxed(drawn) else SEARCH[:3]
        proofs = provers(p, skip=(*APART, *quick), first=True) or provers(p, skip=(*APART, "tail"), first=True)
        for proof in [v for v in proofs if certified_by(v)]:
            assert not accepts(shifted(p), proof), f"a certificate of {proof.engine} replays on more: {drawn}"
            if not accepts(p, proof):  # `decide` reports it and proves nothing
                proofs, rejected.by[proof.engine] = [], rejected.by.get(proof.engine, 0) + 1
        if not proofs:
            assert refuters(p, (*APART, *SEARCH)) == [], drawn
        tally.count(drawn.kind, [proof.engine for proof in proofs])

    fuzz(draw, share, ask)
    assert tally.share >= least, f"only {tally.share:.0%} proved: {tally}, certificates rejected: {rejected.by}"


def proves(name: str, drawn: Drawn) -> bool:
    """Whether one engine proves a statement that is certainly false."""
    if drawn.point is None or not fails_at(p := drawn.problem(), drawn.point):
        return False
    return name in [v.engine for v in provers(p)]


def check_false(draw: Draw, share: float) -> None:
    """Put false statements to every engine: none may prove one."""
    asked = Tally()

    def ask(drawn: Drawn, p: Problem) -> None:
        known = drawn if drawn.point or drawn.kind in BY_CONSTRUCTION else certified(drawn)
        if known is None:
            return  # a slip may leave the statement true
        turn = asked.asked % EVERY
        skip = (*APART, *(name for k, name in enumerate(SEARCH) if turn != k and (name != "ladder" or boxed(drawn))))
        asked.count(drawn.kind, [])
        for name in [proof.engine for proof in provers(p, skip=skip)]:
            pytest.fail(f"{name} proves what is false: {smallest(known, partial(proves, name))}\n  drawn as {known}")

    fuzz(draw, share, ask)
    assert asked.asked >= CASES * share / 3, f"too few false statements: {asked}"


BY_CONSTRUCTION = ("order: strict", "order: unequal", "value: off")
"""False without a point: both sides are equal at the contact of the lemma, or they differ by a term that is not 0."""
TRUE = {  # share of all cases, and the fraction that must be proved (somewhat below what was measured)
    true_identity: (0.11, 0.9),
    true_derivative: (0.05, 0.95),
    true_sum: (0.09, 0.85),
    true_order: (0.12, 0.75),
    shadowed_true: (0.03, 0.9),
    true_value: (0.015, 0.7),
    true_family: (0.02, 0.9),
    true_boxed: (0.02, 0.8),
}
FALSE = {
    false_identity: 0.11,
    false_derivative: 0.05,
    false_sum: 0.1,
    false_order: 0.14,
    trap: 0.06,
    false_value: 0.015,
    false_family: 0.02,
    false_boxed: 0.03,
}


@pytest.mark.parametrize("draw", TRUE, ids=lambda d: d.__name__)
def test_true_statements_are_mostly_proved_and_never_refuted(draw: Draw) -> None:
    share, least = TRUE[draw]
    check_true(draw, share, least)


@pytest.mark.parametrize("draw", FALSE, ids=lambda d: d.__name__)
def test_no_engine_proves_a_false_statement(draw: Draw) -> None:
    check_false(draw, FALSE[draw])


def test_a_statement_with_an_undefined_part_is_never_proved() -> None:
    def ask(drawn: Drawn, p: Problem) -> None:
        assert discharge(p)[1], f"taken to be defined: {drawn}"
        assert decide(p, WHOLE).status != PROVED, drawn

    fuzz(undefined, 0.02, ask)


@pytest.mark.parametrize("draw", [*TRUE, *FALSE], ids=lambda d: d.__name__)
def test_a_sample_goes_through_the_whole_pipeline(draw: Draw) -> None:
    def ask(drawn: Drawn, p: Problem) -> None:
        out = decide(p, WHOLE)
        said = str(out.evidence.get("reason"))
        assert not out.evidence.get("internal") or "certificate rejected" in said, f"{said}: {drawn}"
        if draw in TRUE:
            assert out.status != REFUTED, f"{out.witness}: {drawn}"
        elif drawn.point or drawn.kind in BY_CONSTRUCTION or certified(drawn):
            assert out.status != PROVED or out.grade == "tested", f"{out.engine} proves what is false: {drawn}"

    fuzz(draw, 0.004, ask)


# The fuzzer itself


def test_the_lemmas_of_the_fuzzer_hold_and_touch_where_they_say() -> None:
    for lemma in LEMMAS:
        claim = Drawn("lemma", lemma.declare, f"{lemma.less} <= {lemma.more}", lemma.given)
        p = claim.problem()
        assert certified(claim, count=40) is None, lemma
        if lemma.contact:
            assert inside(p, at_contact(lemma)), lemma
            assert holds(Rel(p.goal.lhs, "<", p.goal.rhs), at_contact(lemma)) is not True, lemma


def test_the_fuzzer_finds_an_engine_that_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    from dltsym.prove import engines
    from dltsym.prove.verdict import proved

    liar = engines.Engine("liar", "exact", 1, ("=", "<", "<=", "!="), 1.0, lambda p: proved("liar", "exact"))
    monkeypatch.setattr("fuzz_case.engines", lambda: (liar,))
    for draw in FALSE:
        with pytest.raises(BaseException, match="liar"):
            check_false(draw, 0.02)


def test_draws_are_spread_and_repeat() -> None:
    for draw in (*TRUE, *FALSE, undefined):
        first = [repr(draw(random.Random(seed))) for seed in range(40)]
        assert first == [repr(draw(random.Random(seed))) for seed in range(40)], draw
        assert len(set(first)) >= 12, draw
