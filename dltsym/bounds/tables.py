"""Public tables of bounds, evaluated again from their inputs: the printed value, certified values, and a verdict.

Inputs are taken as printed, also where a lint objects to them, because that is what reproduces a printed number; the
last column is what may be claimed from them.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from fractions import Fraction
from importlib.resources import files
from typing import Any

from dltsym.bounds.amounts import Amount, bits, kraft_constant
from dltsym.bounds.objects import bound
from dltsym.bounds.rounding import decimal
from dltsym.bounds.values import evaluate
from dltsym.errors import UnknownKey, suggest

__all__ = ["TABLES", "TableRow", "reproduced", "tight_pac_bayes"]

GRID, GRID_OF = "pac_bayes.catoni_grid", "continuous"
ALPHA: dict[str, Any] = {"al": "1/10000"}
SEEGER, OCCAM = "pac_bayes.seeger_maurer", "pac_bayes.occam_kl"
DELTA, AGREES = Fraction(1, 20), Fraction(1, 10**9)


@dataclass(frozen=True)
class TableRow:
    """One printed bound and what becomes of it; all bounds are certified from above.

    Attributes
    ----------
    row : str
        Number in the source.
    table : str
        Its table.
    n : int
        Examples.
    train_err : str
        Training error, as printed.
    bits : str
        Length of the message, as counted there.
    published : float
        Printed bound.
    catoni_grid : float
        The printed formula, minimised.
    seeger_maurer : float
        The kl bound.
    occam_kl : float
        The bound for point masses, which these posteriors are.
    legal : float
        The last one, with message lengths that sum to at most 1 and no negative bits.
    verdict : str
        ``reproduced``, ``printed 1, is below 1``, or ``differs``.
    """

    row: str
    table: str
    n: int
    train_err: str
    bits: str
    published: float
    catoni_grid: float
    seeger_maurer: float
    occam_kl: float
    legal: float
    verdict: str


def tight_pac_bayes(progress: Callable[[int, int], None] | None = None) -> list[TableRow]:
    """Evaluate the result tables of a public repository on compressed networks again.

    Parameters
    ----------
    progress : callable, optional
        Called with rows done and rows in all.

    Returns
    -------
    list of TableRow
    """
    rows = list(_printed("tight_pac_bayes.csv"))
    out = []
    for k, r in enumerate(rows, 1):
        out.append(_compressed(r))
        if progress is not None:
            progress(k, len(rows))
    return out


def _compressed(r: Mapping[str, str]) -> TableRow:
    sent, extra = Fraction(r["prefix_bits"]), Fraction(r["extra_bits"])
    given: dict[str, Any] = {"emp_risk": r["train_err"], "n": r["n"], "delta": DELTA, "loss": (0, 1)}
    printed = bits(sent + extra)
    paid = Amount(kraft_constant() + bits(sent + max(extra, Fraction(0))).ball(), "bit")
    grid = evaluate(bound(GRID, of=GRID_OF, **given, kl=printed, **ALPHA)).certificate
    seeger, occam, legal = (
        evaluate(bound(key, **given, kl=cost)).certificate
        for key, cost in ((SEEGER, printed), (OCCAM, printed), (OCCAM, paid))
    )
    published = Fraction(r["published"])
    same = abs(Fraction(grid) - published) <= AGREES
    verdict = "reproduced" if same else "printed 1, is below 1" if grid < 1 == published else "differs"
    length = f"{float(sent + extra):.12g}"
    return TableRow(
        r["row"], r["table"], int(r["n"]), r["train_err"], length, float(published), grid, seeger, occam, legal, verdict
    )


def _printed(name: str) -> Iterator[dict[str, str]]:
    text = files("dltsym.bounds").joinpath("data", name).read_text("utf-8")
    yield from csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))


TABLES: Mapping[str, Callable[..., list[TableRow]]] = {"tight-pac-bayes": tight_pac_bayes}
CAPTIONS = {
    "tight-pac-bayes": "Printed bounds of compressed networks and certified values at the printed inputs "
    "(failure probability 0.05).",
}


def reproduced(name: str, form: str = "text", progress: Callable[[int, int], None] | None = None) -> str:
    """Return a public table, evaluated again.

    Parameters
    ----------
    name : str
        One of `TABLES`.
    form : {"text", "csv", "latex", "json", "markdown"}
        How it is written.
    progress : callable, optional
        Called with rows done and rows in all.

    Returns
    -------
    str

    Raises
    ------
    UnknownKey
        For another name.
    """
    if name not in TABLES:
        raise UnknownKey(f"there is no table {name!r}{suggest(name, TABLES)}; there are {', '.join(TABLES)}")
    rows = TABLES[name](progress)
    return {"csv": _csv, "latex": _latex, "json": _json, "markdown": _markdown, "text": _text}[form](name, rows)


def summary(rows: list[TableRow]) -> str:
    """Return what became of the rows of a table, in one sentence.

    Parameters
    ----------
    rows : list of TableRow
        Rows.

    Returns
    -------
    str
    """
    turned = [r for r in rows if r.verdict == "printed 1, is below 1"]
    same = sum(r.verdict == "reproduced" for r in rows)
    least, largest = min(r.catoni_grid for r in turned), max(r.catoni_grid for r in turned)
    sharper = all(r.occam_kl < r.seeger_maurer < r.catoni_grid for r in rows)
    return (
        f"{same} of {len(rows)} rows are reproduced to 1e-9; {len(turned)} are printed as 1 and lie between "
        f"{least:.12f} and {largest:.12f}; "
        + ("in every row the kl bound is smaller, and that for point masses smaller still"
           if sharper else "the kl bound is not smaller in every row")
    )  # fmt: skip


def _cells(r: TableRow, places: int | None = 12) -> list[str]:
    """Return the cells of a row, with bounds rounded up; the printed number stays as it is."""
    return [
        str(v) if not isinstance(v, float) else f"{v:.12f}" if name == "published" and places else
        repr(v) if name == "published" else decimal(v, 1, places=places)
        for name, v in asdict(r).items()
    ]  # fmt: skip


def _csv(_: str, rows: list[TableRow]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([f.name for f in fields(TableRow)])
    writer.writerows(_cells(r, None) for r in rows)
    return out.getvalue()


def _json(name: str, rows: list[TableRow]) -> str:
    return json.dumps({"table": name, "summary": summary(rows), "rows": [asdict(r) for r in rows]}, indent=2) + "\n"


def _text(_: str, rows: list[TableRow]) -> str:
    head = [f.name for f in fields(TableRow)]
    body = [_cells(r) for r in rows]
    widths = [max(len(line[k]) for line in (head, *body)) for k in range(len(head))]
    lines = ["  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in (head, *body)]
    return "\n".join([*lines, "", summary(rows)]) + "\n"


def _markdown(_: str, rows: list[TableRow]) -> str:
    head = ("row", "table", "n", "printed", "its formula", "kl bound", "point mass", "legal", "verdict")
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += [f"| {' | '.join(_short(r))} |" for r in rows]
    return "\n".join([*lines, "", summary(rows)[:1].upper() + summary(rows)[1:] + "."]) + "\n"


def _short(r: TableRow) -> list[str]:
    values = (decimal(x, 1, places=9) for x in (r.catoni_grid, r.seeger_maurer, r.occam_kl, r.legal))
    return [r.row, r.table.split("/")[-1], str(r.n), f"{r.published:.9f}", *values, r.verdict]


def _latex(name: str, rows: list[TableRow]) -> str:
    from dltsym.render.latex import escape

    head = ("row", "table", "$n$", "printed", "formula", "kl", "point mass", "legal", "verdict")
    body = [" & ".join([*map(escape, _short(r))]) + r" \\" for r in rows]
    return "\n".join([
        r"% needs \usepackage{longtable}", r"\begin{longtable}{@{}llrrrrrrl@{}}",
        rf"\caption{{{escape(CAPTIONS[name])}}}\\", r"\hline", " & ".join(head) + r" \\", r"\hline", r"\endhead",
        *body, r"\hline", r"\end{longtable}",
    ]) + "\n"  # fmt: skip
