r"""LaTeX of a tree as the author wrote it: ``sqrt(B/2)`` prints as ``\sqrt{\frac{B}{2}}``, with few parentheses.

Traps met: a symbol whose own LaTeX carries a superscript cannot take another (``N^\star`` squared), nor one with a
subscript a second; ``-a*b`` is read by Python as ``(-a)*b``; ``2*3`` must not print as ``23``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from dltsym.functions.table import FUNCTIONS
from dltsym.notation.binding import Binding
from dltsym.notation.latex_folds import Printer, fold_latex
from dltsym.notation.latex_names import name_latex
from dltsym.notation.matrices import (
    MINUS,
    Det,
    Eye,
    Inverse,
    MatAdd,
    MatMul,
    MatrixNode,
    MatScale,
    Trace,
    Transpose,
    Zeros,
)
from dltsym.notation.tree import (
    Add,
    Call,
    Const,
    Diff,
    Div,
    Expr,
    Index,
    Integral,
    Limit,
    Mul,
    Neg,
    Num,
    Pow,
    Rel,
    Sum,
    Sym,
)
from dltsym.notation.walk import apart, expand_lets, free_symbols, subterms

_ADD, _NEG, _BIG, _MUL, _FUN, _POW, _ATOM = range(1, 8)
RELATION_LATEX = {"=": "=", "<=": r"\le", "<": "<", ">=": r"\ge", ">": ">", "!=": r"\ne", "iff": r"\iff"}
_CONSTANTS = {"pi": r"\pi", "oo": r"\infty"}
_TALL = re.compile(r"\\(?:frac|sum|prod|int|lim|begin|sqrt\{\\frac|left)")
_STARTS_WITH_NUMBER = re.compile(r"[0-9.]|\\frac\{[0-9]+\}\{[0-9]+\}")


@dataclass(frozen=True)
class _Out:
    """Printed text, how tightly it binds, and whether something may follow it on the right in a product."""

    text: str
    level: int
    closed: bool = True


def to_latex(node: Expr | Rel) -> str:
    r"""Print a tree as LaTeX mathematics, without dollar signs.

    Parameters
    ----------
    node : Expr or Rel
        Tree.

    Returns
    -------
    str

    Examples
    --------
    >>> from dltsym.notation.scope import Scope
    >>> v = Scope()
    >>> B = v.nonneg("B")
    >>> s = v.prob("s", latex=r"\hat r")
    >>> print(to_latex(v.parse("s + sqrt(B/2)")))
    \hat r + \sqrt{\frac{B}{2}}
    """
    if isinstance(node, Rel):
        return f"{to_latex(node.lhs)} {RELATION_LATEX[node.op]} {to_latex(node.rhs)}"
    return _out(node).text


def symbol_latex(sym: Sym) -> str:
    """Return the LaTeX of a symbol: the author's, or one derived from its name.

    Parameters
    ----------
    sym : Sym
        Symbol.

    Returns
    -------
    str
    """
    return sym.decl.latex or name_latex(sym.name)


def parenthesised(text: str) -> str:
    """Put round brackets around LaTeX, growing only when the content is tall.

    Parameters
    ----------
    text : str
        LaTeX.

    Returns
    -------
    str
    """
    return rf"\left({text}\right)" if _TALL.search(text) else f"({text})"


def _wrap(node: Expr, least: int, inline: bool = False) -> str:
    out = _out(node, inline)
    if out.level >= least:
        return out.text
    if isinstance(node, Div) and least <= _MUL:  # the minus sign of (-a)/b goes back into the numerator
        return _fraction(node, inline)
    if isinstance(node, Mul) and out.level == _NEG and least <= _MUL:
        first = _Out(parenthesised(_out(node.args[0], inline).text), _ATOM)
        return _product((first, *(_out(a, inline) for a in node.args[1:]))).text
    return parenthesised(out.text)


def _out(node: Expr, inline: bool = False) -> _Out:
    match node:
        case Num():
            return _number(node, inline)
        case Const(name):
            return _Out(_CONSTANTS.get(name, rf"\mathrm{{{name}}}"), _ATOM)
        case Sym():
            return _Out(symbol_latex(node), _ATOM)
        case Neg(arg):
            return _Out(f"-{_wrap(arg, _BIG, inline)}", _NEG)
        case Add(args):
            return _Out(_sum_of(args, inline), _ADD)
        case Mul(args):
            return _product(tuple(_out(a, inline) for a in args), tuple(isinstance(a, Mul) for a in args))
        case Div():
            return _division(node, inline)
        case Pow():
            return _power(node)
        case Call():
            return _call(node, inline)
        case Index():
            return _Out(_entry(node), _ATOM)
        case Sum() | Integral() | Limit() | Diff():
            return _binder(node)
        case MatrixNode():
            return _matrix(node)
        case Binding():
            return _folded(node)
    raise TypeError(f"not an expression: {type(node).__name__}")


def _matrix(node: MatrixNode) -> _Out:
    match node:
        case Eye(size):
            return _Out(rf"I_{{{_out(size, True).text}}}", _ATOM)
        case Zeros(rows, columns):
            return _Out(rf"0_{{{_out(rows, True).text} \times {_out(columns, True).text}}}", _ATOM)
        case Transpose(arg) | Inverse(arg):
            mark = r"\top" if isinstance(node, Transpose) else "-1"
            base = _out(arg)
            bare = base.level == _ATOM and not _has_superscript(base.text)
            return _Out(f"{base.text if bare else parenthesised(base.text)}^{{{mark}}}", _POW)
        case Trace(arg) | Det(arg):
            name = r"\operatorname{tr}" if isinstance(node, Trace) else r"\det"
            return _Out(f"{name}{parenthesised(_out(arg).text)}", _FUN)
        case MatAdd(args):
            out = _wrap(args[0], _NEG)
            for a in args[1:]:
                under = a.arg if isinstance(a, MatScale) and a.factor == MINUS else None
                out += f" + {_wrap(a, _BIG)}" if under is None else f" - {_wrap(under, _BIG)}"
            return _Out(out, _ADD)
        case MatMul(args):
            return _product(tuple(_out(a) for a in args), tuple(isinstance(a, MatMul) for a in args))
        case MatScale(factor, arg):
            if factor == MINUS:
                return _Out(f"-{_wrap(arg, _BIG)}", _NEG)
            return _product((_out(factor), _out(arg)), (False, False))
    raise TypeError(f"not an expression: {type(node).__name__}")


def _number(node: Num, inline: bool) -> _Out:
    if node.text is not None:
        mantissa, _, exponent = node.text.lower().partition("e")
        if not exponent:
            return _Out(node.text, _ATOM)
        power = rf"10^{{{int(exponent)}}}"
        return _Out(power, _POW) if mantissa in ("1", "1.", "1.0") else _Out(rf"{mantissa} \cdot {power}", _MUL)
    top, bottom = abs(node.value.numerator), node.value.denominator
    text = str(top) if bottom == 1 else f"{top}/{bottom}" if inline else rf"\frac{{{top}}}{{{bottom}}}"
    if node.value < 0:
        return _Out(f"-{text}", _NEG)
    return _Out(text, _ATOM if bottom == 1 else _MUL)


def _sum_of(args: tuple[Expr, ...], inline: bool) -> str:
    out = _wrap(args[0], _NEG, inline)
    for a in args[1:]:
        out += f" - {_wrap(a.arg, _BIG, inline)}" if isinstance(a, Neg) else f" + {_wrap(a, _BIG, inline)}"
    return out


def _product(parts: tuple[_Out, ...], nested: tuple[bool, ...] = ()) -> _Out:
    """Juxtapose factors; a dot where two numbers would meet, brackets where a factor would swallow the next one."""
    last = len(parts) - 1
    texts = []
    for k, part in enumerate(parts):
        fits = part.level >= _BIG or (k == 0 and part.level == _NEG)
        fits = fits and (part.closed or k == last) and not (k and nested and nested[k])
        texts.append(part.text if fits else parenthesised(part.text))
    text = texts[0]
    for left, right in pairwise(texts):
        text += rf" \cdot {right}" if _STARTS_WITH_NUMBER.match(right) else f"{_space(left, right)}{right}"
    level = _NEG if parts[0].level == _NEG else _BIG if parts[-1].level == _BIG else _MUL
    return _Out(text, level, parts[-1].closed)


def _space(left: str, right: str) -> str:
    """Return a thin space next to an upright word or a root, else nothing to see."""
    words = r"\mathrm", r"\operatorname", r"\log", r"\exp", r"\sum", r"\int", r"\lim", r"\prod", r"\max", r"\min"
    return r" \, " if right.startswith(words) or left.startswith(r"\mathrm") or left.startswith(r"\sqrt") else " "


def _division(node: Div, inline: bool) -> _Out:
    if isinstance(node.num, Neg):
        inner = Div(node.num.arg, node.den)
        return _Out(f"-{_fraction(inner, inline)}", _NEG)
    return _Out(_fraction(node, inline), _MUL, not inline)


def _fraction(node: Div, inline: bool) -> str:
    top, bottom = _out(node.num, inline), _out(node.den, inline)
    if inline and not any("frac" in o.text or o.level == _BIG for o in (top, bottom)):
        return f"{_wrap(node.num, _MUL, inline)}/{_wrap(node.den, _FUN, inline)}"
    return rf"\frac{{{_out(node.num).text}}}{{{_out(node.den).text}}}"


def _power(node: Pow) -> _Out:
    base = _out(node.base)
    bare = base.level == _ATOM and not _has_superscript(base.text)
    text = base.text if bare else parenthesised(base.text)
    return _Out(f"{text}^{{{_out(node.exponent, inline=True).text}}}", _POW)


def _has_superscript(text: str) -> bool:
    flat = text
    while "{" in flat and (shorter := re.sub(r"\{[^{}]*\}", "", flat)) != flat:
        flat = shorter
    return "^" in flat or "'" in flat


def _call(node: Call, inline: bool) -> _Out:
    if node.name == "exp":
        return _exponential(node.args[0])
    if node.name == "delta":
        sides = [_out(a, inline=True).text for a in node.args]
        if any(mark in side for side in sides for mark in (r"\operatorname", r"\sum", r"\max", r"\min")):
            return _Out(rf"\mathbf{{1}}\left[{' = '.join(sides)}\right]", _ATOM)
        return _Out(rf"\delta_{{{_indices(node.args)}}}", _ATOM)
    template = FUNCTIONS[node.name].latex
    enclosed = [_encloses(template, k) for k in range(len(node.args))]
    args = [
        _out(a, inline).text if inside else _argument(a, inline) for a, inside in zip(node.args, enclosed, strict=True)
    ]
    if any(_TALL.search(a) for a in args) and r"\left" not in template:
        template = template.replace("(", r"\left(").replace(")", r"\right)").replace(r"\|", r"\middle\|")
    closing = template.rstrip().endswith((")", "}}", "|"))
    level = _ATOM if node.name == "abs" else _FUN if closing or all(a.endswith(")") for a in args) else _MUL
    return _Out(template.format(*args), level, closing or all(a.endswith((")", "}")) for a in args))


def _exponential(arg: Expr) -> _Out:
    heavy = any(isinstance(t, Sum | Integral | Limit | Diff | Binding) for t in subterms(arg))
    text = _out(arg, inline=True).text
    if heavy or len(text) > 40 or "frac" in text:
        return _Out(rf"\exp{parenthesised(_out(arg).text)}", _FUN)
    return _Out(f"e^{{{text}}}", _POW)


def _encloses(template: str, k: int) -> bool:
    r"""Say whether placeholder `k` of a row's template stands inside brackets, a group or a ``\left`` pair."""
    before = template.split("{" + str(k) + "}")[0].replace("{{", "(").replace("}}", ")")
    before = re.sub(r"\\left.", "(", before)
    return before.count("(") > before.count(")")


