"""The public table: every printed bound is reproduced from its inputs, or shown to be a failed minimisation."""

from __future__ import annotations

import csv
import doctest
import io
import json
import re
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

from dltsym.bounds import Message, bound, evaluate, lint_bound
from dltsym.bounds.tables import TableRow, reproduced, summary, tight_pac_bayes
from dltsym.cli import main
from dltsym.errors import UnknownKey


@cache
def rows() -> list[TableRow]:
    """Evaluate the table once."""
    return tight_pac_bayes()


def test_printed_bounds_are_reproduced_and_failures_turned() -> None:
    turned = [r for r in rows() if r.published == 1]
    assert (len(rows()), len(turned)) == (67, 13)
    assert {r.verdict for r in turned} == {"printed 1, is below 1"}
    assert {r.verdict for r in rows() if r.published < 1} == {"reproduced"}
    assert f"{min(r.catoni_grid for r in turned):.12f}" == "0.768474819812"
    assert f"{max(r.catoni_grid for r in turned):.12f}" == "0.924237857590"
    assert all(abs(r.catoni_grid - r.published) < 1e-12 for r in rows() if r.published < 1)
    assert "54 of 67 rows are reproduced to 1e-9; 13 are printed as 1" in summary(rows())


@pytest.mark.parametrize(
    ("row", "grid", "seeger", "occam"),
    [
        ("3", "0.886661197523", "0.884502384628", "0.883812283852"),
        ("9", "0.862539604881", "0.860420290717", "0.859747510515"),
        ("39", "0.205653705208", "0.205141075619", "0.204955230646"),
        ("63", "0.924237857590", "0.924043759807", "0.923975927723"),
        ("111", "0.690706266310", "0.690530024496", "0.690475158889"),
    ],
)
def test_rows_have_the_values_of_forty_digits(row: str, grid: str, seeger: str, occam: str) -> None:
    r = next(r for r in rows() if r.row == row)
    for got, expected in ((r.catoni_grid, grid), (r.seeger_maurer, seeger), (r.occam_kl, occam)):
        assert abs(got - float(expected)) <= 6e-13
    assert r.occam_kl < r.legal


def test_what_may_be_claimed_pays_for_lengths_and_subtracts_no_bits() -> None:
    """Row 9: the kl bound at -2, 0 and log2(pi^2/6) further bits."""
    given = {"emp_risk": "0.7797500044107437", "n": 12000, "delta": "0.05", "loss": (0, 1)}
    printed = bound("pac_bayes.seeger_maurer", **given, kl=Message("400.1624011638499", extra=-2))
    assert [x.id for x in lint_bound(printed)] == ["negative-extra-bits"]
    assert round(evaluate(printed, illegal=True).certificate, 10) == 0.8604202907
    zero = bound("pac_bayes.seeger_maurer", **given, kl=Message("400.1624011638499"))
    assert round(evaluate(zero).certificate, 10) == 0.8605920054
    assert evaluate(zero).certificate < 0.8606535216


def test_a_million_bits_in_a_slot_of_nats_are_seen() -> None:
    given = {"emp_risk": 0, "n": 8009762, "delta": "0.05", "loss": (0, 1)}
    wrong = bound("pac_bayes.occam", **given, kl=10**6, log="bit")
    assert lint_bound(wrong)[0].numbers["converted"] == "693147.180560"
    assert round(evaluate(wrong, illegal=True).certificate, 4) == 0.2498
    assert round(evaluate(bound("pac_bayes.occam", **given, bits=10**6)).certificate, 4) == 0.2080


def test_the_table_is_written_in_every_form() -> None:
    done = CliRunner().invoke(main, ["bound", "--table", "tight-pac-bayes", "--json"])
    assert json.loads(done.stdout)["rows"][5]["row"] == "9"
    table = list(csv.DictReader(io.StringIO(reproduced("tight-pac-bayes", "csv"))))
    assert len(table) == 67
    assert float(table[5]["catoni_grid"]) == rows()[5].catoni_grid
    assert reproduced("tight-pac-bayes", "latex").count(r"\\") == 67 + 2
    assert "| 9 | rot_mnist | 12000 | 1.000000000 | 0.862539605 |" in reproduced("tight-pac-bayes", "markdown")
    with pytest.raises(UnknownKey, match="did you mean tight-pac-bayes"):
        reproduced("tight_pac_bayes")


@pytest.mark.parametrize(("page", "count"), [("explain/public-tables.md", 6), ("howto/compute-a-bound.md", 34)])
def test_examples_of_the_pages_are_what_is_printed(page: str, count: int) -> None:
    text = (Path(__file__).parents[1] / "docs" / page).read_text(encoding="utf-8")
    example = doctest.DocTestParser().get_doctest(re.sub(r"^```.*$", "", text, flags=re.M), {}, page, page, 0)
    assert len(example.examples) == count
    found = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS).run(example)
    assert found.failed == 0
