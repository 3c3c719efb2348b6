"""Matrix expressions as sums of words: products multiplied out, transposes pushed to the letters, traces rotated.

A letter is a matrix symbol or an inverse, with a trailing ``'`` when it is transposed. Where a word passes through
dimension 1, the part in between is a number and leaves the word. A scalar is a polynomial in atoms (symbols, traces of
words, reciprocals); two of them are equal when their difference vanishes after clearing reciprocals.
"""

from __future__ import annotations

from fractions import Fraction
from functools import reduce
from itertools import pairwise

from dltsym.errors import UnknownNode
from dltsym.notation.commuting import (
    MAX_TERMS,
    UNIT,
    Alphabet,
    Poly,
    Scalar,
    Word,
    reciprocal,
    scalar_add,
    scalar_mul,
    scalar_text,
)
from dltsym.notation.matrices import (
    Det,
    Eye,
    Inverse,
    MatAdd,
    MatMul,
    Matrix,
    MatrixSym,
    MatScale,
    Trace,
    Transpose,
    Zeros,
    same_size,
)
from dltsym.notation.tree import Add, Div, Expr, Mul, Neg, Num, Pow, Rel
from dltsym.notation.walk import key

MAX_POWER = 32


def scalar_of(al: Alphabet, e: Expr) -> Scalar:
    """Expand a number-valued tree; what is not rational in symbols and traces becomes an atom.

    Parameters
    ----------
    al : Alphabet
        Where letters and atoms are recorded.
    e : Expr
        Tree.

    Returns
    -------
    Scalar
    """
    match e:
        case Num(value):
            return {(): value} if value else {}
        case Neg(arg):
            return scalar_add({}, scalar_of(al, arg), -1)
        case Add(args):
            out: Scalar = {}
            for a in args:
                out = scalar_add(out, scalar_of(al, a))
            return out
        case Mul(args):
            out = UNIT
            for a in args:
                out = scalar_mul(out, scalar_of(al, a))
            return out
        case Div(num, den):
            return scalar_mul(scalar_of(al, num), reciprocal(al, scalar_of(al, den)))
        case Pow(base, Num(n)) if n.denominator == 1 and abs(n) <= MAX_POWER:
            root = scalar_of(al, base)
            out, root = UNIT, (reciprocal(al, root) if n < 0 else root)
            for _ in range(abs(int(n))):
                out = scalar_mul(out, root)
            return out
        case Trace(arg):
            return trace_of(al, expand(al, arg), arg.shape[0] if isinstance(arg, Matrix) else e)
        case Det(arg):
            return _determinant(al, arg)
    return {((key(e), 1),): Fraction(1)}


def _determinant(al: Alphabet, e: Expr) -> Scalar:
    """Expand a determinant: multiplicative over square factors, the same for the transposed matrix."""
    match e:
        case Eye():
            return UNIT
        case Transpose(arg):
            return _determinant(al, arg)
        case Inverse(arg):
            return reciprocal(al, _determinant(al, arg))
        case MatMul(args) if all(isinstance(a, Matrix) and same_size(*a.shape) for a in args):
            out = UNIT
            for a in args:
                out = scalar_mul(out, _determinant(al, a))
            return out
    inner = expand(al, e)
    name = min(poly_text(inner), poly_text(flipped(al, inner)))
    return {((f"det {name}", 1),): Fraction(1)}


# Words


def times(al: Alphabet, a: Poly, b: Poly) -> Poly:
    """Return the product of two polynomials in words.

    Parameters
    ----------
    al : Alphabet
        Meaning of the letters.
    a, b : Poly
        Factors in order.

    Returns
    -------
    Poly

    Raises
    ------
    UnknownNode
        When the product has too many terms.
    """
    if len(a) * len(b) > MAX_TERMS:
        raise UnknownNode("too many terms")
    out: Poly = {}
    for u, c in a.items():
        for v, d in b.items():
            word, number = tidy(al, u + v)
            out[word] = scalar_add(out.get(word, {}), scalar_mul(scalar_mul(c, d), number))
    return {w: c for w, c in out.items() if c}


def plus(a: Poly, b: Poly, factor: Scalar = UNIT) -> Poly:
    """Return ``a + factor*b``.

    Parameters
    ----------
    a, b : Poly
        Polynomials of one shape.
    factor : Scalar
        Number.

    Returns
    -------
    Poly
    """
    out = dict(a)
    for w, c in b.items():
        out[w] = scalar_add(out.get(w, {}), scalar_mul(factor, c))
    return {w: c for w, c in out.items() if c}


def flipped(al: Alphabet, a: Poly) -> Poly:
    """Return the transposed polynomial.

    Parameters
    ----------
    al : Alphabet
        Meaning of the letters.
    a : Poly
        Polynomial.

    Returns
    -------
    Poly
    """
    return {tuple(al.flip(x) for x in reversed(w)): c for w, c in a.items()}


def tidy(al: Alphabet, word: Word) -> tuple[Word, Scalar]:
    """Take out the numbers between the places where a word passes through dimension 1.

    Parameters
    ----------
    al : Alphabet
        Meaning of the letters.
    word : Word
        Word.

    Returns
    -------
    tuple
        What is left of the word, and the product of the numbers.
    """
    if not word:
        return word, UNIT
    dims = [al.shape(word[0])[0], *(al.shape(x)[1] for x in word)]
    cuts = [i for i, d in enumerate(dims) if d == "1"]
    if len(cuts) < 2:
        return word, UNIT
    number = UNIT
    for a, b in pairwise(cuts):
        number = scalar_mul(number, trace_atom(al, word[a:b]))
    return word[: cuts[0]] + word[cuts[-1] :], number


