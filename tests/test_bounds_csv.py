"""Bounds of the rows of a file: every bad row is told by line and kept, good ones have the values of single bounds."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
import random
import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dltsym.bounds import bound, evaluate
from dltsym.bounds.columns import cell
from dltsym.bounds.lines import open_table
from dltsym.bounds.outputs import complete_file, complete_pair
from dltsym.bounds.runs import run_csv
from dltsym.cli import main
from dltsym.errors import DltsymError, DomainError

KEY = "pac_bayes.maurer_pinsker"
HEAD = "name,emp_risk,kl,n,delta\n"
BAD = {
    b"b,nan,100,1000,0.05": "'nan' is not a finite number",
    b"c,0.1,100,-5,0.05": "must be a whole number in [1, oo), got -5",
    b"d,0.1,100,1000,1.5": "must lie in (0, 1), got",
    b"d,0.1,100,1000,0": "must lie in (0, 1), got 0",
    b"e,0.1,100": "3 cells, the header has 5",
    b"e,0.1,100,1000,0.05,7": "6 cells, the header has 5",
    b"f\xff,0.1,100,1000,0.05": "byte 2 is not UTF-8",
    b'"g,0.1,100,1000,0.05': "not readable as CSV",
    b"h,0.1,100,10.5,0.05": "must be a whole number in [1, oo), got",
    b"i,0.1,,1000,0.05": "the cell is empty",
    b"j,0.1,1_000,1000,0.05": "'1_000' is not a finite number",
    b"k,0.1,1/0,1000,0.05": "'1/0' divides by zero",
    b"l,1.1,100,1000,0.05": "must lie in [0, 1], got",
    b"m,0.1,inf,1000,0.05": "'inf' is not a finite number",
    b"n,0.1,1e99999999999,1000,0.05": "is not a finite number",
    b"o,0.1,__import__('os'),1000,0.05": "is not a finite number",
    b"p,0.1,1\x00,1000,0.05": "is not a finite number",
}  # fmt: skip


def ran(*arguments: str) -> Result:
    """Call the command line."""
    return CliRunner().invoke(main, ["bound", *arguments])


def computed(path: Path, **options: Any) -> tuple[str, str, Any]:
    """Run a file and return both outputs as text."""
    out, apart = io.BytesIO(), io.BytesIO()
    done = run_csv(KEY, path, out, apart, loss=(0, 1), **options)
    return out.getvalue().decode("utf-8"), apart.getvalue().decode("utf-8", "replace"), done


@pytest.mark.parametrize("certified", [False, True])
def test_bad_rows_are_kept_apart_with_line_and_reason(tmp_path: Path, certified: bool) -> None:
    file = tmp_path / "rows.csv"
    good = b"a,0.1,100,1000,0.05"
    lines = [good, *(x for bad in BAD for x in (bad, good))]
    file.write_bytes(b"\xef\xbb\xbf# a comment\n" + HEAD.encode() + b"\n".join(lines) + b"\n\n")
    out, apart, done = computed(file, certified=certified)
    assert (done.rows, done.rejected) == (len(BAD) + 1, len(BAD))
    kept = apart.splitlines()[1:]
    for k, (raw, why) in enumerate(BAD.items()):
        row = next(csv.reader([kept[k].replace("\0", "")])) if b'"' not in raw else kept[k].split(",", 1)
        assert row[0] == str(2 * k + 4)
        assert why in kept[k].replace('""', '"')
        assert kept[k].endswith(raw.decode("utf-8", "replace"))
    rows = list(csv.DictReader(io.StringIO(out)))
    value = evaluate(bound(KEY, emp_risk="0.1", kl=100, n=1000, delta="0.05", loss=(0, 1)))
    assert {float(r["bound_estimate"]) for r in rows} == {value.estimate}
    if certified:
        assert {float(r["bound_certified"]) for r in rows} == {value.certificate}


def test_numbers_that_floats_cannot_hold_need_a_certificate(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(HEAD + "a,0.1,1e400,1000,0.05\nb,0.1,100,1e30,1e-400\n")
    _, apart, done = computed(file)
    assert done.rejected == 2
    assert "too large for floating point" in apart
    assert "too small for floating point" in apart
    out, _, done = computed(file, certified=True)
    assert done.rejected == 0
    assert [r["bound_certified"] for r in csv.DictReader(io.StringIO(out))] == ["1.0", "0.10000000000002299"]


def test_estimates_in_bulk_are_those_of_single_bounds(tmp_path: Path) -> None:
    rng = random.Random(3)
    rows = [(rng.random(), rng.expovariate(1e-3), rng.randrange(1, 10**6), rng.random()) for _ in range(200)]
    file = tmp_path / "rows.csv"
    file.write_text("s;D;n;dlt\n" + "".join(";".join(map(repr, r)) + "\n" for r in rows))
    plain, _, done = computed(file)
    sure, _, _ = computed(file, certified=True)
    assert done.rows == 200
    for one, two in zip(csv.DictReader(io.StringIO(plain), delimiter=";"),
                        csv.DictReader(io.StringIO(sure), delimiter=";"), strict=True):  # fmt: skip
        assert math.isclose(float(one["bound_estimate"]), float(two["bound_estimate"]), rel_tol=1e-14)
        assert float(two["bound_other_end"]) <= float(two["bound_certified"])
        assert abs(float(two["bound_certified"]) - float(one["bound_estimate"])) <= 1e-14


def test_losses_and_units_are_converted_in_bulk_as_in_single_bounds(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("emp_risk,bits,n\n2.5,1724,30000\n")
    out, _, _ = computed_with(file, loss=(2, 4), fixed={"delta": "0.05"})
    single = evaluate(bound(KEY, emp_risk="2.5", bits=1724, n=30000, delta="0.05", loss=(2, 4)))
    assert math.isclose(float(next(csv.DictReader(io.StringIO(out)))["bound_estimate"]), single.estimate, rel_tol=1e-14)
    file.write_text("emp_risk,prefix_bits,n\n0.3,1724,30000\n")
    with pytest.raises(DomainError, match="bits-in-nats-slot"):
        computed(file, fixed={"delta": "0.05"}, mapping={"kl": "prefix_bits"})
    out, _, _ = computed(file, fixed={"delta": "0.05"}, mapping={"kl": "prefix_bits:bit"})
    single = evaluate(bound(KEY, emp_risk="0.3", bits=1724, n=30000, delta="0.05", loss=(0, 1)))
    assert math.isclose(float(next(csv.DictReader(io.StringIO(out)))["bound_estimate"]), single.estimate, rel_tol=1e-14)


def computed_with(path: Path, **options: Any) -> tuple[str, str, Any]:
    """Run a file with a range of losses of its own."""
    out, apart = io.BytesIO(), io.BytesIO()
    done = run_csv(KEY, path, out, apart, **options)
    return out.getvalue().decode("utf-8"), apart.getvalue().decode("utf-8"), done


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"# only a comment\n\n", "is empty"),
        (HEAD.encode("utf-16"), "save it as UTF-8"),
        (HEAD.encode("utf-32"), "save it as UTF-8"),
        ("größe,n\n".encode("latin-1"), "header is not UTF-8"),
        (b"n,n\n1,2\n", "twice"),
        (b"n,,kl\n1,2,3\n", "without a name"),
        (b"n,kl\r1,2\r", "ordinary line ends"),
        (b"n" * 70000, "no line of names"),
        (b'n,"kl\n1,2\n', "not readable as CSV"),
    ],
)  # fmt: skip
def test_files_that_are_no_tables_are_refused(tmp_path: Path, data: bytes, told: str) -> None:
    file = tmp_path / "rows.csv"
    file.write_bytes(data)
    with pytest.raises(DomainError, match=r"rows\.csv") as caught:
        open_table(file)
    assert told in str(caught.value)


def test_missing_columns_and_uncovered_uses_stop_before_the_rows(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(HEAD + "a,0.1,100,1000,0.05\n")
    with pytest.raises(DltsymError, match="there is no column"):
        computed(file, mapping={"kl": "kll"})
    with pytest.raises(DltsymError, match="prior-depends-on-data"):
        computed(file, chosen={"prior": "data"})
    file.write_text("emp_risk,kl,n,delta,bound_estimate\n0.1,1,1,0.5,3\n")
    with pytest.raises(DomainError, match="already"):
        computed(file)
    file.write_text("emp_risk,kl,n\n0.1,1,1\n")
    with pytest.raises(DltsymError, match="delta"):
        computed(file)


def test_long_lines_take_no_memory_and_lose_no_other_row(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    with file.open("wb") as f:
        f.write(HEAD.encode() + b"a,0.1,100,1000,0.05\n" + b"x" * 300_000 + b"\na,0.1,100,1000,0.05\n")
    _, apart, done = computed(file)
    assert (done.rows, done.rejected) == (2, 1)
    assert "300001 bytes long" in apart
    assert len(apart) < 70_000


def test_files_appear_complete_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("before")
    with contextlib.suppress(KeyboardInterrupt), complete_file(path) as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert path.read_text() == "before"
    with complete_file(path) as one, complete_file(path) as two:
        one.write(b"one" * 1000)
        two.write(b"two" * 1000)
    assert path.read_text() == "one" * 1000
    assert [p.name for p in tmp_path.iterdir()] == ["out.csv"]


def test_pairs_of_files_belong_together(tmp_path: Path) -> None:
    out, apart = tmp_path / "out.csv", tmp_path / "apart.csv"
    with complete_pair(out, apart) as slow:
        slow.first.write(b"slow")
        slow.second.write(b"slow")
        with complete_pair(out, apart) as quick:
            quick.first.write(b"quick")
            quick.second.write(b"quick")
        assert (out.read_bytes(), apart.read_bytes()) == (b"quick", b"quick")
    assert (out.read_bytes(), apart.read_bytes()) == (b"slow", b"slow")
    with contextlib.suppress(KeyboardInterrupt), complete_pair(out, apart) as broken:
        broken.first.write(b"half")
        raise KeyboardInterrupt
    with complete_pair(out, apart) as files:
        files.both = False
    assert [p.name for p in tmp_path.iterdir()] == ["out.csv"]


def test_two_processes_write_one_output(tmp_path: Path) -> None:
    source, out = tmp_path / "rows.csv", tmp_path / "out.csv"
    source.write_text(HEAD + "a,0.1,100,1000,0.05\nb,0.1,100,-1,0.05\n" * 2000)
    command = [sys.executable, "-m", "dltsym", "bound", KEY, "--csv", str(source), "--out", str(out), "--loss", "0,1"]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    for run in runs:
        run.communicate(timeout=120)
    assert [run.returncode for run in runs] == [1, 1]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.csv", "out.rejected.csv", "rows.csv"]
    assert len(out.read_text().splitlines()) == 2001
    assert len((tmp_path / "out.rejected.csv").read_text().splitlines()) == 2001


@pytest.mark.parametrize(
    "key", ["pac_bayes.seeger_maurer", "pac_bayes.maurer_pinsker", "pac_bayes.catoni_uniform", "pac_bayes.occam_kl"]
)
@pytest.mark.parametrize("loss", [(0, 1), (2, 4)])
def test_certificates_of_many_rows_enclose_those_of_single_ones(key: str, loss: Any, tmp_path: Path) -> None:
    rng = random.Random(5)
    file, more = tmp_path / "rows.csv", {"C": "2"} if key.endswith("uniform") else {}
    rows = [
        (repr(loss[0] + (loss[1] - loss[0]) * rng.random()), repr(10 ** rng.uniform(-2, 4)), rng.randrange(1, 10**5),
         repr(rng.random()))
        for _ in range(40)
    ]  # fmt: skip
    file.write_text("emp_risk,kl,n,delta\n" + "".join(",".join(map(str, r)) + "\n" for r in rows))
    out = io.BytesIO()
    base = str(sum(loss) / 2)
    assert run_csv(key, file, out, loss=loss, certified=True, baseline=base, fixed=more).rows == len(rows)
    for row in csv.DictReader(io.StringIO(out.getvalue().decode())):
        one = bound(key, loss=loss, baseline=base, **{k: row[k] for k in ("emp_risk", "kl", "n", "delta")}, **more)
        value, certificate = evaluate(one), float(row["bound_certified"])
        assert value.interval[0] <= certificate <= value.certificate + 4 * math.ulp(value.certificate)
        assert float(row["bound_other_end"]) <= value.interval[1]
        assert row["verdict"] == value.verdict


def test_certificates_are_such_as_decimal_text_too(tmp_path: Path) -> None:
    """The text that Python prints for a float is half of the time below it; a reader of the file takes the text."""
    rng, file = random.Random(4), tmp_path / "in.csv"
    rows = [f"{0.9 * rng.random()!r},{1000 * rng.random()!r}\n" for _ in range(300)]
    file.write_text("emp_risk,kl\n" + "".join(rows))
    out, _, _ = computed(file, certified=True, fixed={"n": 30000, "delta": "0.05"})
    told = 0
    for row in csv.DictReader(io.StringIO(out)):
        given = {k: row[k] for k in ("emp_risk", "kl")}
        low, high = evaluate(bound(KEY, loss=(0, 1), n=30000, delta="0.05", **given)).interval
        assert float(row["bound_certified"]) == high <= Fraction(row["bound_certified"])
        assert float(row["bound_other_end"]) == low >= Fraction(row["bound_other_end"])
        told += repr(high) != row["bound_certified"]
    assert told > 50  # so often the usual text would have been too small


def test_a_range_is_evaluated_at_its_worse_end(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(HEAD + "a,0.02..0.03,90..100,1000..2000,0.04..0.05\nb,0.1,1..0,9,0.5\nc,0.1..x,1,9,0.5\n")
    good, bad = (
        evaluate(bound(KEY, emp_risk=s, kl=D, n=n, delta=d, loss=(0, 1), baseline="0.2"))
        for s, D, n, d in (("0.02", 90, 2000, "0.05"), ("0.03", 100, 1000, "0.04"))
    )
    out, apart, done = computed(file, certified=True, baseline="0.2")
    (row,) = csv.DictReader(io.StringIO(out))
    assert float(row["bound_certified"]) == bad.certificate
    assert float(row["bound_other_end"]) == good.interval[0]
    assert (good.verdict, bad.verdict, row["verdict"]) == ("non-vacuous", "vacuous", "undecided")
    assert done.rejected == 2
    assert "the range '1..0' runs downward" in apart
    assert "in the range '0.1..x': 'x' is not a finite number" in apart
    out, _, _ = computed(file)
    assert float(next(csv.DictReader(io.StringIO(out)))["bound_estimate"]) == pytest.approx(bad.estimate, rel=1e-15)
    file.write_text("emp_risk,kl,n,delta,C\n0.1,100,1000,0.05,1..2\n")
    apart_bytes = io.BytesIO()
    done = run_csv("pac_bayes.catoni_uniform", file, io.BytesIO(), apart_bytes, loss=(0, 1))
    assert done.rejected == 1
    assert b"no direction in C is declared" in apart_bytes.getvalue()


def test_cells_are_exact() -> None:
    assert str(cell(" 0.1 ")) == "1/10"
    assert str(cell("1e-3")) == "1/1000"
    for text in ("", "nan", "0x1", "1e", "--1", "1,5", "１", "1" * 500, "1e12345"):
        assert isinstance(cell(text), str)


# The command line


def test_the_command_evaluates_one_bound() -> None:
    inputs = [x for text in ("emp_risk=0.289307", "kl=1724", "n=30000", "delta=0.05") for x in ("--set", text)]
    done = ran(KEY, *inputs, "--loss", "0,1", "--baseline", "0.9")
    assert done.exit_code == 0
    shown = re.search(r"certified   <= (\S+)", done.output)
    assert shown is not None
    assert float(shown[1]) == 0.45925029229601055 <= Fraction(shown[1])  # as a decimal number too
    data = json.loads(ran(KEY, *inputs, "--loss", "0,1", "--baseline", "0.9", "--json", "--tighten").stdout)
    assert (data["verdict"], data["ledger"]["delta"]) == ("non-vacuous", "0.05")
    assert data["tighter"]
    tex = ran(KEY, *inputs, "--loss", "0,1", "--latex").output
    assert r"$r \le 0.45925030$" in tex  # cut outward
    refused = ran(KEY, *inputs, "--loss", "0,1", "--chosen", "prior=grid:8")
    assert refused.exit_code == 1
    assert "grid-unpaid" in refused.output
    assert ran(KEY, *inputs, "--loss", "0,1", "--chosen", "prior=grid:8", "--union", "prior=8").exit_code == 0
    assert ran(KEY, *inputs).exit_code == 1  # the range of the loss is not said


@pytest.mark.parametrize(
    "arguments",
    [
        [KEY, "--set", "kl"], [KEY, "--set", "kl=one"], [KEY, "--loss", "0"], [KEY, "--union", "prior=x"],
        ["pac_bayes.nothing"], [KEY, "--out", "x.csv"], [KEY, "--table", "nothing"], [KEY, "--csv", "missing.csv"],
        [KEY, "--set", "kl=1", "--set", "kl=2"], [KEY, "--posterior", "none"], [KEY, "--csv", __file__, "--latex"],
        [KEY, "--csv", __file__, "--tighten"],
    ],
)  # fmt: skip
def test_misuse_of_the_command_is_status_two(arguments: list[str]) -> None:
    assert ran(*arguments).exit_code == 2


def test_the_command_keeps_refused_rows_beside_the_output(tmp_path: Path) -> None:
    file, out = tmp_path / "rows.csv", tmp_path / "out.csv"
    file.write_text(HEAD + "a,0.1,100,1000,0.05\nb,0.1,100,-1,0.05\n")
    done = ran(KEY, "--csv", str(file), "--out", str(out), "--loss", "0,1")
    assert done.exit_code == 1
    assert "line 3: n (training examples, i.i.d.) must be" in done.output
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.csv", "out.rejected.csv", "rows.csv"]
    file.write_text(HEAD + "a,0.1,100,1000,0.05\n")
    assert ran(KEY, "--csv", str(file), "--out", str(out), "--loss", "0,1").exit_code == 0
    assert not (tmp_path / "out.rejected.csv").exists()
    piped = ran(KEY, "--csv", str(file), "--loss", "0,1")
    assert piped.stdout.splitlines()[1].startswith("a,0.1,100,1000,0.05,0.33145")
