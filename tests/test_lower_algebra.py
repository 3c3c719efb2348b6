"""The constructors, hazards and residual exponentials of the tensor compiler against expressions as written."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from lower_draw import AXES, INPUTS, SIZES, Draw, I, J, K, L, R, build
from lower_eval import Evaluator, sample

from dltsym.lower.algebra.constructors import Algebra
from dltsym.lower.algebra.normalised import normalised
from dltsym.lower.axes import Axis
from dltsym.lower.ir import Table
from dltsym.lower.passes.hazards import hazards
from dltsym.lower.passes.residual import residual
from dltsym.lower.program import Output, Program
from dltsym.lower.show import show


def finished(table: Table, node, accuracy: str = "safe"):
    """Run hazards and residual exponentials over one node."""
    out = Output("y", node, tuple(sorted(node.axes)))
    return residual(hazards(Program(table, INPUTS, (out,)), accuracy)).outputs[0].node


def agree(recipe, seed: int) -> None:
    """Compare an expression as written with its normal and final forms where it is a number."""
    table = Table()
    raw, smart = build(Algebra(table, INPUTS, raw=True), recipe), build(Algebra(table, INPUTS), recipe)
    given = sample(INPUTS, SIZES, seed)
    want = Evaluator(table, given, SIZES).values(raw, AXES)
    good = np.isfinite(want) & (np.abs(want) < 1e30)
    for stage, node in (
        ("normal", smart),
        ("again", Algebra(table, INPUTS).renorm(smart)),
        ("final", finished(table, smart)),
    ):
        got = Evaluator(table, given, SIZES).values(node, AXES)
        scale = Evaluator(table, given, SIZES).size_of(raw, AXES)
        with np.errstate(all="ignore"):
            bad = good & ~(np.abs(got - want) <= 1e-9 * (np.abs(want) + scale) + 1e-12)
        assert not bad.any(), f"{stage} {recipe}\n{raw}\n{node}\n{want[bad][:3]} {got[bad][:3]}"
    assert Algebra(table, INPUTS).renorm(smart) is smart, (
        f"not idempotent: {recipe}\n{smart}\n{Algebra(table, INPUTS).renorm(smart)}"
    )


@pytest.mark.parametrize("first", range(0, 400, 40))
def test_random_expressions_keep_their_value(first: int) -> None:
    for seed in range(first, first + 40):
        agree(Draw(seed).real(3), seed)


@pytest.mark.parametrize("seed", [10, 12, 16, 80, 109, 416, 613, 1129])
def test_deeper_expressions_keep_their_value(seed: int) -> None:
    agree(Draw(seed).real(4), seed)


# Structure


@pytest.fixture
def alg() -> Algebra:
    return Algebra(Table(), INPUTS)


def softmax_of(alg: Algebra, x, axis: Axis):
    other = alg.table.fresh(axis.size)
    return alg.div(alg.exp(x(axis)), alg.contract([alg.exp(x(other))], [other]))


def scores(alg: Algebra):
    return lambda j: alg.ref("x", (I, j))


def test_attention_is_a_softmax_times_values(alg: Algebra) -> None:
    x, y = scores(alg), alg.ref("y", (J,))
    top, below = alg.contract([alg.exp(x(J)), y], [J]), alg.contract([alg.exp(x(L))], [L])
    assert alg.div(top, below) is alg.contract([softmax_of(alg, x, J), y], [J])


def test_masks_and_prior_weights_move_into_the_exponent(alg: Algebra) -> None:
    x, w = scores(alg), lambda j: alg.ref("w", (j,))
    mask = lambda j: alg.mask(alg.ref("M", (I, j)))  # noqa: E731
    for weight in (w, mask, lambda j: alg.mul(mask(j), w(j))):
        top = alg.contract([weight(J), alg.exp(x(J)), alg.ref("y", (J,))], [J])
        below = alg.contract([alg.exp(x(L)), weight(L)], [L])
        whole = alg.div(top, below)
        assert whole.op == "contract"
        hot = next(f for f in whole.args if f.op == "exp")
        assert normalised(alg.table, hot.args[0]) is not None


def test_log_of_a_softmax_is_a_difference(alg: Algebra) -> None:
    x = scores(alg)
    assert alg.log(softmax_of(alg, x, J)) is alg.sub(x(J), alg.reduce("lse", x(L), [L]))
    assert alg.contract([softmax_of(alg, x, J)], [J]) is alg.one


def test_unknown_sign_under_a_logarithm_keeps_the_shift(alg: Algebra) -> None:
    x, y = scores(alg), alg.ref("y", (J,))
    value = alg.log(alg.contract([alg.exp(x(J)), y], [J]))
    assert alg.reduce("lse", x(L), [L]) in value.args
    program = Program(alg.table, INPUTS, (Output("out", value, (I,)),))
    assert "W01" in {f.code for f in hazards(program).findings}


def test_what_no_quotient_cancels_is_a_plain_sum_again(alg: Algebra) -> None:
    x = scores(alg)
    for node in (alg.contract([alg.exp(x(J))], [J]), alg.contract([alg.exp(x(J)), alg.ref("y", (J,))], [J])):
        assert "lse" not in show(finished(alg.table, node))
    u = x(J)
    assert show(finished(alg.table, alg.add(alg.one, alg.exp(u)))) == "(1 + exp(x[i, j]))"
    assert finished(alg.table, alg.div(alg.one, alg.add(alg.one, alg.exp(alg.neg(u))))).op == "sigmoid"
    both = alg.exp(alg.reduce("lse", x(L), [L]))
    shared = alg.add(both, alg.reduce("lse", x(L), [L]))
    assert "lse" in show(finished(alg.table, shared))  # its logarithm is there anyway


def test_gather_and_scatter(alg: Algebra) -> None:
    place = alg.ref("I", (I,))
    one_hot = alg.mask(alg.cmp("=", alg.iota(J), place))
    assert show(alg.contract([one_hot, alg.ref("y", (J,))], [J])) == "y[I[i]]"
    scatter = alg.contract([alg.mask(alg.cmp("=", alg.iota(J), place)), alg.ref("c", (I,))], [I])
    assert scatter.op == "contract"
    assert any(f.op == "where" for f in scatter.args)
    shifted = alg.mask(alg.cmp("=", alg.iota(J), alg.add(place, alg.num(-1))))
    assert alg.contract([shifted, alg.ref("y", (J,))], [J]).op == "contract"  # I counts from 0: -1 is out of range
    twice = [one_hot, alg.mask(alg.cmp("=", alg.iota(J), alg.ref("I", (R,)))), alg.ref("y", (J,))]
    assert alg.contract(twice, [J]).op == "contract"


# Mutants: a rule whose condition fails must not fire


def test_logarithms_split_only_over_known_signs(alg: Algebra) -> None:
    x, y, w = alg.ref("x", (I, J)), alg.ref("y", (J,)), alg.ref("w", (J,))
    assert alg.log(alg.mul(x, y)).op == "log"
    assert alg.log(alg.mul(w, x, y)) is alg.add(alg.log(w), alg.log(alg.mul(x, y)))
    assert alg.power(alg.mul(x, y), Fraction(1, 2)).op == "pow"
    assert alg.power(alg.power(x, 2), Fraction(1, 2)).op == "abs"
    assert alg.power(alg.power(w, 2), Fraction(1, 2)) is w


def test_deltas_of_unequal_sizes_stay_masks(alg: Algebra) -> None:
    delta = alg.mask(alg.cmp("=", alg.iota(I), alg.iota(J)))
    assert alg.contract([delta, alg.ref("c", (I,))], [I]).op == "contract"
    same = alg.mask(alg.cmp("=", alg.iota(J), alg.iota(L)))
    assert alg.contract([same, alg.ref("y", (J,))], [J]) is alg.ref("y", (L,))
    fixed = alg.mask(alg.cmp("=", alg.iota(J), alg.num(2)))
    assert alg.contract([fixed, alg.ref("y", (J,))], [J]).op == "contract"  # m may be 2
    known = Algebra(alg.table, INPUTS, floors={"m": 3})
    assert show(known.contract([fixed, alg.ref("y", (J,))], [J])) == "y[2]"


def test_empty_axes_are_not_assumed_away(alg: Algebra) -> None:
    y = alg.ref("y", (J,))
    assert alg.reduce("max", y, [R]) is not y
    assert alg.contract([y], [R]) is alg.mul(alg.size("r"), y)
    assert alg.reduce("lse", y, [R]) is alg.add(y, alg.log(alg.size("r")))


def test_a_sum_of_differences_is_not_distributed(alg: Algebra) -> None:
    body = alg.sub(alg.ref("x", (I, J)), alg.ref("y", (J,)))
    assert alg.contract([body], [J]).op == "contract"


def test_two_softmaxes_are_not_merged_into_one_exponent(alg: Algebra) -> None:
    p = softmax_of(alg, lambda j: alg.ref("x", (I, j)), J)
    q = alg.exp(alg.ref("z", (I, K)))
    inner = alg.contract([p, alg.ref("y", (J,))], [J])
    whole = alg.contract([q, inner], [I])
    exponents = [n for n in Evaluator(alg.table, {}, {}).below(whole) if n.op == "exp"]
    assert exponents
    assert not any("z[" in show(e) and "x[" in show(e) for e in exponents)


# Hazards


def codes(alg: Algebra, node) -> set[str]:
    program = Program(alg.table, INPUTS, (Output("out", node, tuple(sorted(node.axes))),))
    return {f.code for f in hazards(program).findings}


def rules(alg: Algebra, node, accuracy: str = "safe") -> set[str]:
    program = Program(alg.table, INPUTS, (Output("out", node, tuple(sorted(node.axes))),))
    return set(hazards(program, accuracy).rewrites)


def variance(alg: Algebra, weight, values=None):
    x = values or scores(alg)
    second = alg.contract([weight(J), alg.power(x(J), 2)], [J])
    return alg.sub(second, alg.power(alg.contract([weight(L), x(L)], [L]), 2))


def test_variances_are_centred_where_weights_sum_to_one(alg: Algebra) -> None:
    known = lambda j: alg.ref("P", (I, j))  # noqa: E731
    mean = lambda j: alg.power(alg.size("m"), -1)  # noqa: E731
    soft = lambda j: softmax_of(alg, lambda a: alg.ref("W", (I, a)), j)  # noqa: E731
    for weight in (known, mean, soft):
        assert "H1" in rules(alg, variance(alg, weight))
        assert "H1" in rules(alg, variance(alg, weight, lambda j: alg.ref("W", (I, j))))  # values known to be >= 0
        assert "H1" not in rules(alg, variance(alg, weight), "as_written")
    free = lambda j: alg.ref("w", (j,))  # noqa: E731
    assert "H1" not in rules(alg, variance(alg, free))
    assert "W03" in codes(alg, variance(alg, free))


def test_deviations_are_centred_twice_only_from_their_own_mean(alg: Algebra) -> None:
    x, y = scores(alg), alg.ref("y", (L,))
    over = alg.power(alg.size("m"), -1)
    assert "H2" in rules(alg, alg.sub(x(J), alg.mul(over, alg.contract([x(L)], [L]))))
    assert "H2" not in rules(alg, alg.sub(x(J), alg.mul(over, alg.contract([y], [L]))))
    assert "H2" not in rules(alg, alg.sub(x(J), alg.contract([x(L)], [L])))
    assert "H2" not in rules(alg, alg.add(x(J), alg.mul(over, alg.contract([x(L)], [L]))))


def test_divergences(alg: Algebra) -> None:
    one, q, w = alg.one, alg.ref("q", (J,)), alg.ref("P", (I, J))
    term = lambda a, b: alg.mul(a, alg.log(alg.div(a, b)))  # noqa: E731
    bernoulli = alg.add(term(q, w), term(alg.sub(one, q), alg.sub(one, w)))
    assert "H5" in rules(alg, bernoulli)
    half = alg.add(term(q, w), term(alg.sub(one, q), alg.sub(alg.num(2), w)))
    assert "H5" not in rules(alg, half)
    assert "H5" not in rules(alg, term(q, w))
    assert "H5" in rules(alg, alg.add(alg.ref("c", (I,)), alg.num(-1), alg.neg(alg.log(alg.ref("c", (I,))))))
    assert "H5" not in rules(alg, alg.add(alg.ref("c", (I,)), alg.num(-2), alg.neg(alg.log(alg.ref("c", (I,))))))
    p, other = softmax_of(alg, scores(alg), J), softmax_of(alg, lambda j: alg.ref("W", (I, j)), J)
    assert "H4" in rules(alg, alg.contract([p, alg.log(alg.div(p, other))], [J]))
    assert "H4" not in rules(alg, alg.contract([other, alg.log(alg.div(p, alg.power(other, 2)))], [J]))


def test_products_and_quotients_near_one(alg: Algebra) -> None:
    q, y = alg.ref("q", (J,)), alg.ref("y", (J,))
    assert "H7" in rules(alg, alg.sub(alg.one, alg.reduce("prod", alg.sub(alg.one, q), [J])))
    assert "H7" not in rules(alg, alg.sub(alg.one, alg.reduce("prod", alg.sub(alg.one, y), [J])))
    assert "H7" not in rules(alg, alg.sub(alg.num(2), alg.reduce("prod", alg.sub(alg.one, q), [J])))
    z = alg.mul(y, alg.ref("x", (I, J)))
    assert "H3" in rules(alg, alg.div(alg.sub(alg.exp(z), alg.one), y))
    assert "H3" not in rules(alg, alg.div(alg.sub(alg.exp(z), alg.one), alg.ref("c", (I,))))
    for op in ("erf", "tanh", "cos"):
        assert "H6" in rules(alg, alg.sub(alg.one, alg.call(op, y)))
        assert "H6" not in rules(alg, alg.sub(alg.num(2), alg.call(op, y)))


def test_what_may_overflow_stays_in_the_exponent(alg: Algebra) -> None:
    table, x = alg.table, scores(alg)
    mean = alg.div(alg.contract([alg.exp(x(J)), alg.ref("y", (J,))], [J]), alg.contract([alg.exp(x(L))], [L]))
    big = sample(INPUTS, SIZES, 0)
    big["x"] = big["x"] * 1e5
    for node in (mean, alg.log(alg.contract([alg.exp(x(J)), alg.ref("w", (J,))], [J]))):
        assert np.isfinite(Evaluator(table, big, SIZES).values(finished(table, node), (I,))).all()


def test_running_softmaxes_have_no_positive_exponent(alg: Algebra) -> None:
    k, v = alg.ref("x", (I, J)), alg.ref("y", (J,))
    for monoid, rest in (("sum", ()), ("affine", (alg.zero,))):
        decay = (alg.ref("q", (J,)),) if rest else ()
        above = alg.scan(monoid, J, 1, True, *decay, alg.mul(alg.exp(k), v), *rest)
        below = alg.scan(monoid, J, 1, True, *decay, alg.exp(k), *rest)
        node = finished(alg.table, alg.div(above, below))
        big = sample(INPUTS, SIZES, 0)
        big["x"] = big["x"] * 1e5
        got = Evaluator(alg.table, big, SIZES).values(node, (I, J))
        assert (np.abs(got) <= np.abs(big["y"]).max() + 1e-9).all()
        alone = finished(alg.table, above)
        assert alone.data[0] == monoid
        assert "lse" not in show(alone)
    assert show(finished(alg.table, alg.scan("sum", J, 1, True, alg.exp(k)))) == "scan[sum, j, 1, True](exp(x[i, j]))"


def test_an_index_that_follows_a_scan_is_not_drawn_into_it(alg: Algebra) -> None:
    run = alg.scan("sum", I, 1, True, alg.ref("x", (I, J)))
    one_hot = alg.mask(alg.cmp("=", alg.iota(J), alg.ref("I", (I,))))
    node = alg.contract([one_hot, run], [J])
    given = sample(INPUTS, SIZES, 0)
    want = np.cumsum(given["x"], 0)[np.arange(2), given["I"]]
    np.testing.assert_allclose(Evaluator(alg.table, given, SIZES).values(node, (I,)).astype(float), want.astype(float))


def test_tied_factors_are_one_object_whatever_the_names(alg: Algebra) -> None:
    x, y = lambda j: alg.ref("x", (I, j)), lambda j: alg.ref("y", (j,))
    assert alg.contract([x(J), x(L), y(L)], [I, J, L]) is alg.contract([x(J), x(L), y(J)], [I, J, L])