def trace_atom(al: Alphabet, word: Word) -> Scalar:
    """Return the trace of a word that is not empty, as an atom named after its least rotation or transposition.

    Parameters
    ----------
    al : Alphabet
        Where the atom is recorded.
    word : Word
        Word of a square matrix.

    Returns
    -------
    Scalar
    """
    back = tuple(al.flip(x) for x in reversed(word))
    least = min(w[k:] + w[:k] for w in (word, back) for k in range(len(word)))
    atom = f"tr {' '.join(least)}"
    al.traces[atom] = least
    return {((atom, 1),): Fraction(1)}


def trace_of(al: Alphabet, a: Poly, size: Expr) -> Scalar:
    """Return the trace of a polynomial in words.

    Parameters
    ----------
    al : Alphabet
        Meaning of the letters.
    a : Poly
        Square matrix.
    size : Expr
        Its number of rows.

    Returns
    -------
    Scalar
    """
    out: Scalar = {}
    for word, c in a.items():
        one = scalar_of(al, size) if not word else trace_word(al, word)
        out = scalar_add(out, scalar_mul(c, one))
    return out


def trace_word(al: Alphabet, word: Word) -> Scalar:
    """Return the trace of a word that is not empty; a place of dimension 1 cuts the circle.

    Parameters
    ----------
    al : Alphabet
        Meaning of the letters.
    word : Word
        Word of a square matrix.

    Returns
    -------
    Scalar
    """
    cut = next((k for k, x in enumerate(word) if al.shape(x)[0] == "1"), None)
    if cut is None:
        return trace_atom(al, word)
    left, number = tidy(al, word[cut:] + word[:cut])
    return number if not left else trace_atom(al, left)


def poly_text(a: Poly) -> str:
    """Return a text that equal polynomials share.

    Parameters
    ----------
    a : Poly
        Polynomial in words.

    Returns
    -------
    str
    """
    return " + ".join(f"({scalar_text(c)})<{' '.join(w)}>" for w, c in sorted(a.items())) or "0"


def expand(al: Alphabet, e: Expr) -> Poly:
    """Multiply a matrix expression out.

    Parameters
    ----------
    al : Alphabet
        Where letters and atoms are recorded.
    e : Matrix
        Tree.

    Returns
    -------
    Poly

    Raises
    ------
    UnknownNode
        For a node that is no matrix, or too many terms.
    """
    match e:
        case MatrixSym():
            rows, columns = e.shape
            al.sizes[e.name] = str(rows), str(columns)
            al.scales |= {str(rows): scalar_of(al, rows), str(columns): scalar_of(al, columns)}
            word, number = tidy(al, (e.name,))
            return {word: number}
        case Eye():
            return {(): UNIT}
        case Zeros():
            return {}
        case MatAdd(args):
            return reduce(plus, (expand(al, a) for a in args))
        case MatMul(args):
            out = expand(al, args[0])
            for a in args[1:]:
                out = times(al, out, expand(al, a))
            return out
        case MatScale(factor, arg):
            return plus({}, expand(al, arg), scalar_of(al, factor))
        case Transpose(arg):
            return flipped(al, expand(al, arg))
        case Inverse(arg):
            return _inverse(al, expand(al, arg), str(e.shape[0]))
    raise UnknownNode(f"{e} is no matrix expression")


def _inverse(al: Alphabet, arg: Poly, size: str) -> Poly:
    if not arg:
        raise UnknownNode("the inverse of zero")
    if set(arg) == {()}:  # a multiple of the identity
        return {(): reciprocal(al, arg[()])}
    mine, other = poly_text(arg), poly_text(flipped(al, arg))
    name = f"inv({min(mine, other)})"
    if name not in al.sizes:
        al.sizes[name] = size, size
        al.inverses[name] = arg if mine <= other else flipped(al, arg)
        if mine == other:
            al.symmetric.add(name)
    return {(name if mine <= other else f"{name}'",): UNIT}


def difference(al: Alphabet, rel: Rel) -> Poly:
    """Return ``lhs - rhs`` of a relation; a number counts as a multiple of the empty word.

    Parameters
    ----------
    al : Alphabet
        Where letters and atoms are recorded.
    rel : Rel
        Relation between matrices, or between numbers.

    Returns
    -------
    Poly
    """
    minus: Scalar = {(): Fraction(-1)}
    if isinstance(rel.lhs, Matrix):
        return plus(expand(al, rel.lhs), expand(al, rel.rhs), minus)
    value = scalar_add(scalar_of(al, rel.lhs), scalar_of(al, rel.rhs), -1)
    return {(): value} if value else {}


def outside(al: Alphabet, by: Poly, a: Poly, letter: str, left: bool) -> Poly:
    """Multiply by the matrix that a letter inverts: where a word begins (or ends) with the letter, both cancel.

    Parameters
    ----------
    al : Alphabet
        Meaning of the letters.
    by, a : Poly
        The inverted matrix, and what to multiply by it.
    letter : str
        The letter.
    left : bool
        Multiply from the left, else from the right.

    Returns
    -------
    Poly
    """
    out: Poly = {}
    for word, c in a.items():
        if word and word[0 if left else -1] == letter:
            rest, number = tidy(al, word[1:] if left else word[:-1])
            out = plus(out, {rest: scalar_mul(c, number)})
        else:
            out = plus(out, times(al, by, {word: c}) if left else times(al, {word: c}, by))
    return out
