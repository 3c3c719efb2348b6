"""Ways in which a certificate, a verdict or a ledger could say more than is proved, each tried once."""

from __future__ import annotations

import csv
import io
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from flint import arb

from dltsym.bounds import (
    Grid,
    IllegalBound,
    bits,
    bound,
    compare,
    crossover,
    evaluate,
    gaussian_kl,
    lint_bound,
    merge,
    pay,
    tighten,
    union,
)  # fmt: skip
from dltsym.bounds.ledger import Doubly
from dltsym.bounds.nearly import Certain
from dltsym.bounds.ranking import moved
from dltsym.bounds.runs import run_csv
from dltsym.bounds.words import latex_line, valued
from dltsym.cli import main
from dltsym.errors import DomainError, Undecided
from dltsym.notation.balls import working
from dltsym.notation.numbers import Balls

KL, PINSKER, OCCAM = "pac_bayes.seeger_maurer", "pac_bayes.maurer_pinsker", "pac_bayes.occam"
AT: dict[str, Any] = {"emp_risk": "0.1", "kl": 100, "n": 1000, "delta": "0.05", "loss": (0, 1)}
DOCUMENTS: dict[str, Any] = {"D": 100, "V": 50257, "n": 10**6, "delta": "0.05"}


def computed(key: str, path: Path, text: str, **options: Any) -> tuple[list[dict[str, str]], Any]:
    """Run a file and return its rows."""
    path.write_text(text)
    out = io.BytesIO()
    done = run_csv(key, path, out, **options)
    return list(csv.DictReader(io.StringIO(out.getvalue().decode()))), done


# Ranges


def test_a_cut_below_an_unknown_range_is_no_certificate() -> None:
    what = bound(OCCAM, emp_risk="0.3", D=100, W=1, n=1000, delta="0.05", clip="0.01")
    assert [x.id for x in lint_bound(what)] == ["clip-before-rescale"]


def test_a_range_must_agree_with_its_width_and_with_the_statement() -> None:
    at = {"D": 100, "n": 1000, "delta": "0.05"}
    with pytest.raises(DomainError, match="have the width 1"):
        bound(OCCAM, **at, emp_risk="0.3", W="0.1", loss=(0, 1))
    assert evaluate(bound(OCCAM, **at, emp_risk="0.03", W="0.1", loss=(0, "0.1"))).certificate <= 0.1
    with pytest.raises(DomainError, match="leave the range away"):
        bound("llm_bounds.document_bound", **at, s="0.5", V=50257, al="0.1", loss=(0, 1))


@pytest.mark.parametrize(
    ("key", "more"), [(OCCAM, {"loss": (0, 1)}), ("llm_bounds.document_bound", {"V": 9, "al": "0.1"})]
)
def test_a_measured_risk_outside_its_range_bounds_nothing(key: str, more: dict[str, Any]) -> None:
    with pytest.raises(DomainError, match="not in the range"):
        bound(key, emp_risk=-5, D=100, n=1000, delta="0.05", **more)


@pytest.mark.parametrize("certified", [False, True])
def test_rows_are_held_against_the_range_as_single_bounds_are(tmp_path: Path, certified: bool) -> None:
    given = {"n": 1000, "delta": "0.05"}
    rows, done = computed(
        OCCAM, tmp_path / "a.csv", "s,D\n0.1,1\n-5,1\n", fixed=given, loss=(0, 1), certified=certified
    )
    assert (len(rows), done.first[0].line) == (1, 3)
    assert "-5 is not in the range" in done.first[0].reason
    with pytest.raises(DomainError, match="leave the range or the column away"):
        computed(OCCAM, tmp_path / "a.csv", "s,D,W\n0.1,1,0.001\n", fixed=given, loss=(0, 1), certified=certified)


def test_every_row_is_cut_off_at_its_own_range(tmp_path: Path) -> None:
    rows, _ = computed("llm_bounds.document_bound", tmp_path / "a.csv", "s,al\n9,0.5\n18,0.0001\n", of="bound",
                       fixed=DOCUMENTS)  # fmt: skip
    for row in rows:
        single = evaluate(bound("llm_bounds.document_bound", of="bound", s=row["s"], al=row["al"], **DOCUMENTS))
        assert math.isclose(float(row["bound_estimate"]), single.estimate, rel_tol=1e-14)


def test_a_clipped_certificate_does_not_leave_the_range() -> None:
    assert evaluate(bound(KL, **AT | {"kl": "1e400"})).interval[1] == 1


# Ledgers


@pytest.mark.parametrize("delta", ["exp(-2)", "1/3", "exp(-1000)"])
def test_no_ledger_spends_less_than_was_used(delta: str) -> None:
    what = bound(PINSKER, **AT | {"delta": delta, "kl": bits(100)})
    given = what.inputs["dlt"]
    spent = what.ledger.delta
    with working(320):
        assert spent == given if isinstance(given, Fraction) else spent.numerator >= given * spent.denominator


