"""Three plots: errors against their tolerance, errors against size, and a kernel under its four roofs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dltsym.errors import UnsupportedError
from dltsym.oracle.formats import SHORT

if TYPE_CHECKING:
    from dltsym.oracle.report import Report

LEAST = 1e-4
"""Ratios below are drawn here."""
ROOFS = ("tensor", "flops", "bytes", "special")


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


def against_size(reports: Mapping[str, Report], size: str, path: str | Path) -> None:
    """Draw the largest relative error of every output against a size, for a kernel and its twin.

    Parameters
    ----------
    reports : mapping of str to Report
        Reports by what they are of.
    size : str
        Name of the size.
    path : str or Path
        File.
    """
    plt = _pyplot()
    figure, axis = plt.subplots(figsize=(5, 3.6), layout="constrained")
    for style, (name, report) in zip("-:", reports.items(), strict=False):
        for row in report.rows:
            pairs = sorted((r.case.sizes[size], max(c.norm, 1e-20)) for r, c in row.comparisons if size in r.case.sizes)
            if pairs:
                label = f"{name} {row.output} {SHORT[row.dtype]}"
                axis.loglog(*zip(*pairs, strict=True), style, marker=".", linewidth=0.8, label=label)
    axis.set_xlabel(size)
    axis.set_ylabel("relative error of the whole output")
    axis.legend(fontsize=6)
    _saved(plt, figure, path)


def roofline(timing: Sequence[Mapping[str, Any]], roofs: Mapping[str, float], path: str | Path) -> None:
    """Draw for each timing the share of the time that each of the four roofs alone would take.

    Parameters
    ----------
    timing : sequence of mapping
        ``name``, ``median`` in seconds, and the work ``tensor``, ``flops``, ``bytes``, ``special``.
    roofs : mapping of str to float
        Measured ceilings of each, per second.
    path : str or Path
        File.

    Raises
    ------
    UnsupportedError
        When there is no timing: nothing is drawn that was not measured.
    """
    if not timing:
        raise UnsupportedError("no timing was measured, so there is no roofline to draw")
    plt = _pyplot()
    figure, axis = plt.subplots(figsize=(6, 0.5 * len(timing) + 1.5), layout="constrained")
    for k, one in enumerate(timing):
        for j, roof in enumerate(ROOFS):
            share = float(one.get(roof, 0.0)) / roofs[roof] / float(one["median"])
            axis.barh(k + 0.18 * (j - 1.5), share, height=0.16, color=f"C{j}", label=roof if k == 0 else None)
    axis.axvline(1.0, color="black", linewidth=1)
    axis.set_yticks(range(len(timing)), [str(one["name"]) for one in timing], fontsize=7)
    axis.set_xlabel("floor of this roof / measured time; above 1 the timing is suspect")
    axis.legend(fontsize=7)
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
