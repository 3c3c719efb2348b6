"""Names in generated source: the helpers it may call, variables that clash with nothing, and what deserves one."""

from __future__ import annotations

import builtins
import keyword
import unicodedata
from collections.abc import Iterable

from dltsym.errors import NotationError
from dltsym.functions.table import FUNCTIONS
from dltsym.notation.tree import Const, Expr, Num, Sym
from dltsym.notation.walk import children, free_symbols, key

MODULES = {
    "entropy": ("binary_entropy", "cumulant", "gain", "kl_bernoulli", "xlogx", "xlogx_step"),
    "stable": ("acos", "asin", "atan", "cos", "cosh", "delta", "erf", "exp", "expm1", "expm1mx", "log", "log1mexp",
               "log1p", "log1pmx", "log_cosh", "log_ratio", "maximum", "minimum", "phi1", "sigmoid", "sin", "sinh",
               "softplus", "sqrt", "tan", "tanh"),
    "inverse": ("kl_lower", "kl_upper", "kl_upper_odds", "kl_upper_rest"),
    "sums": ("complement", "dot", "log_sum", "log_sum_exp"),
    "special": ("bessel_i", "bessel_ie", "digamma", "ei", "lgamma"),
    "wide": ("value", "wide", "wide_exp"),
    "extended": ("power1p", "wide_expm1", "wide_expm1mx", "wide_log_cosh", "wide_phi1"),
}  # fmt: skip
HELPERS = {name: module for module, names in MODULES.items() for name in names}


def python_names(names: Iterable[str]) -> dict[str, str]:
    """Return a Python variable for every symbol name: different names, none of them taken or reserved.

    Parameters
    ----------
    names : iterable of str
        Symbol names.

    Returns
    -------
    dict of str to str

    Raises
    ------
    NotationError
        When a name is not an identifier, so that no text but a name can reach the source.
    """
    taken = set(HELPERS) | set(FUNCTIONS) | set(dir(builtins)) | set(keyword.kwlist) | {"like"}
    out: dict[str, str] = {}
    for name in names:
        plain = unicodedata.normalize("NFKC", name)  # what Python itself reads
        if not plain.isidentifier() or plain.startswith("__"):
            raise NotationError(f"{name!r} is not a usable symbol name")
        plain = f"v{plain}" if plain.startswith(("_t", "_i")) else plain
        while plain in taken:
            plain += "_"
        taken.add(plain)
        out[name] = plain
    return out


def lets(e: Expr) -> list[Sym]:
    """Return the let-names of a tree, those inside of definitions first.

    Parameters
    ----------
    e : Expr
        Tree.

    Returns
    -------
    list of Sym
    """
    found = sorted(free_symbols(e), key=lambda s: s.name)
    return [s for top in found if top.decl.definition is not None for s in (*lets(top.decl.definition), top)]


def repeated(trees: Iterable[Expr]) -> set[str]:
    """Return keys of what occurs twice, without what occurs only inside of something else that does.

    Parameters
    ----------
    trees : iterable of Expr
        Trees.

    Returns
    -------
    set of str
    """
    seen: set[str] = set()
    twice: set[str] = set()
    todo: list[Expr] = list(trees)
    while todo:
        e = todo.pop()
        k = key(e) if shareable(e) else ""
        if k in seen:
            twice.add(k)
            continue
        if k:
            seen.add(k)
        todo += children(e)
    return twice


def shareable(e: object) -> bool:
    """Tell whether a subexpression may be a variable: anything but a leaf.

    Parameters
    ----------
    e : Expr
        Tree.

    Returns
    -------
    bool
    """
    return isinstance(e, Expr) and not isinstance(e, Num | Const | Sym)