def test_units_of_a_complexity_do_not_round_a_ledger() -> None:
    one, two = bound(KL, **AT | {"kl": bits(100)}), bound(KL, **AT)
    assert one.ledger.delta == Fraction(1, 20)
    assert merge(one, two, shared=["event"]).ledger.delta == Fraction(1, 20)


def test_an_event_that_was_divided_is_another_event() -> None:
    one, two = union(bound(KL, **AT), "al", 8), bound(KL, **AT)
    for pair in ((one, two), (two, one)):
        with pytest.raises(Doubly, match="different payments"):
            merge(*pair, shared=["event"])
    assert merge(one, union(bound(KL, **AT), "al", 8), shared=["event"]).ledger.delta == Fraction(1, 20)


def test_bounds_of_two_risks_do_not_hold_together() -> None:
    vote = bound("pac_bayes.c_bound", of="twice", s="0.1", D=2, n=100, delta="0.05", loss=(0, 1))
    with pytest.raises(DomainError, match="one risk"):
        merge(bound(KL, **AT), vote)


def test_a_payment_that_changes_nothing_clears_nothing() -> None:
    bennett = bound(
        "pac_bayes.bennett", s="0.1", D=2, E=3, K=1, S="0.1", g=1, t="0.5", n=1000, chosen={"prior": "data"}
    )
    for paid in (lambda: union(bennett, "prior", weight="0.5"), lambda: pay(bennett, "prior", 5)):
        with pytest.raises(DomainError, match="inside its inputs"):
            paid()


def test_nats_for_a_grid_have_to_be_enough_for_it() -> None:
    what = bound("pac_bayes.catoni_fixed", **AT, C=1, chosen={"C": Grid(8)})
    assert [x.id for x in lint_bound(pay(what, "C", "1e-9"))] == ["grid-unpaid"]
    assert lint_bound(pay(what, "C", "log(9)")) == []
    assert evaluate(pay(what, "C", 3)).certificate > evaluate(union(what, "C", 8)).certificate


def test_nats_that_an_inner_bound_paid_do_not_pay_outside() -> None:
    data = {"chosen": {"prior": "data"}}
    inner = pay(bound(KL, **AT | {"delta": "0.01"}, sample="T", **data), "prior", 5)
    outer = bound("pac_bayes.langford_seeger", **AT | {"emp_risk": inner}, **data)
    assert [x.id for x in lint_bound(outer)] == ["prior-depends-on-data"]


def test_a_bound_that_moves_or_is_replaced_keeps_what_was_paid() -> None:
    paid = pay(bound(KL, **AT, chosen={"prior": "data"}), "prior", 500)
    for name, x in (("n", 1000), ("kl", 100)):
        assert evaluate(moved(paid, name, x)).interval == evaluate(paid).interval
    cheap = bound(KL, **AT | {"kl": 500})
    assert crossover(paid, cheap, "n", 500, 2000) == []  # 600 nats are never the better ones
    inner = bound(
        "concentration.chernoff_kl", **{k: AT[k] for k in ("n", "loss")}, emp_risk="0.05", delta="0.01", sample="T"
    )
    outer = bound("pac_bayes.langford_seeger", **AT | {"emp_risk": inner})
    found = tighten(outer)
    assert found
    assert {s.bound.ledger.delta for s in found} == {Fraction(3, 50)}
    assert moved(outer, "n", 2000).ledger.delta == Fraction(3, 50)


@pytest.mark.parametrize("certified", [False, True])
def test_events_of_a_row_that_fail_too_often_refuse_the_row_only(tmp_path: Path, certified: bool) -> None:
    key, text = "pac_bayes.monte_carlo_layer", "s,dlt,dlt2\n0.1,0.6,0.6\n0.1,0.05,0.05\n0.1,0.5,0.5\n"
    rows, done = computed(key, tmp_path / "a.csv", text, fixed={"D": 10, "n": 1000, "m": 99}, loss=(0, 1),
                          certified=certified)  # fmt: skip
    assert [r["dlt"] for r in rows] == ["0.05"]
    assert [(x.line, "delta-double-spent" in x.reason) for x in done.first] == [(2, True), (4, True)]


# Parameters


@pytest.mark.parametrize(
    ("key", "more", "name"),
    [
        ("pac_bayes.unexpected_bernstein", {"V": "0.03", "b": 1, "G": 3}, "k"),
        ("pac_bayes.gaussian_prior_grid", {"loss": (0, 1)}, "j"),
    ],
)
def test_what_other_inputs_speak_of_is_not_searched_for(key: str, more: dict[str, Any], name: str) -> None:
    what = {k: v for k, v in AT.items() if k != "loss"} | more
    with pytest.raises(DomainError, match=f"missing input {name}"):
        evaluate(bound(key, **what))
    assert evaluate(bound(key, **what, **{name: 3})).certificate > 0


