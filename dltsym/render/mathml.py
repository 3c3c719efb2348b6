"""LaTeX to MathML, so that mathematics is readable in any browser without a network, a font or a script."""

from __future__ import annotations

import html
from functools import lru_cache
from typing import Any

from dltsym.render.view import split_math


@lru_cache(maxsize=1)
def _converter() -> Any:
    from math_core import LatexToMathML

    return LatexToMathML(annotation=False, fancy_error=False)


@lru_cache(maxsize=4096)
def mathml(latex: str, display: bool = False) -> str:
    r"""Convert LaTeX mathematics; what cannot be converted is shown as its source in ``<code>``.

    Parameters
    ----------
    latex : str
        LaTeX without dollar signs.
    display : bool
        Whether it stands on a line of its own.

    Returns
    -------
    str
        HTML.
    """
    from math_core import LatexError

    try:
        return _converter().convert_with_local_state(latex, displaystyle=display)
    except LatexError:
        return f'<code class="tex">{html.escape(latex)}</code>'


def mixed(text: str) -> str:
    """Convert mixed text to HTML: words escaped, mathematics between dollar signs as MathML.

    Parameters
    ----------
    text : str
        Mixed text.

    Returns
    -------
    str
    """
    return "".join(mathml(piece) if math else html.escape(piece) for math, piece in split_math(text))
