"""Bounds as objects: what a record declares, inputs and units, ledgers, lints, certified values, comparisons."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from flint import arb, ctx

from dltsym import Bound, Scope, catalogue, log, premise, sqrt
from dltsym.bounds import (
    Grid,
    IllegalBound,
    Message,
    bits,
    bound,
    compare,
    crossover,
    evaluate,
    flops,
    lint_bound,
    merge,
    pay,
    tighten,
    union,
)
from dltsym.bounds.checks import BOUND_LINTS
from dltsym.bounds.ledger import Doubly
from dltsym.bounds.rounding import down, up
from dltsym.errors import DomainError, RecordError, UnknownKey
from dltsym.prove.bounds import bound_problems

MCALLESTER, OCCAM = "pac_bayes.maurer_pinsker", "pac_bayes.occam"
POINT: dict[str, Any] = {"emp_risk": "0.289307", "kl": 1724, "n": 30000, "delta": "0.05", "loss": (0, 1)}
TOKENS: dict[str, Any] = {"n": 10**9, "delta": "0.05", "V": 32000, "al": "0.5", "emp_risk": 4, "kl": 10**6}
SAMPLED: dict[str, Any] = {"n": 8009762, "K": 10000, "rho": "10000/8019762", "V": 50257, "al": "0.1", "emp_risk": 8,
                           "kl": 10**4, "delta": "0.05"}  # fmt: skip


def ids(what: Any) -> list[str]:
    """Return the lints of a bound."""
    return [x.id for x in lint_bound(what)]


# What a record declares


def small(**change: Any) -> Any:
    """Build a record with a bound."""
    v = Scope()
    n = v.count("n", "examples")
    D = v.nonneg("D", "complexity", unit="nat")
    dlt = v.prob("dlt", "failure probability", open=True)
    s, r = v.prob("s", "measured risk"), v.prob("r", "risk")
    B = sqrt((D + log(1 / dlt)) / (2 * n))
    parts: dict[str, Any] = {
        "units": {"n": "i.i.d. example"}, "about": "hypothesis", "holds_for": "all hypotheses", "risk": "r",
        "emp_risk": "s", "complexity": "D", "before": ("prior",), "events": (("event", "dlt"),),
    }  # fmt: skip
    return v.theorem(
        title="A bound", cite=("hoeffding1963", "Theorem 2"), given=premise("event", r <= s + B, ("hoeffding1963", "")),
        claim=r <= s + B, outputs={"bound": s + B}, bound=Bound(**parts | change),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"of": "bond"}, "did you mean bound"),
        ({"about": "risk"}, "posterior average"),
        ({"units": {"n": "documents"}}, "i.i.d. document"),
        ({"units": {"m": "i.i.d. example"}}, "'m' is not declared"),
        ({"complexity": "r"}, "unit='nat'"),
        ({"before": ("priors",)}, "words are prior"),
        ({"before": ("D",), "free": ("D",)}, "exclude each other"),
        ({"events": (("event", "dlt"), ("event", "dlt"))}, "an event appears once"),
        ({"events": (("something", "dlt"),)}, "no event is a premise"),
        ({"events": (("event", "delta"),)}, "delta"),
        ({"events": ()}, "events="),
        ({"loss": (0, 1, 2)}, "pair"),
        ({"baseline": "log(V)"}, "V"),
    ],
)
def test_a_malformed_bound_is_one_clear_error(change: dict[str, Any], told: str) -> None:
    with pytest.raises(RecordError, match="bound") as caught:
        small(**change)
    assert told in str(caught.value)


def test_ledgers_must_add_up_and_directions_must_hold() -> None:
    good = small()
    assert bound_problems(good) == []
    more = small(events=(("event", "dlt"), ("another", "dlt/2")))
    assert "not proved to stay within dlt" in bound_problems(more)[0]
    shares = small(events=(("event", "dlt/3"), ("another", "2*dlt/3")))
    assert bound_problems(shares) == []
    for name, sign in good.bounds[0].signs().items():
        wrong = {"falls": (name,)} if sign > 0 else {"rises": (name,)}
        assert f"in {name}, at" in bound_problems(small(**wrong))[0]
    assert len(bound_problems(small(side="lower"))) == 3  # D, dlt and n


def test_every_declared_bound_is_shown() -> None:
    from dltsym.render.bounds import bound_lines, bound_rows
    from dltsym.render.latex import paper

    record: Any = catalogue.get(MCALLESTER)
    assert any("$n$: independent" in text for _, text in bound_rows(record))
    assert "loss in [0, 1]" in bound_lines(record)[0]
    assert r"\item[event: kl bound] fails with probability $\delta$" in paper(record)
    assert "bound" in str(record)


# Inputs and units


def test_roles_and_symbols_are_the_same_inputs() -> None:
    by_role, by_symbol = (
        bound(MCALLESTER, **POINT),
        bound(MCALLESTER, s="0.289307", D=1724, n=30000, dlt="1/20", loss=(0, 1)),
    )
    assert by_role.inputs == by_symbol.inputs
    with pytest.raises(DomainError, match="given twice"):
        bound(MCALLESTER, **POINT, D=3)
    with pytest.raises(DomainError, match="unknown input emp_rsk"):
        bound(MCALLESTER, emp_rsk=0)
    with pytest.raises(DomainError, match="missing input n"):
        evaluate(bound(MCALLESTER, emp_risk=0, kl=1, delta="0.1", loss=(0, 1)))
    with pytest.raises(UnknownKey, match="declares no bound"):
        bound("information.pinsker")


OUTSIDE = [("delta", 0), ("delta", 1), ("delta", float("nan")), ("n", 0), ("n", "3/2"), ("n", -4), ("kl", -1),
           ("emp_risk", "1.1"), ("kl", float("inf"))]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), OUTSIDE)
def test_inputs_outside_their_domain_are_refused(name: str, value: Any) -> None:
    with pytest.raises(DomainError):
        bound(MCALLESTER, **POINT | {name: value})


def test_bits_are_converted_and_the_note_shows_it() -> None:
    in_bits = bound(MCALLESTER, **POINT | {"kl": bits(1724)})
    assert "1724 bits = 1194.98573929 nats (times ln 2)" in in_bits.notes[0]
    in_nats = bound(MCALLESTER, **POINT | {"kl": "1724*log(2)"})
    assert evaluate(in_bits).certificate == evaluate(in_nats).certificate


def test_losses_of_another_range_are_mapped_and_mapped_back() -> None:
    one = evaluate(bound(MCALLESTER, **POINT))
    wide = evaluate(bound(MCALLESTER, **POINT | {"emp_risk": "2.578614", "loss": (2, 4)}))
    assert abs(wide.certificate - (2 + 2 * one.certificate)) < 1e-14
    assert wide.certificate >= 2 + 2 * one.interval[0]
    certain = evaluate(bound(MCALLESTER, **POINT | {"emp_risk": 4, "loss": (2, 4)}))
    assert certain.certificate == 4
    assert certain.unclipped[0] > 4
    with pytest.raises(DomainError, match="smaller one first"):
        bound(MCALLESTER, **POINT | {"loss": (1, 0)})


def test_ranges_and_baselines_of_language_models_come_from_the_inputs() -> None:
    b = bound("llm_bounds.subsampled_bound", **SAMPLED)
    assert b.loss is not None
    assert abs(float(b.loss[1]) - 18.9389650292) < 1e-9
    assert abs(float(b.baseline) - 15.6170369343) < 1e-9
    assert [e.event for e in b.ledger.entries] == ["documents", "subsample"]
    assert b.ledger.delta == Fraction(1, 20)
    assert evaluate(b).verdict == "non-vacuous"


# Certified values


def test_values_are_certified_and_never_below_a_sharper_truth() -> None:
    rng = random.Random(7)
    for _ in range(60):
        given: dict[str, Any] = {
            "emp_risk": Fraction(rng.randrange(1001), 1000), "kl": Fraction(rng.randrange(10**6), rng.choice([1, 997])),
            "n": rng.choice([1, 2, 37, 10**4, 10**12]), "delta": Fraction(1, rng.choice([2, 20, 10**9])),
            "loss": (0, 1),
        }  # fmt: skip
        e = evaluate(bound(MCALLESTER, **given))
        ctx.prec, before = 400, ctx.prec
        q, D, n, dlt = (arb(Fraction(given[k]).numerator) / Fraction(given[k]).denominator
                        for k in ("emp_risk", "kl", "n", "delta"))  # fmt: skip
        truth = q + ((D + (2 * n.sqrt() / dlt).log()) / n / 2).sqrt()
        ctx.prec = before
        assert arb(e.unclipped[0]) <= truth <= arb(e.unclipped[1])
        assert e.unclipped[1] - e.unclipped[0] <= 4e-16 * abs(e.unclipped[1])
        assert e.interval == (min(e.unclipped[0], 1.0), min(e.unclipped[1], 1.0))
        assert abs(e.estimate - e.certificate) <= 1e-14


def test_ends_are_rounded_outward_everywhere() -> None:
    rng = random.Random(1)
    for _ in range(300):
        x = arb(rng.random()) * arb(10) ** rng.randint(-330, 320) / 3 * rng.choice([1, -1])
        assert arb(down(x)) <= x <= arb(up(x)) or up(x) == float("inf") or down(x) == -float("inf")
    assert up(-(arb(10) ** 400)) == -1.7976931348623157e308
    assert down(arb(10) ** 400) == 1.7976931348623157e308
    assert (up(arb.nan()), up(arb(1)), down(arb("1e-400"))) == (float("inf"), 1.0, 0.0)


def test_vacuity_is_decided_by_disjoint_intervals() -> None:
    value = evaluate(bound(MCALLESTER, **POINT)).certificate
    for baseline, verdict in ((Fraction(value), "non-vacuous"), ("0.4592502922960104", "vacuous"), (1, "non-vacuous"),
                              ("0.45", "vacuous"), (None, "no baseline")):  # fmt: skip
        assert evaluate(bound(MCALLESTER, **POINT, baseline=baseline)).verdict == verdict
    exact = bound(OCCAM, emp_risk="0.5", kl=0, n=1, delta="exp(-2)", loss=(0, 1), baseline="1.5")
    assert ids(exact) == ["baseline-missing"]  # no loss is above 1
    assert evaluate(replace(exact, baseline=Fraction(1))).verdict == "vacuous"


def test_a_free_parameter_may_be_chosen_after_the_data() -> None:
    free = evaluate(bound("pac_bayes.thiemann_lambda", **POINT))
    assert abs(free.certificate - 0.53879211457027) < 1e-13
    given = evaluate(bound("pac_bayes.thiemann_lambda", **POINT, lam="0.46304522249598"))
    assert abs(free.certificate - given.certificate) < 1e-13
    assert evaluate(bound("pac_bayes.thiemann_lambda", **POINT, lam=1)).certificate > free.certificate


# Ledgers


def test_a_union_divides_every_event_and_a_payment_adds_nats() -> None:
    base = bound("llm_bounds.subsampled_bound", **SAMPLED)
    paid = union(base, "al", 8)
    assert paid.ledger.delta == base.ledger.delta
    smaller = evaluate(bound("llm_bounds.subsampled_bound", **SAMPLED | {"delta": Fraction(1, 160)}))
    assert evaluate(paid).interval == smaller.interval
    with pytest.raises(DomainError, match="paid for already"):
        union(paid, "al", 2)
    dearer = pay(bound(MCALLESTER, **POINT), "prior", "2*log(69) + log(pi**2/6)")
    more = evaluate(bound(MCALLESTER, **POINT | {"kl": "1724 + 2*log(69) + log(pi**2/6)"}))
    assert evaluate(dearer).interval == more.interval
    with pytest.raises(DomainError, match="negative"):
        pay(dearer, "code", -1)
    with pytest.raises(DomainError, match="weight"):
        union(base, "prior", weight=2)
    assert evaluate(union(base, "prior", weight="1/8")).interval == evaluate(union(base, "prior", 8)).interval


def test_merging_adds_ledgers_and_no_event_counts_twice() -> None:
    one, two = bound(MCALLESTER, **POINT), bound("pac_bayes.thiemann_lambda", **POINT)
    with pytest.raises(Doubly, match="appears twice"):
        merge(one, two)
    both = merge(one, two, shared=["kl bound"])
    assert both.ledger.delta == Fraction(1, 20)
    assert evaluate(both).key == MCALLESTER
    other = bound(MCALLESTER, **POINT | {"delta": "0.01"}, sample="T")
    assert merge(one, other).ledger.delta == Fraction(3, 50)
    with pytest.raises(Doubly, match="two probabilities"):
        merge(one, bound(MCALLESTER, **POINT | {"delta": "0.01"}), shared=["kl bound"])
    inner = bound(OCCAM, emp_risk="0.02", kl=0, n=1000, delta="0.01", loss=(0, 1), sample="draws")
    outer = bound(MCALLESTER, **POINT | {"emp_risk": inner})
    assert outer.ledger.delta == Fraction(3, 50)
    assert evaluate(outer).certificate > evaluate(bound(MCALLESTER, **POINT | {"emp_risk": "0.02"})).certificate


# Lints


@pytest.mark.parametrize(
    ("key", "more", "lint"),
    [
        (MCALLESTER, {"chosen": {"prior": "data"}}, "prior-depends-on-data"),
        (MCALLESTER, {"chosen": {"prior": Grid(8)}}, "grid-unpaid"),
        (MCALLESTER, {"kl": bits(-2)}, None),
        (MCALLESTER, {"kl": Message(400, extra=-2)}, "negative-extra-bits"),
        (MCALLESTER, {"kl": Message(400, "2 log2 l")}, "kraft-sum>1"),
        (MCALLESTER, {"kl": Message(0, "normalised")}, "length-0"),
        (MCALLESTER, {"log": "bit"}, "bits-in-nats-slot"),
        (MCALLESTER, {"kl": flops(10**25)}, "flops-as-nats"),
        (MCALLESTER, {"unit": "martingale token"}, "unit-mismatch"),
        (MCALLESTER, {"loss": None}, "loss-range-missing"),
        (MCALLESTER, {"loss": (0, 2), "clip": 1}, "clip-before-rescale"),
        (MCALLESTER, {"read_as": "single draw"}, "expectation-versus-single-draw"),
        (MCALLESTER, {"read_as": "mean network"}, "expectation-versus-single-draw"),
    ],
)
def test_lints_of_one_bound(key: str, more: dict[str, Any], lint: str | None) -> None:
    if lint is None:
        with pytest.raises(DomainError):
            bound(key, **POINT | more)
        return
    what = bound(key, **POINT | more)
    assert ids(what) == [lint]
    assert lint in BOUND_LINTS
    with pytest.raises(IllegalBound, match=lint):
        evaluate(what)
    shown = evaluate(what, illegal=True)
    assert shown.verdict == "illegal"
    assert not shown.legal


def test_lints_of_other_bounds() -> None:
    assert ids(bound("pac_bayes.catoni_fixed", **POINT, C=1, chosen={"C": "data"})) == ["lambda-depends-on-data"]
    assert ids(bound("pac_bayes.catoni_fixed", **POINT, C=1, chosen={"C": Grid(7)})) == ["grid-unpaid"]
    assert ids(bound("llm_bounds.token_bound", **TOKENS, read_as="document risk")) == [
        "context-risk-read-as-document-risk"
    ]
    assert ids(bound("llm_bounds.subsampled_bound", **SAMPLED, chosen={"subsample": "data"})) == [
        "subsample-indices-reused"
    ]
    assert ids(bound(OCCAM, emp_risk=0, kl=1, n=9, loss=(0, 1))) == ["delta-missing"]


def test_payments_clear_lints_and_half_payments_do_not() -> None:
    chosen = bound("llm_bounds.subsampled_bound", **SAMPLED, chosen={"al": Grid(8)})
    assert ids(chosen) == ["grid-unpaid"]
    assert ids(union(chosen, "al", 8)) == []
    assert ids(union(chosen, "al", 4)) == ["grid-unpaid"]
    assert ids(pay(chosen, "al", "log(8)")) == ["grid-unpaid"]  # the subsample's event got nothing
    prior = bound(MCALLESTER, **POINT, chosen={"prior": "data"})
    assert ids(pay(prior, "prior", "2*log(69) + log(pi**2/6)")) == []
    assert ids(bound(MCALLESTER, **POINT, posterior="point mass", read_as="single draw")) == []


def test_a_lint_of_an_inner_bound_is_one_of_the_outer() -> None:
    inner = bound(OCCAM, emp_risk="0.02", kl=0, n=1000, delta="0.01", loss=(0, 1), sample="draws")
    outer = bound(MCALLESTER, **POINT | {"emp_risk": inner})
    bad = replace(outer, parts=(replace(inner, unit="i.i.d. batch"),))
    assert ids(bad) == ["unit-mismatch"]


# Comparison


def test_the_best_bound_wins_only_where_that_is_certain() -> None:
    one, two = bound(MCALLESTER, **POINT), bound("pac_bayes.thiemann_lambda", **POINT)
    found = compare([two, one])
    assert found.winner == MCALLESTER
    assert 0.0795 < found.margin < 0.0796
    assert compare([one, one]).winner == ""
    with pytest.raises(DomainError):
        compare([])


def test_crossings_are_certified_on_both_sides() -> None:
    """Thiemann's minimum is the root form, which beats Pinsker's iff the risk is below 1/4 - sqrt(c/2)."""
    one, two = bound(MCALLESTER, **POINT), bound("pac_bayes.thiemann_lambda", **POINT, lam="0.5")
    (at,) = crossover(one, two, "emp_risk", 0, 1)
    assert (at.before, at.after) == ("pac_bayes.thiemann_lambda", MCALLESTER)
    assert 0 < at.hi - at.lo < 1e-12
    assert abs(at.lo - 0.0477383153455) < 1e-10


def test_sharper_bounds_are_named_only_if_they_are_legal() -> None:
    average = tighten(bound(MCALLESTER, **POINT))
    assert average
    assert all(s.bound.statement.about == "posterior average" and s.gain > 0 for s in average)
    point = [s.value.key for s in tighten(bound(MCALLESTER, **POINT, posterior="point mass"))]
    assert OCCAM in point
    assert "pac_bayes.catoni_fixed" not in point  # it needs C before the data
    with pytest.raises(IllegalBound):
        tighten(bound(MCALLESTER, **POINT, chosen={"prior": "data"}))


TEN: dict[str, Any] = {
    "n": 10, "W": "10.8", "C": "1e-2", "X": ["0.05", "0.2", "0.6", "1.1", "1.9", "2.4", "3.7", "6.2", "0.3", "10.5"],
    "Y": ["0.4", "0.5", "0.9", "1.2", "1.5", 2, "2.2", "3.1", "0.8", 4],
}  # fmt: skip


def test_guesses_must_be_predictable_and_not_too_far_below() -> None:
    key = "concentration.freedman_empirical"
    value = evaluate(bound(key, **TEN, s="0.5245"))
    assert round(value.certificate, 14) == 0.37082188522005
    assert value.delta != value.delta  # it is inside C
    assert ids(bound(key, **TEN, s="0.5245", chosen={"guesses": "data"})) == ["Y-not-predictable"]
    with pytest.raises(IllegalBound, match="A<-1"):
        bound(key, **TEN | {"W": 1}, s="0.5")


def test_a_family_of_constants_has_to_be_named() -> None:
    with pytest.raises(IllegalBound, match="constant-variant-unnamed") as caught:
        bound("McAllester", **POINT)
    assert MCALLESTER in str(caught.value)