def test_a_grid_point_lies_on_the_grid_that_was_paid_for() -> None:
    with pytest.raises(DomainError, match=r"\[1, G\]"):
        bound("pac_bayes.unexpected_bernstein", **AT, V="0.03", b=1, G=3, k=4)
    with pytest.raises(DomainError, match="missing input s"):
        evaluate(bound("concentration.freedman_empirical", n=2, X=[1, 2], Y=[1, 1], W=4, C="0.1"))


# Text


@pytest.mark.parametrize(
    ("delta", "told", "sentence"),
    [
        ("0.05", "0.05", "$0.95$"), ("0.050000049", "0.0500001", "$0.9499999$"),
        ("1e-9", "1e-9", r"$1 - 1 \cdot 10^{-9}$"),
        ("1e-400", "1e-400", r"$1 - 1 \cdot 10^{-400}$"), ("0.99999999", "1", "$0$"),
    ],
)  # fmt: skip
def test_no_text_says_that_a_statement_is_likelier_than_it_is(delta: str, told: str, sentence: str) -> None:
    what = bound(KL, **AT | {"delta": delta})
    found = evaluate(what)
    assert f"at most {told}\n" in valued(found, what.ledger.delta) + "\n"
    assert f"at least {sentence} over" in latex_line(what, found)
    assert Fraction(what.ledger.json()["delta"]) >= Fraction(delta)


def test_text_of_a_comparison_is_on_the_side_of_its_certificate() -> None:
    found = compare([bound(KL, **AT), bound(PINSKER, **AT)])
    for row, line in zip(found.rows, str(found).splitlines(), strict=False):
        assert Fraction(line.split()[1]) >= Fraction(row.certificate)
    assert Fraction(str(found).split()[-1]) <= Fraction(found.margin)
    assert Fraction(found.margin) <= Fraction(found.rows[1].interval[0]) - Fraction(found.rows[0].interval[1])


def test_numbers_beyond_floats_are_told_and_do_not_break(tmp_path: Path) -> None:
    what = bound(KL, **AT | {"loss": (0, "1e400")})
    assert evaluate(what).certificate == math.inf
    rows, done = computed(
        KL, tmp_path / "a.csv", "s\n0.1\n", fixed={"D": 3, "n": 9, "delta": "0.05"}, loss=(0, 10**400)
    )
    assert (rows, done.rejected) == ([], 1)


def test_a_distance_counts_whose_square_is_no_float() -> None:
    found = gaussian_kl(np.array([1e-170]), np.array([-400.0]), 0.0, np.array([-400.0]))
    assert math.isclose(found.kl, (1e-170 * math.exp(400)) ** 2 / 2, rel_tol=1e-12)


@pytest.mark.parametrize("of", ["joint", "capped"])
def test_a_vote_is_not_bounded_below_one_where_a_gibbs_risk_of_one_half_is_allowed(of: str) -> None:
    what = bound("pac_bayes.c_bound_joint", of=of, s="0.51", z="0.159936", D=1, n=1000, delta="1e-6", loss=(0, 1))
    assert evaluate(what).certificate == 1  # the C-bound falls again beyond 1/2, where it is none


# Files


def test_columns_that_could_be_one_input_have_to_be_chosen(tmp_path: Path) -> None:
    given = {"n": 1000, "delta": "0.05"}
    with pytest.raises(DomainError, match="could both be s"):
        computed(KL, tmp_path / "a.csv", "emp_risk,s,kl\n0.1,0.9,1\n", fixed=given, loss=(0, 1))
    rows, _ = computed(
        KL, tmp_path / "a.csv", "emp_risk,s,kl\n0.1,0.9,1\n", fixed=given, loss=(0, 1), mapping={"s": "s"}
    )
    assert float(rows[0]["bound_estimate"]) > 0.9
    with pytest.raises(DomainError, match="missing input D"):  # d is another thing than D
        computed(KL, tmp_path / "a.csv", "emp_risk,d\n0.1,128\n", fixed=given, loss=(0, 1))
    rows, _ = computed(KL, tmp_path / "a.csv", "Emp_Risk,D\n0.1,128\n", fixed={**given, "kl": 3}, loss=(0, 1))
    assert math.isclose(float(rows[0]["bound_estimate"]), evaluate(bound(KL, **AT | {"kl": 3})).estimate, rel_tol=1e-14)


