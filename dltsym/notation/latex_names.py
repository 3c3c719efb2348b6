"""LaTeX of a plain name: Greek letters, subscripts, accents; words stand upright."""

from __future__ import annotations

import re

_GREEK = (
    "alpha", "beta", "gamma", "delta", "epsilon", "varepsilon", "zeta", "eta", "theta", "vartheta", "iota",
    "kappa", "lambda", "mu", "nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "varphi", "chi", "psi",
    "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega", "ell",
)  # fmt: skip
_SPELLINGS = {"lam": "lambda", "lamda": "lambda", "eps": "varepsilon", "Lamda": "Lambda"}
_LETTERS = {name: f"\\{name}" for name in _GREEK} | {k: f"\\{v}" for k, v in _SPELLINGS.items()}
_ACCENTS = {"hat": r"\hat", "bar": r"\bar", "tilde": r"\tilde", "dot": r"\dot", "vec": r"\vec"}
_MARKS = {"star": r"^{\star}", "prime": "'"}
_UPRIGHT = {"max": r"\max", "min": r"\min", "star": r"\star"}


def name_latex(name: str) -> str:
    r"""Derive LaTeX from an identifier.

    Parameters
    ----------
    name : str
        For example ``lam``, ``x_0``, ``r_hat``, ``N_star``, ``d_model``, ``beta1``.

    Returns
    -------
    str

    Examples
    --------
    >>> print(name_latex("sigma_max"), name_latex("r_hat"), name_latex("x10"), name_latex("d_model"))
    \sigma_{\max} \hat{r} x_{10} d_{\mathrm{model}}
    """
    head, *parts = [p for p in name.split("_") if p] or [name]
    base, digits = _split_digits(head)
    base, mark = _decorated(base)
    marks, subs = [mark], [digits] if digits else []
    for k, part in enumerate(parts):
        if part in _ACCENTS and k == 0:
            base = f"{_ACCENTS[part]}{{{base}}}"
        elif part in _MARKS:
            marks.append(_MARKS[part])
        else:
            subs.append(_subscript(part))
    sub = f"_{{{','.join(subs)}}}" if subs else ""
    return f"{base}{sub}{''.join(marks)}"


def _split_digits(text: str) -> tuple[str, str]:
    found = re.fullmatch(r"(.*?[^\W\d])(\d+)", text)
    return (found[1], found[2]) if found else (text, "")


def _letter(text: str) -> str | None:
    if len(text) == 1 and text.isascii():
        return text
    return _LETTERS.get(text)


def _decorated(text: str) -> tuple[str, str]:
    """Print a letter, a letter with an accent or mark glued to it (``rhat``), or an upright word."""
    letter = _letter(text)
    if letter:
        return letter, ""
    for suffix, accent in _ACCENTS.items():
        letter = _letter(text.removesuffix(suffix)) if text.endswith(suffix) else None
        if letter:
            return f"{accent}{{{letter}}}", ""
    for suffix, mark in _MARKS.items():
        letter = _letter(text.removesuffix(suffix)) if text.endswith(suffix) else None
        if letter:
            return letter, mark
    return rf"\mathrm{{{text}}}", ""


def _subscript(part: str) -> str:
    base, digits = _split_digits(part)
    text = part if part.isdigit() else _UPRIGHT.get(base) or _letter(base) or rf"\mathrm{{{base}}}"
    return f"{text}{digits}" if digits and text != part else text
