"""Bounds, values and comparisons as text for people."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dltsym.boundform import ABOUT, HOLDS_FOR
from dltsym.index import build

if TYPE_CHECKING:
    from dltsym.bounds.objects import BoundObject
    from dltsym.bounds.values import Evaluation

from dltsym.bounds.ranges import shown
from dltsym.bounds.reading import plural
from dltsym.bounds.rounding import decimal

__all__ = ["data", "described", "latex_line", "listed", "valued"]


def described(what: BoundObject) -> str:
    """Return all that is known of a bound, without its value.

    Parameters
    ----------
    what : BoundObject
        Bound.

    Returns
    -------
    str
    """
    s = what.statement
    loss = f"[{shown(what.loss[0])}, {shown(what.loss[1])}]" if what.loss is not None else "not said"
    rows = [
        f"{what.key}: {what.record.title}",
        f"  bounds      {ABOUT[s.about]} ({s.side} bound), {HOLDS_FOR[s.holds_for]}",
        f"  loss        in {loss}",
        f"  random      {what.random}",
        f"  data-free   {', '.join(what.data_free) or 'nothing'}",
    ]
    rows += [f"  chosen      {name}: {how}" for name, how in what.chosen.items() if how != "before"]
    rows += [f"  delta       {e}" for e in what.ledger.entries]
    rows += [f"  paid        {p}" for p in what.ledger.payments]
    rows += [f"  baseline    {shown(what.baseline)}"] if what.baseline is not None else []
    return "\n".join([*rows, *(f"  note        {n}" for n in what.notes)])


def valued(found: Evaluation, delta: Fraction | None = None) -> str:
    """Return a value as text: estimate, certificate, enclosure, verdict, lints.

    Parameters
    ----------
    found : Evaluation
        Value.
    delta : Fraction, optional
        Probability that the statement fails, exactly; that of the value, which was rounded up, by default.

    Returns
    -------
    str
    """
    lo, hi = (decimal(x, sign) for x, sign in zip(found.unclipped, (-1, 1), strict=True))
    shown_bound = decimal(found.certificate, 1 if found.side == "upper" else -1)
    beaten = "" if found.baseline is None else f" (baseline {found.baseline:.12g})"
    rows = [
        f"  estimate    {found.estimate:.12g}",
        f"  certified   {'<=' if found.side == 'upper' else '>='} {shown_bound}",
        f"  unclipped   [{lo}, {hi}]",
        f"  verdict     {found.verdict}{beaten}",
        f"  fails with probability at most {decimal(found.delta if delta is None else delta, 1, 6)}"
        if found.delta == found.delta
        else "  fails with the probability inside its inputs",
    ]
    return "\n".join([*rows, *(f"  LINT {x}" for x in found.lints)])


def data(what: BoundObject, found: Evaluation) -> dict[str, Any]:
    """Return a bound with its value as plain data.

    Parameters
    ----------
    what : BoundObject
        Bound.
    found : Evaluation
        Value.

    Returns
    -------
    dict
    """
    s = what.statement
    return found.json() | {
        "title": what.record.title, "about": ABOUT[s.about], "holds_for": HOLDS_FOR[s.holds_for],
        "inputs": {k: shown(x) for k, x in what.inputs.items() if not isinstance(x, tuple)},
        "loss": None if what.loss is None else [shown(x) for x in what.loss],
        "units": dict(s.units), "data_free": list(what.data_free), "ledger": what.ledger.json(),
        "notes": list(what.notes),
    }  # fmt: skip


def latex_line(what: BoundObject, found: Evaluation) -> str:
    r"""Return a sentence with the value, for a paper.

    Parameters
    ----------
    what : BoundObject
        Bound.
    found : Evaluation
        Value.

    Returns
    -------
    str
        The certificate is cut outward to eight digits.
    """
    from dltsym.render.latex import escape

    up = found.side == "upper"
    sign, digits = r"\le" if up else r"\ge", decimal(found.certificate, 1 if up else -1, digits=8)
    counted = ", ".join(
        f"${name} = {shown(what.inputs[name])}$" for name in what.statement.units if name in what.inputs
    )
    risk = what.statement.risk
    symbol = _symbol(what, risk) if risk else r"R"
    return (
        f"{_confidence(what)} over {escape(plural(what.unit))} ({counted}), "
        f"{HOLDS_FOR[what.statement.holds_for]}, ${symbol} {sign} {digits}$ (\\texttt{{{escape(what.key)}}}, "
        f"{found.verdict})."
    )


def _confidence(what: BoundObject) -> str:
    """Say how likely a statement is, never more than it is."""
    if not what.ledger.entries:
        return "With the probability for which its inputs were computed,"
    failing = Decimal(decimal(what.ledger.delta, 1, 6))
    if failing >= Decimal("1e-6"):
        return f"With probability at least ${max(1 - failing, Decimal(0))}$"
    lead = failing.scaleb(-failing.adjusted())
    return rf"With probability at least $1 - {lead} \cdot 10^{{{failing.adjusted()}}}$"


def _symbol(what: BoundObject, name: str) -> str:
    from dltsym.notation.latex import symbol_latex

    return symbol_latex(what.record.symbols[name])


def listed() -> list[dict[str, str]]:
    """Return the bounds of the catalogue: key, what they bound, what they hold for, their inputs.

    Returns
    -------
    list of dict
    """
    from dltsym.bounds.objects import record_of
    from dltsym.bounds.values import needed

    rows = []
    for key, entry in sorted(build().entries.items()):
        for of in entry.row.get("bounds", ()):
            record = record_of(key)
            b = next(x for x in record.bounds if x.of == of)
            name = key if len(record.bounds) == 1 else f"{key} --of {of}"
            inputs = ", ".join(n for n in needed(record, of))
            rows.append({"bound": name, "about": b.about, "holds for": b.holds_for, "inputs": inputs})
    return rows