def _argument(node: Expr, inline: bool) -> str:
    r"""Print the argument of a function written without brackets: ``\log n``, but ``\log(2 n)``."""
    out = _out(node, inline)
    plain = out.level == _ATOM or (isinstance(node, Div) and not isinstance(node.num, Neg) and not inline)
    plain = plain or (isinstance(node, Call) and node.name == "sqrt")
    return out.text if plain else parenthesised(out.text)


def _indices(idx: tuple[Expr, ...]) -> str:
    texts = [_out(i, inline=True).text for i in idx]
    letters = all(isinstance(i, Sym) and len(t) == 1 for i, t in zip(idx, texts, strict=True))
    return ("" if letters else ",").join(texts)


def _entry(node: Index) -> str:
    base, idx = symbol_latex(node.array), _indices(node.idx)
    own = re.search(r"_(?:\{((?:[^{}]|\{[^{}]*\})*)\}|(\w))$", base)
    if own:
        return f"{base[: own.start()]}_{{{own[1] or own[2]},{idx}}}"
    return f"{base}_{{{idx}}}"


def _binder(node: Sum | Integral | Limit | Diff) -> _Out:
    if isinstance(node, Diff):
        return _derivative(node)
    node = apart(node)
    body = _wrap(node.body, _BIG)
    if isinstance(node, Sum):
        signs = [
            rf"\sum_{{{symbol_latex(v)}={_out(lo, True).text}}}^{{{_out(hi, True).text}}}"
            for v, lo, hi in reversed(node.limits)
        ]
        return _Out(f"{' '.join(signs)} {body}", _BIG, False)
    var = symbol_latex(node.var)
    if isinstance(node, Integral):
        ends = rf"_{{{_out(node.lo, True).text}}}^{{{_out(node.hi, True).text}}}"
        return _Out(rf"\int{ends} {body} \, d{var}", _BIG, False)
    side = "" if node.side == "+-" else f"^{{{node.side}}}"
    return _Out(rf"\lim_{{{var} \to {_out(node.point, True).text}{side}}} {body}", _BIG, False)


