"""Pictures of one family, for light and for dark pages; needs the extra ``plot``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dltsym.errors import UnsupportedError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["COLOURS", "FAINT", "INK", "MUTED", "picture"]

COLOURS = ("#2369ad", "#5b57c2", "#9340a0", "#bd3a68", "#bf5310")  # in order, from cold to hot
INK, MUTED, FAINT = "#24292f", "#68707a", "#cdd2d9"
DARK = dict(
    zip(
        (*COLOURS, INK, MUTED, FAINT),
        ("#6cb2f0", "#a09df8", "#d490e2", "#f58bb0", "#f3a35a", "#d8dce2", "#98a1ac", "#41474f"),
        strict=True,
    )
)
FOLDER = Path("build", "pictures")
STYLE = {
    "axes.edgecolor": FAINT,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.prop_cycle": f"cycler('color', {list(COLOURS)})",
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 9.5,
    "figure.constrained_layout.h_pad": 0.06,
    "figure.constrained_layout.w_pad": 0.08,
    "font.size": 9,
    "grid.alpha": 0.6,
    "grid.color": FAINT,
    "grid.linewidth": 0.5,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
    "svg.fonttype": "path",
    "text.color": INK,
    "xtick.color": MUTED,
    "xtick.labelsize": 8,
    "ytick.color": MUTED,
    "ytick.labelsize": 8,
}


@contextmanager
def picture(name: str, panels: str = "a", *, width: float = 7.2, height: float = 3.2) -> Iterator[list[Axes]]:
    """Open a picture, and write it when the block ends: ``build/pictures/NAME.svg`` and ``NAME-dark.svg``.

    The dark one is the light one with each colour of the family replaced by its partner; other colours stay.

    Parameters
    ----------
    name : str
        Name of the files.
    panels : str
        Layout as in ``Figure.subplot_mosaic``: a letter per panel, rows separated by ``;``.
    width, height : float
        Size, in inches.

    Yields
    ------
    list of Axes
        Panels, in the order in which their letters appear.

    Raises
    ------
    UnsupportedError
        When matplotlib is not installed.
    """
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError:
        raise UnsupportedError("pictures need matplotlib; pip install dltsym[plot]") from None
    with mpl.rc_context({**STYLE, "svg.hashsalt": name}):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield list(figure.subplot_mosaic(panels).values())
        FOLDER.mkdir(parents=True, exist_ok=True)
        light = FOLDER / f"{name}.svg"
        figure.savefig(light, transparent=True, metadata={"Date": None})
    text = light.read_text("utf-8")
    for colour, partner in DARK.items():
        text = text.replace(colour, partner)
    light.with_name(f"{name}-dark.svg").write_text(text, "utf-8")
    print(light)  # noqa: T201
