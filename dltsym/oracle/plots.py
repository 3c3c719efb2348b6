"""A plot of errors against their tolerance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dltsym.errors import UnsupportedError
from dltsym.oracle.formats import SHORT

if TYPE_CHECKING:
    from dltsym.oracle.report import Report

LEAST = 1e-4
"""Ratios below are drawn here."""


def ratios(report: Report, path: str | Path) -> None:
    """Draw the ratios of error and tolerance by output and type, with the line at 1 that decides.

    Parameters
    ----------
    report : Report
        Report.
    path : str or Path
        File; its suffix says of what kind.
    """
    plt = _pyplot()
    rows = [r for r in report.rows if any(c.count for _, c in r.comparisons)]
    data = [_clipped([c.ratio for _, c in r.comparisons]) for r in rows]
    figure, axis = plt.subplots(figsize=(max(4.0, 0.6 * len(rows) + 1.5), 3.6), layout="constrained")
    if rows:
        parts = axis.violinplot([np.log10(d) for d in data], showextrema=False)
        for body, row in zip(parts["bodies"], rows, strict=True):
            body.set_facecolor({"pass": "#3b7", "fail": "#c33"}.get(row.verdict, "#ca3"))
        for k, d in enumerate(data):
            axis.plot(np.full(len(d), k + 1), np.log10(d), "k.", markersize=2)
        axis.set_xticks(range(1, len(rows) + 1), [f"{r.output}\n{SHORT[r.dtype]}" for r in rows], fontsize=7)
    axis.axhline(0.0, color="black", linewidth=1)
    axis.set_ylabel("log10 of error / tolerance")
    axis.set_title(f"{report.spec.key} vs {report.candidate.name}: {report.verdict}", fontsize=9)
    _saved(plt, figure, path)


def _clipped(found: Sequence[float]) -> np.ndarray:
    """Return ratios that a logarithmic axis can show; a violin needs two points."""
    finite = [min(max(x, LEAST), 1e6) for x in found if x == x]
    return np.array(finite if len(finite) > 1 else [*finite, *finite] or [LEAST, LEAST])


def _pyplot() -> Any:
    try:
        import matplotlib as mpl
    except ImportError:
        raise UnsupportedError("plots need matplotlib; pip install dltsym[plot]") from None
    mpl.use("agg")
    import matplotlib.pyplot as plt

    return plt


def _saved(plt: Any, figure: Any, path: str | Path) -> None:
    figure.savefig(path, dpi=150)
    plt.close(figure)