def test_a_row_without_an_enclosure_does_not_stop_the_others(tmp_path: Path) -> None:
    text = "s,dlt,dlt2,D\n0.9722401589677558,1e-20,1e-21,68.07623724601176\n0.1,0.05,0.05,1\n"
    rows, done = computed("pac_bayes.monte_carlo_layer", tmp_path / "a.csv", text, fixed={"m": 2, "n": 2}, loss=(0, 1),
                          certified=True)  # fmt: skip
    assert len(rows) + done.rejected == 2
    assert rows


def test_no_output_replaces_its_input_or_what_is_no_file(tmp_path: Path) -> None:
    given = ["bound", KL, "--loss", "0,1", "--set", "n=9", "--set", "delta=0.05", "--set", "kl=1"]
    for name in ("a.csv", "a.rejected.csv"):
        (tmp_path / name).write_text("s\n0.1\n")
        told = CliRunner().invoke(main, [*given, "--csv", str(tmp_path / name), "--out", str(tmp_path / "a.csv")])
        assert (told.exit_code, (tmp_path / name).read_text()) == (2, "s\n0.1\n")
        assert "would replace" in told.output
        (tmp_path / name).unlink()
    (tmp_path / "rows.csv").write_text("s\n0.1\n")
    pipe = tmp_path / "pipe"
    pipe.symlink_to("/dev/null")
    told = CliRunner().invoke(main, [*given, "--csv", str(tmp_path / "rows.csv"), "--out", str(pipe)])
    assert told.exit_code != 0
    assert pipe.is_symlink()
    assert "no ordinary file" in told.output


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("s,D,n,dlt\n0.1,1,9,0.05\n")
    told = CliRunner().invoke(main, ["bound", KL, "--loss", "0,1", "--csv", str(tmp_path / "rows.csv"), "--out",
                                     str(tmp_path / "none" / "out.csv")])  # fmt: skip
    assert told.exit_code == 2
    assert "there is no folder" in told.output


def test_long_rows_are_read_in_small_chunks(tmp_path: Path) -> None:
    from dltsym.bounds.lines import HELD, open_table

    file = tmp_path / "rows.csv"
    row = b"0.1," + b"x" * 60_000 + b"\n"
    file.write_bytes(b"s,note\n" + row * 400)
    chunks = list(open_table(file).chunks())
    assert sum(len(c.lines) for c in chunks) == 400
    assert max(sum(map(len, c.raws)) for c in chunks) < HELD + len(row)


def test_an_illegal_use_is_still_refused_for_the_whole_file(tmp_path: Path) -> None:
    with pytest.raises(IllegalBound, match="prior-depends-on-data"):
        computed(KL, tmp_path / "a.csv", "s\n0.1\n", fixed={"D": 3, "n": 9, "delta": "0.05"}, loss=(0, 1),
                 chosen={"prior": "data"})  # fmt: skip


# Bounds within rounding of 1


@pytest.mark.parametrize(("k", "n"), [(1, 2), (50, 100), (99, 100)])
@pytest.mark.parametrize("nats", [120, 400])
def test_inverses_of_tails_next_to_one_enclose_what_more_bits_find(k: int, n: int, nats: int) -> None:
    level = -nats * (n - k)  # a failure is as likely as exp(-nats), about
    with Balls(2 * nats + 300) as wide:
        exact = wide.binomial_upper(k, n, level).value
    with Certain(96) as m:
        near = m.binomial_upper(k, n, level).value
    assert near.contains(exact)
    assert near.rel_accuracy_bits() > 64


def test_bounds_within_rounding_of_one_have_a_certificate() -> None:
    given = {"n": 100, "delta": "0.05", "loss": (0, 1), "baseline": "0.9"}
    for nats in (10, 100, 700, 7000, 10**9):
        found = evaluate(bound("pac_bayes.occam_binomial_tail", k=99, kl=nats, **given))
        assert found.verdict == "vacuous"
        assert found.interval[0] <= found.certificate <= 1.0
        assert found.unclipped[0] > 0.9999
    draws = {"n": 100, "kl": 10, "dlt": "0.05", "loss": (0, 1), "baseline": "0.9"}
    for dlt2 in ("1e-20", "1e-300", "1e-3000"):
        found = evaluate(bound("pac_bayes.monte_carlo_layer", m=1, dlt2=dlt2, emp_risk="0.5", **draws))
        assert found.verdict == "vacuous"
        assert found.certificate == 1.0
    scaled = draws | {"loss": (0, 3), "baseline": 2}
    wide = evaluate(bound("pac_bayes.monte_carlo_layer", m=1, dlt2="1e-300", emp_risk="1.5", **scaled))
    assert wide.certificate == 3.0


def test_nothing_is_certified_where_nothing_is_known() -> None:
    with Certain(96) as m, pytest.raises(Undecided, match="not close enough"):
        m._near_one(50, 100, arb(-3))