def _folded(node: Binding) -> _Out:
    parts = Printer(
        symbol_latex, lambda e: _out(e, True).text, lambda e: _out(e).text, lambda e: _wrap(e, _BIG), to_latex
    )
    text, kind = fold_latex(apart(node), parts)
    level = {"big": _BIG, "open": _ADD, "function": _FUN, "atom": _ATOM}[kind]
    return _Out(text, level, kind != "big")


def _derivative(node: Diff) -> _Out:
    body, var = node.body, _out(node.var).text
    inner = expand_lets(body) if isinstance(body, Sym) and body.decl.definition is not None else body
    total = isinstance(inner, Sym) or free_symbols(inner) <= free_symbols(node.var)
    d = "d" if total and isinstance(node.var, Sym) else r"\partial "
    power = f"^{{{node.order}}}" if node.order > 1 else ""
    top = f"{d.strip()}{power}"
    below = f"{d}{parenthesised(var) if power and _has_superscript(var) else var}{power}"
    if isinstance(body, Sym | Index):
        gap = " " if top.endswith("partial") else ""
        return _Out(rf"\frac{{{top}{gap}{_out(body).text}}}{{{below}}}", _MUL)
    return _Out(rf"\frac{{{top}}}{{{below}}} {_wrap(body, _FUN)}", _BIG, False)
